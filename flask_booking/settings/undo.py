"""Taking back what was done a moment ago, instead of asking "are you sure" before.

A token signed by us says what to do; what it names is checked again as if it had been typed.  What was deleted comes
back under its former name, so that a token used twice, as by a double click, brings it back once.
"""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import typing as t

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from .. import catalog
from ..calendars import wishes
from ..catalog.writing import write
from ..encryption import unsign
from ..i18n import gettext as _
from ..models import BlockedTime, BookingDomain, BookingPage, DateOverride, EventType, MessageRule, Schedule
from ..state import session
from . import access, notices
from .access import desk
from .blueprint import blueprint

_FOR = 3600
"""How long a change can be taken back, in seconds."""


@blueprint.post("/undo")
def undo() -> ResponseReturnValue:
    """Do what the token says."""
    asked = unsign("undo 2", request.form.get("token", "")[:4000], max_age=_FOR)
    if asked is None:
        notices.tell(_("That can't be taken back any more."), kind="warning")
        return redirect(url_for("booking_settings.overview"), 303)
    action, page_id, values = asked
    page = session().scalar(sa.select(BookingPage).where(BookingPage.public_id == page_id))
    access.look_after(page.host if page else None)
    endpoint, more = _ACTIONS[action](values)
    notices.tell(_("Taken back."))
    return redirect(url_for(f"booking_settings.{endpoint}", **more), 303)


Where = tuple[str, dict[str, t.Any]]


def _once(same: sa.Select[t.Any], make: c.Callable[[], object]) -> None:
    """``make`` a row unless ``same`` finds it; of two requests at once the second one waits, and finds it."""

    def work() -> None:
        if session().execute(same).first() is None:
            make()

    write([desk().host.id], work)


def _named(model: type[t.Any], values: dict[str, t.Any]) -> sa.Select[t.Any]:
    return sa.select(model.id).where(model.public_id == values["public_id"])


def _active(values: dict[str, t.Any]) -> Where:
    catalog.set_event_type_active(access.event_type(values["id"]), values["active"])
    return "event_types", {}


def _archived(values: dict[str, t.Any]) -> Where:
    catalog.set_archived(access.event_type(values["id"]), values["archived"])
    return "event_types", {}


def of_override(row: DateOverride) -> dict[str, t.Any]:
    """What brings a date override back."""
    return {
        "schedule": row.schedule.public_id,
        "key": row.id,
        "public_id": row.public_id,
        "first": row.first.isoformat(),
        "last": row.last.isoformat(),
        "ranges": row.ranges,
        "note": row.note,
    }


def _override(values: dict[str, t.Any]) -> Where:
    schedule = access.schedule(values["schedule"])
    override = {name: value for name, value in values.items() if name != "schedule"}
    _once(_named(DateOverride, values), lambda: catalog.restore_override(schedule, **override))
    return "edit_schedule", {"public_id": schedule.public_id}


def of_schedule(row: Schedule) -> dict[str, t.Any]:
    """What brings a schedule back, with its overrides, to the event types that used it."""
    used = session().scalars(sa.select(EventType.public_id).where(EventType.schedule_id == row.id))
    return {
        "public_id": row.public_id,
        "name": row.name,
        "time_zone": row.time_zone,
        "weekly": row.weekly,
        "overrides": [
            [one.first.isoformat(), one.last.isoformat(), one.ranges, one.note]
            for one in sorted(row.overrides, key=lambda one: one.id)
        ],
        "used": list(used),
    }


def _schedule(values: dict[str, t.Any]) -> Where:
    _once(_named(Schedule, values), lambda: catalog.restore_schedule(desk().host, **values))
    return "schedules", {}


def of_blocked(row: BlockedTime) -> dict[str, t.Any]:
    """What brings a blocked time back."""
    last = row.ends_local - dt.timedelta(days=1) if row.all_day else row.ends_local
    return {
        "public_id": row.public_id,
        "starts": row.starts_local.isoformat(),
        "ends": last.isoformat(),
        "time_zone": row.time_zone,
        "title": row.title,
        "rrule": row.rrule,
        "all_day": row.all_day,
    }


def _blocked(values: dict[str, t.Any]) -> Where:
    times = {name: dt.datetime.fromisoformat(values[name]) for name in ("starts", "ends")}
    _once(_named(BlockedTime, values), lambda: catalog.block_time(desk().host, **{**values, **times}))
    return "blocked_times", {}


def of_rule(row: MessageRule) -> dict[str, t.Any]:
    """What brings a message rule back."""
    names = ("public_id", "minutes", "subject", "body", "active", "event_type_id")
    kept = {name: getattr(row, name) for name in names}
    return {**kept, "anchor": row.anchor.value, "audience": row.audience.value}


def _rule(values: dict[str, t.Any]) -> Where:
    _once(_named(MessageRule, values), lambda: catalog.save_rule(desk().host, values, public_id=values["public_id"]))
    return "rules", {}


def _domain(values: dict[str, t.Any]) -> Where:
    # It waits for its check again: somebody else may have it by now.
    page, name = desk().page, values["name"]
    claimed = sa.select(BookingDomain.id).where(BookingDomain.page_id == page.id, BookingDomain.name == name)
    _once(claimed, lambda: catalog.claim_domain(page, name, token=values["token"]))
    return "domains", {}


def _rule_active(values: dict[str, t.Any]) -> Where:
    rule = access.rule(values["id"])
    catalog.save_rule(desk().host, {**of_rule(rule), "active": values["active"]}, rule)
    return "rules", {}


def _calendar_paused(values: dict[str, t.Any]) -> Where:
    calendar = access.calendar(values["id"])
    (wishes.pause if values["paused"] else wishes.unpause)(calendar)
    return "calendars", {}


_ACTIONS: dict[str, c.Callable[[dict[str, t.Any]], Where]] = {
    "event_type_active": _active,
    "event_type_archived": _archived,
    "override": _override,
    "schedule": _schedule,
    "blocked": _blocked,
    "rule": _rule,
    "domain": _domain,
    "rule_active": _rule_active,
    "calendar_paused": _calendar_paused,
}
