"""What has to be looked at again and again: messages that are due, meetings that are over, rows that have expired.

Every worker process has a relay, and so has the thread in a web process.  They don't agree on who does what: claims
and conditions in the database keep them from doing anything twice.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import threading
import time
import typing as t

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy import orm as so

from ..calendars import care, mirror
from ..errors import frames_of, kind_of
from ..models import Booking, Hold, OccupiedTime, OutboxMessage, UsedChallenge
from ..models.columns import utcnow
from ..scheduling import complete_past
from ..scheduling.transaction import transact
from ..state import session
from . import outbox
from .context import as_if_asked
from .queue import redis_bell

_log = logging.getLogger(__name__)

SECONDS = 15.0
"""How often a relay looks for what is due."""
HOUSEKEEPING_SECONDS = 60.0
HOLD_KEPT = 3600
"""Seconds for which an expired hold is still known, so that its guest is told that it expired."""
_BATCH = 500
"""So many rows of a kind are deleted in a round, in a transaction that is short."""


class Relay:
    """Looks for what is due, every ``every`` seconds and whenever ``wake`` is set, until ``stopping`` is.

    With a Redis that answers it rings for workers, else it delivers by itself.
    """

    def __init__(self, app: Flask, *, every: float = SECONDS) -> None:
        self.app, self.every = app, every
        self.wake, self.stopping = threading.Event(), threading.Event()
        self._tidy_at = 0.0
        self._troubled = False

    def run(self, alive: t.Callable[[], bool] = lambda: True) -> None:
        """Go on until stopped, or until ``alive()`` is False; errors are logged and the next round tries again."""
        while not self.stopping.is_set() and alive():
            self.wake.clear()
            self.look()
            # Spread, so that many processes started together don't look together.
            self.wake.wait(self.every * random.uniform(0.8, 1.2))  # noqa: S311 - keeps no secret

    def stop(self) -> None:
        """End after the message that is being delivered."""
        self.stopping.set()
        self.wake.set()

    def look(self) -> int:
        """One round, whose errors are logged.  Returns how many messages this process delivered or rang for."""
        count = 0
        try:
            count = self.round()
            self._troubled = False
        except Exception as error:
            if not self._troubled:
                _log.error("the relay failed with %s and goes on trying", kind_of(error))
                _log.debug("it failed here:\n%s", frames_of(error))
            self._troubled = True
        return count

    def round(self) -> int:
        """The same, but raises what goes wrong."""
        count = self._messages() + self._calendars()
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + HOUSEKEEPING_SECONDS
            tidy(self.app)
        return count

    def _messages(self) -> int:
        bell = redis_bell(self.app)
        if bell is not None:
            with self.app.app_context():
                ids = outbox.due_ids()
            if not ids or bell.ring_again(ids, self.every):
                return len(ids)
        return outbox.deliver_due(self.app, until=self.stopping.is_set)

    def _calendars(self) -> int:
        """Read the calendars that are due, here or by workers; how many."""
        with self.app.app_context():
            ids = mirror.due()
            session().rollback()
        bell = redis_bell(self.app)
        if not ids or (bell is not None and bell.ring_calendars(ids)):
            return len(ids)
        for calendar_id in ids:
            if self.stopping.is_set():
                break
            with self.app.app_context(), as_if_asked(self.app):
                mirror.sync(calendar_id, only_due=True)
            self._messages()  # a service may take its time, and a guest waits for the mail
        return len(ids)


def tidy(app: Flask) -> None:
    """Complete meetings that are over, let unanswered requests lapse, delete what expired and what was kept enough."""
    with app.app_context(), as_if_asked(app):
        complete_past()
    with app.app_context():
        sweep()
        purge()
        care.tell_broken()


def sweep(now: int | None = None) -> int:
    """Delete rows that expired before ``now`` (epoch seconds).  Returns how many."""
    moment = int(time.time()) if now is None else now
    return (
        _delete(OccupiedTime.id, OccupiedTime.expires <= moment)
        + _delete(Hold.id, Hold.expires <= moment - HOLD_KEPT)
        + _delete(UsedChallenge.signature_hash, UsedChallenge.expires <= moment)
    )


def purge() -> int:
    """Delete messages that were kept for ``BOOKING_KEEP_DELIVERED_DAYS`` after their meeting.  Returns how many.

    All messages of a meeting tell together what its readers know, so none goes while another waits or is new.
    """
    days = current_app.config["BOOKING_KEEP_DELIVERED_DAYS"]
    if not days:
        return 0
    limit, other = utcnow() - dt.timedelta(days=days), so.aliased(OutboxMessage)
    done = OutboxMessage.done_at < limit
    newer = (other.booking_id == OutboxMessage.booking_id) & (other.done_at.is_(None) | (other.done_at >= limit))
    ended = sa.exists().where(Booking.id == OutboxMessage.booking_id, Booking.ends_at < limit)
    return _delete(
        OutboxMessage.id,
        done,
        OutboxMessage.due_at < limit,  # says no more than `done`, but has an index
        OutboxMessage.booking_id.is_(None) | (ended & ~sa.exists().where(newer)),
    )


def _delete(key: t.Any, expired: sa.ColumnElement[bool], *also: sa.ColumnElement[bool]) -> int:
    """Delete at most ``_BATCH`` rows that are ``expired``, and are ``also`` to go when they are looked for."""
    db = session()
    # Read first: a DELETE that finds nothing would still take SQLite's only write lock, every minute.
    keys = list(db.scalars(sa.select(key).where(expired, *also).order_by(key).limit(_BATCH)))
    if not keys:
        db.rollback()
        return 0

    def work() -> None:
        db.execute(
            sa.delete(key.class_).where(key.in_(keys), expired),
            execution_options={"synchronize_session": False},
        )

    transact(db, work)
    return len(keys)
