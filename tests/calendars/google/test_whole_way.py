"""A host's Google account from signing in to bookings that move with their events, through all that stands between."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
import requests
import sqlalchemy as sa
from flask import Flask

from flask_booking import catalog, jobs
from flask_booking.calendars import mirror
from flask_booking.connections import oauth
from flask_booking.models import (
    Booking,
    BusyTime,
    CalendarChanges,
    CalendarEvent,
    ConnectedCalendar,
    Connection,
    ConnectionState,
    EventState,
    OutboxMessage,
)
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import BookingRequest, book, cancel, intake
from flask_booking.scheduling.links import try_again
from flask_booking.state import session
from tests.calendars.google.given import ANN, DAY, HOUR, provider
from tests.calendars.made import new_calendar, new_connection
from tests.fakes.base import served
from tests.fakes.google import Google as FakeGoogle
from tests.fixtures.apps import MakeApp
from tests.fixtures.people import Bookable, make_bookable
from tests.scheduling.bookable import guest

BACK = "https://crm.example/settings/booking/calendars/callback/google"


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    """The stand-in on its real clock: bookings are made for tomorrow."""
    with served(FakeGoogle()) as fake:
        fake.add_account(ANN, "Ann")
        yield fake


@dataclasses.dataclass
class Office:
    app: Flask
    ann: Bookable
    connection: Connection
    calendar: ConnectedCalendar

    def deliver(self) -> None:
        session().rollback()
        jobs.deliver_due(self.app)
        session().rollback()

    def sync(self, *, full: bool = False) -> None:
        assert mirror.sync(self.calendar.id, full=full)
        session().rollback()

    def busy(self) -> list[tuple[int, int]]:
        session().expire_all()
        rows = session().query(BusyTime.starts, BusyTime.ends).order_by(BusyTime.starts)
        return [(starts, ends) for starts, ends in rows]


@pytest.fixture
def office(make_app: MakeApp, database_url: str, google: FakeGoogle) -> Iterator[Office]:
    app = make_app(database_url, **google.config())
    service = provider.service(app.config)
    with app.test_request_context("/"):
        address = oauth.begin(service, user_key="1", redirect_url=BACK)
        answer = requests.get(address, allow_redirects=False, timeout=10)
        brought = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
        granted = oauth.finish(service, brought, user_key="1", redirect_url=BACK)
    with app.app_context():
        ann = make_bookable(app)
        ann.host.calendar_changes = CalendarChanges.FOLLOW
        connection = new_connection(
            ann.host, "google", scopes=" ".join(granted.scopes), expires_at=granted.expires_at,
            secret=json.dumps({"access_token": granted.access_token, "refresh_token": granted.refresh_token}),
        )  # fmt: skip
        calendar = new_calendar(
            ann.host, connection, remote_id=ANN, target=True, conferencing=["google_meet"], time_zone="Europe/Berlin",
            synced_at=None, reconciled_at=None, window_start=0, window_end=0,
        )  # fmt: skip
        yield Office(app, ann, connection, calendar)


def test_busy_times_come_in_and_bookings_go_out_move_and_vanish(google: FakeGoogle, office: Office) -> None:
    noon = int(office.ann.tomorrow(12).timestamp())
    google.add_event(ANN, noon + DAY, noon + DAY + HOUR, summary="Dentist")
    office.sync()
    assert office.busy() == [(noon + DAY, noon + DAY + HOUR)]
    booking = book(office.ann.event.id, BookingRequest(office.ann.tomorrow(12), guest()))
    office.deliver()
    (event,) = [one for one in google.events(ANN) if "extendedProperties" in one]
    assert google.times(ANN, event["id"])[0] == noon
    office.sync()
    assert office.busy() == [(noon + DAY, noon + DAY + HOUR)], "our own event isn't busy time"

    google.move_event(ANN, event["id"], noon + 3 * HOUR)
    office.sync()
    session().expire_all()
    moved = session().get_one(Booking, booking.id)
    assert int(moved.starts_at.timestamp()) == noon + 3 * HOUR
    session().rollback()
    cancel(booking.id, actor="host", reason="")
    office.deliver()
    assert [one["summary"] for one in google.events(ANN)] == ["Dentist"]
    office.sync(full=True)
    assert office.busy() == [(noon + DAY, noon + DAY + HOUR)]


def test_a_calendar_that_is_in_another_zone_now_is_read_in_it_and_kept_so(google: FakeGoogle, office: Office) -> None:
    day = office.ann.tomorrow(0).date() + dt.timedelta(days=2)
    google.add_event(ANN, day, day + dt.timedelta(days=1), summary="Day off")
    office.sync()
    google.calendars[ANN].time_zone = "America/New_York"
    office.sync()
    there = ZoneInfo("America/New_York")
    days = [dt.datetime.combine(day + dt.timedelta(days=more), dt.time(), there) for more in (0, 1)]
    assert office.busy() == [tuple(int(one.timestamp()) for one in days)]
    assert office.calendar.time_zone == "America/New_York"


@pytest.mark.parametrize("how", ["refused", "failed"])
def test_a_meeting_link_that_was_not_made_is_asked_for_again(google: FakeGoogle, office: Office, how: str) -> None:
    catalog.update_event_type(office.ann.event, {"locations": [{"id": "m", "kind": "google_meet"}]})
    office.sync()
    if how == "refused":
        why = {"domain": "global", "reason": "invalid", "message": "Invalid conference type value."}
        google.fail(400, {"error": {"errors": [why], "code": 400}}, method="POST", path="/events")
    google.meet_fails = how == "failed"
    given = intake.check(office.ann.event, name="Grace", email="grace@example.net", time_zone="UTC")
    booking = book(office.ann.event.id, BookingRequest(office.ann.tomorrow(12), given))
    office.deliver()
    event = session().query(CalendarEvent).one()
    assert (event.state, event.problem) == (EventState.WRITTEN, "no_link")
    google.meet_fails = False
    assert try_again(booking.id)
    office.deliver()
    session().expire_all()
    assert (event.state, event.problem) == (EventState.WRITTEN, "")
    assert session().get_one(Booking, booking.id).location["url"].startswith("https://meet.google.com/")
    assert len(google.events(ANN)) == 1


def test_tokens_are_renewed_and_a_taken_back_grant_asks_for_another(google: FakeGoogle, office: Office) -> None:
    office.sync()
    google.expire_tokens()
    office.sync()
    assert len(google.asked("POST", "/token")) == 2
    google.revoke_grants()
    assert not mirror.sync(office.calendar.id)
    session().expire_all()
    assert session().get_one(Connection, office.connection.id).state is ConnectionState.BROKEN


def test_an_answer_that_is_lost_writes_no_second_event(google: FakeGoogle, office: Office) -> None:
    office.sync()
    book(office.ann.event.id, BookingRequest(office.ann.tomorrow(12), guest()))
    google.drop(after_effect=True, method="POST", path="/events")
    office.deliver()
    session().expire_all()
    assert session().query(CalendarEvent).one().remote_id == ""
    office.sync()
    session().execute(sa.update(OutboxMessage).filter_by(topic="calendar").values(due_at=utcnow(), claimed_until=None))
    session().commit()
    office.deliver()
    (event,) = google.events(ANN)
    assert session().query(CalendarEvent).one().remote_id == event["id"]
