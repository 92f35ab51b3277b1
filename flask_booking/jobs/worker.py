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
from rq.worker import WorkerStatus

from ..errors import frames_of
from .queue import RedisBell, redis_bell
from .relay import SECONDS, Relay

_log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
"""How often a worker without Redis looks for work at least: nothing wakes it."""
RECONNECT_SECONDS = 2.0
_ENDING = (signal.SIGTERM, signal.SIGINT)


class Ending:
    """A signal's wish that this process ends, told to the main thread and to whoever else must stop."""

    def __init__(self, *then: t.Callable[[], None]) -> None:
        self.asked = False
        self.told = threading.Event()
        self._then = then

    def listen(self) -> None:
        """Take SIGTERM and SIGINT from now on; call it in the main thread."""
        for signum in _ENDING:
            signal.signal(signum, self.ask)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)

    def ask(self, *_signal: t.Any) -> None:
        """Ask to end."""
        self.asked = True
        # In a thread: what the signal interrupted may hold the very locks that telling needs.
        threading.Thread(target=self._tell, name="booking-ending", daemon=True).start()

    def _tell(self) -> None:
        self.told.set()
        for function in self._then:
            function()


class OutboxWorker(SimpleWorker):
    """An RQ worker without a fork for each job: the app and its connections are used again.

    Tells ``ending`` of signals, returns soon when Redis is back, and registers again with a Redis that forgot it.
    """

    max_connection_wait_time = 5.0
    log_result_lifespan = False

    def __init__(self, bell: RedisBell, ending: Ending) -> None:
        # A connection of its own: waiting for a job takes longer than the bell's may ever take.
        connection = redis.Redis.from_url(bell.url, socket_connect_timeout=2.0)
        name = f"{bell.name}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.ending = ending
        super().__init__(
            [bell.queue.name, bell.calendars.name],  # in this order
            name=name,
            connection=connection,
            worker_ttl=60,
            serializer=bell.queue.serializer,
            log_job_description=False,
        )

    def request_stop(self, signum: t.Any, frame: t.Any) -> None:
        self.ending.ask()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def heartbeat(self, timeout: int | None = None, pipeline: t.Any = None) -> None:
        if self.ending.asked and self.get_state() != WorkerStatus.BUSY:
            raise StopRequested  # the signal came before RQ listened to signals
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
    Ending(relay.stop).listen()
    relay.run()


def _work(app: Flask, every: float, alive: t.Callable[[], bool]) -> None:
    bell = redis_bell(app)
    relay = Relay(app, every=every if bell else min(every, POLL_SECONDS))
    ending = Ending(relay.stop)
    ending.listen()
    if bell is None:
        relay.run(alive)
        return

    def beside() -> None:
        relay.run(alive)
        if not ending.asked:
            os.kill(os.getpid(), signal.SIGTERM)  # the parent is gone

    thread = threading.Thread(target=beside, name="booking-relay", daemon=True)
    thread.start()
    _listen_to_redis(app, bell, ending)
    thread.join(app.config["BOOKING_CLAIM_SECONDS"])


def _listen_to_redis(app: Flask, bell: RedisBell, ending: Ending) -> None:
    """Be an RQ worker whenever Redis answers, until asked to end."""
    told = False
    while not ending.asked:
        try:
            with app.app_context():
                OutboxWorker(bell, ending).work(logging_level="WARNING")
            told = False
        except StopRequested:
            break
        except (redis.RedisError, OSError) as error:
            if not told:
                _log.warning("Redis doesn't answer (%s): trying again until it does", type(error).__name__)
            told = True
        ending.listen()  # RQ leaves its own behind
        ending.told.wait(0 if ending.asked else RECONNECT_SECONDS)


def _supervise(app: Flask, processes: int, every: float) -> None:
    """Keep so many children working; one that dies is replaced, not faster than one in a second."""
    ending = Ending()
    children: set[int] = set()
    ending.listen()
    while not ending.asked:
        while len(children) < processes:
            children.add(_start_child(app, every))
        for child in list(children):
            if os.waitpid(child, os.WNOHANG)[0]:
                _log.warning("the worker process %s ended and is replaced", child)
                children.discard(child)
        ending.told.wait(1)
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
    except BaseException as error:
        _log.error("a worker process failed: %s\n%s", type(error).__name__, frames_of(error))
        time.sleep(1)
        os._exit(1)
    os._exit(0)
