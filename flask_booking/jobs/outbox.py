"""Delivering the outbox: claim a row, do what it says, record how it went.

A claim is a compare-and-set with a lease, so any number of processes may try, and a dead one only delays.  The row is
recorded as done after the outside said yes: whoever dies in between makes the next worker repeat the message, with
the same Message-ID.  Nothing here is decided by Redis.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import random
import secrets
import time
import typing as t

import sqlalchemy as sa
from flask import Flask, current_app

from ..connections.problems import ProviderProblem
from ..errors import BookingConfigError, Contention, frames_of
from ..messages.transport import MailError
from ..models import MessageState, OutboxMessage
from ..models.columns import utcnow
from ..scheduling.transaction import is_contention, transact
from ..signals import outbox_filled, ring
from ..state import session
from . import topics
from .context import as_if_asked
from .wanted import held_up, next_in_line, unwanted

_log = logging.getLogger(__name__)

_MINUTE, _HOUR = 60, 3600
BACKOFF = (30, 60, 2 * 60, 5 * 60, 15 * 60, 30 * 60, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, 24 * _HOUR)
"""Seconds until the next try, after the first, second, … failure; the last one goes on.  Two days in all."""


PATIENCE = dt.timedelta(hours=1)
"""For so long after a message was written it may wait for others without that being a failure."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """The right to deliver one message, until ``until``."""

    message_id: int
    token: str
    until: dt.datetime


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How a delivery went; ``due_at`` is the next try of a message that waits again."""

    state: MessageState
    error: str = ""
    due_at: dt.datetime | None = None
    counts: bool = True
    """Whether it was a try; what waits for somebody else isn't."""
    cause: Exception | None = None
    """What the last try of a message that failed ended with; None when nobody lived to tell."""


def claim(message_id: int) -> Claim | None:
    """Claim a message that is due, for ``BOOKING_CLAIM_SECONDS``; None when somebody else has it or it isn't due.

    A message whose elder for the same reader is due too is left alone: mails about one meeting arrive in order.
    """
    db, now = session(), utcnow()
    mine = Claim(message_id, secrets.token_hex(16), now + _lease())

    def work() -> bool:
        if held_up(db, message_id, now):
            return False
        claimed = db.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.id == message_id, *_claimable(now))
            .values(claimed_until=mine.until, claim_token=mine.token, attempts=OutboxMessage.attempts + 1),
            execution_options={"synchronize_session": False},
        )
        return _changed(claimed) == 1

    return mine if transact(db, work) else None


def deliver(message_id: int) -> MessageState | None:
    """Deliver one message if it is due and nobody else does.  Returns its new state, None when there was nothing to do.

    Call it in an application context of its own.  Only the database's errors are raised.
    """
    mine = claim(message_id)
    if mine is None:
        return None
    row = session().get(OutboxMessage, message_id, populate_existing=True)
    if row is None:
        return None
    name = f"{row.topic}/{row.kind} {row.public_id}"
    with as_if_asked(current_app, str(row.payload.get("base_url") or "")):
        verdict = _attempt(message_id)
        recorded = _record(mine, verdict)
    if not recorded:
        _log.warning("outbox: %s took longer than its lease, or was deleted meanwhile", name)
    elif verdict.error and verdict.state is not MessageState.DROPPED:
        _log.warning("outbox: %s is %s: %s", name, verdict.state, verdict.error)
    else:
        _log.info("outbox: %s is %s", name, verdict.state)
    return verdict.state


def deliver_in_line(app: Flask, message_id: int) -> int:
    """Deliver a message and those that had to wait for it, each in a context of its own; returns how many."""
    count, next_id = 0, t.cast("int | None", message_id)
    while next_id is not None:
        with app.app_context():
            if deliver(next_id) is None:
                break
            count, next_id = count + 1, next_in_line(session(), next_id, utcnow())
    return count


def deliver_due(app: Flask, *, limit: int = 200, until: t.Callable[[], bool] = lambda: False) -> int:
    """Deliver what is due, here and now, until nothing is left or ``until()`` says so; returns how many."""
    count = 0
    while not until():
        with app.app_context():
            ids = due_ids(limit)
        before = count
        for message_id in ids:
            if until():
                return count
            count += deliver_in_line(app, message_id)
        if count == before:
            break
    return count


def due_ids(limit: int = 200) -> list[int]:
    """The messages that are due and unclaimed, what was due first coming first."""
    query = sa.select(OutboxMessage.id).where(*_claimable(utcnow()))
    return list(session().scalars(query.order_by(OutboxMessage.due_at, OutboxMessage.id).limit(limit)))


def retry(message: OutboxMessage) -> bool:
    """Try a failed message again, or a waiting one sooner, with a full number of attempts.

    Commits.  Returns False when it was delivered, dropped or is being delivered.
    """
    db, message_id, now = session(), message.id, utcnow()

    def work() -> bool:
        changed = db.execute(
            sa.update(OutboxMessage)
            .where(
                OutboxMessage.id == message_id,
                OutboxMessage.state.in_((MessageState.FAILED, MessageState.WAITING)),
                _unclaimed(now),
            )
            .values(state=MessageState.WAITING, due_at=now, attempts=0, done_at=None),
            execution_options={"synchronize_session": False},
        )
        return _changed(changed) == 1

    if not transact(db, work):
        return False
    db.expire_all()
    outbox_filled.send(current_app._get_current_object(), ids=[message_id])  # type: ignore[attr-defined]
    return True


