"""Meeting links that come after the booking: written into it, and told to whoever was told without."""

from __future__ import annotations

import secrets

from ..models import BookingStatus
from ..models.columns import utcnow
from ..signals import ring
from ..state import session
from .calendar_events import ask_again, calendar_message, events_of, give_up_making
from .invited import LINKED, elsewhere
from .mailed import again, locked, mails
from .outbox import Message, write
from .places import link_missing
from .transaction import transact


def set_link(booking_id: int, url: str, *, password: str = "", by: int | None = None, instead: bool = False) -> bool:
    """Write the link of a meeting, also another one than before, and have everybody told.

    A confirmation that waits for it is sent now; who was told without it gets a mail, with a newer state of the meeting
    for calendars.  ``password`` is what guests need besides.  ``by`` is the host whose account made it: nothing is
    written when that one holds the meeting no more.  ``instead`` says that no other is to be made.  Returns whether
    anything changed.  One transaction.
    """
    db = session()

    def work() -> list[int] | None:
        booking = locked(db, booking_id)
        had = (booking.location.get("url"), booking.location.get("password", "")) if booking is not None else None
        if booking is None or had == (url, password) or not url:
            return None
        if by is not None and all(host.id != by for host in booking.hosts):
            return None
        place = {key: value for key, value in booking.location.items() if key != "password"}
        booking.location = {**place, "url": url, **({"password": password} if password else {})}
        later: list[Message] = give_up_making(db, booking) if instead else []
        if booking.status is not BookingStatus.CONFIRMED or booking.ends_at <= utcnow():
            return write(db, later)
        waiting, told = mails(db, booking)
        for mail in waiting:
            mail.due_at = min(mail.due_at, utcnow())
        events = events_of(db, booking)
        if told:
            booking.sequence += 1
            later += again(booking, LINKED, told.values(), elsewhere(booking, events))
        why = f"{LINKED}:{booking.sequence}:{secrets.token_hex(4)}"
        for event in events:
            if told or not event.conference:  # else it came with the event, and is in there
                later.append(calendar_message(booking, event.host_id, why, host=event.host))
        db.flush()
        return [mail.id for mail in waiting] + write(db, later)

    ids = transact(db, work)
    if ids:
        ring(ids)
    return ids is not None


def try_again(booking_id: int) -> bool:
    """Have the link of a coming meeting made that couldn't be made before; False when there is nothing to be made."""
    db = session()

    def work() -> list[int]:
        booking = locked(db, booking_id)
        if booking is None or booking.status is not BookingStatus.CONFIRMED or booking.ends_at <= utcnow():
            return []
        return write(db, ask_again(db, booking)) if link_missing(booking.location) else []

    ids = transact(db, work)
    if ids:
        ring(ids)
    return bool(ids)
