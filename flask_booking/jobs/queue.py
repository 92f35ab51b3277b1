"""Waking RQ workers through Redis, as soon as there is work.

Ringing may fail, and nothing is lost when it does: the relay finds what is due.  So it never raises, and a Redis that
doesn't answer is left alone for a while instead of slowing each request down.
"""

from __future__ import annotations

import collections.abc as c
import logging
import threading
import time
import typing as t

from flask import Flask, current_app

from ..calendars import mirror
from ..connections.lease import READING_SECONDS
from ..errors import frames_of
from . import outbox
from .context import as_if_asked

_log = logging.getLogger(__name__)

QUEUE_MOST = 2000
"""So many jobs may wait before the relay rings no more for what is due: each was rung for already."""
SILENCE = 15.0
"""Seconds for which a Redis that didn't answer is left alone."""


class RedisBell:
    """Wakes RQ workers: one job for each message, with nothing in it but the message's number."""

    def __init__(self, url: str, queue: str, claim_seconds: int) -> None:
        # Loaded here: they take a quarter of the time in which an app is mounted, and most have no Redis.
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
        from rq import Queue
        from rq.serializers import JSONSerializer

        # redis-py retries with pauses by default: with a dead Redis each request would wait for seconds.
        self.url = url
        self.redis = redis.Redis.from_url(
            url, retry=Retry(NoBackoff(), 0), socket_timeout=2.0, socket_connect_timeout=1.0
        )
        self.name = queue
        self._failures = (redis.RedisError, OSError)
        # JSON, not pickle: who can write to Redis must not be able to run code here.
        self.queue = Queue(queue, connection=self.redis, serializer=JSONSerializer)
        self.calendars = Queue(f"{queue}-calendars", connection=self.redis, serializer=JSONSerializer)
        """Readings, which take longer: workers take one of them only when no message waits."""
        self._seconds = max(5, int(claim_seconds * 0.9))
        self._silent_until = 0.0
        self._down = False
        self._lock = threading.Lock()

    def ring(self, ids: c.Iterable[int]) -> bool:
        """Wake workers for these messages.  False when Redis doesn't answer."""
        jobs = [
            self.queue.prepare_data(
                deliver_message,
                args=(message_id,),
                # A delivery that hangs ends before its lease does: so nobody else repeats it meanwhile.
                timeout=self._seconds,
                result_ttl=0,
                failure_ttl=600,
                description=f"booking outbox {message_id}",
            )
            for message_id in ids
        ]
        return not jobs or self.ask(lambda: self.queue.enqueue_many(jobs)) is not None

    def ring_calendars(self, ids: c.Iterable[int]) -> bool:
        """Wake workers to read these calendars; each waits in the queue once.  False when Redis doesn't answer."""

        def ask() -> bool:
            for calendar_id in ids:
                mark = f"{self.name}:calendar:{calendar_id}"
                if self.redis.set(mark, "1", nx=True, ex=60):
                    self.calendars.enqueue(
                        sync_calendar, args=(calendar_id,), job_timeout=READING_SECONDS, result_ttl=0, failure_ttl=600,
                        description=f"booking calendar {calendar_id}",
                    )  # fmt: skip
            return True

        return self.ask(ask) is not None

    def ring_again(self, ids: c.Sequence[int], seconds: float) -> bool:
        """Wake workers for what the relay found; of all relays one does, once in ``seconds``."""
        mine = self.ask(lambda: (self.redis.set(f"{self.name}:relay", "1", nx=True, px=int(seconds * 900)),))
        if mine is None:
            return False
        return not mine[0] or (self.ask(lambda: self.queue.count) or 0) > QUEUE_MOST or self.ring(ids)

    def ask(self, question: t.Callable[[], t.Any]) -> t.Any | None:
        """Redis's answer, None when there is none; then nothing is asked for :data:`SILENCE` seconds."""
        if time.monotonic() < self._silent_until:
            return None
        try:
            answer = question()
        except self._failures as error:
            with self._lock:
                first, self._down = not self._down, True
                self._silent_until = time.monotonic() + SILENCE
            if first:
                _log.warning("Redis doesn't answer (%s): the relay delivers what is due", type(error).__name__)
            return None
        if self._down:
            self._down = False
            _log.info("Redis answers again")
        return answer


def deliver_message(message_id: int) -> None:
    """The RQ job.  How a delivery went is recorded in the database, and failures are retried from there."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    try:
        outbox.deliver_in_line(app, message_id)
    except Exception as error:
        # Most likely the database is away; the relay rings again for what is still due then.
        _log.error("delivering message %s failed with %s", message_id, type(error).__name__)
        _log.debug("it failed here:\n%s", frames_of(error))


def sync_calendar(calendar_id: int) -> None:
    """The RQ job that reads a calendar.  How it went is recorded with the calendar."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    bell = redis_bell(app)
    if bell is not None:  # from now on a change wants another reading
        bell.ask(lambda: (bell.redis.delete(f"{bell.name}:calendar:{calendar_id}"),))
    try:
        with app.app_context(), as_if_asked(app):
            mirror.sync(calendar_id, only_due=True)
    except Exception as error:
        _log.error("reading calendar %s failed with %s", calendar_id, type(error).__name__)
        _log.debug("it failed here:\n%s", frames_of(error))


def redis_bell(app: Flask) -> RedisBell | None:
    """The app's bell, None when no Redis is configured."""
    return t.cast("RedisBell | None", app.extensions["booking"].extras.get("redis_bell"))
