"""The pages that guests see: choose a time, book, and change or cancel it by the link in the mail.

They need no account, no cookie and no script; a script only makes them quicker.  Nothing here decides what can be
booked or writes a booking: views read what was asked, call :mod:`flask_booking.scheduling` and show the answer.
"""

from __future__ import annotations

from flask import Flask

from . import choose as choose  # imported for the views they add to the blueprint
from . import details as details
from . import files as files
from . import hooks as hooks
from . import manage as manage
from . import move as move
from .blueprint import blueprint
from .looks import check_looks

__all__ = ["init_app"]


def init_app(app: Flask) -> None:
    """Put the public pages beneath ``BOOKING_URL_PREFIX``."""
    check_looks(app.config)
    app.register_blueprint(blueprint, url_prefix=app.config["BOOKING_URL_PREFIX"])
