"""The public JSON API: what a guest can do, for programs."""

from __future__ import annotations

from flask import Flask

from . import domains as domains  # their views register themselves
from . import public
from .blueprint import api

__all__ = ["init_app", "public"]


def init_app(app: Flask) -> None:
    """Mount the API beneath ``BOOKING_API_URL_PREFIX``."""
    app.register_blueprint(api, url_prefix=app.config["BOOKING_API_URL_PREFIX"])
