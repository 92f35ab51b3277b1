"""A contact's meetings, for the CRM's own pages: ``booking/crm/meetings.html`` shows them."""

from __future__ import annotations

import dataclasses
import typing as t

import sqlalchemy as sa
from flask import Flask, g, request
from sqlalchemy import orm as so

from ..catalog import host_of, zone_of
from ..i18n import default_locale, first_spoken, set_locale, spoken, template_names
from ..models import Booking, BookingStatus, Host
from ..models.booking import LIVE
from ..models.columns import utcnow
from ..state import crm, session
from . import contacts, words
from .screen import asset

_MOST = 20


@dataclasses.dataclass(frozen=True)
class Meetings:
    """A contact's meetings: the coming ones in order, the past and cancelled ones the latest first."""

    upcoming: list[Booking]
    past: list[Booking]


def meetings_of(contact: t.Any, *, limit: int = _MOST) -> Meetings:
    """The meetings of a contact, at most ``limit`` of each sort.

    Those who may see the contact in the CRM see its meetings; whether they may open one is checked there.
    """
    if crm().models.contact is None or contact is None:
        return Meetings([], [])
    now = utcnow()
    ours = (
        sa.select(Booking)
        .where(Booking.contact_id == contacts.key_of(contact))
        .options(so.selectinload(Booking.hosts).joinedload(Host.user))
        .limit(limit)
    )
    coming = Booking.status.in_(LIVE) & (Booking.ends_at > now)
    upcoming = session().scalars(ours.where(coming).order_by(Booking.starts_at, Booking.id))
    told = ours.options(so.selectinload(Booking.history))  # for how a request ended
    past = session().scalars(told.where(~coming).order_by(Booking.starts_at.desc(), Booking.id.desc()))
    return Meetings(list(upcoming), list(past))


def reader_zone() -> str:
    """The time zone of whoever reads the page: the host's who the user is, or else what the CRM knows."""
    user, host = _reader()
    if user is None:
        return "UTC"
    return host.time_zone if host is not None else zone_of(user)


def speak() -> str:
    """Speak the language of whoever reads the page, for the rest of the request; shows nothing."""
    user, host = _reader()
    known = host.language if host is not None else spoken(crm().locale_of(user)) if user is not None else None
    set_locale(known or first_spoken(tag for tag, _quality in request.accept_languages) or default_locale())
    return ""


def _reader() -> tuple[t.Any | None, Host | None]:
    """The user who reads the page, and the host that the user is; looked up once a request."""
    if "booking_reader" not in g:
        user = crm().current_user()
        g.booking_reader = (user, None if user is None else host_of(user))
    found: tuple[t.Any | None, Host | None] = g.booking_reader
    return found


def init_app(app: Flask) -> None:
    """Make the functions known to every template of the CRM, under names that begin with ours."""
    app.add_template_global(meetings_of, "booking_meetings_of")
    app.jinja_env.globals["booking_crm"] = {
        **template_names(),
        "asset": asset,
        "reader_zone": reader_zone,
        "speak": speak,
        "hosts": words.hosts,
        "standing": words.standing,
        "day_of": words.day_of,
        "place": words.place,
        "key_of": contacts.key_of,
        "name_of": contacts.name_of,
        "crm": crm,
        "cancelled": BookingStatus.CANCELLED,
    }
