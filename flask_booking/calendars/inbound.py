"""What hosts do to our events in their calendars comes back: bookings follow, or the host is asked.

Absence from an answer proves nothing (a service may omit what it likes): that an event is gone is believed only when
the service says so about that very event.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging

import sqlalchemy as sa

from ..connections.access import Access
from ..errors import BookingError, Contention
from ..i18n import gettext as _
from ..i18n import use_locale
from ..models import BookingStatus, CalendarChanges, CalendarEvent, Difference, EventState
from ..models.columns import utcnow
from ..scheduling.change import cancel, follow_calendar
from ..scheduling.transaction import current, transact
from ..state import session
from .draft import draft_of, fingerprint, wanted
from .own import Noticed
from .provider import CalendarProvider, RemoteCalendar, Written
from .writing import known

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class _Found:
    difference: Difference
    starts: int = 0
    ends: int = 0
    etag: str = ""


def consider(provider: CalendarProvider, access: Access, calendar: RemoteCalendar, noticed: Noticed) -> None:
    """Compare an event of ours with what we wrote, and draw the host's conclusion.

    Asks the service outside of any transaction, and begins and ends transactions of the session.
    """
    db = session()
    db.rollback()
    event = db.get(CalendarEvent, noticed.event_id, populate_existing=True)
    if event is None or not _settled(event):
        db.rollback()
        return
    had, mine, draft = known(event), event.fingerprint, draft_of(event)
    db.rollback()
    if had is None:
        return
    # Asked anew: the answer that told of it may be older than what we wrote since.
    found = _compare(had, provider.look(access, calendar, draft, had))
    _conclude(noticed.event_id, mine, found)


def _settled(event: CalendarEvent) -> bool:
    """Whether the calendar should be as the booking says: while a change of ours is on its way, it can't be."""
    booking = event.booking
    if event.state is not EventState.WRITTEN or booking.status is not BookingStatus.CONFIRMED:
        return False
    if booking.ends_at <= utcnow() or not wanted(event):
        return False
    return event.fingerprint == fingerprint(event) or event.starts == int(booking.starts_at.timestamp())


def _compare(had: Written, now: Written | None) -> _Found:
    if now is None:
        return _Found(Difference.DELETED)
    if now.declined:
        return _Found(Difference.DECLINED, now.starts, now.ends, now.etag)
    if (now.starts, now.ends) != (had.starts, had.ends):
        return _Found(Difference.MOVED, now.starts, now.ends, now.etag)
    return _Found(Difference.NONE, now.starts, now.ends, now.etag)


def _conclude(event_id: int, mine: str, found: _Found) -> None:
    db = session()
    event = db.get(CalendarEvent, event_id, populate_existing=True)
    if event is None or event.fingerprint != mine or not _settled(event):
        db.rollback()
        return
    follow = event.host.calendar_changes is CalendarChanges.FOLLOW and len(event.booking.hosts) == 1
    booking_id, language = event.booking_id, event.booking.guest_locale
    known_already = (event.difference, event.seen_starts, event.seen_ends) == (
        found.difference, found.starts, found.ends,
    )  # fmt: skip
    if found.difference is Difference.NONE:
        db.rollback()
        _flag(event_id, dataclasses.replace(found, starts=0, ends=0))
        return
    if not follow or known_already:
        _flag(event_id, found)
        return
    db.rollback()
    try:
        if found.difference is Difference.MOVED:
            follow_calendar(booking_id, _instant(found.starts), _instant(found.ends))
        else:
            with use_locale(language):
                reason = _("The host has taken the meeting out of the calendar.")
            cancel(booking_id, actor="host", reason=reason)
    except Contention:
        raise  # the database is busy: with the next reading
    except BookingError as error:
        db.rollback()
        _log.info("booking %s can't follow its event in the calendar: %s", booking_id, error.code)
        _flag(event_id, found)


def _flag(event_id: int, found: _Found) -> None:
    """Keep what was found; a difference is shown with the booking and among what is to be done."""
    db = session()

    def work() -> None:
        event = db.scalar(current(sa.select(CalendarEvent).where(CalendarEvent.id == event_id)))
        if event is not None:
            event.difference, event.seen_starts, event.seen_ends = found.difference, found.starts, found.ends
            event.etag = found.etag or event.etag

    transact(db, work)


def _instant(epoch: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, dt.UTC)
