"""The package's own topics: mails, events in calendars, meeting links, and the CRM's hooks that failed at booking."""

from __future__ import annotations

import sqlalchemy as sa

from ..calendars import writing
from ..conferencing import making
from ..connections.problems import ForbiddenAddress, Gone, NoAccount, NotAllowed
from ..errors import BookingError, Contention
from ..messages.delivery import compose_message, send
from ..messages.transport import MailRefused
from ..models import Booking, BookingHost, HistoryEntry, OutboxMessage
from ..scheduling.hooks import retry_crm
from ..scheduling.transaction import current, lock_calendars, transact
from ..state import session
from . import topics


def register_all() -> None:
    """Know the topics of the package, unless somebody registered others by these names."""
    for name, topic in (
        ("mail", topics.Topic(send_mail, (MailRefused,))),
        ("crm", topics.Topic(try_crm_again, (HookRefused,))),
        ("calendar", topics.Topic(writing.deliver, (NotAllowed, Gone, ForbiddenAddress), writing.give_up)),
        ("conference", topics.Topic(making.deliver, (NotAllowed, Gone, NoAccount), making.give_up)),
    ):
        if topics.find(name) is None:
            topics.register(name, topic.handler, gives_up_on=topic.gives_up_on, given_up=topic.given_up)


def send_mail(message: OutboxMessage) -> bool:
    """Compose and send one mail; the transaction that read it ends before the mail server is spoken to."""
    mail = compose_message(message)
    if mail is None:
        return False
    session().rollback()
    send(mail)
    return True


class HookFailed(topics.Failure):
    """A hook of the CRM failed again; the booking's ``crm_error`` says how."""


class HookRefused(topics.Failure):
    """A hook of the CRM refuses this guest for good."""


def try_crm_again(message: OutboxMessage) -> bool:
    """Write the contact and the activity that failed while booking."""
    booking_id, history_id = message.booking_id, message.payload["history_id"]
    db = session()

    def work() -> bool | None:
        # The hosts' locks keep two messages of one booking, or a guest who moves it, from each making a contact.
        host_ids = db.scalars(sa.select(BookingHost.host_id).where(BookingHost.booking_id == booking_id))
        lock_calendars(db, host_ids)
        booking = db.scalar(current(sa.select(Booking).where(Booking.id == booking_id)))
        entry = db.get(HistoryEntry, history_id, populate_existing=True)
        return None if booking is None or entry is None else retry_crm(db, booking, entry)

    try:
        done = transact(db, work)
    except Contention:
        raise
    except BookingError as error:
        raise HookRefused(f"the CRM refused the guest ({error.code})") from None
    if done is False:
        raise HookFailed("the CRM could not take the contact or the activity")
    return done is not None
