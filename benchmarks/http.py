"""Requests per second of the slots endpoint, beside a bare Flask route with one ORM SELECT, under the same gunicorn.

Both are routes of the same app, on PostgreSQL, asked by turns over connections that stay open.  Guests look at the
same months again and again, so the month is warm; a booking each second empties the memory of it in the second row.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import sqlalchemy as sa
from flask import Flask, Response, jsonify

from benchmarks.booking import at, new_app, new_event_type, scratch_database
from benchmarks.table import Row
from example_app.extensions import db
from example_app.models import User
from flask_booking.crm import Guest
from flask_booking.scheduling import BookingRequest, book
from flask_booking.scheduling.intake import Intake

TURNS, SECONDS, CONNECTIONS, DAY = 7, 1.5, 4, 86_400


def create_app() -> Flask:
    """What gunicorn imports: the example CRM, and the bare route beside it."""
    app = new_app(os.environ["BOOKING_BENCH_DATABASE"], os.environ["BOOKING_BENCH_FOLDER"])

    @app.get("/bare")
    def bare() -> Response:
        user = db.session.scalars(sa.select(User).where(User.email == "ann@example.com")).one()
        return jsonify(name=user.name)

    return app


@contextmanager
def gunicorn(url: str, folder: str) -> Iterator[int]:
    """The port of a gunicorn with one worker: two would compete with the asking process for two cores."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        port = listening.getsockname()[1]
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--bind", f"fd://{listening.fileno()}", "--log-level", "error"),
                *(
                    "--workers",
                    "1",
                    "--threads",
                    str(CONNECTIONS),
                    "--keep-alive",
                    "30",
                    "benchmarks.http:create_app()",
                ),
            ],
            env={**os.environ, "BOOKING_BENCH_DATABASE": url, "BOOKING_BENCH_FOLDER": folder},
            pass_fds=[listening.fileno()],
        )
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/bare", timeout=60):
                yield port
        finally:
            process.terminate()
            process.wait(30)


def ask(port: int, path: str, until: float) -> int:
    """How many answers one connection gets before ``until``."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    count = 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, connection.makefile("rb") as answers:
        while time.perf_counter() < until:
            connection.sendall(request)
            status = answers.readline()
            assert b" 200 " in status, status
            length = 0
            while (line := answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answers.read(length)
            count += 1
    return count


def per_second(port: int, path: str) -> float:
    until = time.perf_counter() + SECONDS
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return sum(pool.map(ask, [port] * CONNECTIONS, [path] * CONNECTIONS, [until] * CONNECTIONS)) / SECONDS


@contextmanager
def somebody_books(one_booking: Callable[[], object]) -> Iterator[None]:
    """A booking each second, while the block runs."""
    done = threading.Event()

    def go_on() -> None:
        while not done.wait(1):
            one_booking()

    thread = threading.Thread(target=go_on)
    thread.start()
    yield
    done.set()
    thread.join()


def rows() -> list[Row]:
    """The slots endpoint by turns with the bare route; the medians are compared."""
    with scratch_database() as url, tempfile.TemporaryDirectory() as folder:
        app = new_app(url, folder)
        with app.app_context():
            event_id = new_event_type().id
        midnight = int(time.time()) // DAY * DAY + 2 * DAY
        starts = iter(range(midnight, midnight + 30 * DAY, 1800))

        def one_booking() -> object:
            start = next(starts)
            with app.app_context():
                guest = Guest("Sam", f"sam-{start}@example.com")
                return book(event_id, BookingRequest(at(start), Intake(guest, [], {}, "")))

        for _booking in range(100):
            one_booking()
        first, last = (time.strftime("%Y-%m-%d", time.gmtime(day)) for day in (midnight, midnight + 30 * DAY))
        slots = f"/api/booking/v1/public/ann/intro/slots?start={first}&end={last}&tz=Europe/Paris"
        quiet: list[float] = []
        busy: list[float] = []
        bare: list[float] = []
        with gunicorn(url, folder) as port:
            for turn in range(-1, TURNS):
                with somebody_books(one_booking):
                    while_booking = per_second(port, slots)
                figures = per_second(port, slots), while_booking, per_second(port, "/bare")
                if turn >= 0:  # the first only warms up
                    for some, figure in zip((quiet, busy, bare), figures, strict=True):
                        some.append(figure)
        with app.app_context():
            db.engine.dispose()
    baseline = statistics.median(bare)
    name = "bare route with one SELECT"
    return [
        Row("month of slots", statistics.median(quiet), "requests/s", baseline, name, goal=0.5),
        Row("month of slots, a booking a second", statistics.median(busy), "requests/s", baseline, name, goal=0.5),
    ]
