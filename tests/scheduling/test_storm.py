"""However many people book at the same moment, on every database: nobody is booked twice, nothing is oversold, and
everybody gets an answer that says what happened."""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import random

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.extensions import db
from example_app.models import User
from flask_booking import catalog
from flask_booking.models import Assignment, Booking, EventType, Host
from flask_booking.scheduling import book, cancel, place_hold, reassign, release_hold, reschedule
from flask_booking.scheduling.hold import new_hold_token
from tests.fixtures.apps import MakeApp
from tests.scheduling.bookable import DAY, HOUR, MINUTE, instant, midnight, new_event, new_host, request
from tests.scheduling.storm import ENGINE, FEWER, ROUNDS, WRITERS, inspect, storm

Hosts = c.Callable[..., list[Host]]


@pytest.fixture
def crm(make_app: MakeApp, each_database: str) -> c.Iterator[Flask]:
    """The example CRM on each database, in whose context the test runs; afterwards its tables are inspected."""
    app = make_app(each_database, SQLALCHEMY_ENGINE_OPTIONS=ENGINE)
    with app.app_context():
        yield app
        inspect()


@pytest.fixture
def hosts(crm: Flask) -> Hosts:
    def make(count: int, **columns: object) -> list[Host]:
        made = []
        for number in range(count):
            user = User(email=f"host{number}@example.com", name=f"Host {number}", password_hash="")
            db.session.add(user)
            made.append(new_host(user, **columns))
        return made

    return make


def guests(round_number: int) -> list[str]:
    return [f"guest-{round_number}-{writer}@example.com" for writer in range(WRITERS)]


def booker(event_id: int, start: int, email: str, **more: object) -> c.Callable[[], object]:
    return lambda: book(event_id, request(start, email, **more))


def live_at(start: int, end: int) -> int:
    db.session.rollback()
    within = (Booking.starts_at >= instant(start)) & (Booking.starts_at < instant(end))
    return db.session.scalar(sa.select(sa.func.count()).select_from(Booking).where(within)) or 0


def test_one_of_all_who_want_the_same_time_gets_it(crm: Flask, hosts: Hosts) -> None:
    event_id = new_event(*hosts(1)).id
    for number in range(ROUNDS):
        start = midnight() + number * HOUR
        answers = storm(crm, [booker(event_id, start, email) for email in guests(number)])
        assert answers == {"done": 1, "slot_taken": WRITERS - 1}


def test_times_that_overlap_with_their_buffers_never_both_go(crm: Flask, hosts: Hosts) -> None:
    [host] = hosts(1)
    short = new_event(host, interval=5, durations=[30], buffer_before=10, buffer_after=5).id
    long = new_event(host, interval=5, durations=[60]).id
    for number in range(ROUNDS):
        chance = random.Random(number)
        start = midnight() + number * DAY
        writers = [
            booker(chance.choice([short, long]), start + chance.randrange(48) * 5 * MINUTE, email)
            for email in guests(number)
        ]
        answers = storm(crm, writers)
        assert answers["done"] >= 2
        assert set(answers) == {"done", "slot_taken"}


def test_a_group_gets_as_many_guests_as_there_are_seats(crm: Flask, hosts: Hosts) -> None:
    event_id = new_event(*hosts(1), seats=12).id
    for number in range(ROUNDS):
        start = midnight() + number * HOUR
        answers = storm(crm, [booker(event_id, start, email) for email in guests(number)])
        assert answers == {"done": 12, "slot_taken": WRITERS - 12}


