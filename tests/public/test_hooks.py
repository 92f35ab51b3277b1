"""Services tell of changes: what is believed, and what everybody else is told."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_booking.calendars import mirror
from flask_booking.encryption import token_hash
from flask_booking.models import CalendarWatch, ConnectedCalendar
from flask_booking.models.columns import utcnow
from flask_booking.signals import calendars_due
from flask_booking.state import session
from tests.calendars.made import new_calendar, new_connection
from tests.fakes.base import served
from tests.fakes.google import Google
from tests.fakes.microsoft import FakeMicrosoft
from tests.fixtures.people import make_bookable
from tests.fixtures.servers import Serve

TOKEN = "a token that only the service knows"
LATER = dt.timedelta(minutes=20)


@dataclass
class Watched:
    """An app with a calendar at each service that tells of changes, both of them to be read in twenty minutes."""

    app: Flask
    google: int
    microsoft: int
    rung: list[int]

    def post(self, path: str, **more: Any) -> TestResponse:
        return self.app.test_client().post(f"/book/hooks/{path}", **more)

    def from_google(self, channel: str = "channel-1", token: str = TOKEN, state: str = "exists") -> TestResponse:
        headers = {"X-Goog-Channel-ID": channel, "X-Goog-Channel-Token": token, "X-Goog-Resource-State": state}
        return self.post("google", headers=headers)

    def from_microsoft(self, *told: dict[str, Any]) -> TestResponse:
        usual = {"subscriptionId": "sub-1", "clientState": TOKEN, "changeType": "updated"}
        return self.post("microsoft", json={"value": [usual | one for one in told or [{}]]})

    def due(self) -> list[int]:
        """The calendars that are to be read now."""
        with self.app.app_context():
            return sorted(mirror.due())

    def row(self, calendar_id: int) -> ConnectedCalendar:
        """Inside an application context."""
        row = session().get(ConnectedCalendar, calendar_id)
        assert row is not None
        return row

    def watches(self) -> list[str]:
        with self.app.app_context():
            return sorted(session().scalars(session().query(CalendarWatch.remote_id).statement))


@pytest.fixture
def watched(make_app: Callable[..., Flask], database_url: str) -> Iterator[Watched]:
    app = make_app(database_url)
    with app.app_context():
        host = make_bookable(app).host
        ids = []
        for provider, channel, remote in (("google", "channel-1", "channel-1"), ("microsoft", "channel-2", "sub-1")):
            calendar = new_calendar(host, new_connection(host, provider), due_at=utcnow() + LATER)
            ends = int(time.time()) + 86_400
            session().add(
                CalendarWatch(
                    calendar_id=calendar.id,
                    channel=channel,
                    token_hash=token_hash(TOKEN),
                    remote_id=remote,
                    expires=ends,
                )
            )
            ids.append(calendar.id)
        session().commit()
    rung: list[int] = []

    def ring(_app: Flask, ids: list[int]) -> None:
        rung.extend(ids)

    with calendars_due.connected_to(ring, sender=app):
        yield Watched(app, *ids, rung=rung)


def test_a_change_at_google_has_the_calendar_read_and_wakes_a_worker(watched: Watched) -> None:
    answer = watched.from_google()
    assert (answer.status_code, answer.data) == (202, b"")
    assert watched.due() == [watched.google]
    assert watched.rung == [watched.google]
    assert "Set-Cookie" not in answer.headers


def test_the_first_word_of_a_channel_says_nothing(watched: Watched) -> None:
    assert watched.from_google(state="sync").status_code == 202
    assert watched.due() == []


def test_changes_at_microsoft_have_all_of_the_calendar_read(watched: Watched) -> None:
    answer = watched.from_microsoft({}, {"changeType": "deleted"}, {"changeType": "created"})
    assert (answer.status_code, answer.data) == (202, b"")
    assert watched.due() == [watched.microsoft]
    assert watched.rung == [watched.microsoft], "however many changes are told of"
    with watched.app.app_context():
        assert watched.row(watched.microsoft).reconciled_at is None


@pytest.mark.parametrize(
    "forged",
    [
        {"token": "guessed"},
        {"token": ""},
        {"channel": "channel-9"},
        {"channel": ""},
        {"channel": "x" * 100_000},
        {"token": "x" * 100_000},
        {"state": "exploded"},
    ],
    ids=lambda forged: next(iter(f"{key} {value[:12]}" for key, value in forged.items())),
)
def test_forged_words_of_google_get_the_same_answer_and_do_nothing(watched: Watched, forged: dict[str, str]) -> None:
    answer, honest = watched.from_google(**forged), watched.from_google(state="sync")
    assert (answer.status_code, answer.data, dict(answer.headers)) == (202, honest.data, dict(honest.headers))
    assert watched.due() == []
    assert watched.rung == []


@pytest.mark.parametrize(
    "forged",
    [
        {"clientState": "guessed"},
        {"clientState": None},
        {"clientState": {"$ne": 1}},
        {"subscriptionId": "sub-9"},
        {"subscriptionId": ["sub-1"]},
        {"lifecycleEvent": "subscriptionRemoved", "clientState": "guessed"},
        {"lifecycleEvent": "missed", "clientState": ""},
        {"lifecycleEvent": "explode"},
    ],
    ids=json.dumps,
)
def test_forged_words_of_microsoft_are_passed_over_one_by_one(watched: Watched, forged: dict[str, Any]) -> None:
    assert watched.from_microsoft(forged).status_code == 202
    assert watched.due() == []
    assert watched.watches() == ["channel-1", "sub-1"]
    assert watched.from_microsoft(forged, {}).status_code == 202
    assert watched.due() == [watched.microsoft], "an honest one beside it counts"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"value": 7}', b"[" * 5000, b"\xff\xfe", b'{"value": [null]}']
)
def test_what_isnt_a_notification_does_nothing(watched: Watched, body: bytes) -> None:
    answer = watched.post("microsoft", data=body, content_type="application/json")
    assert (answer.status_code, answer.data) == (202, b"")
    assert watched.due() == []


def test_a_promise_that_is_broken_off_is_forgotten_and_all_is_read_again(watched: Watched) -> None:
    assert watched.from_microsoft({"lifecycleEvent": "subscriptionRemoved"}).status_code == 202
    assert watched.watches() == ["channel-1"]
    assert watched.due() == [watched.microsoft]
    # What comes for it afterwards, or comes again, is nobody's any more.
    with watched.app.app_context():
        watched.row(watched.microsoft).due_at = utcnow() + LATER
        session().commit()
    assert watched.from_microsoft({"lifecycleEvent": "subscriptionRemoved"}, {}).status_code == 202
    assert watched.due() == []


def test_a_promise_that_missed_something_goes_on(watched: Watched) -> None:
    assert watched.from_microsoft({"lifecycleEvent": "missed"}).status_code == 202
    assert watched.watches() == ["channel-1", "sub-1"]
    assert watched.due() == [watched.microsoft]


def test_microsofts_question_is_answered_as_text_and_as_it_was_asked(watched: Watched) -> None:
    token = "Validation: Testing <script>alert(1)</script> +/= é"
    answer = watched.post("microsoft", query_string={"validationToken": token})
    assert (answer.status_code, answer.text, answer.mimetype) == (200, token, "text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    longer = watched.post("microsoft", query_string={"validationToken": "x" * 1001})
    assert (longer.status_code, longer.data) == (400, b"")
    assert watched.post("google", query_string={"validationToken": token}).data == b""


def test_a_body_that_is_too_large_isnt_read(watched: Watched) -> None:
    answer = watched.post("microsoft", data=b"x" * (257 * 1024), content_type="application/json")
    assert (answer.status_code, answer.data) == (413, b"")


@pytest.mark.parametrize("name", ["nobody", "caldav", "ical", "%00", "g%C3%B6gle", "..%2Fgoogle"])
def test_services_that_tell_nothing_arent_heard(watched: Watched, name: str) -> None:
    assert watched.post(name).status_code == 404


def test_reading_the_address_changes_nothing(watched: Watched) -> None:
    answer = watched.app.test_client().get(
        "/book/hooks/google",
        headers={"X-Goog-Channel-ID": "channel-1", "X-Goog-Channel-Token": TOKEN, "X-Goog-Resource-State": "exists"},
    )
    assert answer.status_code == 404
    assert watched.due() == []


def test_a_flood_is_told_to_come_back_later(watched: Watched) -> None:
    watched.app.config.update(BOOKING_RATE_LIMIT_ENABLED=True, BOOKING_RATE_LIMITS={"hook": "2 per minute"})
    assert [watched.from_google(channel="x").status_code for _ in range(3)] == [202, 202, 503]
    answer = watched.from_google()
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert watched.due() == []


def test_the_crms_own_protection_against_forgery_lets_notifications_in(serve: Serve, database_url: str) -> None:
    server = serve(database_url)
    with server.app.test_client() as client:
        assert client.post("/book/hooks/google").status_code == 202
        assert client.get_cookie("session") is None


@pytest.mark.parametrize("name", ["google", "microsoft"])
def test_a_stand_in_promises_tells_and_is_believed(serve: Serve, database_url: str, name: str) -> None:
    fake: Any = Google() if name == "google" else FakeMicrosoft()
    with served(fake):
        server = serve(database_url, **fake.config(), BOOKING_PRIVATE_ADDRESSES=True)
        with server.app.app_context():
            host = make_bookable(server.app).host
            if name == "google":
                fake.add_account("ann@example.com")
                grant = fake.allow("ann@example.com")
                tokens = {"access_token": fake.token_of(grant), "refresh_token": grant.refresh_token}
                remote_id = "ann@example.com"
            else:
                mailbox = fake.add_mailbox("ann@example.com")
                tokens = {"access_token": fake.token_for(mailbox), "refresh_token": secrets.token_hex()}
                remote_id = mailbox.default.id
            ends = utcnow() + dt.timedelta(hours=1)
            account = new_connection(host, name, secret=json.dumps(tokens), expires_at=ends)
            calendar_id = new_calendar(host, account, remote_id=remote_id, synced_at=None, reconciled_at=None).id
            assert mirror.sync(calendar_id)
            assert mirror.due() == []
            session().rollback()
        fake.deliver()
        with server.app.app_context():
            assert mirror.due() == [], "that it begins to tell is no change"
            session().rollback()
        begins = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=2)
        if name == "google":
            fake.add_event(remote_id, begins, begins + dt.timedelta(hours=1))
        else:
            mailbox.add_event("Dentist", int(begins.timestamp()), int(begins.timestamp()) + 3600)
        fake.deliver()
        with server.app.app_context():
            assert mirror.due() == [calendar_id]
