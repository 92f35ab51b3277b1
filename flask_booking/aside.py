"""Short transactions past the CRM's session.

What the caller has under way there isn't committed by one in its midst, and what one wrote isn't lost when the caller
rolls back.  Events that the CRM listens for in its session aren't told of it.

Call it outside of a transaction that has changed anything: on SQLite such a transaction keeps out every other one, and
so its own.
"""

from __future__ import annotations

import collections.abc as c
import random
import time
import typing as t

import sqlalchemy as sa

from .orm import bound
from .state import session

R = t.TypeVar("R")

_PASSING = (sa.exc.OperationalError, sa.exc.InternalError, sa.exc.InterfaceError)


def aside(work: c.Callable[[sa.Connection], R], *, attempts: int = 10) -> R:
    """Run ``work`` in a transaction of its own and commit it.

    It is repeated, for some ten seconds, while the database is busy or away, and so may have been done already: let it
    change only what is still as it was read.
    """
    engine = session().get_bind(sa.inspect(bound().models.user)).engine
    for attempt in range(1, attempts):
        try:
            return _once(engine, work)
        except _PASSING as error:
            if "no such table" in str(error.orig):  # SQLite has one class of errors for what passes and what doesn't
                raise
            time.sleep(random.uniform(0.5, 1) * min(2.0, 0.02 * 2**attempt))  # noqa: S311 - spreads tries, no secret
    return _once(engine, work)


def _once(engine: sa.Engine, work: c.Callable[[sa.Connection], R]) -> R:
    with engine.connect() as connection:
        if connection.dialect.name in {"mysql", "mariadb"}:  # as everywhere: gap locks make strangers deadlock
            connection = connection.execution_options(isolation_level="READ COMMITTED")
        found = work(connection)
        connection.commit()
        return found
