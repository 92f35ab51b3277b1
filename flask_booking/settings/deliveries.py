"""Every message about a host's bookings: where it stands, and another try for those that failed."""

from __future__ import annotations

import math
import typing as t

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import orm as so

from ..i18n import gettext as _
from ..jobs.outbox import retry
from ..models import BookingHost, MessageState, OutboxMessage
from ..state import session
from . import access, notices
from .access import desk
from .blueprint import blueprint
from .screen import render

PER_PAGE = 50


def of_host(host_id: int) -> sa.Select[t.Any]:
    """The messages about the host's bookings."""
    ours = sa.select(BookingHost.booking_id).where(BookingHost.host_id == host_id)
    return sa.select(OutboxMessage).where(OutboxMessage.booking_id.in_(ours))


@blueprint.get("/messages/log")
def deliveries() -> ResponseReturnValue:
    """The messages in a state, the latest first."""
    asked = request.args.get("state", "")
    state = MessageState(asked) if asked in set(MessageState) else None
    number = min(max(request.args.get("page", 1, type=int), 1), 100_000)
    found = of_host(desk().host.id)
    counts = session().execute(
        sa.select(OutboxMessage.state, sa.func.count())
        .where(OutboxMessage.id.in_(found.with_only_columns(OutboxMessage.id)))
        .group_by(OutboxMessage.state)
    )
    by_state: dict[str, int] = {row[0].value: row[1] for row in counts}
    if state is not None:
        found = found.where(OutboxMessage.state == state)
    total = by_state.get(state.value, 0) if state else sum(by_state.values())
    # What is planned is read from the next on, what was sent from the last on.
    order: tuple[t.Any, ...] = (OutboxMessage.due_at.desc(), OutboxMessage.id.desc())
    if state is MessageState.WAITING:
        order = (OutboxMessage.due_at, OutboxMessage.id)
    rows = session().scalars(
        found.options(so.joinedload(OutboxMessage.booking))
        .order_by(*order)
        .limit(PER_PAGE)
        .offset((number - 1) * PER_PAGE)
    )
    return render(
        "deliveries.html",
        rows=rows.all(),
        state=asked if state else "",
        by_state=by_state,
        total=total,
        number=number,
        pages_count=max(1, math.ceil(total / PER_PAGE)),
    )


@blueprint.post("/messages/log/<public_id>/retry")
def retry_delivery(public_id: str) -> ResponseReturnValue:
    """Try a failed message again."""
    message = access.message(public_id)
    # A reminder that was never tried is not late: retrying would send it now.
    tried = message.state is MessageState.FAILED or message.attempts > 0
    if tried and retry(message):
        notices.tell(_("It is being tried again."))
    else:
        notices.tell(_("Only messages that failed can be tried again."), kind="warning")
    if request.form.get("back") == "booking" and message.booking is not None:
        return redirect(
            url_for("booking_settings.booking", public_id=message.booking.public_id, _anchor="messages"), 303
        )
    return redirect(url_for("booking_settings.deliveries", state="failed"), 303)
