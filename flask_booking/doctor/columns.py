"""The mapping onto the CRM's models: what was named, and whether it finds whom it should."""

from __future__ import annotations

import collections.abc as c

import sqlalchemy as sa

from ..crm import CRM
from ..crm.check import names_of
from ..crm.columns import column_of
from ..errors import BookingConfigError
from ..models import Booking, Host
from ..state import crm, session
from .finding import Finding, counted, fail, ok, place_of, warn

_SHORT = {"email": 60, "phone": 20}
"""Lengths below which addresses and numbers of some guests don't fit; everything else is shortened."""
_NOBODY = "nobody@doctor.invalid"


def mapped() -> c.Iterator[Finding]:
    """Whether the named columns can be used, and nobody is found for an address that nobody has."""
    mine = crm()
    try:
        mine.check()
    except BookingConfigError as error:
        for sentence in str(error).splitlines():
            yield fail(sentence, "Change it where you make your CRM(…).")
        return
    problems = [*_unread(mine), *_short(mine), *_search(mine), *_unwritten()]
    yield from problems or [ok("; ".join(_named(mine)))]


def _named(mine: CRM) -> c.Iterator[str]:
    """Each model with its named columns."""
    users, contacts, activities = mine.user_fields, mine.contact_fields, mine.activity_fields
    models = mine.models
    for model, fields in ((models.user, users), (models.contact, contacts), (models.activity, activities)):
        if model is not None:
            said = [setting if setting == name else f"{setting}={name}" for setting, name in names_of(fields)]
            yield f"{model.__name__}: {', '.join(said)}"


def _unread(mine: CRM) -> c.Iterator[Finding]:
    """Hosts that nothing tells of bookings."""
    if not (mine.user_fields.email or mine.overrides("email_of") or mine.overrides("notify")):
        text = "users have no address: no mail tells hosts of their bookings"
        yield warn(text, 'Name the column in UserFields(email="…"), or override `CRM.email_of` or `CRM.notify`.')


def _short(mine: CRM) -> c.Iterator[Finding]:
    """Columns of contacts that are too short for what guests type."""
    model, fields = mine.models.contact, mine.contact_fields
    if model is None or mine.overrides("contact_for") or mine.overrides("create_contact"):
        return
    for setting, name in names_of(fields):
        length = getattr(getattr(column_of(model, name), "type", None), "length", None)
        if length is not None and length < _SHORT.get(setting, 0):
            text = f"{model.__name__}.{name} holds {length} characters: bookings of guests with more have no contact"
            yield warn(text, "Make the column longer, or shorten the text in a `create_contact` of your own.")


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
        text = f"{counted(count, 'booking')} without contact or activity so far, since a hook of the CRM failed"
        yield warn(text, "The settings screens say why with the booking, and the log names the line that raised.")
