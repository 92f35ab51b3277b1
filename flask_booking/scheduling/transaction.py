"""One unit of scheduling work: its own transaction, retried when the database asks for it."""

from __future__ import annotations

import collections.abc as c
import random
import time
import typing as t

import sqlalchemy as sa

from ..errors import Contention
from ..models import Host
from ..state import Session

R = t.TypeVar("R")
Q = t.TypeVar("Q", bound="sa.Select[*tuple[t.Any, ...]]")

_POSTGRESQL = {"40001", "40P01", "55P03"}  # serialization, deadlock, lock timeout
_MARIADB = {1020, 1205, 1213}  # record changed, lock timeout, deadlock


def transact(session: Session, work: c.Callable[[], R], *, attempts: int = 12) -> R:
    """Run ``work`` in a transaction of its own and commit it.

    Whatever the caller had pending is committed first: the work must start with a fresh snapshot.  MariaDB and MySQL
    are set to READ COMMITTED, above which their gap locks make strangers' bookings deadlock.  Raises
    :class:`~flask_booking.errors.Contention` when the database stayed busy through every attempt.
    """
    session.commit()
    for attempt in range(1, attempts + 1):
        try:
            if session.get_bind().dialect.name in {"mysql", "mariadb"}:
                session.connection(execution_options={"isolation_level": "READ COMMITTED"})
            result = work()
            session.commit()
            return result
        except sa.exc.DBAPIError as error:
            session.rollback()
            if not is_contention(error):
                raise
            if attempt == attempts:
                raise Contention from error
            time.sleep(random.uniform(0, min(0.5, 0.01 * 2**attempt)))  # noqa: S311 - spreads retries, keeps no secret
        except BaseException:
            session.rollback()
            raise
    raise AssertionError("unreachable")


def lock_calendars(session: Session, host_ids: c.Iterable[int]) -> None:
    """Keep every other booking off these hosts' calendars until the transaction ends.

    An UPDATE locks on every database, SQLite included, and makes a stale snapshot fail instead of pass.  The order
    prevents deadlocks.  The raised version also tells every cache of offers that something changed.
    """
    for host_id in sorted(set(host_ids)):
        session.execute(
            sa.update(Host).where(Host.id == host_id).values(lock_version=Host.lock_version + 1),
            execution_options={"synchronize_session": False},
        )


def current(statement: Q) -> Q:
    """Make ``statement`` read what is committed now, past snapshots and the identity map."""
    return statement.with_for_update().execution_options(populate_existing=True)


def is_contention(error: sa.exc.DBAPIError) -> bool:
    """Whether the database only asks for another try."""
    if getattr(error.orig, "sqlstate", None) in _POSTGRESQL:
        return True
    code = error.orig.args[0] if error.orig and error.orig.args else None
    return code in _MARIADB or "database is locked" in str(code)
