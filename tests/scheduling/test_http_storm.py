"""The same over HTTP, through several gunicorn workers: every guest is answered 201 or 409, and the books are right."""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from example_app.extensions import db
from example_app.models import User
from flask_booking.models import Assignment
from flask_booking.scheduling.hold import new_hold_token
from tests.fixtures.apps import MakeApp
from tests.fixtures.servers import Gunicorn
from tests.scheduling.bookable import DAY, MINUTE, instant, midnight, new_event, new_host
from tests.scheduling.storm import ROUNDS, WRITERS, inspect


def test_guests_who_storm_the_server_are_all_answered(
    make_app: MakeApp, gunicorn: Gunicorn, each_database: str
) -> None:
    app = make_app(each_database)
    with app.app_context():
        hosts = []
        for name in ("Ann", "Ben"):
            user = User(email=f"{name}@example.com", name=name, password_hash="")
            db.session.add(user)
            hosts.append(new_host(user))
        events = [
            new_event(hosts[0], interval=10, buffer_before=10),
            new_event(*hosts, interval=15),
            new_event(*hosts, assignment=Assignment.ANY),
            new_event(hosts[1], seats=5),
        ]
        paths = [(f"{event.page.slug}/{event.slug}", new_hold_token(event.id)) for event in events]
        db.session.remove()
    server = gunicorn(each_database).removeprefix("http://")

    def guest(round_number: int, place: int, together: threading.Barrier) -> tuple[int, str]:
        chance = random.Random(100 * round_number + place)
        path, hold = paths[place % len(paths)]
        start = midnight() + round_number * DAY + chance.randrange(12) * 10 * MINUTE
        body: dict[str, Any] = {
            "start": instant(start).isoformat(),
            "name": "Sam",
            "email": f"guest-{round_number}-{place}@example.com",
            "time_zone": "Europe/Paris",
        }
        if place % 10 == 0:
            body["hold"] = hold
        with contextlib.closing(http.client.HTTPConnection(server, timeout=60)) as connection:
            connection.connect()  # before all of them ask at once: what arrives together is requests, not connections
            together.wait()
            address = f"/api/booking/v1/public/{path}/bookings"
            connection.request("POST", address, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()).get("code", "")

    answers: collections.Counter[tuple[int, str]] = collections.Counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        for number in range(ROUNDS):
            barrier = threading.Barrier(WRITERS)
            answers.update(pool.map(guest, [number] * WRITERS, range(WRITERS), [barrier] * WRITERS))
    assert set(answers) <= {(201, ""), (409, "slot_taken"), (409, "slot_unavailable")}
    assert answers[201, ""] >= ROUNDS
    with app.app_context():
        inspect()
