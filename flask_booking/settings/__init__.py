"""The screens on which hosts set up booking and look after their meetings, inside the CRM and in its look.

Every screen works without a script.  A view reads what was asked, checks whose it is (:mod:`.access`), calls
:mod:`flask_booking.catalog` or :mod:`flask_booking.scheduling`, and shows the answer.
"""

from __future__ import annotations

from flask import Flask

from ..templating import check_blocks
from . import (
    blocked,
    book,
    booking,
    bookings,
    calendars,
    connect,
    deliveries,
    domains,
    event_type_list,
    event_types,
    events,
    explain,
    links,
    meetings,
    news,
    overview,
    page,
    rules,
    schedules,
    undo,
)
from .blueprint import blueprint

__all__ = ["init_app"]

# Imported for the views they add to the blueprint.
_VIEWS = (
    blocked,
    book,
    booking,
    bookings,
    calendars,
    connect,
    deliveries,
    domains,
    event_type_list,
    event_types,
    events,
    explain,
    links,
    news,
    overview,
    page,
    rules,
    schedules,
    undo,
)


def init_app(app: Flask) -> None:
    """Put the screens beneath ``BOOKING_SETTINGS_URL_PREFIX``, and give the CRM's own templates their meetings."""
    check_blocks(app.config)
    app.register_blueprint(blueprint, url_prefix=app.config["BOOKING_SETTINGS_URL_PREFIX"])
    meetings.init_app(app)
    news.init_app(app)
