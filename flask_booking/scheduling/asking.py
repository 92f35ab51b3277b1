"""Having calendars asked whose state isn't known, when somebody books: by whoever knows how to reach them."""

from __future__ import annotations

import collections.abc as c
import typing as t

import sqlalchemy as sa

from ..models import EventTypeHost, Host, StaleCalendars
from ..state import Session, state

Asker = c.Callable[[list[int]], bool]
"""Reads the calendars of these hosts (keys) now; False when that wasn't possible."""

_KEY = "ask_calendars"


def let_ask(extras: dict[str, t.Any], asker: Asker) -> None:
    """Have ``asker`` ask in the app whose extras these are."""
    extras[_KEY] = asker


def ask_calendars(session: Session, event_type_id: int) -> bool:
    """Ask the calendars of the event type's hosts who wish that.  True when it is worth trying to book again.

    Begins and ends transactions: call it outside of one.
    """
    asker = t.cast("Asker | None", state().extras.get(_KEY))
    hosts = sa.select(Host.id).join(EventTypeHost, EventTypeHost.host_id == Host.id)
    wishing = hosts.where(EventTypeHost.event_type_id == event_type_id, Host.stale_calendars == StaleCalendars.ASK)
    host_ids = list(session.scalars(wishing))
    session.rollback()
    return bool(asker and host_ids) and t.cast(Asker, asker)(host_ids)
