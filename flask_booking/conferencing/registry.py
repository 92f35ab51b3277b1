"""Which services make meeting links: the package's own, and those that a CRM adds.

The name of each is a ``kind`` of place, beside phones and addresses.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from flask import Flask, current_app
from werkzeug.utils import import_string

from ..connections.problems import Misconfigured
from ..errors import BookingConfigError
from ..scheduling.places import CALENDAR_LINKS, PLAIN_KINDS
from ..state import state
from .provider import ConferencingProvider, OwnAccess

OURS = {"zoom": "flask_booking.conferencing.zoom.Zoom"}
LABELS = {"zoom": "Zoom"}
"""What ours are called, known without loading them."""
_KEY = "conferencing_providers"


def init_app(app: Flask) -> None:
    """Refuse services that can't be meant.  They are loaded when they are needed first."""
    given = app.config["BOOKING_CONFERENCING_PROVIDERS"]
    if not isinstance(given, dict):
        raise BookingConfigError("BOOKING_CONFERENCING_PROVIDERS is a dictionary: {name: class, object or dotted path}")
    taken = {*PLAIN_KINDS, *CALENDAR_LINKS}
    for name in given:
        if not isinstance(name, str) or not name.isidentifier() or len(name) > 24 or name in taken:
            raise BookingConfigError(f"BOOKING_CONFERENCING_PROVIDERS: {name!r} can't be the name of a service")
    app.extensions["booking"].extras[_KEY] = {**OURS, **given}


def find(name: str) -> ConferencingProvider | None:
    """The service of that name; None when the app has none."""
    known: dict[str, t.Any] = state().extras[_KEY]
    found = known.get(name)
    if found is None:
        return None
    if isinstance(found, str):
        found = import_string(found)
    if isinstance(found, type):
        found = found()
    known[name] = found
    return t.cast(ConferencingProvider, found)


def provider(name: str) -> ConferencingProvider:
    """The service of that name.  Raises :class:`~flask_booking.connections.problems.Misconfigured` without one."""
    found = find(name)
    if found is None:
        raise Misconfigured(f"no service for meeting links is called {name}")
    return found


def labels() -> c.Mapping[str, str]:
    """What each service is called, by the kind of its places."""
    known: dict[str, t.Any] = state().extras[_KEY]
    return {
        name: LABELS[name] if given is OURS.get(name) else t.cast(ConferencingProvider, find(name)).label
        for name, given in known.items()
        if given is not None
    }


def offered() -> list[ConferencingProvider]:
    """The services that hosts can connect now: those that need a registration of the CRM are left out while it has
    none."""
    found = []
    for name, given in state().extras[_KEY].items():
        one = find(name) if given is not None else None
        if one is not None and _ready(one):
            found.append(one)
    return found


def _ready(one: ConferencingProvider) -> bool:
    if isinstance(one, OwnAccess):
        return True
    try:
        one.service(current_app.config)
    except Misconfigured:
        return False
    return True
