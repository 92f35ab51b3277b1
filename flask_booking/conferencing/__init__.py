"""Meeting links that no calendar makes: a service of their own makes them, moves them and takes them back."""

from __future__ import annotations

from flask import Flask

from ..scheduling.places import let_make


def init_app(app: Flask) -> None:
    """Know the services of ``app``, and have their names be kinds of places."""
    from . import registry

    registry.init_app(app)
    let_make(app.extensions["booking"].extras, registry.labels)
