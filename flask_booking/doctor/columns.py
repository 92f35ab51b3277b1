"""The mapping onto the CRM's models: what was named, and whether a contact and an activity can be made from it."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import inspect
import typing as t

import sqlalchemy as sa

from ..crm import CRM
from ..errors import BookingConfigError
from ..models import Booking, Host
from ..state import crm, session
from .finding import Finding, counted, fail, ok, place_of, some, warn

_SHORT = 60
_NOBODY = "nobody@doctor.invalid"


def filled(adapter: CRM | None = None) -> c.Iterator[Finding]:
    """Whether the named columns are there, fill what must be filled, and find nobody for an address nobody has."""
    mine = adapter or crm()
    try:
        mine.check()
    except BookingConfigError as error:
        yield fail(str(error), "Correct it where you make your CRM(…).")
        return
    problems = [*_contacts(mine), *_activities(mine), *_search(mine), *_unwritten()]
    yield from problems
    if not problems:
        yield ok("; ".join(_mapped(mine)))


def _mapped(mine: CRM) -> c.Iterator[str]:
    """Each model with its named columns."""
    models = (
        (mine.models.user, mine.user_fields),
        (mine.models.contact, mine.contact_fields),
        (mine.models.activity, mine.activity_fields),
    )
    for model, fields in models:
        if model is not None:
            named = [(field.name, getattr(fields, field.name)) for field in dataclasses.fields(fields)]
            said = [
                key if key == value else f"{key}={value}" for key, value in named if value and isinstance(value, str)
            ]
            yield f"{model.__name__}: {', '.join(said)}"


def _contacts(mine: CRM) -> c.Iterator[Finding]:
    kind, model = type(mine), mine.models.contact
    if model is None or kind.contact_for is not CRM.contact_for or kind.create_contact is not CRM.create_contact:
        return
    fields = mine.contact_fields
    given = {name for name in (fields.email, fields.name, fields.phone, fields.owner, fields.tenant) if name}
    yield from _makeable(model, given, "create_contact", "ContactFields", "bookings are kept without a contact")
    for name in (fields.email, fields.name):
        column = sa.inspect(model).columns.get(name) if name else None
        length = getattr(column.type, "length", None) if column is not None else None
        if length is not None and length < _SHORT:
            text = f"{model.__name__}.{name} holds {length} characters: guests with more of them become no contact"
            yield warn(
                text, f"Make the column longer, or shorten the text in your own `create_contact` of {_subclass(mine)}."
            )


def _activities(mine: CRM) -> c.Iterator[Finding]:
    model = mine.models.activity
    if model is None or type(mine).record_activity is not CRM.record_activity:
        return
    fields = mine.activity_fields
    named = (fields.contact, fields.author, fields.kind, fields.subject, fields.body, fields.time)
    given = {name for name in named if name}
    yield from _makeable(model, given, "record_activity", "ActivityFields", "the timeline won't tell of bookings")


def _makeable(model: type[t.Any], given: set[str], method: str, fields: str, effect: str) -> c.Iterator[Finding]:
    """Whether ``model(**given)`` can be made and stored."""
    advice = f"Name the columns in {fields}(…), give them a default, or override `{method}` in a subclass of CRM."
    signature = inspect.signature(model)
    wanted = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and name not in given
    ]
    takes_all = any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values())
    refused = [] if takes_all else sorted(given - set(signature.parameters))
    if wanted or refused:
        needs = f"needs {some(wanted)}" if wanted else f"doesn't take {some(refused)}"
        yield fail(f"{model.__name__}(…) {needs}: {effect}", advice)
        return
    empty = sorted(_unfilled(sa.inspect(model), given))
    if not empty:
        return
    text = f"{model.__name__}.{some(empty)} must not be NULL and nothing fills {'it' if len(empty) == 1 else 'them'}"
    if _fills_itself(model):
        yield warn(f"{text}, unless {model.__name__} does so itself: {effect} otherwise", advice)
    else:
        yield fail(f"{text}: {effect}", advice)


def _fills_itself(model: type[t.Any]) -> bool:
    """Whether the model has a constructor or listeners that may set what nobody names."""
    mapper = sa.inspect(model)
    made_by = getattr(mapper.class_manager, "original_init", None)
    own = made_by is not None and made_by is not mapper.registry.constructor and made_by is not object.__init__
    return own or len(mapper.dispatch.before_insert) > 0


def _unfilled(mapper: sa.orm.Mapper[t.Any], given: set[str]) -> c.Iterator[str]:
    """Columns that the database wants and neither ``given`` nor a default has."""
    by_relationship = {column for name in given & set(mapper.relationships.keys())
                       for column in mapper.relationships[name].local_columns}  # fmt: skip
    for column in mapper.columns:
        automatic = (
            column.nullable
            or column.primary_key
            or column.default is not None
            or column.server_default is not None
            or column.computed is not None
            or column is mapper.polymorphic_on
            or column is mapper.version_id_col
        )
        key = mapper.get_property_by_column(column).key
        if not automatic and key not in given and column not in by_relationship:
            yield key


def _search(mine: CRM) -> c.Iterator[Finding]:
    """Look for an address that nobody has: reads only."""
    if mine.models.contact is None:
        return
    host = session().scalar(sa.select(Host).order_by(Host.id).limit(1))
    user = host.user if host is not None else session().scalar(sa.select(mine.models.user).limit(1))
    if user is None:
        return
    method = f"{type(mine).__name__}.find_contact"
    try:
        with session().no_autoflush:
            someone = mine.find_contact(session(), _NOBODY, user)
    except Exception as error:
        text = f"{method} broke with {type(error).__name__} in {place_of(error)}: bookings are kept without a contact"
        yield fail(text, "Mend it, or the columns that ContactFields(…) names.")
        return
    if someone is not None:
        text = f"{method} finds a contact for an address that nobody has: guests become that contact"
        yield fail(text, "Compare the whole address, and the tenant of the host.")


def _unwritten() -> c.Iterator[Finding]:
    count = session().scalar(sa.select(sa.func.count()).select_from(Booking).where(Booking.crm_error != "")) or 0
    if count:
        text = f"{counted(count, 'booking')} still without contact or activity, since a hook of the CRM failed"
        yield warn(text, "The settings screens say why with the booking, and the log names the line that raised.")


def _subclass(mine: CRM) -> str:
    return type(mine).__name__ if type(mine) is not CRM else "a subclass of CRM"
