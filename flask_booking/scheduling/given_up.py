"""What becomes of a meeting whose event or link nobody tries to make any more.

Whoever should have had the invitation from a calendar's service has it by mail then, and nobody waits for a link.  All
of it happens in the caller's transaction, and may happen again: nobody is told twice.
"""

from __future__ import annotations

from ..models import Booking, BookingStatus, CalendarEvent, EventState, MeetingLink, OutboxMessage
from ..models.columns import utcnow
from ..state import Session
from .calendar_events import OWN_LINK, events_of
from .invited import CANCELLED, INVITED, Elsewhere, elsewhere
from .mailed import again, host_of, mails
from .outbox import write


def give_up_event(db: Session, booking: Booking, event_id: int, problem: str) -> list[int]:
    """Note that a calendar hasn't an event as the booking is, and mail what its service should have told.

    ``booking`` is locked, ``problem`` is the code of a :class:`~flask_booking.connections.problems.ProviderProblem`.
    What waits to be mailed carries the invitation then; who was mailed without gets it by itself: the same meeting in
    the same state, so that a calendar which has it all the same has it once.  A guest whom no service has invited yet,
    as far as anybody knows, is never invited by one: should the event be written after all, our mails go on.  Returns
    the ids of the messages that are due.
    """
    events = events_of(db, booking)
    event = next(one for one in events if one.id == event_id)
    event.state, event.problem = EventState.FAILED, problem
    return _mail_instead(db, booking, events, event)


def invite_instead(db: Session, booking: Booking, event_id: int) -> list[int]:
    """Invite the guest of a locked ``booking`` by mail, whose event is still tried to be written: it won't invite then.

    Returns the ids of the messages that are due; none when a service has invited already, or was never to.
    """
    events = events_of(db, booking)
    event = next(one for one in events if one.id == event_id)
    if not event.invites or event.remote_id:
        return []
    return _mail_instead(db, booking, events, event)


def _mail_instead(db: Session, booking: Booking, events: list[CalendarEvent], event: CalendarEvent) -> list[int]:
    event.invites = event.invites and bool(event.remote_id)
    left = elsewhere(booking, events)
    waiting, told = mails(db, booking, cancelled=True)
    for mail in waiting:
        if _lacks(booking, mail, left):
            kept = {key: value for key, value in mail.payload.items() if key != "in_calendar"}
            mail.payload = {**kept, "uid": booking.uid, **left.said(host_of(booking, mail))}
    without = [mail for mail in told.values() if _lacks(booking, mail, left)]
    kind = INVITED
    if booking.status is BookingStatus.CANCELLED:
        # Its guest may have the meeting in a calendar still; its hosts see that the event is still in theirs.
        without = [mail for mail in without if event.remote_id and mail.payload.get("host_id") is None]
        kind = CANCELLED
    elif booking.status is not BookingStatus.CONFIRMED:
        without = []
    ids = _let_go(waiting) if event.conference else []
    db.flush()
    if booking.ends_at <= utcnow():
        return ids
    return ids + write(db, again(booking, kind, without, left))


def give_up_link(db: Session, booking: Booking, link: MeetingLink, problem: str) -> list[int]:
    """Note that the link of a locked ``booking`` isn't made, and let go the mails that wait for it; returns their ids.

    A link that has no account stays wanted: the next account that could make it does.
    """
    if link.problem == OWN_LINK:
        return []
    link.problem = problem
    if link.connection_id is not None:
        link.state = EventState.FAILED
    return stop_waiting(db, booking)


def stop_waiting(db: Session, booking: Booking) -> list[int]:
    """Let go the mails that wait for the link of a locked ``booking``; returns their ids."""
    ids = _let_go(mails(db, booking)[0])
    db.flush()
    return ids


def _let_go(waiting: list[OutboxMessage]) -> list[int]:
    """Have mails be due now; returns the ids of those that weren't."""
    now = utcnow()
    later = [mail for mail in waiting if mail.due_at > now]
    for mail in later:
        mail.due_at = now
    return [mail.id for mail in later]


def _lacks(booking: Booking, mail: OutboxMessage, left: Elsewhere) -> bool:
    """Whether a mail left the invitation to a calendar's service, and its reader hasn't got it from there."""
    return bool(mail.payload.get("in_calendar")) and "in_calendar" not in left.said(host_of(booking, mail))
