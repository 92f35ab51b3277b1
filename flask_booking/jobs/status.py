"""How the work stands, for operators: a command and a page show it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

import sqlalchemy as sa
from flask import Flask, current_app

from ..calendars.mirror import read_at_all
from ..models import ConnectedCalendar, Connection, ConnectionState, MessageState, OutboxMessage
from ..models.columns import utcnow
from ..state import session
from .queue import redis_bell


@dataclasses.dataclass(frozen=True)
class Status:
    """Counts are of messages; instants are aware, in UTC.

    ``due`` is what should be on its way now and ``oldest_due`` since when; ``next_due`` is the next message of later.
    ``redis`` says whether Redis answers, and ``workers`` how many RQ workers it knows; both are None without Redis.
    Of ``calendars`` that are read, ``calendars_due`` should be on their way now, the first since ``calendars_since``;
    ``accounts_broken`` wait for their owners.
    """

    counts: dict[MessageState, int]
    due: int
    claimed: int
    oldest_due: dt.datetime | None
    next_due: dt.datetime | None
    retrying: int
    redis: bool | None
    workers: int | None
    queued: int | None
    calendars: int
    calendars_due: int
    calendars_since: dt.datetime | None
    accounts_broken: int

    def as_json(self) -> dict[str, t.Any]:
        """The same for programs: states by name, instants in ISO 8601."""
        values = dataclasses.asdict(self)
        for name in ("oldest_due", "next_due", "calendars_since"):
            values[name] = values[name].isoformat() if values[name] else None
        return values | {"counts": {state.value: count for state, count in self.counts.items()}}


def read_status() -> Status:
    """How the work of the current app stands now."""
    db, now = session(), utcnow()
    waiting = OutboxMessage.state == MessageState.WAITING
    due = waiting & (OutboxMessage.due_at <= now)
    found = db.execute(sa.select(OutboxMessage.state, sa.func.count()).group_by(OutboxMessage.state)).all()
    counts = dict.fromkeys(MessageState, 0)
    for state, count in found:
        counts[state] = count
    oldest = db.execute(sa.select(sa.func.count(), sa.func.min(OutboxMessage.due_at)).where(due)).one()
    read = sa.select(sa.func.count(), sa.func.min(ConnectedCalendar.due_at)).join(
        Connection, Connection.id == ConnectedCalendar.connection_id
    )
    late = db.execute(read.where(read_at_all(), ConnectedCalendar.due_at <= now)).one()
    broken = sa.select(sa.func.count()).select_from(Connection).where(Connection.state == ConnectionState.BROKEN)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    bell = redis_bell(app)
    if bell is not None:
        from rq import Worker  # only where there is a Redis

    asked = bell.ask(lambda: (len(Worker.all(queue=bell.queue)), bell.queue.count)) if bell else None
    return Status(
        counts=counts,
        due=oldest[0],
        claimed=_count(waiting & (OutboxMessage.claimed_until > now)),
        oldest_due=oldest[1],
        next_due=db.scalar(sa.select(sa.func.min(OutboxMessage.due_at)).where(waiting, OutboxMessage.due_at > now)),
        retrying=_count(waiting & (OutboxMessage.attempts > 0)),
        redis=None if bell is None else asked is not None,
        workers=asked[0] if asked else None,
        queued=asked[1] if asked else None,
        calendars=db.execute(read.where(read_at_all())).one()[0],
        calendars_due=late[0],
        calendars_since=late[1],
        accounts_broken=db.scalar(broken) or 0,
    )


def _count(condition: sa.ColumnElement[bool]) -> int:
    return session().scalar(sa.select(sa.func.count()).select_from(OutboxMessage).where(condition)) or 0
