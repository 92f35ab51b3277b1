"""``flask booking work``: a process that does the work, woken by RQ, with a relay beside it.

With Redis away the relay delivers by itself, and the RQ worker comes back when Redis does.  Without any Redis the
relay is all there is.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
import time
import typing as t

import redis
from flask import Flask
from rq import SimpleWorker
from rq.exceptions import StopRequested

from .queue import RedisBell, redis_bell
from .relay import SECONDS, Relay

_log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
"""How often a worker without Redis looks for work at least: nothing wakes it."""
RECONNECT_SECONDS = 2.0
_ENDING = (signal.SIGTERM, signal.SIGINT)


class OutboxWorker(SimpleWorker):
    """An RQ worker without a fork for each job: the app and its connections are used again.

    Tells ``stopping`` of signals, returns soon when Redis is back, and registers again with a Redis that forgot it.
    """

    max_connection_wait_time = 5.0
    log_result_lifespan = False

    def __init__(self, bell: RedisBell, stopping: threading.Event) -> None:
        # A connection of its own: waiting for a job takes longer than the bell's may ever take.
        connection = redis.Redis.from_url(bell.url, socket_connect_timeout=2.0)
        name = f"{bell.name}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.stopping = stopping
        super().__init__(
            [bell.queue.name],
            name=name,
            connection=connection,
            worker_ttl=60,
            serializer=bell.queue.serializer,
            log_job_description=False,
        )

    def request_stop(self, signum: t.Any, frame: t.Any) -> None:
        self.stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def heartbeat(self, timeout: int | None = None, pipeline: t.Any = None) -> None:
        if pipeline is None and not self.connection.exists(self.key):
            self.register_birth()  # type: ignore[no-untyped-call]
        super().heartbeat(timeout, pipeline)


def work(app: Flask, *, processes: int = 1, every: float = SECONDS) -> None:
    """Do the work of ``app`` until SIGTERM or SIGINT, in this process or in so many children of it.

    Call it in the main thread and, with several processes, before anything was connected.
    """
    if processes > 1:
        _supervise(app, processes, every)
    else:
        _work(app, every, alive=lambda: True)


def relay_only(app: Flask, *, every: float = SECONDS) -> None:
    """Look for what is due until SIGTERM or SIGINT, without being an RQ worker."""
    relay = Relay(app, every=every)
    _on_end(relay.stop)
    relay.run()


def _work(app: Flask, every: float, alive: t.Callable[[], bool]) -> None:
    bell = redis_bell(app)
    stopping = threading.Event()
    relay = Relay(app, every=every if bell else min(every, POLL_SECONDS))

    def stop() -> None:
        stopping.set()
        relay.stop()

    _on_end(stop)
    if bell is None:
        relay.run(alive)
        return

    def beside() -> None:
        relay.run(lambda: alive() and not stopping.is_set())
        if not stopping.is_set():
            os.kill(os.getpid(), signal.SIGTERM)  # the parent is gone

    thread = threading.Thread(target=beside, name="booking-relay", daemon=True)
    thread.start()
    told = False
    while not stopping.is_set():
        try:
            with app.app_context():
                OutboxWorker(bell, stopping).work(logging_level="WARNING")
            told = False
        except StopRequested:
            break
        except (redis.RedisError, OSError) as error:
            if not told:
                _log.warning("Redis doesn't answer (%s): trying again until it does", type(error).__name__)
            told = True
        _on_end(stop)  # RQ leaves its own behind
        stopping.wait(RECONNECT_SECONDS)
    relay.stop()
    thread.join(app.config["BOOKING_CLAIM_SECONDS"])


def _supervise(app: Flask, processes: int, every: float) -> None:
    """Keep so many children working; one that dies is replaced, not faster than one in a second."""
    stopping = threading.Event()
    children: set[int] = set()
    _on_end(stopping.set)
    while not stopping.is_set():
        while len(children) < processes:
            children.add(_start_child(app, every))
        for child in list(children):
            if os.waitpid(child, os.WNOHANG)[0]:
                _log.warning("the worker process %s ended and is replaced", child)
                children.discard(child)
        stopping.wait(1)
    for child in children:
        os.kill(child, signal.SIGTERM)
    for child in children:
        os.waitpid(child, 0)


def _start_child(app: Flask, every: float) -> int:
    parent = os.getpid()
    # A signal between the fork and the child's own handlers would be told to nobody.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        return child
    try:
        with app.app_context():
            for engine in app.extensions["booking"].db.engines.values():
                engine.dispose(close=False)
        _work(app, every, alive=lambda: os.getppid() == parent)
    except BaseException:
        _log.exception("a worker process failed")
        time.sleep(1)
        os._exit(1)
    os._exit(0)


def _on_end(stop: t.Callable[[], None]) -> None:
    def ended(*_signal: t.Any) -> None:
        # In a thread: what the signal interrupted may hold the very lock that stopping needs.
        threading.Thread(target=stop, name="booking-stop", daemon=True).start()

    for signum in _ENDING:
        signal.signal(signum, ended)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
