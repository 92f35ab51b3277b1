"""The transaction that a host's settings are written in."""

from __future__ import annotations

import collections.abc as c
import contextlib
import typing as t

from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from ..errors import NotBookable
from ..scheduling.transaction import lock_calendars, transact
from ..state import session

R = t.TypeVar("R")

_WRITING = "booking_writing"


def write(host_ids: c.Iterable[int], work: c.Callable[[], R]) -> R:
    """Run ``work`` with the calendars of these hosts locked, and commit; within another ``work``, as a part of that.

    Bookings lock before they write, and so must whoever decides about them: else both could wait for each other, and a
    booking that waits would be decided by what was true before.  ``work`` may run again: it changes rows and no more.
    Raises :class:`NotBookable` where somebody else has deleted meanwhile what it is about.
    """
    db, ids = session(), list(host_ids)

    def locked() -> R:
        lock_calendars(db, ids)
        return work()

    if db.info.get(_WRITING):
        return locked()
    db.info[_WRITING] = True
    try:
        return transact(db, locked)
    except (ObjectDeletedError, StaleDataError):
        raise NotBookable from None
    finally:
        del db.info[_WRITING]


def remove(host_ids: c.Iterable[int], work: c.Callable[[], object]) -> None:
    """:func:`write` for ``work`` that deletes: what somebody else has deleted meanwhile is gone, as it should be."""
    with contextlib.suppress(NotBookable):
        write(host_ids, work)
