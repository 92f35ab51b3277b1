"""The CRM's side of a booking: contact and activity, in its transaction, and so that a failing hook loses nothing."""

from __future__ import annotations

import collections.abc as c
import enum
import logging
import typing as t

import sqlalchemy as sa

from .. import i18n
from ..crm import Guest, Happening
from ..crm.columns import key_of
from ..errors import BookingError, frames_of
from ..i18n import gettext as _
from ..i18n import lazy_gettext
from ..models import Booking, HistoryEntry, HistoryKind
from ..state import Session, crm, session
from .intake import answer_text
from .outbox import Message, message
from .reasons import entry_reason
from .transaction import is_contention, transact

_log = logging.getLogger(__name__)

R = t.TypeVar("R")


class Hooks(enum.Enum):
    """How the CRM's hooks are called: see :func:`with_hooks`."""

    TRUSTED = "trusted"
    GUARDED = "guarded"
    LATER = "later"


class HookFailed(Exception):
    """A trusted hook raised: the transaction must begin again."""


class TransactionEnded(Exception):
    """A hook committed or rolled back what wasn't its own: nothing is locked any more, or what was written is gone."""


def with_hooks(session: Session, work: c.Callable[[Hooks], R]) -> R:
    """Run ``work`` in a transaction, and again where a hook spoils it.

    First the hooks are trusted: what they write is flushed together with the booking, and nearly always that is all.
    When anything fails, all is undone and done again with each hook in a SAVEPOINT, so that only what the failing one
    wrote is lost.  When a hook ended the transaction, the hooks are left to a job.
    """
    try:
        try:
            return transact(session, lambda: work(Hooks.TRUSTED))
        except (BookingError, TransactionEnded):
            raise
        except Exception:  # of a hook, or of the flush of what it wrote: told apart, and logged, by the second try
            return transact(session, lambda: work(Hooks.GUARDED))
    except TransactionEnded:
        _log.error("a hook of the CRM ended the transaction it was called in: a job will call it again, on its own")
        return transact(session, lambda: work(Hooks.LATER))


def guest_of(booking: Booking) -> Guest:
    """The booking's guest as the CRM's hooks get it."""
    return Guest(
        booking.guest_name, booking.guest_email, booking.guest_phone, booking.guest_time_zone, booking.guest_locale
    )


def link_contact(session: Session, booking: Booking, hooks: Hooks = Hooks.GUARDED) -> bool:
    """Find or create the guest's contact.  Returns whether the hook succeeded; its refusal is raised."""
    if crm().models.contact is None or booking.contact_id is not None or booking.contact is not None:
        return True
    if hooks is Hooks.LATER:
        return False
    contact = _called(session, booking, lambda: crm().contact_for(session, guest_of(booking), _user(booking)), hooks)
    if contact is _FAILED:
        return False
    booking.contact = contact
    return True


def log_activity(session: Session, booking: Booking, entry: HistoryEntry, hooks: Hooks = Hooks.GUARDED) -> bool:
    """Write ``entry`` into the CRM's timeline.  Returns whether the hook succeeded."""
    if crm().models.activity is None or entry.activity_id is not None:
        return True
    if hooks is Hooks.LATER:
        return False
    activity = _called(
        session,
        booking,
        lambda: crm().record_activity(session, happening(booking, entry), booking, booking.contact, _user(booking)),
        hooks,
    )
    if activity is _FAILED:
        return False
    if activity is not None:
        session.add(activity)
    entry.activity = activity
    return True


def tell_crm(session: Session, booking: Booking, entry: HistoryEntry, hooks: Hooks, *, linked: bool = True) -> bool:
    """Both hooks; ``entry``, which isn't written yet, learns what activity it became.

    Returns whether they succeeded: what failed is noted on the booking, and left to a job by :func:`crm_later`.
    With ``linked=False`` the contact was tried already, in vain.
    """
    if hooks is Hooks.LATER:
        booking.crm_error = TransactionEnded.__name__
    done = linked and link_contact(session, booking, hooks) and log_activity(session, booking, entry, hooks)
    session.flush()
    if entry.activity is not None:
        entry.activity_id = key_of(entry.activity)
    return done


def crm_later(booking: Booking, entry: HistoryEntry) -> Message:
    """What has a job call the hooks again for an ``entry`` that is written."""
    return message(
        topic="crm",
        kind=entry.kind.value,
        dedupe_key=f"{booking.uid}:{entry.id}:crm",
        booking=booking,
        payload={"history_id": entry.id},
    )


def retry_crm(session: Session, booking: Booking, entry: HistoryEntry) -> bool:
    """The job's try: True when contact and activity are written now."""
    done = link_contact(session, booking) and log_activity(session, booking, entry)
    if done:
        booking.crm_error = ""
    return done


def notify_hosts(booking: Booking, entry: HistoryEntry) -> None:
    """Let the CRM tell each host of ``entry`` in its own way; call it after commit."""
    if not crm().overrides("notify"):
        return
    for host in list(booking.hosts):
        try:
            with i18n.use_locale(host.language):
                crm().notify(host.user, _told(booking, entry), booking)
        except Exception as error:
            session().rollback()  # what was left half done would stand in the way of the answer
            _log.error("the CRM's notify failed with %s\n%s", type(error).__name__, frames_of(error))


