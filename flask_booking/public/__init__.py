"""The pages that guests see: choose a time, book, and change or cancel it by the link in the mail.

They need no account, no cookie and no script; a script only makes them quicker.  Nothing here decides what can be
booked or writes a booking: views read what was asked, call :mod:`flask_booking.scheduling` and show the answer.
"""

from __future__ import annotations

from flask import Flask

from . import choose, details, files, manage, move
from .blueprint import blueprint

__all__ = ["init_app"]

# Imported for the views they add to the blueprint.
_VIEWS = (choose, details, files, manage, move)


def init_app(app: Flask) -> None:
    """Put the public pages beneath ``BOOKING_URL_PREFIX``."""
    app.register_blueprint(blueprint, url_prefix=app.config["BOOKING_URL_PREFIX"])
