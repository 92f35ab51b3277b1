"""Making and editing an event type."""

from __future__ import annotations

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from .. import catalog
from ..catalog.slugs import slug_of
from ..errors import ChangedMeanwhile, InvalidInput
from ..i18n import gettext as _
from ..markdown import markdown
from ..models import EventType, Schedule
from ..state import session
from . import access, forms_event_type, links, notices, own_forms
from .access import desk
from .blueprint import blueprint
from .forms import Form, rearranged
from .screen import render


@blueprint.route("/event-types/new", methods=["GET", "POST"])
def new_event_type() -> ResponseReturnValue:
    """The form of a new event type."""
    form = own_forms.begin("event_type", None, Form(forms_event_type.blank(), forms_event_type.LABELS))
    if request.method == "GET":
        return _page(None, form)
    own_forms.read(form, forms_event_type.typed(request.form))
    if _only_rows(form):
        return _page(None, form)
    try:
        own_forms.check(form, None)
        event = catalog.create_event_type(desk().page, forms_event_type.values(form.values, desk().page))
    except InvalidInput as error:
        form.refuse(error)
        return _page(None, form), 422
    own_forms.saved(form, event)
    text = _("“%(title)s” is ready to be booked. Copy its link and share it.", title=event.title)
    notices.tell(notices.with_address(text, form.values["slug"], event.slug))
    return redirect(url_for("booking_settings.event_types"), 303)


@blueprint.route("/event-types/<public_id>", methods=["GET", "POST"])
def edit_event_type(public_id: str) -> ResponseReturnValue:
    """The form of an event type."""
    event = access.event_type(public_id)
    form = own_forms.begin("event_type", event, Form(forms_event_type.shown(event), forms_event_type.LABELS))
    if request.method == "GET":
        return _page(event, form)
    own_forms.read(form, forms_event_type.typed(request.form))
    if _only_rows(form):
        return _page(event, form)
    try:
        own_forms.check(form, event)
        values = forms_event_type.values(form.values, event.page)
        catalog.update_event_type(event, values, version=request.form.get("version", type=int))
    except (InvalidInput, ChangedMeanwhile) as error:
        form.refuse(error)
        return _page(event, form, changed=isinstance(error, ChangedMeanwhile)), error.status
    own_forms.saved(form, event)
    text = _("“%(title)s” is saved.", title=event.title)
    notices.tell(notices.with_address(text, form.values["slug"], event.slug))
    return redirect(url_for("booking_settings.event_types"), 303)


@blueprint.post("/preview/markdown")
def preview_markdown() -> ResponseReturnValue:
    """A text as guests will see it, for the live preview."""
    return str(markdown(request.form.get(request.form.get("preview_field", ""), "")[:5000]))


def _only_rows(form: Form) -> bool:
    """Whether the form was sent to add, remove or move a row, rather than to be saved."""
    action = request.form.get("do", "")
    return (
        rearranged(form.values["locations"], action, "locations", forms_event_type.BLANK_LOCATION)
        or rearranged(form.values["questions"], action, "questions", forms_event_type.BLANK_QUESTION)
        or action == "preview"
    )


def _page(event: EventType | None, form: Form, *, changed: bool = False) -> str:
    schedules = session().scalars(
        sa.select(Schedule).where(Schedule.host_id == desk().page.host_id).order_by(Schedule.name, Schedule.id)
    )
    return render(
        "event_type.html",
        event=event,
        form=form,
        schedules=schedules.all(),
        slug_hint=slug_of(form.values["title"], _("intro")),
        # That of what was shown first; who has read that it isn't so any more, sees the one that is.
        version=event and (event.version if changed else request.form.get("version", event.version, type=int)),
        preview=request.form.get("do") == "preview",
        blank_location=forms_event_type.BLANK_LOCATION,
        blank_question=forms_event_type.BLANK_QUESTION,
        makers=links.makers_for(event, desk().page, form.values),
    )
