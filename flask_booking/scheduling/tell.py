"""Telling everybody of what happened to a booking: the CRM, guest and hosts by mail, reminders, signals."""

from __future__ import annotations

import dataclasses
import typing as t

from ..models import Booking, HistoryEntry, HistoryKind
from ..models.columns import utcnow
from ..signals import announce, ring
from ..state import Session
from . import calendar_events, reminders
from .hooks import Hooks, crm_later, notify_hosts, tell_crm
from .insert import insert
from .outbox import tell, tell_left, write


@dataclasses.dataclass(frozen=True)
class Told:
    """What was written, to be spread after the commit: nothing of it needs the database again."""

    entry: HistoryEntry
    kind: HistoryKind
    message_ids: list[int]

    def spread(self, booking: Booking) -> None:
        """Wake the workers, send the signal, and let the CRM tell the hosts."""
        ring(self.message_ids)
        announce(self.kind, booking, self.entry)
        notify_hosts(booking, self.entry)


def new_entry(booking: Booking, kind: HistoryKind, actor: str, detail: dict[str, t.Any] | None = None) -> HistoryEntry:
    """A line of the booking's history, not written yet."""
    return HistoryEntry(booking_id=booking.id, at=utcnow(), kind=kind, actor=actor, detail=detail or {})


def tell_all(
    db: Session, booking: Booking, entry: HistoryEntry, hooks: Hooks, *, linked: bool = True, new: bool = False
) -> Told:
    """Write ``entry`` and everything that follows from it.

    ``linked=False`` says that the contact's hook was tried and failed, ``new`` that the booking is: it has no
    reminders yet, and as long as nothing has to name its first entry, that is written with the messages.
    """
    kind = entry.kind
    done = tell_crm(db, booking, entry, hooks, linked=linked)
    named = not (new and done)
    if named:
        insert(db, entry)
    messages = [] if done else [crm_later(booking, entry)]
    planned = calendar_events.plan(db, booking, entry)
    messages += planned.messages  # before the mails: those may wait for the link
    messages += tell(db, booking, entry, planned)
    for host_id in entry.detail.get("left", ()):
        messages += tell_left(db, booking, entry, host_id, planned)
    # After the mails, and so with later numbers: when both are overdue, a confirmation goes before its reminder.
    ids = write(db, [*messages, *reminders.plan(db, booking, new=new)], None if named else entry)
    return Told(entry, kind, ids[: len(messages)])
