"""Writing one new row past the unit of work: a booking is in a guest's way, and the unit of work costs more than the
database takes."""

from __future__ import annotations

import functools
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..models import Booking, HistoryEntry
from ..orm import Model
from ..state import Session


def insert(session: Session, row: Booking | HistoryEntry) -> None:
    """Write ``row``, which no session knows yet, at once; afterwards the session has it as if it had loaded it.

    Defaults are filled in.  What the row refers to must be written, and its foreign keys set.
    """
    values = {}
    given = so.attributes.instance_dict(row)
    for name, column, default in _columns(t.cast(t.Any, type(row))):
        if name not in given:
            setattr(row, name, default() if callable(default) else default)
        values[column] = given[name]
    result = session.connection().execute(sa.insert(type(row).__table__), values)
    (row.id,) = result.inserted_primary_key  # type: ignore[misc]
    so.make_transient_to_detached(row)
    rolled_back = session.identity_map.get(so.util.identity_key(type(row), row.id))
    if rolled_back is not None:  # an earlier try got the same key, and something still refers to it
        session.expunge(rolled_back)
    session.add(row)


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