def happening(booking: Booking, entry: HistoryEntry) -> Happening:
    """``entry`` in words, for a timeline that hosts read: in the host's language, also while a guest is booking."""
    with i18n.use_locale(booking.answering[0].language):
        return _told(booking, entry)


def _told(booking: Booking, entry: HistoryEntry) -> Happening:
    when = i18n.format_when(booking.starts_at, booking.ends_at, booking.host_time_zone)
    lines = [when]
    if entry.kind is HistoryKind.RESCHEDULED and entry.detail.get("from"):
        lines.append(_("Moved from %(when)s", when=_earlier(entry, booking)))
    if reason := entry_reason(entry):
        lines.append(_("Reason: %(reason)s", reason=reason))
    lines += [answer_line(answer) for answer in booking.answers if entry.kind in _FIRST]
    if booking.notes and entry.kind in _FIRST:
        lines.append(booking.notes)
    subject = i18n.labelled(kind_text(entry.kind, withdrawn=booking.withdrawn), booking.title)
    return Happening(entry.kind.value, entry.actor, entry.at, subject[:200], "\n".join(lines))


def answer_line(answer: dict[str, t.Any]) -> str:
    """A question and its answer on one line."""
    return i18n.labelled(answer["label"], answer_text(answer))


_FIRST = {HistoryKind.BOOKED, HistoryKind.REQUESTED}


def _earlier(entry: HistoryEntry, booking: Booking) -> str:
    import datetime as dt

    start = dt.datetime.fromisoformat(entry.detail["from"])
    return i18n.format_when(start, start + (booking.ends_at - booking.starts_at), booking.host_time_zone)


_KINDS = {
    HistoryKind.BOOKED: lazy_gettext("Meeting booked"),
    HistoryKind.REQUESTED: lazy_gettext("Meeting requested"),
    HistoryKind.ACCEPTED: lazy_gettext("Meeting accepted"),
    HistoryKind.DECLINED: lazy_gettext("Meeting declined"),
    HistoryKind.RESCHEDULED: lazy_gettext("Meeting rescheduled"),
    HistoryKind.CANCELLED: lazy_gettext("Meeting cancelled"),
    HistoryKind.COMPLETED: lazy_gettext("Meeting completed"),
    HistoryKind.NO_SHOW: lazy_gettext("Guest did not come"),
    HistoryKind.REASSIGNED: lazy_gettext("Meeting reassigned"),
}


def kind_text(kind: HistoryKind, *, withdrawn: bool = False) -> str:
    """What happened, in two words; ``withdrawn`` says that what ended was a request."""
    if withdrawn and kind is HistoryKind.CANCELLED:
        return _("Request withdrawn")
    return str(_KINDS[kind])


_FAILED = object()


def _called(session: Session, booking: Booking, hook: t.Callable[[], t.Any], hooks: Hooks) -> t.Any:
    """The hook's answer, or ``_FAILED`` after its writes were undone.  Contention passes through, and so does a refusal
    of a booking that isn't written yet.  A trusted hook's failure is raised as :class:`HookFailed`.

    A hook must not commit or roll back.  One that does has given up the hosts' locks: that is borne when the booking
    is in the database as it should be, else :class:`TransactionEnded` is raised.
    """
    session.flush()
    transaction, written = session().get_transaction(), _written(booking)
    result = _trusted(booking, hook) if hooks is Hooks.TRUSTED else _guarded(session, booking, hook)
    if session().get_transaction() is not transaction:
        with session.no_autoflush:
            if written is None or not sa.inspect(booking).persistent or _stored(session, booking) != written:
                raise TransactionEnded
    return result


def _written(booking: Booking) -> tuple[t.Any, ...] | None:
    """What tells one change of a booking from the next; None before it was written at all."""
    return (booking.sequence, booking.status) if sa.inspect(booking).persistent else None


def _stored(session: Session, booking: Booking) -> tuple[t.Any, ...] | None:
    found = session.execute(sa.select(Booking.sequence, Booking.status).where(Booking.id == booking.id)).first()
    return None if found is None else tuple(found)


def _trusted(booking: Booking, hook: t.Callable[[], t.Any]) -> t.Any:
    try:
        return hook()
    except Exception as error:
        if _passes(error, booking):
            raise
        raise HookFailed from error


def _passes(error: Exception, booking: Booking) -> bool:
    """A guest can be refused, a booking that exists can't: it must still be possible to move or cancel it."""
    if isinstance(error, sa.exc.DBAPIError):
        return is_contention(error)
    return isinstance(error, BookingError) and not sa.inspect(booking).persistent


def _guarded(session: Session, booking: Booking, hook: t.Callable[[], t.Any]) -> t.Any:
    try:
        with session.begin_nested():
            answer = hook()
            session.flush()
            return answer
    except Exception as error:
        if _passes(error, booking):
            raise
        # The text of an error may hold the guest's data: logs and the booking get its type and place only.
        name = type(error).__name__
        _log.error("a hook of the CRM failed with %s for booking %s\n%s", name, booking.public_id, frames_of(error))
        booking.crm_error = name
        return _FAILED


def _user(booking: Booking) -> t.Any:
    return booking.answering[0].user
