"""The worker inside a web process: a thread that delivers what is due, for CRMs without Redis.

It starts with the first request that a process answers, so never in the parent of forked servers and never in a
shell command, and every process may have one.
"""

from __future__ import annotations

import atexit
import os
import threading
import typing as t
import weakref

from flask import Flask, request_started

from .relay import SECONDS, Relay

_threads: weakref.WeakSet[WorkerThread] = weakref.WeakSet()


class WorkerThread:
    """One app's thread in this process; after a fork it is started anew by whoever needs it.

    Without one it waits for a request, where the configuration wants that.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._lock = threading.Lock()
        self._forget()
        _threads.add(self)

    def _forget(self) -> None:
        self._relay: Relay | None = None
        self._thread: threading.Thread | None = None
        if self.app.config["BOOKING_WORKER"] and not self.app.config["BOOKING_REDIS_URL"]:
            request_started.connect(self._on_request, sender=self.app)

    @property
    def running(self) -> bool:
        """Whether the thread runs in this very process."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, *, every: float | None = None) -> None:
        """Start the thread unless it runs."""
        with self._lock:
            if self.running:
                return
            self._relay = Relay(self.app, every=every or SECONDS)
            self._thread = threading.Thread(target=self._relay.run, name="booking-worker", daemon=True)
            self._thread.start()
            # The CRM's own requests shall cost no more than without us.
            request_started.disconnect(self._on_request)

    def _on_request(self, app: Flask, **_more: t.Any) -> None:
        if not app.testing and app.config["BOOKING_WORKER"]:
            self.start()

    def wake(self) -> None:
        """Have the thread look at once, if it runs."""
        if self.running and self._relay is not None:
            self._relay.wake.set()

    def stop(self, seconds: float = 30) -> None:
        """End the thread after the message it delivers, or leave it alone after ``seconds``."""
        if self.running and self._relay is not None and self._thread is not None:
            self._relay.stop()
            self._thread.join(seconds)
            self._forget()

    def after_fork(self) -> None:
        """In a child there is no such thread, and its lock may have been held."""
        self._lock = threading.Lock()
        self._forget()


def start_worker(app: Flask, *, every: float | None = None) -> None:
    """Start the worker thread of ``app`` in this process now, whatever the configuration says.

    For servers that should deliver before their first request.  Call it after a fork, not before; ``every`` is in
    seconds.
    """
    _thread_of(app).start(every=every)


def stop_worker(app: Flask, seconds: float = 30) -> None:
    """End the worker thread of ``app`` in this process, after the message it delivers."""
    _thread_of(app).stop(seconds)


def wake(app: Flask) -> None:
    """Have the thread deliver at once what was just written, if it runs in this process."""
    _thread_of(app).wake()


def init_app(app: Flask) -> None:
    """Start the thread with the first request, where the configuration wants it."""
    app.extensions["booking"].extras["worker_thread"] = WorkerThread(app)


def _thread_of(app: Flask) -> WorkerThread:
    return t.cast(WorkerThread, app.extensions["booking"].extras["worker_thread"])


@atexit.register
def _stop_all() -> None:
    """Let a mail that is being sent be recorded before the process ends: else another worker would send it again."""
    for worker in list(_threads):
        worker.stop(10)


def _after_fork() -> None:
    for worker in list(_threads):
        worker.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
