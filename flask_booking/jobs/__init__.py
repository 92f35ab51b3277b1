"""What is done after a request: mails sent, failed hooks tried again, old rows swept, meetings completed.

The database is the truth: a row of the outbox is work, and whoever claims it does it.  Redis, or an event in this
process, only wakes workers sooner than they would look by themselves.
"""

from __future__ import annotations

import typing as t

from flask import Flask

from . import bell, handlers, thread, topics
from .outbox import deliver, deliver_due, due_ids, retry
from .relay import Relay
from .status import Status, read_status
from .thread import start_worker, stop_worker

if t.TYPE_CHECKING:
    from .worker import relay_only, work

__all__ = [
    "Relay",
    "Status",
    "deliver",
    "deliver_due",
    "due_ids",
    "init_app",
    "read_status",
    "relay_only",
    "retry",
    "start_worker",
    "stop_worker",
    "topics",
    "work",
]


def __getattr__(name: str) -> t.Any:
    # Loaded when a command asks for it: it takes RQ along, and no web process works that way.
    if name in {"relay_only", "work"}:
        from . import worker

        return getattr(worker, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def init_app(app: Flask) -> None:
    """Let ``app`` wake workers when the outbox is filled."""
    handlers.register_all()
    bell.init_app(app)
    thread.init_app(app)
