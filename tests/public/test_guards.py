"""What keeps programs out, and lets people in: rates, honeypot, time to fill in, proof of work."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_booking import guards
from flask_booking.config import BOOKING_RATE_LIMITS
from flask_booking.errors import BookingConfigError
from flask_booking.models import Booking, UsedChallenge
from flask_booking.state import session, state
from tests.fixtures.apps import MakeApp
from tests.fixtures.people import Bookable
from tests.fixtures.queues import RedisSpace
from tests.public.guest import ahead, choose, form_to, send, text_of, times

TIMES = ahead("/book/ann/intro")


def limit(app: Flask, **limits: str) -> None:
    app.config["BOOKING_RATE_LIMIT_ENABLED"] = True
    app.config["BOOKING_RATE_LIMITS"] = limits


def test_too_many_requests_are_told_when_to_come_back(ann: Bookable, client: FlaskClient) -> None:
    limit(ann.app, slots="2 per minute")
    assert [client.get(TIMES).status_code for _ in range(3)] == [200, 200, 429]
    answer = client.get(TIMES)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert "Please wait a moment" in text_of(answer)
    assert client.get("/book/ann").status_code == 200, "other things can still be done"
    assert client.get(TIMES, environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 200, "and by others"


def test_booking_has_a_limit_of_its_own_and_both_of_two_limits_hold(ann: Bookable, client: FlaskClient) -> None:
    limit(ann.app, book="5 per minute; 2 per hour")
    details = choose(client, TIMES)
    assert [send(client, details, email="x").status_code for _ in range(3)] == [422, 422, 429]


def test_a_client_cannot_choose_its_address(ann: Bookable, client: FlaskClient) -> None:
    limit(ann.app, slots="1 per minute")
    client.get(TIMES)
    assert client.get(TIMES, headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 429


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unix:", "unknown"),
        (None, "unknown"),
    ],
)
def test_ipv6_clients_are_counted_by_their_network(address: str | None, counted: str) -> None:
    assert guards.client_network(address) == counted


def test_a_dead_redis_breaks_no_page_and_limits_still_hold(ann: Bookable, client: FlaskClient) -> None:
    ann.app.config["BOOKING_REDIS_URL"] = "redis://127.0.0.1:1/0"
    limit(ann.app, slots="2 per minute")
    assert [client.get(TIMES).status_code for _ in range(3)] == [200, 200, 429]


def test_a_real_redis_is_shared_by_processes(ann: Bookable, client: FlaskClient, redis_space: RedisSpace) -> None:
    ann.app.config["BOOKING_REDIS_URL"] = redis_space.url
    limit(ann.app, slots="2 per minute")
    guest = {"REMOTE_ADDR": f"fd00:{secrets.token_hex(2)}:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"}
    assert client.get(TIMES, environ_base=guest).status_code == 200
    state().extras.pop("counter")  # as another process would begin
    assert [client.get(TIMES, environ_base=guest).status_code for _ in range(2)] == [200, 429]


def test_a_program_that_fills_in_every_field_books_nothing(ann: Bookable, client: FlaskClient) -> None:
    details = choose(client, TIMES)
    answer = send(client, details, website="https://spam.example", notes="Typed")
    assert answer.status_code == 422
    assert form_to(answer, "/details").values["website"] == "", "a person presses again and is through"
    assert "Typed" in answer.text
    assert session().query(Booking).count() == 0


def test_a_form_that_comes_back_at_once_books_nothing_and_the_second_try_does(
    ann: Bookable, client: FlaskClient
) -> None:
    ann.app.config["BOOKING_MIN_FORM_SECONDS"] = 2
    with time_machine.travel(ann.tomorrow(), tick=False) as clock:
        quick = send(client, choose(client, TIMES, times(client.get(TIMES))[5]))
        assert quick.status_code == 422
        assert "That was quick!" in text_of(quick)
        clock.shift(2)
        assert send(client, quick).status_code == 303


@pytest.mark.parametrize("stamp", ["", "forged", "WyJ4IiwxXQ.aaaa.bbbb"])
def test_a_form_that_was_never_given_out_books_nothing(ann: Bookable, client: FlaskClient, stamp: str) -> None:
    answer = send(client, choose(client, TIMES), stamp=stamp)
    assert answer.status_code == 422
    assert session().query(Booking).count() == 0
    assert send(client, answer).status_code == 303


# Proof of work


def challenge_of(page: TestResponse) -> dict[str, Any]:
    found = re.search(r'data-challenge="([^"]+)"', page.text)
    assert found, "the page sets no challenge"
    return dict(json.loads(html.unescape(found[1])))


def solved(challenge: dict[str, Any]) -> str:
    """What the guest's browser would find, by trying."""
    number = next(
        number
        for number in range(challenge["maxNumber"] + 1)
        if hashlib.sha256(f"{challenge['salt']}{number}".encode()).hexdigest() == challenge["challenge"]
    )
    answer = {name: challenge[name] for name in ("algorithm", "challenge", "salt", "signature")} | {"number": number}
    return base64.b64encode(json.dumps(answer).encode()).decode()


def test_no_work_is_asked_unless_it_is_wanted(ann: Bookable, client: FlaskClient) -> None:
    assert "data-challenge" not in choose(client, TIMES).text


def test_work_done_books_and_none_is_refused(ann: Bookable, client: FlaskClient) -> None:
    ann.app.config["BOOKING_PROOF_OF_WORK"] = True
    details = choose(client, TIMES)
    refused = send(client, details)
    assert refused.status_code == 403
    assert "it needs JavaScript" in text_of(refused)
    assert send(client, details, altcha=solved(challenge_of(details))).status_code == 303


