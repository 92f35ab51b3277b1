"""Times when a host can't be booked, once or again and again."""

from __future__ import annotations

import datetime as dt
import time

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from .. import catalog
from ..errors import InvalidInput
from ..i18n import format_date, format_times, together
from ..i18n import gettext as _
from ..models import BlockedTime
from ..models.columns import utcnow
from ..scheduling.blocked import epoch, expand
from ..state import session
from ..zones import zone
from . import access, forms_schedule, notices, own_forms, undo, words
from .access import desk
from .blueprint import blueprint
from .forms import Form
from .screen import fragment, render

_AHEAD = 400 * 86_400
_SHOWN = 5


@blueprint.get("/blocked")
def blocked_times() -> ResponseReturnValue:
    """The host's blocked times, the next ones first, those that are over apart."""
    rows = session().scalars(sa.select(BlockedTime).where(BlockedTime.host_id == desk().host.id)).all()
    coming = [(row, next_times(row, 1)) for row in rows]
    return render(
        "blocked_times.html",
        coming=sorted(((row, times[0]) for row, times in coming if times), key=lambda pair: pair[1]),
        past=sorted((row for row, times in coming if not times), key=lambda row: row.starts_local, reverse=True)[:50],
        repetition=forms_schedule.repetition_text,
        occurrence=occurrence_text,
    )


@blueprint.route("/blocked/new", methods=["GET", "POST"])
def new_blocked_time() -> ResponseReturnValue:
    """The form of a new blocked time."""
    today = utcnow().astimezone(zone(desk().host.time_zone)).date()
    form = own_forms.begin("blocked_time", None, Form(forms_schedule.blank_blocked(today), forms_schedule.LABELS))
    return _page(None, form) if request.method == "GET" else _save(None, form)


@blueprint.route("/blocked/<public_id>", methods=["GET", "POST"])
def edit_blocked_time(public_id: str) -> ResponseReturnValue:
    """The form of a blocked time."""
    row = access.blocked_time(public_id)
    form = own_forms.begin("blocked_time", row, Form(forms_schedule.shown_blocked(row), forms_schedule.LABELS))
    return _page(row, form) if request.method == "GET" else _save(row, form)


@blueprint.post("/blocked/<public_id>/delete")
def unblock_time(public_id: str) -> ResponseReturnValue:
    """Take it away."""
    row = access.blocked_time(public_id)
    back = undo.of_blocked(row)
    catalog.unblock_time(row)
    notices.tell(_("This time can be booked again."), undo=("blocked", back))
    return redirect(url_for("booking_settings.blocked_times"), 303)


@blueprint.post("/preview/blocked")
def preview_blocked() -> ResponseReturnValue:
    """The next occurrences of what is typed, for the live preview."""
    form = Form(forms_schedule.typed_blocked(request.form))
    return fragment("_occurrences.html", occurrences=_typed_times(form, desk().host.time_zone))


def next_times(row: BlockedTime, count: int = _SHOWN) -> list[tuple[int, int]]:
    """The next occurrences that aren't over, in epoch seconds, of at most the coming thirteen months; a single one
    however far away."""
    now = int(time.time())
    end = now + _AHEAD if row.rrule else epoch(row.ends_local, row.time_zone)
    return [(one.start, one.end) for one in expand(row, now, max(end, now + 1))[:count]]


def occurrence_text(times: tuple[int, int], row: BlockedTime) -> str:
    """An occurrence in words, by the clock of its zone."""
    starts, ends = (dt.datetime.fromtimestamp(edge, dt.UTC) for edge in times)
    day = format_date(starts, row.time_zone, style="full")
    if row.all_day:
        last = ends - dt.timedelta(minutes=1)
        until = format_date(last, row.time_zone, style="full")
        return day if until == day else f"{day} – {until}"
    return together(day, format_times(starts, ends, row.time_zone))


def _save(row: BlockedTime | None, form: Form) -> ResponseReturnValue:
    own_forms.read(form, forms_schedule.typed_blocked(request.form))
    if request.form.get("do") == "preview":
        return _page(row, form)
    try:
        own_forms.check(form, row)
        values = forms_schedule.blocked_values(form.values)
        kept = catalog.block_time(desk().host, **values, time_zone=row.time_zone if row else None, blocked=row)
    except InvalidInput as error:
        form.refuse(error)
        return _page(row, form), 422
    own_forms.saved(form, kept)
    notices.tell(_("Guests can't book this time any more. Meetings that were booked before stay."))
    return redirect(url_for("booking_settings.blocked_times"), 303)


def _typed_times(form: Form, time_zone: str) -> list[str]:
    """The next occurrences of what is typed, in words; none while it can't be read."""
    try:
        values = forms_schedule.blocked_values(form.values)
        row = BlockedTime(**catalog.check_blocked(**{**values, "title": ""}, time_zone=time_zone))
    except InvalidInput as error:
        form.problems = form.problems or dict(error.fields)
        return []
    return [occurrence_text(times, row) for times in next_times(row)]


def _page(row: BlockedTime | None, form: Form) -> str:
    time_zone = row.time_zone if row else desk().host.time_zone
    return render(
        "blocked_time.html",
        row=row,
        form=form,
        time_zone=time_zone,
        days=list(zip(forms_schedule.DAYS, words.weekdays("abbreviated"), strict=True)),
        occurrences=_typed_times(form, time_zone),
    )
