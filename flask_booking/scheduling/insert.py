"""Writing new rows past the unit of work: a booking is in a guest's way, and the unit of work costs more than the
database takes."""

from __future__ import annotations

import collections.abc as c
import functools
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..models import Booking, BookingHost, HistoryEntry, OccupiedTime
from ..orm import Model
from ..state import Session


def insert(session: Session, row: Booking | HistoryEntry) -> None:
    """Write ``row``, which no session knows yet, at once; afterwards the session has it as if it had loaded it.

    Defaults are filled in.  What the row refers to must be written, and its foreign keys set.
    """
    result = session.connection().execute(insertion(_model(row)), _values(row))
    (row.id,) = result.inserted_primary_key  # type: ignore[misc]
    _keep(session, row)


def insert_booking(session: Session, booking: Booking, times: c.Sequence[dict[str, t.Any]]) -> None:
    """Write a booking as :func:`insert` does, and with it each of its hosts and the time it takes of them."""
    connection, values, left = session.connection(), _values(booking), times
    if connection.dialect.name == "postgresql":
        first, *left = times
        booking.id = connection.scalar(_whole_booking(), values | {_PREFIX + name: first[name] for name in first})
    else:
        (booking.id,) = connection.execute(insertion(Booking), values).inserted_primary_key  # type: ignore[misc]
    if left:
        hosts = [{"booking_id": booking.id, "host_id": one["host_id"]} for one in left]
        connection.execute(insertion(BookingHost), hosts)
        connection.execute(insertion(OccupiedTime), [{**one, "booking_id": booking.id} for one in left])
    _keep(session, booking)


@functools.cache
def insertion(model: type[Model]) -> sa.Insert:
    """The statement that writes rows of a model; made once, since making it takes longer than the database does."""
    return sa.insert(model.__table__)


_PREFIX = "occupied_"
"""Before the columns of the time, where they are parameters of the same statement as those of the booking."""


@functools.cache
def _whole_booking() -> t.Any:
    """A booking, its first host and the time it takes of that host, where one statement can write several tables."""
    new = insertion(Booking).values({name: _given(Booking, name) for _, name, _ in _columns(Booking)})
    booking_id = new.returning(Booking.__table__.c.id).cte("new").c.id
    of_host = _given(OccupiedTime, "host_id", _PREFIX)
    host = insertion(BookingHost).from_select(["booking_id", "host_id"], sa.select(booking_id, of_host)).cte("host")
    names = [name for _, name, _ in _columns(OccupiedTime) if name != "booking_id"]
    times = sa.select(booking_id, *(_given(OccupiedTime, name, _PREFIX) for name in names))
    whole = insertion(OccupiedTime).from_select(["booking_id", *names], times).add_cte(host)
    return whole.returning(OccupiedTime.__table__.c.booking_id)


def _given(model: type[Model], name: str, prefix: str = "") -> sa.BindParameter[t.Any]:
    return sa.bindparam(prefix + name, type_=model.__table__.c[name].type)


def _values(row: Model) -> dict[str, t.Any]:
    """The columns of a new row, each default filled in."""
    values, given = {}, so.attributes.instance_dict(row)
    for name, column, default in _columns(_model(row)):
        if name not in given:
            setattr(row, name, default() if callable(default) else default)
        values[column] = given[name]
    return values


def _keep(session: Session, row: Booking | HistoryEntry) -> None:
    """Have the session know ``row`` as one that it loaded."""
    so.make_transient_to_detached(row)
    rolled_back = session.identity_map.get(so.util.identity_key(type(row), row.id))
    if rolled_back is not None:  # an earlier try got the same key, and something still refers to it
        session.expunge(rolled_back)
    session.add(row)


def _model(row: Model) -> t.Any:
    return type(row)


@functools.cache
def _columns(model: type[Model]) -> list[tuple[str, str, t.Any]]:
    """Each attribute but the key, its column, and its default: a value, or what makes one."""
    found = []
    for attribute in sa.inspect(model).column_attrs:
        (column,) = attribute.columns
        default: t.Any = getattr(column.default, "arg", None)
        if callable(default):  # SQLAlchemy has it take a context
            default = functools.partial(default, None)
        if not column.primary_key:
            found.append((attribute.key, column.key, default))
    return found
