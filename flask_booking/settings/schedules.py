"""Weekly hours and date overrides."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import orm as so

from .. import catalog
from ..catalog.hosts import OFFICE_HOURS
from ..errors import InvalidInput
from ..i18n import gettext as _
from ..models import EventType, Schedule
from ..models.columns import utcnow
from ..state import session
from ..zones import zone, zone_names
from . import access, forms_schedule, notices, own_forms, undo
from .access import desk
from .blueprint import blueprint
from .forms import Form
from .screen import render


@blueprint.get("/schedules")
def schedules() -> ResponseReturnValue:
    """The host's schedules, and which event types use them."""
    rows = session().scalars(
        sa.select(Schedule)
        .where(Schedule.host_id == desk().host.id)
        .options(so.selectinload(Schedule.overrides))
        .order_by(Schedule.is_default.desc(), Schedule.name, Schedule.id)
    )
    events = session().execute(
        sa.select(EventType.schedule_id, EventType.title)
        .where(EventType.page_id == desk().page.id, EventType.archived_at.is_(None))
        .order_by(EventType.position)
    )
    used: dict[int | None, list[str]] = {}
    for schedule_id, title in events:
        used.setdefault(schedule_id, []).append(title)
    return render("schedules.html", schedules=rows.all(), used=used, summary=forms_schedule.summary)


@blueprint.route("/schedules/new", methods=["GET", "POST"])
def new_schedule() -> ResponseReturnValue:
    """The form of a new schedule."""
    blank = forms_schedule.blank(desk().host.time_zone, OFFICE_HOURS)
    form = own_forms.begin("schedule", None, Form(blank, forms_schedule.weekly_labels()))
    if request.method == "GET":
        return _page(None, form)
    own_forms.read(form, forms_schedule.typed(request.form))
    if forms_schedule.rearranged(form.values, request.form.get("do", "")):
        return _page(None, form)
    try:
        own_forms.check(form, None)
        weekly = forms_schedule.weekly(form.values)
        name, time_zone = form.values["name"], form.values["time_zone"]
        schedule = catalog.create_schedule(desk().host, name, time_zone=time_zone or "-", weekly=weekly)
    except InvalidInput as error:
        form.refuse(error)
        return _page(None, form), 422
    own_forms.saved(form, schedule)
    notices.tell(_("“%(name)s” is saved. Choose it for an event type, or make it your default.", name=schedule.name))
    return redirect(url_for("booking_settings.edit_schedule", public_id=schedule.public_id), 303)


@blueprint.route("/schedules/<public_id>", methods=["GET", "POST"])
def edit_schedule(public_id: str) -> ResponseReturnValue:
    """The form of a schedule, with its date overrides beneath."""
    schedule = access.schedule(public_id)
    form = _saved_form(schedule)
    if request.method == "GET":
        return _page(schedule, form)
    own_forms.read(form, forms_schedule.typed(request.form))
    if forms_schedule.rearranged(form.values, request.form.get("do", "")):
        return _page(schedule, form)
    try:
        own_forms.check(form, schedule)
        catalog.update_schedule(
            schedule,
            name=form.values["name"],
            time_zone=form.values["time_zone"],
            weekly=forms_schedule.weekly(form.values),
        )
    except InvalidInput as error:
        form.refuse(error)
        return _page(schedule, form), 422
    own_forms.saved(form, schedule)
    notices.tell(_("“%(name)s” is saved.", name=schedule.name))
    return redirect(url_for("booking_settings.schedules"), 303)


@blueprint.post("/schedules/<public_id>/default")
def make_default_schedule(public_id: str) -> ResponseReturnValue:
    """Use it for every event type that names none."""
    schedule = access.schedule(public_id)
    catalog.make_default(schedule)
    notices.tell(_("“%(name)s” is your default now.", name=schedule.name))
    return redirect(url_for("booking_settings.schedules"), 303)


@blueprint.post("/schedules/<public_id>/delete")
def delete_schedule(public_id: str) -> ResponseReturnValue:
    """Delete; event types that used it fall back to the default."""
    schedule = access.schedule(public_id)
    name, back = schedule.name, undo.of_schedule(schedule)
    try:
        catalog.delete_schedule(schedule)
    except InvalidInput as error:
        notices.tell(error.description, kind="warning")
    else:
        notices.tell(_("“%(name)s” is deleted.", name=name), undo=("schedule", back))
    return redirect(url_for("booking_settings.schedules"), 303)


@blueprint.post("/schedules/<public_id>/overrides")
def add_override(public_id: str) -> ResponseReturnValue:
    """Other hours, or none, on some dates."""
    schedule = access.schedule(public_id)
    form = Form(forms_schedule.typed_override(request.form), forms_schedule.LABELS)
    if request.form.get("do") == "add-range":
        form.values["ranges"].append(["", ""])
        return _page(schedule, _saved_form(schedule), form)
    try:
        hours: t.Any = forms_schedule.override_ranges(form.values)
        catalog.add_override(schedule, form.values["first"], form.values["last"], hours, form.values["note"])
    except InvalidInput as error:
        form.refuse(error)
        return _page(schedule, _saved_form(schedule), form), 422
    notices.tell(_("The other hours are saved."))
    return redirect(url_for("booking_settings.edit_schedule", public_id=public_id, _anchor="overrides"), 303)


@blueprint.post("/overrides/<public_id>/delete")
def remove_override(public_id: str) -> ResponseReturnValue:
    """Back to the weekly hours."""
    override = access.override(public_id)
    schedule_id, back = override.schedule.public_id, undo.of_override(override)
    catalog.remove_override(override)
    notices.tell(_("Back to the weekly hours on these dates."), undo=("override", back))
    return redirect(url_for("booking_settings.edit_schedule", public_id=schedule_id, _anchor="overrides"), 303)


def _saved_form(schedule: Schedule) -> Form:
    return own_forms.begin("schedule", schedule, Form(forms_schedule.shown(schedule), forms_schedule.weekly_labels()))


def _page(schedule: Schedule | None, form: Form, override: Form | None = None) -> str:
    today = utcnow().astimezone(zone(desk().host.time_zone)).date()
    return render(
        "schedule.html",
        schedule=schedule,
        form=form,
        hours=forms_schedule.hours,
        override=override or Form(forms_schedule.blank_override(), forms_schedule.LABELS),
        overrides=[one for one in schedule.overrides if one.last >= today] if schedule else [],
        past_overrides=sum(one.last < today for one in schedule.overrides) if schedule else 0,
        zones=zone_names(),
        today=today,
    )