def test_a_day_takes_no_more_than_its_limit(crm: Flask, hosts: Hosts) -> None:
    [host] = hosts(1, limit_day=5)
    limited, other = new_event(host, limit_day=3).id, new_event(host).id
    for number in range(FEWER):
        start = midnight() + number * DAY
        writers = [
            booker(limited if place % 2 else other, start + place % 40 * HOUR // 2, email)
            for place, email in enumerate(guests(number))
        ]
        answers = storm(crm, writers)
        assert answers["done"] == 5
        assert answers["done"] + answers["slot_taken"] + answers["slot_unavailable"] == WRITERS


def test_only_the_form_that_holds_a_time_can_book_it(crm: Flask, hosts: Hosts) -> None:
    event_id = new_event(*hosts(1)).id
    for number in range(FEWER):
        start = midnight() + number * HOUR
        token = new_hold_token(event_id)
        place_hold(event_id, token, start)
        first, *others = guests(number)
        writers = [booker(event_id, start, first, hold=token), *(booker(event_id, start, email) for email in others)]
        answers = storm(crm, writers)
        assert answers == {"done": 1, "slot_taken": WRITERS - 1}
        db.session.rollback()
        booked = sa.select(Booking.guest_email).where(Booking.starts_at == instant(start))
        assert db.session.scalars(booked).all() == [first]


def test_holds_that_ran_out_are_in_nobodys_way(crm: Flask, hosts: Hosts) -> None:
    event_id = new_event(*hosts(1)).id
    for number in range(ROUNDS):
        start = midnight() + number * HOUR
        late = new_hold_token(event_id)
        place_hold(event_id, late, start, now=int(midnight(-1)))
        writers = [booker(event_id, start, email) for email in guests(number)[1:]]
        writers.append(booker(event_id, start, guests(number)[0], hold=late))
        answers = storm(crm, writers)
        assert answers["done"] == 1
        assert set(answers) <= {"done", "slot_taken", "hold_expired"}


def test_hosts_shared_by_several_event_types_attend_one_meeting_at_a_time(crm: Flask, hosts: Hosts) -> None:
    one, two, three = hosts(3)
    pairs = [new_event(*pair).id for pair in ((one, two), (three, two), (one, three))]
    alone, anyone = new_event(one).id, new_event(one, two, three, assignment=Assignment.ANY).id
    for number in range(ROUNDS):
        start = midnight() + number * HOUR
        writers = [
            booker([*pairs, alone, anyone][place % 5], start, email) for place, email in enumerate(guests(number))
        ]
        answers = storm(crm, writers)
        assert 2 <= answers["done"] <= 3
        assert set(answers) == {"done", "slot_taken"}


def test_each_free_host_of_a_team_gets_one_guest(crm: Flask, hosts: Hosts) -> None:
    event_id = new_event(*hosts(3), assignment=Assignment.ANY).id
    for number in range(FEWER):
        start = midnight() + number * HOUR
        answers = storm(crm, [booker(event_id, start, email) for email in guests(number)])
        assert answers == {"done": 3, "slot_taken": WRITERS - 3}


def test_one_form_sent_many_times_books_once(crm: Flask, hosts: Hosts) -> None:
    event_id = new_event(*hosts(1)).id
    for number in range(FEWER // 2):
        start = midnight() + number * HOUR
        answers = storm(crm, [booker(event_id, start, "sam@example.com", idempotency_key=f"form-{number}")] * WRITERS)
        assert answers == {"done": WRITERS}
        assert live_at(start, start + HOUR) == 1


def test_any_mixture_of_changes_leaves_the_books_right(crm: Flask, hosts: Hosts) -> None:
    one, two, three = hosts(3)
    events = [
        new_event(one, buffer_after=10, interval=10),
        new_event(one, two, interval=15, buffer_before=5),
        new_event(two, three, assignment=Assignment.ANY, interval=10),
        new_event(three, seats=4),
    ]
    all_events, all_hosts = [event.id for event in events], [host.id for host in (one, two, three)]
    changer = Changer(midnight(), all_events, all_hosts)
    for number in range(FEWER):
        answers = storm(crm, [changer.writer(number, place) for place in range(WRITERS)])
        assert answers["done"] >= 1
        assert set(answers) <= {"done", "slot_taken", "slot_unavailable", "change_refused", "hold_expired"}
    assert live_at(midnight(), midnight() + DAY) > 0


class Changer:
    """Does something at random to bookings of one crowded day; what it does is decided by the writer's number."""

    def __init__(self, day: int, events: list[int], hosts: list[int]) -> None:
        self.day, self.events, self.hosts = day, events, hosts

    def writer(self, round_number: int, place: int) -> c.Callable[[], object]:
        chance = random.Random(1000 * round_number + place)
        email = f"guest-{round_number}-{place}@example.com"
        return lambda: self.act(chance, email)

    def act(self, chance: random.Random, email: str) -> object:
        start = self.day + chance.randrange(36) * 10 * MINUTE
        event_id = chance.choice(self.events)
        ids = db.session.scalars(sa.select(Booking.id).order_by(Booking.id)).all()
        action = chance.choice(["book", "book", "move", "move", "cancel", "reassign", "hold"]) if ids else "book"
        if action == "book":
            return book(event_id, request(start, email))
        if action == "hold":
            return self.hold(chance, event_id, start, email)
        booking_id = chance.choice(ids)
        if action == "move":
            return reschedule(booking_id, instant(start), actor="guest")
        if action == "cancel":
            return cancel(booking_id, actor="host")
        return reassign(booking_id, chance.choice(self.hosts))

    def hold(self, chance: random.Random, event_id: int, start: int, email: str) -> object:
        token = new_hold_token(event_id)
        place_hold(event_id, token, start)
        if chance.random() < 0.5:
            return book(event_id, request(start, email, hold=token))
        return release_hold(event_id, token)


def test_hosts_change_their_settings_while_guests_book(crm: Flask, hosts: Hosts) -> None:
    [host] = hosts(1)
    host_id, event_id = host.id, new_event(host).id
    closed = instant(midnight(40)).replace(tzinfo=None)

    def edit() -> object:
        return catalog.update_event_type(db.session.get_one(EventType, event_id), {"title": "Other"})

    def block() -> object:
        return catalog.block_time(
            db.session.get_one(Host, host_id), starts=closed, ends=closed + dt.timedelta(hours=1), title="Away"
        )

    for number in range(FEWER):
        start = midnight() + number * DAY
        bookers = [booker(event_id, start + place % 20 * HOUR, email) for place, email in enumerate(guests(number))]
        answers = storm(crm, [*bookers[:40], *[edit, block] * 5])
        assert answers == {"done": 20 + 10, "slot_taken": 20}
