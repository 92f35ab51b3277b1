"""Whether the CRM's models are as its adapter says, asked once at start-up and answered in sentences.

A wrong mapping would show itself only when the first guest books, and then to nobody who can mend it.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import difflib
import typing as t

import sqlalchemy as sa

from . import columns
from .fields import KINDS, ActivityFields, ContactFields, UserFields

if t.TYPE_CHECKING:
    from .adapter import CRM

Fields: t.TypeAlias = "UserFields | ContactFields | ActivityFields"
Overridden: t.TypeAlias = "c.Callable[[str], bool]"


def problems_of(crm: CRM, overridden: Overridden) -> c.Iterator[str]:
    """A sentence for everything that can't work; ``overridden`` tells whether a method is the CRM's own."""
    models = crm.models
    yield from _names("user", models.user, crm.user_fields)
    yield from _users(models.user, crm.user_fields, overridden)
    if models.contact is not None:
        yield from _names("contact", models.contact, crm.contact_fields)
        yield from _contacts(models.contact, crm, overridden)
    if models.activity is not None:
        yield from _names("activity", models.activity, crm.activity_fields)
        yield from _activities(models.activity, crm, overridden)


def names_of(fields: Fields) -> list[tuple[str, str]]:
    """Each setting with each attribute it names."""
    found: list[tuple[str, str]] = []
    for field in dataclasses.fields(fields):
        value = getattr(fields, field.name)
        if isinstance(value, str | tuple):
            found += [(field.name, one) for one in ((value,) if isinstance(value, str) else value) if one]
    return found


def _names(kind: str, model: type[t.Any], fields: Fields) -> c.Iterator[str]:
    for setting, name in names_of(fields):
        if not columns.exists(model, name):
            yield (
                f"crm.{kind}_fields.{setting}: {model.__name__} has no attribute {name!r}{_nearest(model, name)}; "
                f"name one that it has{', two for first and last name' if setting == 'name' else ''}, or '' for none"
            )
        elif columns.is_method(model, name):
            yield (
                f"crm.{kind}_fields.{setting}: {model.__name__}.{name} is a method; "
                "name a column or a property, or override the CRM's method that reads it"
            )


def _nearest(model: type[t.Any], name: str) -> str:
    found = difflib.get_close_matches(name, sa.inspect(model).all_orm_descriptors.keys(), 1)
    return f" (did you mean {found[0]!r}?)" if found else ""


def _there(model: type[t.Any], name: str) -> bool:
    return bool(name) and columns.exists(model, name) and not columns.is_method(model, name)


def _users(model: type[t.Any], fields: UserFields, overridden: Overridden) -> c.Iterator[str]:
    name = fields.is_admin
    column = columns.column_of(model, name) if _there(model, name) else None
    # Any text is true, also "no": everybody would be an administrator.
    if column is not None and isinstance(column.type, sa.String) and not overridden("is_admin"):
        yield f"crm.user_fields.is_admin: {model.__name__}.{name} is a text; override CRM.is_admin to judge it"


def _contacts(model: type[t.Any], crm: CRM, overridden: Overridden) -> c.Iterator[str]:
    fields, owner = crm.contact_fields, model.__name__
    if not (overridden("contact_for") or overridden("find_contact")):
        if not fields.email:
            yield (
                f"crm.contact_fields.email is empty, so that no guest could be found in {owner}: "
                "override CRM.find_contact"
            )
        for setting in ("email", "owner", "tenant", "deleted"):
            name = getattr(fields, setting)
            if _there(model, name) and not columns.is_queryable(model, name):
                yield (
                    f"crm.contact_fields.{setting}: {owner}.{name} is no column that the database can compare; "
                    "name one, or override CRM.find_contact"
                )
    if (crm.user_fields.tenant or overridden("tenant_of")) and not fields.tenant:
        for method in ("find_contact", "may_see_contact"):
            if not (overridden(method) or (method == "find_contact" and overridden("contact_for"))):
                yield (
                    f"crm.contact_fields.tenant is empty though users have tenants: name the column of {owner}, "
                    f"or override CRM.{method}"
                )
    if not (overridden("contact_for") or overridden("create_contact")):
        written = [row for row in names_of(fields) if row[0] != "deleted"]
        yield from _writing("contact", model, written, "CRM.create_contact")


def _activities(model: type[t.Any], crm: CRM, overridden: Overridden) -> c.Iterator[str]:
    fields = crm.activity_fields
    for unknown in sorted(set(fields.kinds) - set(KINDS)):
        yield f"crm.activity_fields.kinds: there is no kind {unknown!r}; kinds are {', '.join(KINDS)}"
    if overridden("record_activity"):
        return
    if crm.models.contact is not None and not fields.contact:
        yield f"crm.activity_fields.contact is empty: name the column of {model.__name__} that leads to the contact"
    written = [row for row in names_of(fields) if row[0] != "contact" or crm.models.contact is not None]
    yield from _writing("activity", model, written, "CRM.record_activity")
    if _there(model, fields.kind):
        yield from _kinds(model, fields)


def _kinds(model: type[t.Any], fields: ActivityFields) -> c.Iterator[str]:
    column = columns.column_of(model, fields.kind)
    where = f"{model.__name__}.{fields.kind}"
    for ours in KINDS if column is not None else ():
        kind, theirs = t.cast("sa.Column[t.Any]", column).type, fields.kind_of(ours)
        wrong = ""
        if theirs is None:
            continue
        if isinstance(kind, sa.Enum):
            wrong = f"{where} doesn't know {theirs!r}" if columns.enum_value(kind, theirs) is None else ""
        elif isinstance(kind, sa.String) and isinstance(theirs, str) and len(theirs) > (kind.length or len(theirs)):
            wrong = f"{where} holds {kind.length} characters, too few for {theirs!r}"
        elif isinstance(kind, sa.Integer) and isinstance(theirs, str):
            wrong = f"{where} is a number, which {theirs!r} is not"
        if wrong:
            yield f"crm.activity_fields.kinds: {wrong}; translate {ours!r}, or map it to None to not log it"


def _writing(kind: str, model: type[t.Any], written: list[tuple[str, str]], method: str) -> c.Iterator[str]:
    """Whether rows can be made of these attributes alone."""
    owner, names = model.__name__, {name for _setting, name in written}
    for setting, name in written:
        if _there(model, name) and not columns.is_writable(model, name):
            yield (f"crm.{kind}_fields.{setting}: {owner}.{name} can't be set; name a column, or override {method}")
    try:
        columns.keywords(model, names)
    except TypeError as error:
        yield f"crm.{kind}: {owner} can't be made from the named columns alone ({error}); override {method}"
    for name in _unfilled(model, names):
        yield (
            f"crm.{kind}_fields: {owner}.{name} must not be NULL and has no default, so that no {kind} could be made: "
            f"name it in {kind}_fields if it means one of these, give it a default, or override {method}"
        )


def _unfilled(model: type[t.Any], names: set[str]) -> list[str]:
    """The attributes without which no row can be inserted, as far as can be known before."""
    mapper = sa.inspect(model)
    own_constructor = mapper.class_manager.original_init is not mapper.registry.constructor
    if (own_constructor and not hasattr(model, "__dataclass_fields__")) or list(mapper.dispatch.before_insert):
        return []  # they may fill anything
    filled = {columns.column_of(model, name) for name in names}
    by_relationship = any(columns.is_relationship(model, name) for name in names)
    return [
        attribute
        for attribute, column in mapper.columns.items()
        if isinstance(column, sa.Column)
        and column not in filled
        and not _fills_itself(column)
        and not _dataclass_default(model, attribute)
        and column is not mapper.polymorphic_on
        and column is not mapper.version_id_col
        # Which foreign keys a relationship fills is known only when all models are.
        and not (by_relationship and column.foreign_keys)
        # The key of a table that is joined to its parent's comes from there.
        and not (column.primary_key and column.foreign_keys)
    ]


def _fills_itself(column: sa.Column[t.Any]) -> bool:
    return bool(
        column.nullable
        or column.default is not None
        or column.server_default is not None  # also computed columns and identities
        or column is getattr(column.table, "autoincrement_column", None)
    )


def _dataclass_default(model: type[t.Any], attribute: str) -> bool:
    field = getattr(model, "__dataclass_fields__", {}).get(attribute)
    missing = dataclasses.MISSING
    return field is not None and not (field.default is missing and field.default_factory is missing)
