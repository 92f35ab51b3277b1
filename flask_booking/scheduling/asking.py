"""Having calendars asked whose state isn't known, when somebody books: by whoever knows how to reach them."""

from __future__ import annotations

import collections.abc as c
import typing as t

import sqlalchemy as sa

from ..models import Host, StaleCalendars
from ..state import Session, state

Asker = c.Callable[[list[int]], bool]
"""Reads the calendars of these hosts (keys) now; False when none could be."""

_KEY = "ask_calendars"


def let_ask(extras: dict[str, t.Any], asker: Asker) -> None:
    """Have ``asker`` ask in the app whose extras these are."""
    extras[_KEY] = asker


def ask_calendars(session: Session, hosts: t.Any) -> bool:
    """Ask the calendars of those of ``hosts`` (keys, or a query for them) who wish that.

    True when it is worth trying again.  Begins and ends transactions: call it outside of one.
    """
    asker = t.cast("Asker | None", state().extras.get(_KEY))
    wishing = sa.select(Host.id).where(Host.id.in_(hosts), Host.stale_calendars == StaleCalendars.ASK)
    host_ids = list(session.scalars(wishing.order_by(Host.id)))
    session.rollback()
    return bool(asker and host_ids) and t.cast(Asker, asker)(host_ids)
