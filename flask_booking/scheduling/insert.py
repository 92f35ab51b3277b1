"""Writing new rows past the unit of work: a booking is in a guest's way, and the unit of work costs more than the
database takes.

So does each statement of its own.  Where a statement can write several tables, as on PostgreSQL, those rows go together
of which one only needs the other's key.
"""

from __future__ import annotations

import collections.abc as c
import functools
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..models import Booking, BookingHost, HistoryEntry, OccupiedTime, OutboxMessage
from ..orm import Model
from ..state import Session


def insert(session: Session, row: Booking | HistoryEntry) -> None:
    """Write ``row``, which no session knows yet, at once; afterwards the session has it as if it had loaded it.

    Defaults are filled in.  What the row refers to must be written, and its foreign keys set.
    """
    result = session.connection().execute(insertion(t.cast(t.Any, type(row))), _values(row))
    (row.id,) = result.inserted_primary_key  # type: ignore[misc]
    _keep(session, row)


def insert_booking(session: Session, booking: Booking, times: c.Sequence[dict[str, t.Any]]) -> None:
    """Write a booking as :func:`insert` does, and with it each of its hosts and the time it takes of them."""
    connection, values, left = session.connection(), _values(booking), times
    if _takes_several(connection):
        first, *left = times
        booking.id = connection.scalar(_whole_booking(), values | _beside(first))
    else:
        (booking.id,) = connection.execute(insertion(Booking), values).inserted_primary_key  # type: ignore[misc]
    if left:
        hosts = [{"booking_id": booking.id, "host_id": one["host_id"]} for one in left]
        connection.execute(insertion(BookingHost), hosts)
        connection.execute(insertion(OccupiedTime), [{**one, "booking_id": booking.id} for one in left])
    _keep(session, booking)


def insert_messages(
    session: Session, messages: c.Sequence[dict[str, t.Any]], entry: HistoryEntry | None = None
) -> list[int]:
    """Write rows of the outbox; their ids are in the same order, and rise.

    With them goes an ``entry`` that isn't written yet, and that none of them names.
    """
    connection = session.connection()
    if entry is not None and not (messages and _takes_several(connection)):
        insert(session, entry)
        entry = None
    rows = [_made(OutboxMessage) | one for one in messages]
    if entry is None:
        return list(connection.scalars(_messages(*rows[0]), rows)) if rows else []
    beside = _beside(_values(entry))
    written = connection.execute(_messages_with_entry(*rows[0]), [row | beside for row in rows]).all()
    entry.id = written[0].entry_id
    _keep(session, entry)
    return [row.id for row in written]


@functools.cache
def insertion(model: type[Model]) -> sa.Insert:
    """The statement that writes rows of a model; made once, since making it takes longer than the database does."""
    return sa.insert(model.__table__)


def _takes_several(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql"


@functools.cache
def _whole_booking() -> t.Any:
    """A booking, its first host and the time it takes of that host."""
    new = insertion(Booking).values({name: _given(Booking, name) for _, name, _ in _columns(Booking)})
    booking_id = new.returning(Booking.__table__.c.id).cte("new").c.id
    of_host = _given(OccupiedTime, "host_id", _BESIDE)
    host = insertion(BookingHost).from_select(["booking_id", "host_id"], sa.select(booking_id, of_host)).cte("host")
    names = [name for _, name, _ in _columns(OccupiedTime) if name != "booking_id"]
    times = sa.select(booking_id, *(_given(OccupiedTime, name, _BESIDE) for name in names))
    whole = insertion(OccupiedTime).from_select(["booking_id", *names], times).add_cte(host)
    return whole.returning(OccupiedTime.__table__.c.booking_id)


@functools.cache
def _messages(*names: str) -> t.Any:
    """Messages, of which ``names`` are given.

    What is the same in each stands in the statement: psycopg takes one with over fifty parameters apart each time.
    """
    new = insertion(OutboxMessage).values(_alike(OutboxMessage) | {name: _given(OutboxMessage, name) for name in names})
    return new.returning(OutboxMessage.__table__.c.id, sort_by_parameter_order=True)


@functools.cache
def _messages_with_entry(*names: str) -> t.Any:
    values = {name: _given(HistoryEntry, name, _BESIDE) for _, name, _ in _columns(HistoryEntry)}
    entry = insertion(HistoryEntry).values(values).returning(HistoryEntry.__table__.c.id).cte("entry")
    return _messages(*names).returning(sa.select(entry.c.id).scalar_subquery().label("entry_id"))


_BESIDE = "beside_"
"""Before the names of columns that are parameters of a statement beside those of another table."""


def _beside(values: dict[str, t.Any]) -> dict[str, t.Any]:
    return {_BESIDE + name: value for name, value in values.items()}


def _given(model: type[Model], name: str, prefix: str = "") -> sa.BindParameter[t.Any]:
    return sa.bindparam(prefix + name, type_=model.__table__.c[name].type)


def _values(row: Model) -> dict[str, t.Any]:
    """The columns of a new row, each default filled in."""
    values, given = {}, so.attributes.instance_dict(row)
    for name, column, default in _columns(type(row)):
        if name not in given:
            given[name] = default()  # past the events of an attribute that is set: nobody listens to a new row
        values[column] = given[name]
    return values


def _made(model: type[Model]) -> dict[str, t.Any]:
    """The defaults that are another in each row."""
    return {column: default() for column, default in _making(t.cast(t.Any, model))}


@functools.cache
def _making(model: t.Any) -> list[tuple[str, t.Callable[[], t.Any]]]:
    defaults: c.Iterable[t.Any] = ((column.key, column.default) for column in model.__table__.c)
    return [(key, functools.partial(made.arg, None)) for key, made in defaults if made is not None and made.is_callable]


def _alike(model: type[Model]) -> dict[str, t.Any]:
    """The defaults that are the same in each row, as words of a statement."""
    same = {}
    for column in model.__table__.c:
        default: t.Any = column.default
        if default is not None and default.is_scalar:
            word = sa.literal(default.arg, column.type).compile(compile_kwargs={"literal_binds": True})
            same[column.key] = sa.literal_column(str(word), column.type)
    return same


def _keep(session: Session, row: Booking | HistoryEntry) -> None:
    """Have the session know ``row`` as one that it loaded."""
    so.make_transient_to_detached(row)
    rolled_back = session.identity_map.get(so.util.identity_key(type(row), row.id))
    if rolled_back is not None:  # an earlier try got the same key, and something still refers to it
        session.expunge(rolled_back)
    session.add(row)


def _columns(model: type[Model]) -> list[tuple[str, str, t.Callable[[], t.Any]]]:
    """Each attribute but the key, its column, and what makes its default."""
    return _known_columns(t.cast(t.Any, model))


@functools.cache
def _known_columns(model: t.Any) -> list[tuple[str, str, t.Callable[[], t.Any]]]:
    found = []
    for attribute in sa.inspect(model).column_attrs:
        (column,) = attribute.columns
        default: t.Any = getattr(column.default, "arg", None)
        if not column.primary_key:
            # A callable: SQLAlchemy has it take a context.
            default = functools.partial(default, None) if callable(default) else functools.partial(_same, default)
            found.append((attribute.key, column.key, default))
    return found


def _same(value: t.Any) -> t.Any:
    return value
