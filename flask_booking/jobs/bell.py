"""Waking workers when the outbox was filled or a calendar is due: through Redis, or else in this process."""

from __future__ import annotations

import collections.abc as c
import logging
import typing as t

from flask import Flask

from ..errors import frames_of
from ..signals import calendars_due, outbox_filled
from . import thread
from .queue import RedisBell, redis_bell

_log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Ring when the outbox of ``app`` is filled, and when its calendars are to be read."""
    url = app.config["BOOKING_REDIS_URL"]
    if url:
        bell = RedisBell(url, app.config["BOOKING_QUEUE"], app.config["BOOKING_CLAIM_SECONDS"])
        app.extensions["booking"].extras["redis_bell"] = bell
    outbox_filled.connect(_on_filled, sender=app)
    calendars_due.connect(_on_due, sender=app)


def _on_filled(app: Flask, *, ids: c.Sequence[int], **_more: t.Any) -> None:
    _wake(app, "outbox", lambda bell: bell.ring(ids))


def _on_due(app: Flask, *, ids: c.Sequence[int], **_more: t.Any) -> None:
    _wake(app, "calendars", lambda bell: bell.ring_calendars(ids))


def _wake(app: Flask, what: str, ring: c.Callable[[RedisBell], object]) -> None:
    try:
        bell = redis_bell(app)
        if bell is None:
            thread.wake(app)
        else:
            ring(bell)
    except Exception as error:  # the guest has booked: nothing here may say otherwise
        _log.error("the bell of the %s failed: %s\n%s", what, type(error).__name__, frames_of(error))
