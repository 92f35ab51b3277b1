"""Choosing another time for a booking: the calendar again, then old and new side by side, then done."""

from __future__ import annotations

import datetime as dt

from flask import redirect, request
from flask.typing import ResponseReturnValue

from ..errors import InvalidInput, SlotTaken, SlotUnavailable
from ..i18n import format_date, format_times, zone_label
from ..i18n import gettext as _
from ..scheduling import reschedule
from . import asked
from .blueprint import blueprint, guarded
from .choose import taken_words
from .lookup import MoveTimes, nearest_to
from .manage import Meeting, meeting, shell_of
from .month import month_shown, time_of
from .people import faces_of
from .shell import render
from .zones import zone_choice


@blueprint.get("/manage/<token>/reschedule")
@guarded("manage", secret=True)
def ask_move(token: str) -> ResponseReturnValue:
    """The times the meeting can be moved to; with ``?start=``, whether to move it there."""
    shown = meeting(token)
    if not shown.may_move:
        return redirect(shown.url(), 303)
    if "zones" in request.args:
        return _zones(shown)
    if request.args.get("start"):
        start = asked.start_asked(request.args["start"])
        at = int(start.timestamp())
        if at not in MoveTimes(shown.booking).between(at, at + 1):
            near = nearest_to(MoveTimes(shown.booking), at)
            return _calendar(shown, [], (taken_words(SlotTaken(), bool(near)), near)), 409
        return _confirm(shown, start)
    problems: list[str] = []
    return _calendar(shown, problems), 400 if problems else 200


@blueprint.post("/manage/<token>/reschedule")
@guarded("manage", secret=True)
def do_move(token: str) -> ResponseReturnValue:
    """Move the meeting; its old time is free at once."""
    shown = meeting(token)
    start = asked.start_asked(request.form.get("start", ""))
    try:
        reschedule(shown.booking.id, start, actor="guest", reason=request.form.get("reason", ""))
    except InvalidInput as error:
        return _confirm(meeting(token), start, error.description), 422
    except (SlotTaken, SlotUnavailable) as error:
        shown = meeting(token)
        near = nearest_to(MoveTimes(shown.booking), int(start.timestamp()))
        return _confirm(shown, start, taken_words(error, bool(near)), near), 409
    return redirect(shown.url(moved=1), 303)


def _zones(shown: Meeting) -> str:
    return render(
        "zones.html",
        shell_of(shown, _("Choose your time zone")),
        action=shown.url("ask_move"),
        keep={name: request.args[name] for name in ("month", "date") if name in request.args},
        regions=zone_choice(dt.datetime.now(dt.UTC)),
        zone=shown.zone,
    )


def _calendar(shown: Meeting, problems: list[str], taken: tuple[str, list[int]] | None = None) -> str:
    booking, now = shown.booking, dt.datetime.now(dt.UTC)
    zone, _was_asked = asked.zone_asked(booking.guest_time_zone, problems)
    along: dict[str, str | None] = {"tz": zone} if zone != booking.guest_time_zone else {}

    def url(**changes: str | None) -> str:
        return shown.url("ask_move", **{**along, **changes})

    asked_for = {"month": asked.month_asked(problems), "date": asked.date_asked(problems)}
    month = month_shown(MoveTimes(booking), zone=zone, now=now, url=url, **asked_for)
    same_view = {name: request.args[name] for name in ("month", "date") if name in request.args}
    return render(
        "move.html",
        shell_of(shown, _("Choose another time: %(title)s", title=booking.title)),
        meeting=shown,
        event=booking.event_type,
        faces=faces_of(booking),
        month=month,
        problems=problems,
        taken=(taken[0], [time_of(start, zone) for start in taken[1]]) if taken else None,
        form={"action": shown.url("ask_move"), "method": "get", "hidden": along},
        duration=round((booking.ends_at - booking.starts_at).total_seconds() / 60),
        durations=[],
        zone={"key": zone, "asked": True, "label": zone_label(zone, month.at), "url": url(zones="1", **same_view)},
        back_url=shown.url(),
    )


def _confirm(shown: Meeting, start: dt.datetime, problem: str = "", near: list[int] | None = None) -> str:
    booking = shown.booking
    ends = start + (booking.ends_at - booking.starts_at)
    return render(
        "move_confirm.html",
        shell_of(shown, _("Move: %(title)s", title=booking.title)),
        meeting=shown,
        booking=booking,
        event=booking.event_type,
        faces=faces_of(booking),
        start=asked.written(start),
        new_day=format_date(start, shown.zone),
        new_times=format_times(start, ends, shown.zone),
        zone=zone_label(shown.zone, start),
        near=None if near is None else [time_of(one, shown.zone) for one in near],
        reason=request.form.get("reason", "")[:5000],
        problem=problem,
        action=shown.url("ask_move", tz=shown.zone),
        back_url=shown.url("ask_move", tz=shown.zone),
    )
