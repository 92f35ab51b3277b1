"""Attributes of the CRM's models, be they columns, synonyms, hybrids, relationships or plain properties.

Nothing here has SQLAlchemy configure the CRM's mappers: ``init_app`` may run before the CRM imported all its models.
"""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import functools
import inspect
import string
import types
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so
from sqlalchemy.ext.hybrid import hybrid_method, hybrid_property

Session: t.TypeAlias = "so.Session | so.scoped_session[so.Session]"
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def exists(model: type[t.Any], name: str) -> bool:
    """Whether objects of the model have such an attribute by their class."""
    return inspect.getattr_static(model, name, None) is not None


def _of_class(model: type[t.Any], name: str) -> t.Any | None:
    """The attribute as the class has it; None for a hybrid that makes sense on objects only."""
    try:
        return getattr(model, name, None)
    except Exception:
        return None


def is_relationship(model: type[t.Any], name: str) -> bool:
    """Whether the attribute leads to another model's row."""
    comparator = getattr(_of_class(model, name), "comparator", None)
    return isinstance(comparator, so.RelationshipProperty.Comparator)


def column_of(model: type[t.Any], name: str) -> sa.Column[t.Any] | None:
    """The one column behind an attribute, also behind a synonym or a simple hybrid; None when there is none."""
    if is_relationship(model, name):
        return None
    columns = getattr(getattr(_of_class(model, name), "property", None), "columns", [])
    return next((one for one in columns if isinstance(one, sa.Column)), None)


def compared(model: type[t.Any], name: str) -> t.Any:
    """What a query compares with a value, or with the key of the row that a relationship leads to."""
    attribute = getattr(model, name)
    if not is_relationship(model, name):
        return attribute
    (column,) = attribute.property.local_columns
    return column


def has_unique(model: type[t.Any]) -> bool:
    """Whether the database refuses a second row with some value, beside that of the primary key."""
    return _has_unique(t.cast(t.Any, model))


@functools.lru_cache(maxsize=64)
def _has_unique(model: t.Any) -> bool:
    table = sa.inspect(model).local_table
    constraints = {*getattr(table, "constraints", ()), *getattr(table, "indexes", ())}
    return any(isinstance(one, sa.UniqueConstraint) or getattr(one, "unique", False) for one in constraints)


def is_queryable(model: type[t.Any], name: str) -> bool:
    """Whether the database can compare the attribute."""
    return name in sa.inspect(model).all_orm_descriptors and _of_class(model, name) is not None


def is_writable(model: type[t.Any], name: str) -> bool:
    """Whether the attribute of an object can be set so that it reaches the database."""
    found = inspect.getattr_static(model, name, None)
    if isinstance(found, hybrid_property | property):
        return found.fset is not None
    return is_relationship(model, name) or column_of(model, name) is not None


def is_method(model: type[t.Any], name: str) -> bool:
    """Whether the name is that of a method: reading it would give the method, which is always true."""
    return isinstance(inspect.getattr_static(model, name, None), _METHODS)


_METHODS = (types.FunctionType, classmethod, staticmethod, hybrid_method)


def text_of(row: t.Any | None, name: str | tuple[str, ...]) -> str:
    """The attribute as text, of several attributes those that say something; empty when there is nothing."""
    names = (name,) if isinstance(name, str) else name
    found = (str(getattr(row, one, None) or "").strip() for one in names if one and row is not None)
    return " ".join(text for text in found if text)


def lowered(text: str) -> list[str]:
    """What the ``lower()`` of a database may make of ``text``, however it is written there.

    SQLite, and PostgreSQL in the locale C, know no other letters than ASCII's: the others stay as they are, be they
    small, large, large at the beginning of each word, or as in ``text``.
    """
    if text.isascii():
        return [text.lower()]
    ways = (text.lower(), text, text.upper(), text.title(), text.capitalize())
    return list(dict.fromkeys(way.translate(_LOWER) for way in ways if way.lower() == text.lower()))


def split_name(name: str) -> tuple[str, str]:
    """First and last name of a name as typed: the last word is the last name, and a single word the first."""
    first, _space, last = name.strip().rpartition(" ")
    return (first.strip(), last) if first else (last, "")


def key_of(row: t.Any) -> t.Any:
    """The primary key of a row; also of one that a proxy such as Flask-Login's ``current_user`` stands for."""
    unwrap = getattr(row, "_get_current_object", None)
    state = sa.inspect(unwrap() if unwrap is not None else row)
    identity = state.identity or state.mapper.primary_key_from_instance(state.obj())
    return identity[0]


def key_or_value(value: t.Any) -> t.Any:
    """The key of a row; anything else as it is."""
    return key_of(value) if sa.inspect(value, raiseerr=False) is not None else value


def reference(session: Session, model: type[t.Any], name: str, value: t.Any) -> t.Any:
    """``value``, a row or its key, as the attribute wants it: a relationship takes the row, a column the key."""
    if not is_relationship(model, name):
        return key_or_value(value)
    if value is None or sa.inspect(value, raiseerr=False) is not None:
        return value
    return session.get(getattr(model, name).property.entity.class_, value)


def fitting(model: type[t.Any], name: str, value: t.Any, *, shorten: bool = False) -> t.Any:
    """``value`` as the column takes it.

    An empty text is NULL where that is allowed: unique columns can hold many of those.  A text is shortened to the
    column's length only where asked for, an enum gets its member, and an instant loses its zone, which is UTC, where
    the column keeps none.
    """
    column = column_of(model, name)
    if column is None:
        return value
    if value == "" and column.nullable:
        return None
    if shorten and isinstance(value, str):
        return value[: getattr(column.type, "length", None)]
    if isinstance(column.type, sa.Enum):
        return enum_value(column.type, value)
    if isinstance(value, dt.datetime):
        if isinstance(column.type, sa.Date):
            return value.date()
        # Not a type of the CRM's own: that may refuse what has no zone.
        zoneless = isinstance(column.type, sa.DateTime) and not column.type.timezone
        return value.astimezone(dt.UTC).replace(tzinfo=None) if zoneless else value
    return value


def enum_value(kind: sa.Enum, value: t.Any) -> t.Any | None:
    """What an enum column takes for ``value``: a member also by its value; None for what it doesn't know."""
    if kind.enum_class is None:
        return value if value in kind.enums else None
    return next((one for one in kind.enum_class if value in (one, one.value, one.name)), None)


def make(model: type[t.Any], values: c.Mapping[str, t.Any]) -> t.Any:
    """A new row: its constructor gets what it takes by keyword, the rest is set afterwards.

    Raises :class:`TypeError` for a constructor that wants something else.
    """
    taken = keywords(model, values)
    row = model(**{name: values[name] for name in taken})
    for name in values.keys() - taken:
        setattr(row, name, values[name])
    return row


def keywords(model: type[t.Any], names: c.Iterable[str]) -> frozenset[str]:
    """Those of ``names`` that the constructor takes by keyword.  Raises :class:`TypeError` when that isn't enough."""
    return _keywords(t.cast(t.Any, model), frozenset(names))


@functools.lru_cache(maxsize=256)
def _keywords(model: t.Any, names: frozenset[str]) -> frozenset[str]:
    signature = inspect.signature(model)
    parameters = signature.parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        taken = names
    else:
        taken = names & {one.name for one in parameters if one.kind is not one.POSITIONAL_ONLY}
    signature.bind(**dict.fromkeys(taken))
    return taken