def backoff(attempts: int) -> dt.timedelta:
    """How long to wait after so many attempts; spread by a fifth, so that an outage doesn't end in a stampede."""
    seconds = BACKOFF[min(attempts, len(BACKOFF)) - 1]
    return dt.timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - keeps no secret


def _attempt(message_id: int) -> Verdict:
    message = session().get(OutboxMessage, message_id)
    if message is None:
        return Verdict(MessageState.DROPPED)
    attempts, most = message.attempts, current_app.config["BOOKING_MAX_ATTEMPTS"]
    written = message.created_at
    if attempts > most:
        return Verdict(MessageState.FAILED, message.last_error or "each worker died that tried it")
    reason = unwanted(session(), message)
    if reason:
        return Verdict(MessageState.DROPPED, reason)
    topic = topics.find(message.topic) or topics.Topic(_unknown)
    try:
        wanted = topic.handler(message)
    except Exception as error:
        _log.debug("outbox: message %s failed here:\n%s", message_id, frames_of(error))
        session().rollback()
        text, now = _short(error), utcnow()
        asked = dt.timedelta(seconds=getattr(error, "retry_after", None) or 0)
        if isinstance(error, topics.UNCOUNTED) and now - written < PATIENCE:
            return Verdict(MessageState.WAITING, text, now + asked, counts=False)
        if topics.is_permanent(error, topic) or attempts >= most:
            return Verdict(MessageState.FAILED, text, cause=error)
        return Verdict(MessageState.WAITING, text, now + max(backoff(attempts), asked))
    return Verdict(MessageState.DROPPED, "not wanted any more") if wanted is False else Verdict(MessageState.DONE)


def _unknown(message: OutboxMessage) -> bool:
    # A newer version may have written it, and a worker of that version will know.
    raise topics.Failure(f"nobody here knows the topic {message.topic}")


def _short(error: Exception) -> str:
    """What may be kept and logged of an error: its text may name people or passwords, unless it is ours."""
    if isinstance(error, topics.Failure | MailError | BookingConfigError | ProviderProblem):
        return str(error)[:500]
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} ({code})" if isinstance(code, int) else type(error).__name__


def _record(mine: Claim, verdict: Verdict) -> bool:
    """Write the verdict, if the claim still holds, and with a failure what follows from it.

    The deed is done: a database that is away for a moment is asked again until the lease ends, since a verdict that
    is lost makes another worker repeat the deed.  What follows is tried twice, and then goes without.
    """
    db, pause, chances = session(), 0.1, 2

    def work() -> list[int] | None:
        recorded = db.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.id == mine.message_id, OutboxMessage.claim_token == mine.token)
            .values(_columns_of(verdict)),
            execution_options={"synchronize_session": False},
        )
        if _changed(recorded) != 1:
            return None
        follows = verdict.state is MessageState.FAILED and chances
        return _consequences(mine.message_id, verdict.cause) if follows else []

    while True:
        try:
            written = transact(db, work)
        except _ConsequencesFailed as failure:
            chances -= 1
            cause = t.cast(Exception, failure.__cause__)
            name, frames = type(cause).__name__, frames_of(cause)
            _log.error("outbox: what follows from giving up message %s failed: %s\n%s", mine.message_id, name, frames)
            continue
        except (sa.exc.DBAPIError, Contention):
            db.rollback()
            if utcnow() >= mine.until:
                raise
        else:
            if written:
                ring(written)
            return written is not None
        time.sleep(pause)
        pause = min(pause * 2, 5)


def _columns_of(verdict: Verdict) -> dict[str, t.Any]:
    values: dict[str, t.Any] = {
        "state": verdict.state,
        "last_error": verdict.error,
        "claimed_until": None,
        "claim_token": None,
    }
    if verdict.state is not MessageState.WAITING:
        return {**values, "done_at": utcnow()}
    values["due_at"] = verdict.due_at
    if not verdict.counts:
        values["attempts"] = OutboxMessage.attempts - 1
    return values


class _ConsequencesFailed(Exception):
    """What a topic would have done about a message that is given up ended with an error of its own."""


def _consequences(message_id: int, cause: Exception | None) -> list[int]:
    """Have the topic of a message that is given up draw the consequences; returns the ids of the messages it wrote."""
    db = session()
    message = db.get(OutboxMessage, message_id, populate_existing=True)
    topic = topics.find(message.topic) if message is not None else None
    if message is None or topic is None or topic.given_up is None:
        return []
    try:
        ids = list(topic.given_up(message, cause))
        db.flush()
    except sa.exc.DBAPIError as error:
        if is_contention(error) or error.connection_invalidated:
            raise  # nothing is wrong but the database
        raise _ConsequencesFailed from error
    except Exception as error:
        raise _ConsequencesFailed from error
    return ids


def _lease() -> dt.timedelta:
    return dt.timedelta(seconds=current_app.config["BOOKING_CLAIM_SECONDS"])


def _claimable(now: dt.datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return OutboxMessage.state == MessageState.WAITING, OutboxMessage.due_at <= now, _unclaimed(now)


def _unclaimed(now: dt.datetime) -> sa.ColumnElement[bool]:
    return sa.or_(OutboxMessage.claimed_until.is_(None), OutboxMessage.claimed_until <= now)


def _changed(result: sa.Result[t.Any]) -> int:
    return t.cast("sa.CursorResult[t.Any]", result).rowcount
