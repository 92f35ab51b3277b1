"""The list of event types: their order, whether they can be booked, and what to do with each."""

from __future__ import annotations

import typing as t

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from .. import catalog
from ..errors import InvalidInput
from ..i18n import gettext as _
from ..scheduling.places import unmade
from . import access, notices
from .access import desk
from .blueprint import blueprint
from .screen import render


def back_to_list() -> ResponseReturnValue:
    """To the list of event types."""
    return redirect(url_for("booking_settings.event_types"), 303)


@blueprint.get("/event-types")
def event_types() -> ResponseReturnValue:
    """The event types of the host's page, archived ones apart."""
    rows = sorted(desk().page.event_types, key=lambda one: (one.position, one.id))
    events = [one for one in rows if one.archived_at is None]
    return render(
        "event_types.html",
        events=events,
        unmade=unmade(events),
        archived=[one for one in rows if one.archived_at is not None],
    )


@blueprint.post("/event-types/order")
def order_event_types() -> ResponseReturnValue:
    """Put the event types in the order of the ids ``order``, as dragging leaves them."""
    catalog.order_event_types(desk().page, request.form.getlist("order"))
    return back_to_list()


@blueprint.post("/event-types/<public_id>/move")
def move_event_type(public_id: str) -> ResponseReturnValue:
    """Move up or down by one."""
    catalog.move_event_type(access.event_type(public_id), -1 if request.form.get("to") == "up" else 1)
    return back_to_list()


@blueprint.post("/event-types/<public_id>/active")
def set_event_type_active(public_id: str) -> ResponseReturnValue:
    """Open for booking, or close."""
    event, active = access.event_type(public_id), request.form.get("active") == "1"
    catalog.set_event_type_active(event, active)
    text = _("“%(title)s” can be booked.", title=event.title)
    if not active:
        text = _("“%(title)s” can't be booked for now. Its meetings stay.", title=event.title)
    notices.tell(text, undo=("event_type_active", {"id": event.public_id, "active": not active}))
    return back_to_list()


@blueprint.post("/event-types/<public_id>/clone")
def clone_event_type(public_id: str) -> ResponseReturnValue:
    """Make a copy, and open it."""
    copy = catalog.clone_event_type(access.event_type(public_id))
    notices.tell(_("This is the copy. It can be booked once you switch it on."))
    return redirect(url_for("booking_settings.edit_event_type", public_id=copy.public_id), 303)


@blueprint.post("/event-types/<public_id>/archive")
def archive_event_type(public_id: str) -> ResponseReturnValue:
    """Take out of all lists, or bring back."""
    event, archived = access.event_type(public_id), request.form.get("archived") == "1"
    catalog.set_archived(event, archived)
    text = _("“%(title)s” is back.", title=event.title)
    if archived:
        text = _("“%(title)s” is archived. Its meetings stay.", title=event.title)
    notices.tell(text, undo=("event_type_archived", {"id": event.public_id, "archived": not archived}))
    return back_to_list()


@blueprint.route("/event-types/<public_id>/delete", methods=["GET", "POST"])
def delete_event_type(public_id: str) -> ResponseReturnValue:
    """Say what goes with an event type and offer to archive it; POST deletes it."""
    event = access.event_type(public_id)
    problem, status = "", 200
    if request.method == "POST":
        title = event.title
        try:
            catalog.delete_event_type(event)
        except InvalidInput as error:
            problem, status = error.description, 409
        else:
            notices.tell(_("“%(title)s” is deleted.", title=title))
            return back_to_list()
    total, live = catalog.count_bookings(event)
    sending = total > 0 and catalog.still_sending(event)
    context: dict[str, t.Any] = {"event": event, "total": total, "live": live, "sending": sending, "problem": problem}
    return render("event_type_delete.html", **context), status
