"""One booking: all about it, and what its host can do with it."""

from __future__ import annotations

import collections.abc as c
import time
import typing as t

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import orm as so

from .. import scheduling
from ..catalog import check
from ..errors import BookingError, ChangeRefused, InvalidInput, SlotTaken, SlotUnavailable
from ..i18n import gettext as _
from ..models import Booking, BookingStatus, Host, OutboxMessage
from ..models.columns import utcnow
from ..scheduling.change import check_changeable
from ..scheduling.choose import Ignoring
from ..scheduling.places import link_missing
from ..state import crm, session
from . import access, events, links, notices, times, words
from .blueprint import blueprint
from .screen import render

_MOST_NOTES = 10_000


@blueprint.get("/bookings/<public_id>")
def booking(public_id: str) -> ResponseReturnValue:
    """All about a booking."""
    return _page(access.booking(public_id))


@blueprint.post("/bookings/<public_id>/accept")
def accept_booking(public_id: str) -> ResponseReturnValue:
    """Say yes to a request."""
    return _do(public_id, scheduling.accept, _("Accepted. %(guest)s gets a mail with the invitation."))


@blueprint.post("/bookings/<public_id>/decline")
def decline_booking(public_id: str) -> ResponseReturnValue:
    """Say no to a request."""
    reason = request.form.get("reason", "")
    return _do(
        public_id,
        lambda booking_id: scheduling.decline(booking_id, reason=reason),
        _("Declined. %(guest)s gets a mail."),
    )


@blueprint.post("/bookings/<public_id>/cancel")
def cancel_booking(public_id: str) -> ResponseReturnValue:
    """Cancel, with a reason that the guest reads."""
    reason = request.form.get("reason", "")
    return _do(
        public_id,
        lambda booking_id: scheduling.cancel(booking_id, actor="host", reason=reason),
        _("Cancelled. %(guest)s gets a mail, and the time is free again."),
    )


@blueprint.post("/bookings/<public_id>/mark")
def mark_booking(public_id: str) -> ResponseReturnValue:
    """Say whether the guest came."""
    came = request.form.get("status") != BookingStatus.NO_SHOW.value
    status = BookingStatus.COMPLETED if came else BookingStatus.NO_SHOW
    text = _("Marked as held.") if came else _("Marked: %(guest)s didn't come.")
    return _do(public_id, lambda booking_id: scheduling.mark(booking_id, status), text)


@blueprint.post("/bookings/<public_id>/reassign")
def reassign_booking(public_id: str) -> ResponseReturnValue:
    """Give it to another host."""
    found = access.booking(public_id)
    host = next((one for one, slug in _others(found) if slug == request.form.get("to")), None)
    if host is None:
        return _page(found, problems={"to": _("Please choose a host.")}), 422
    name = crm().display_name(host.user)
    return _do(
        public_id,
        lambda booking_id: scheduling.reassign(booking_id, host.id),
        _("%(name)s holds this meeting now, and everybody gets a mail.", name=name),
    )


@blueprint.post("/bookings/<public_id>/notes")
def save_booking_notes(public_id: str) -> ResponseReturnValue:
    """Keep the host's notes, which no guest sees."""
    found = access.booking(public_id)
    problems: check.Problems = {}
    text = check.lines(request.form.get("host_notes", ""), "host_notes", problems, most=_MOST_NOTES)
    if problems:
        error = InvalidInput(fields=problems)
        return _page(found, problem=error.description, problems=error.fields), error.status
    found.host_notes = text
    session().commit()
    notices.tell(_("Your notes are saved. Guests don't see them."))
    return _back(public_id)


@blueprint.route("/bookings/<public_id>/reschedule", methods=["GET", "POST"])
def reschedule_booking(public_id: str) -> ResponseReturnValue:
    """Choose another of the free times."""
    found = access.booking(public_id)
    try:
        check_changeable(found, "host", int(time.time()), moving=True)
    except ChangeRefused as error:
        return _page(found, problem=error.description), error.status
    problem, status = "", 200
    if request.method == "POST":
        start = times.instant_of(request.form.get("start", ""))
        if start is None:
            problem, status = _("Please choose a time."), 422
        else:
            try:
                reason = request.form.get("reason", "")
                scheduling.reschedule(found.id, start, actor="host", reason=reason)
            except BookingError as error:
                problem, status = error.description, error.status
            else:
                notices.tell(_("Moved. %(guest)s gets a mail with the new time.", guest=found.guest_name))
                return _back(public_id)
        found = access.booking(public_id)
    minutes = found.minutes
    duration = minutes if minutes in found.event_type.durations else None
    month = times.month_of(
        times.address_of(found.event_type, found.hosts),
        access.desk().host.time_zone,
        duration=duration,
        ignoring=Ignoring(booking_id=found.id),
    )
    context: dict[str, t.Any] = {"booking": found, "month": month, "problem": problem}
    context["reason"] = request.form.get("reason", "")
    return render("reschedule.html", **context), status


def _do(public_id: str, action: c.Callable[[int], Booking], text: str) -> ResponseReturnValue:
    found = access.booking(public_id)
    guest = found.guest_name
    try:
        action(found.id)
    except (SlotTaken, SlotUnavailable):
        return _page(access.booking(public_id), problem=_("That host isn't free then. Nothing was changed.")), 409
    except BookingError as error:
        return _page(access.booking(public_id), problem=error.description, problems=error.fields), error.status
    notices.tell(text.replace("%(guest)s", guest))
    return _back(public_id)


def _back(public_id: str) -> ResponseReturnValue:
    return redirect(url_for("booking_settings.booking", public_id=public_id), 303)


def _others(found: Booking) -> list[tuple[Host, str]]:
    """Other hosts of the tenant who may get the meeting: those whom the user manages, or else the event type's."""
    now, owner = {host.id for host in found.hosts}, found.event_type.page.host.user
    if access.hosts_to_manage():
        able = access.manageable()
    else:
        able = [(host, access.page_of(host).slug) for host in found.event_type.hosts if host.id not in now]
    return [
        (host, slug)
        for host, slug in able
        if host.id not in now and host.active and crm().same_tenant(owner, host.user)
    ]


def _page(found: Booking, *, problem: str = "", problems: dict[str, str] | None = None) -> str:
    messages = session().scalars(
        sa.select(OutboxMessage)
        .where(OutboxMessage.booking_id == found.id)
        .options(so.joinedload(OutboxMessage.booking))
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
    )
    contact = getattr(found, "contact", None)
    return render(
        "booking.html",
        booking=found,
        contact_url=crm().contact_url(contact) if contact is not None else None,
        messages=messages.all(),
        entered=events.of_booking(found),
        others=[(slug, crm().display_name(host.user)) for host, slug in _others(found)] if found.live else [],
        problem=problem,
        problems=problems or {},
        begun=found.starts_at <= utcnow(),
        over=found.ends_at <= utcnow(),
        place=words.place(found.location),
        trouble=links.trouble(found),
        coming=found.status is BookingStatus.CONFIRMED and found.ends_at > utcnow() and link_missing(found.location),
        reason=request.form.get("reason", ""),
        notes=request.form.get("host_notes", found.host_notes),
    )