@pytest.mark.parametrize("solution", ["x", "e30=", "bnVsbA==", "W10=", "a" * 5000, "eyJhbGdvcml0aG0iOjF9", "ÿ"])
def test_nonsense_is_no_work(ann: Bookable, client: FlaskClient, solution: str) -> None:
    ann.app.config["BOOKING_PROOF_OF_WORK"] = True
    assert send(client, choose(client, TIMES), altcha=solution).status_code == 403


def test_work_is_worth_one_booking(ann: Bookable, client: FlaskClient) -> None:
    ann.app.config["BOOKING_PROOF_OF_WORK"] = True
    details = choose(client, TIMES)
    work = solved(challenge_of(details))
    assert send(client, details, altcha=work).status_code == 303
    again = base64.b64encode(b" " + base64.b64decode(work)).decode()  # the same solution, written otherwise
    for replayed in (work, again):
        assert send(client, choose(client, TIMES), altcha=replayed).status_code == 403
    assert session().query(Booking).count() == 1


def test_a_challenge_gets_too_old_and_is_forgotten(ann: Bookable, client: FlaskClient) -> None:
    ann.app.config["BOOKING_PROOF_OF_WORK"] = True
    with time_machine.travel(ann.tomorrow(), tick=False) as clock:
        details = choose(client, TIMES)
        work = solved(challenge_of(details))
        clock.shift(guards.CHALLENGE_AGE + 61)
        assert send(client, details, altcha=work).status_code == 403
        fresh = choose(client, TIMES)
        send(client, fresh, altcha=solved(challenge_of(fresh)))
        clock.shift(guards.CHALLENGE_AGE + 61)
        later = choose(client, TIMES)
        send(client, later, altcha=solved(challenge_of(later)))
    assert session().query(UsedChallenge).count() == 1, "used ones are kept only as long as they could be used again"


def mounted(make_app: MakeApp, database_url: str, **config: Any) -> Flask:
    return make_app(database_url, BOOKING_RATE_LIMIT_ENABLED=True, **config)


def test_limits_that_are_not_named_keep_their_defaults(make_app: MakeApp, database_url: str) -> None:
    app = mounted(make_app, database_url, BOOKING_RATE_LIMITS={"page": "3 per minute", "slots": " "})
    expected = {**BOOKING_RATE_LIMITS, "page": "3 per minute", "slots": ""}
    assert app.config["BOOKING_RATE_LIMITS"] == expected
    assert BOOKING_RATE_LIMITS["page"] == "120 per minute", "those of other apps are left alone"
    client = app.test_client()
    tries = [client.post("/api/booking/v1/public/ann/intro/bookings", json={}).status_code for _ in range(11)]
    assert tries[-1] == 429
    assert 429 not in tries[:-1]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"BOOKING_RATE_LIMITS": {"books": "1 per minute"}}, "nothing is limited as 'books'; did you mean 'book'?"),
        ({"BOOKING_RATE_LIMITS": {"zzz": ""}}, "nothing is limited as 'zzz'; there are page, slots, hold"),
        (
            {"BOOKING_RATE_LIMITS": {"book": "10 per minut"}},
            "BOOKING_RATE_LIMITS[\"book\"]: '10 per minut' can't be read",
        ),
        ({"BOOKING_RATE_LIMITS": {"book": "10"}}, 'write "10 per minute" or "10 per minute; 60 per hour", or ""'),
        ({"BOOKING_RATE_LIMITS": {"book": 10}}, 'BOOKING_RATE_LIMITS["book"]: 10 can\'t be read'),
        ({"BOOKING_RATE_LIMITS": {"book": None}}, 'BOOKING_RATE_LIMITS["book"]: None can\'t be read'),
        ({"BOOKING_RATE_LIMITS": "10 per minute"}, "BOOKING_RATE_LIMITS is a dict such as"),
        ({"BOOKING_RATE_LIMITS": None}, "BOOKING_RATE_LIMIT_ENABLED = False lifts all limits"),
        (
            {"BOOKING_MAX_CONTENT_LENGTH": "64 kB"},
            "BOOKING_MAX_CONTENT_LENGTH: '64 kB' is no whole number",
        ),
        ({"BOOKING_MAX_CONTENT_LENGTH": 1.5}, "BOOKING_MAX_CONTENT_LENGTH: 1.5 is no whole number"),
        ({"BOOKING_MAX_CONTENT_LENGTH": None}, "BOOKING_MAX_CONTENT_LENGTH: None is no whole number"),
        ({"BOOKING_MAX_CONTENT_LENGTH": 0}, "BOOKING_MAX_CONTENT_LENGTH: 0 is no whole number"),
        ({"BOOKING_MAX_CONTENT_LENGTH": True}, "BOOKING_MAX_CONTENT_LENGTH: True is no whole number"),
    ],
)
def test_limits_that_could_not_be_kept_are_refused_at_start_up(
    make_app: MakeApp, database_url: str, config: dict[str, Any], told: str
) -> None:
    with pytest.raises(BookingConfigError) as refused:
        mounted(make_app, database_url, **config)
    assert told in str(refused.value)


def test_every_limit_that_can_not_be_kept_is_told_at_once(make_app: MakeApp, database_url: str) -> None:
    limits = {"pages": "1 per minute", "hold": "often"}
    with pytest.raises(BookingConfigError) as refused:
        mounted(make_app, database_url, BOOKING_RATE_LIMITS=limits, BOOKING_MAX_CONTENT_LENGTH="")
    assert len(str(refused.value).splitlines()) == 3


def test_a_size_may_be_a_number_in_a_text_as_environments_give_it(make_app: MakeApp, database_url: str) -> None:
    app = mounted(make_app, database_url, BOOKING_MAX_CONTENT_LENGTH="100")
    assert app.config["BOOKING_MAX_CONTENT_LENGTH"] == 100
