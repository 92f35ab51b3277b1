"""The public JSON API: what a guest can do, for programs."""

from __future__ import annotations

from flask import Flask

from . import public  # its views register themselves
from .blueprint import api

__all__ = ["init_app", "public"]


def init_app(app: Flask) -> None:
    """Mount the API.  It carries no authority of a visitor's session, so the CRM's CSRF protection leaves it out."""
    app.register_blueprint(api, url_prefix=app.config["BOOKING_API_URL_PREFIX"])
    csrf = app.extensions.get("csrf")
    if csrf is not None:
        csrf.exempt(api)
