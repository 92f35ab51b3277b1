"""Who may read, write or renew at an account now: one worker at a time, also when another one died meanwhile.

A lease is a compare-and-set on the connection's row.  It ends by itself, so a dead worker only delays.  Services limit
how many requests of one account they answer at once (Graph: four): one reader and one writer stay far below.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import datetime as dt
import secrets
import typing as t

import sqlalchemy as sa

from ..models import Connection
from ..models.columns import utcnow
from ..state import session
from .problems import ProviderProblem

READING_SECONDS = 600
WRITING_SECONDS = 120


class Engaged(ProviderProblem):
    """Somebody else is at it: come back in some seconds, which counts as no try."""

    code = "engaged"


@contextlib.contextmanager
def lease(connection_id: int, kind: t.Literal["reading", "writing"], seconds: int) -> c.Iterator[None]:
    """Have the account for ``seconds``, or raise :class:`Engaged`.  Begins and ends transactions of the session."""
    until, token = getattr(Connection, f"{kind}_until"), getattr(Connection, f"{kind}_token")
    mine, now = secrets.token_hex(16), utcnow()
    free = sa.or_(until.is_(None), until <= now)
    ends = now + dt.timedelta(seconds=seconds)
    if not _set(sa.and_(Connection.id == connection_id, free), {until: ends, token: mine}):
        raise Engaged(retry_after=3)
    try:
        yield
    finally:
        session().rollback()
        _set(sa.and_(Connection.id == connection_id, token == mine), {until: None, token: None})


def _set(where: t.Any, values: dict[t.Any, t.Any]) -> bool:
    db = session()
    changed = t.cast(
        "sa.CursorResult[t.Any]",
        db.execute(sa.update(Connection).where(where).values(values), execution_options={"synchronize_session": False}),
    )
    db.commit()
    return changed.rowcount == 1
