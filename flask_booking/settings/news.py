"""Telling a host at once of what guests did, on any page of the CRM: ``booking/crm/live.html`` asks here."""

from __future__ import annotations

import datetime as dt
import json
import typing as t

import sqlalchemy as sa
from flask import Flask, Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import orm as so

from ..catalog import host_of
from ..i18n import gettext as _
from ..i18n import use_locale
from ..models import BookingHost, HistoryEntry, HistoryKind
from ..models.columns import utcnow
from ..scheduling.hooks import kind_text
from ..state import crm, session
from . import words
from .access import desk
from .blueprint import blueprint

_TOLD = (HistoryKind.BOOKED, HistoryKind.REQUESTED, HistoryKind.RESCHEDULED, HistoryKind.CANCELLED)
_MOST = 5
_LONGEST = 3600
"""How far back a page that slept may ask, in seconds: what is older is on the overview."""


@blueprint.get("/news")
def news() -> ResponseReturnValue:
    """What guests did since ``since`` (epoch seconds) to the meetings of whoever is logged in, as JSON.

    Seconds overlap, so that nothing falls between two answers; ``key`` tells what was told already.
    """
    now = int(utcnow().timestamp())
    since = min(max(request.args.get("since", now, type=int), now - _LONGEST), now)
    host = desk().own
    found = (
        session()
        .scalars(
            sa.select(HistoryEntry)
            .join(BookingHost, BookingHost.booking_id == HistoryEntry.booking_id)
            .where(
                BookingHost.host_id == host.id,
                HistoryEntry.at >= dt.datetime.fromtimestamp(since - 1, dt.UTC),
                HistoryEntry.actor == "guest",
                HistoryEntry.kind.in_(_TOLD),
            )
            .options(so.joinedload(HistoryEntry.booking))
            .order_by(HistoryEntry.id.desc())
            .limit(_MOST)
        )
        .all()
    )
    # Our script reads it, so it looks the same whatever the CRM's JSON provider makes of answers.
    told = json.dumps({"now": now, "news": [_item(entry, host.time_zone) for entry in reversed(found)]})
    return Response(told, mimetype="application/json")


def _item(entry: HistoryEntry, zone_key: str) -> dict[str, str]:
    booking = entry.booking
    what, when = kind_text(entry.kind, withdrawn=booking.withdrawn), words.when(booking, zone_key)
    return {
        "key": f"{booking.public_id} {entry.kind.value} {booking.sequence}",
        "text": _("%(what)s: %(who)s, %(when)s", what=what, who=booking.guest_name, when=when),
        "url": url_for("booking_settings.booking", public_id=booking.public_id),
    }


def _live() -> dict[str, t.Any] | None:
    """Where and since when a page asks; None for visitors and for users who aren't hosts.

    The CRM's error pages may show it too, when the database is what failed: then there is nothing to tell.
    """
    try:
        user = crm().current_user()
        host = None if user is None else host_of(user)
        if host is None:
            return None
    except sa.exc.SQLAlchemyError:
        session().rollback()
        return None
    with use_locale(host.language):
        close = _("Close")
    return {"url": url_for("booking_settings.news"), "since": int(utcnow().timestamp()), "close": close}


def init_app(app: Flask) -> None:
    """Make it known to the CRM's templates."""
    app.jinja_env.globals["booking_live"] = _live
