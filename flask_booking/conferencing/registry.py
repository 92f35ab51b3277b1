"""Which services make meeting links.  The name of each is a ``kind`` of place, beside phones and addresses."""

from __future__ import annotations

import collections.abc as c
import typing as t

from flask import Flask

from ..connections.registry import Registry, registration
from ..scheduling.places import CALENDAR_LINKS, PLAIN_KINDS
from .provider import ConferencingProvider, OwnAccess

OURS = {"zoom": "flask_booking.conferencing.zoom.Zoom"}
LABELS = {"zoom": "Zoom"}
"""What ours are called, known without loading them."""

_registry = Registry[ConferencingProvider](
    "BOOKING_CONFERENCING_PROVIDERS", "service for meeting links", OURS, longest=24
)
find, provider = _registry.find, _registry.provider


def init_app(app: Flask) -> None:
    """Refuse services that can't be meant, or that are called as a place is already."""
    _registry.init_app(app, taken={*PLAIN_KINDS, *CALENDAR_LINKS})


def labels() -> c.Mapping[str, str]:
    """What each service is called, by the kind of its places."""
    return {
        name: LABELS[name] if given is OURS.get(name) else t.cast(ConferencingProvider, find(name)).label
        for name, given in list(_registry.known().items())
    }


def offered() -> list[ConferencingProvider]:
    """The services that hosts can connect now: those that need a registration of the CRM are left out while it has
    none."""
    return [one for one in _registry.all() if isinstance(one, OwnAccess) or registration(one) is not None]
