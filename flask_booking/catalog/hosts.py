"""Making a user of the CRM bookable."""

from __future__ import annotations

import collections.abc as c
import typing as t

import sqlalchemy as sa
from flask import has_request_context, request

from ..i18n import default_locale, first_spoken, first_weekday, spoken, use_locale
from ..i18n import gettext as _
from ..models import BookingPage, Host, MessageRule, Schedule
from ..state import Session, crm, session
from ..zones import UnknownZone, zone
from . import check
from .slugs import RESERVED, free_slug, slug_of
from .writing import write

OFFICE_HOURS = [[[9 * 60, 17 * 60]]] * 5 + [[], []]
"""What a new host begins with: Monday to Friday, nine to five."""
FIRST_REMINDER = -24 * 60
_ATTEMPTS = 5


def host_of(user: t.Any) -> Host | None:
    """The host that ``user`` is, None when the user never opened the booking settings."""
    return session().scalar(sa.select(Host).where(Host.user_id == crm().key_of(user)))


def ensure_host(user: t.Any, *, slug: str | None = None) -> Host:
    """The host that ``user`` is; made with a page, office hours in the user's zone and a reminder when new."""
    for _attempt in range(_ATTEMPTS):
        found = host_of(user)
        if found is not None:
            return found
        try:
            return _make_host(user, slug)
        except sa.exc.IntegrityError:  # another request of the same user was first, or took the same address
            session().rollback()
    return _make_host(user, slug)


def _make_host(user: t.Any, slug: str | None) -> Host:
    db = session()
    locale = _language_of(user)
    host = Host(user_id=crm().key_of(user), time_zone=zone_of(user), locale=locale, week_start=first_weekday(locale))
    db.add(host)
    db.flush()
    name = crm().display_name(user)
    wanted = slug or slug_of(name, "meet")
    with use_locale(host.locale):
        hours = _("Working hours")
    db.add_all(
        [
            BookingPage(host_id=host.id, slug=free_slug(wanted, lambda one: page_taken(db, one)), title=name),
            Schedule(host_id=host.id, name=hours, time_zone=host.time_zone, weekly=OFFICE_HOURS, is_default=True),
            MessageRule(host_id=host.id, minutes=FIRST_REMINDER),
        ]
    )
    db.commit()
    return host


def update_host(host: Host, values: c.Mapping[str, t.Any]) -> None:
    """Change what holds for all of a host's event types.  Raises :class:`~flask_booking.errors.InvalidInput`."""
    problems: check.Problems = {}
    zone_key = check.zone_key(values.get("time_zone", host.time_zone), "time_zone", problems)
    limits = {
        name: check.number(values.get(name, getattr(host, name)), name, problems, least=1, most=1000)
        for name in ("limit_day", "limit_week", "limit_month")
    }
    week_start = check.number(values.get("week_start", host.week_start), "week_start", problems, most=6, default=0)
    locale = _chosen_language(host, values["locale"], problems) if "locale" in values else host.locale
    check.finish(problems)
    flags = {flag: bool(values.get(flag, getattr(host, flag))) for flag in ("notify_by_email", "active")}
    clean = {"locale": locale, "time_zone": zone_key, "week_start": week_start or 0, **limits, **flags}

    def work() -> None:
        for name, value in clean.items():
            setattr(host, name, value)

    write([host.id], work)


def move_to_zone(host: Host, zone_key: str) -> None:
    """Have a host be in another time zone, with the hours that were in the former one.  The clock times stay.

    Raises :class:`~flask_booking.errors.InvalidInput`.
    """
    problems: check.Problems = {}
    key = check.zone_key(zone_key, "time_zone", problems)
    check.finish(problems)
    db, row = session(), Schedule

    def work() -> None:
        db.execute(sa.update(row).where(row.host_id == host.id, row.time_zone == host.time_zone).values(time_zone=key))
        host.time_zone = key

    write([host.id], work)


def page_taken(db: Session, slug: str, page: BookingPage | None = None) -> bool:
    """Whether another page, or an address of our own, has this slug."""
    if slug in RESERVED:
        return True
    found = db.scalar(sa.select(BookingPage.id).where(BookingPage.slug == slug))
    return found is not None and (page is None or found != page.id)


def _chosen_language(host: Host, tag: str, problems: check.Problems) -> str:
    locale = spoken(tag)
    if locale is None:
        problems["locale"] = _("Please choose a language.")
    return locale or host.locale


def _language_of(user: t.Any) -> str:
    """What the CRM says, else what the browser asks for: the user is there when becoming a host."""
    browser = first_spoken(tag for tag, _quality in request.accept_languages) if has_request_context() else None
    return spoken(crm().locale_of(user)) or browser or default_locale()


def zone_of(user: t.Any) -> str:
    """The time zone that the CRM knows of a user; UTC where it knows none, or calls it by a name that means nothing."""
    key = crm().time_zone_of(user) or "UTC"
    try:
        zone(key)
    except UnknownZone:
        return "UTC"
    return key
