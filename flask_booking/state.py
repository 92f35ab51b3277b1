"""What one app keeps of the extension; everything shared between processes is in the database instead."""

from __future__ import annotations

import collections
import collections.abc as c
import contextlib
import dataclasses
import threading
import typing as t

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import orm as so

from .crm import CRM
from .errors import BookingConfigError

Session: t.TypeAlias = "so.scoped_session[so.Session]"


class Memory:
    """A small, thread-safe, least-recently-used dictionary."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._values: collections.OrderedDict[t.Hashable, t.Any] = collections.OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: t.Hashable) -> t.Any | None:
        """The value kept for ``key``, None when there is none."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: t.Hashable, value: t.Any) -> None:
        """Keep ``value``, and forget what was used longest ago when there are too many."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self.size:
                self._values.popitem(last=False)


@dataclasses.dataclass
class BookingState:
    """The extension as one app has it."""

    db: SQLAlchemy
    crm: CRM
    offers: Memory
    extras: dict[str, t.Any] = dataclasses.field(default_factory=dict)


def state() -> BookingState:
    """The current app's state.  Raises :class:`BookingConfigError` when ``init_app`` was not called for it."""
    try:
        return t.cast(BookingState, current_app.extensions["booking"])
    except KeyError:
        raise BookingConfigError("Call FlaskBooking().init_app(app, db, crm=…) for this app first") from None


def crm() -> CRM:
    """The current app's adapter to the CRM."""
    return state().crm


def session() -> Session:
    """The CRM's own session: bookings, contacts and activities are written in one transaction."""
    return t.cast("Session", state().db.session)


@contextlib.contextmanager
def changed_config(app: Flask, values: c.Mapping[str, t.Any]) -> c.Iterator[None]:
    """Have ``app`` go by other values of its configuration inside the block."""
    before = {key: app.config[key] for key in values}
    app.config.update(values)
    try:
        yield
    finally:
        app.config.update(before)
