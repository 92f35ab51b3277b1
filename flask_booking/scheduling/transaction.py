"""One unit of scheduling work: its own transaction, retried when the database asks for it."""

from __future__ import annotations

import collections.abc as c
import functools
import random
import time
import typing as t

import sqlalchemy as sa

from ..errors import Contention, SlotTaken
from ..models import Host
from ..models.stamps import note_stamps
from ..state import Session

R = t.TypeVar("R")
Q = t.TypeVar("Q", bound="sa.Select[*tuple[t.Any, ...]]")

_POSTGRESQL = {"40001", "40P01", "55P03"}  # serialization, deadlock, lock timeout
_MARIADB = {1020, 1205, 1213}  # record changed, lock timeout, deadlock
_DOUBLE = {"23505", "23P01", 1062}  # a second row where a constraint wants one: unique, exclusion


def transact(session: Session, work: c.Callable[[], R], *, attempts: int = 12) -> R:
    """Run ``work`` in a transaction of its own and commit it.

    Whatever the caller had pending is committed first: the work must start with a fresh snapshot.  It runs at the
    isolation level of the CRM's engine, where that will do (see :func:`_level_for`).

    A broken constraint gets a second try, which reads what somebody else wrote first.  Raises
    :class:`~flask_booking.errors.SlotTaken` when a constraint alone knew that the time is taken, and
    :class:`~flask_booking.errors.Contention` when the database stayed busy through every attempt.
    """
    session.commit()
    for attempt in range(1, attempts + 1):
        try:
            level = _level_for(session.get_bind())
            if level:
                session.connection(execution_options={"isolation_level": level})
            result = work()
            session.commit()
            return result
        except sa.exc.DBAPIError as error:
            session.rollback()
            if attempt > 1 and is_taken(error):
                raise SlotTaken from error
            if not is_contention(error) and not (attempt == 1 and isinstance(error, sa.exc.IntegrityError)):
                raise
            if attempt == attempts:
                raise Contention from error
            time.sleep(random.uniform(0, min(0.5, 0.01 * 2**attempt)))  # noqa: S311 - spreads retries, keeps no secret
        except BaseException:
            session.rollback()
            raise
    raise AssertionError("unreachable")


def _level_for(bind: sa.Engine | sa.Connection) -> str | None:
    """The isolation level that a transaction needs in the place of the engine's own; None where that will do.

    Above READ COMMITTED the gap locks of MariaDB and MySQL make strangers' bookings deadlock.  In AUTOCOMMIT each
    statement would be a transaction: locks would be gone before what they guard, and nothing would be undone.
    """
    name = bind.dialect.name
    if name in {"mysql", "mariadb"}:
        return "READ COMMITTED"
    # The second is what `create_engine` was told; only a query would say it publicly.
    own = bind.get_execution_options().get(
        "isolation_level", getattr(bind.dialect, "_on_connect_isolation_level", None)
    )
    if own != "AUTOCOMMIT":
        return None
    return "SERIALIZABLE" if name == "sqlite" else "READ COMMITTED"  # which SQLite hasn't got


def lock_calendars(session: Session, host_ids: c.Iterable[int]) -> dict[int, int]:
    """Keep every other booking off these hosts' calendars until the transaction ends; returns the version that the lock
    has given to each host.

    An UPDATE locks on every database, SQLite included, and makes a stale snapshot fail instead of pass.  The order
    prevents deadlocks.  The raised version also tells every cache of offers that something changed.  Hosts that are
    loaded already learn their stamps as they are under the lock.
    """
    connection, versions = session.connection(), {}
    for host_id in sorted(set(host_ids)):
        wanted = {"host": host_id}
        if connection.dialect.update_returning:
            stamps = connection.execute(_raise_version(), wanted).first()
        else:  # MariaDB and MySQL
            connection.execute(_raise_version(returning=False), wanted)
            stamps = connection.execute(_select_stamps(), wanted).first()
        if stamps is not None:
            versions[host_id] = stamps[2]
            note_stamps(session, host_id, settings_stamp=stamps[0], mirror_stamp=stamps[1])
    return versions


def locking(wanted: t.Any) -> sa.CTE:
    """:func:`lock_calendars` as a part of the statement that reads the hosts, where an UPDATE can be that (PostgreSQL).

    ``wanted`` selects ids of hosts.  They are locked in order first, since an UPDATE of several rows has none; by the
    lock that the UPDATE takes, which doesn't stop others from referring to the host.  The result has the ``id`` of each
    host that was locked, and its stamps and version as they are under the lock.
    """
    hosts = Host.__table__
    in_order = wanted.order_by(hosts.c.id).with_for_update(key_share=True, of=hosts).cte("in_order")
    raised = sa.update(hosts).where(hosts.c.id.in_(sa.select(in_order.c.id)))
    raised = raised.values(lock_version=hosts.c.lock_version + 1)
    return raised.returning(hosts.c.id, *_under_lock()).cte("locked")


def _under_lock() -> tuple[sa.Column[t.Any], ...]:
    columns = Host.__table__.c
    return columns.settings_stamp, columns.mirror_stamp, columns.lock_version


@functools.cache
def _raise_version(*, returning: bool = True) -> t.Any:
    hosts = Host.__table__
    raised = sa.update(hosts).where(hosts.c.id == sa.bindparam("host")).values(lock_version=hosts.c.lock_version + 1)
    return raised.returning(*_under_lock()) if returning else raised


@functools.cache
def _select_stamps() -> t.Any:
    hosts = Host.__table__
    return sa.select(*_under_lock()).where(hosts.c.id == sa.bindparam("host"))


def current(statement: Q) -> Q:
    """Make ``statement`` read what is committed now, past snapshots and the identity map."""
    return statement.with_for_update().execution_options(populate_existing=True)


def is_contention(error: sa.exc.DBAPIError) -> bool:
    """Whether the database only asks for another try."""
    if _codes(error) & {*_POSTGRESQL, *_MARIADB}:
        return True
    text = str(error.orig)
    # MariaDB ends the whole transaction to resolve a deadlock: a SAVEPOINT in it is gone then, and so are the locks.
    return "database is locked" in text or "table is locked" in text or ("1305" in text and "SAVEPOINT" in text)


def is_taken(error: sa.exc.DBAPIError) -> bool:
    """Whether a constraint of the occupied times, the last line of defence, refused a second meeting."""
    codes = _codes(error)
    double = bool(codes & _DOUBLE) or any(str(code).startswith("UNIQUE constraint failed") for code in codes)
    return double and "booking_occupied_time" in str(error.orig)


def _codes(error: sa.exc.DBAPIError) -> set[t.Any]:
    """PostgreSQL's SQLSTATE, MariaDB's number, SQLite's words, wherever the driver keeps them."""
    orig = error.orig
    return {*(getattr(orig, name, None) for name in ("sqlstate", "pgcode", "errno")), *(orig.args[:1] if orig else ())}
