"""Hosts' calendars at other services: read into a mirror of our own, and written to when somebody books.

Nothing here runs while a guest waits for a page.  Workers read and write; what they learn is in our own tables.
"""

from __future__ import annotations

import typing as t

from flask import Flask

from ..scheduling.asking import let_ask


def init_app(app: Flask) -> None:
    """Know the calendar services of ``app``; have calendars asked when somebody books and their state isn't known."""
    from . import registry

    extras: dict[str, t.Any] = app.extensions["booking"].extras
    registry.init_app(app)
    let_ask(extras, _ask)


def _ask(host_ids: list[int]) -> bool:
    from .mirror import ask_now  # only here: it takes the services' clients along

    return ask_now(host_ids)
