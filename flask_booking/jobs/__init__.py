"""What is done after a request: mails sent, failed hooks tried again, old rows swept, meetings completed.

The database is the truth: a row of the outbox is work, and whoever claims it does it.  Redis, or an event in this
process, only wakes workers sooner than they would look by themselves.
"""

from __future__ import annotations

from flask import Flask

from . import bell, handlers, thread, topics
from .outbox import deliver, deliver_due, due_ids, retry
from .relay import Relay
from .status import Status, read_status
from .thread import start_worker, stop_worker
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


def init_app(app: Flask) -> None:
    """Let ``app`` wake workers when the outbox is filled."""
    handlers.register_all()
    bell.init_app(app)
    thread.init_app(app)
