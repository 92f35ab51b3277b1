"""Accounts are connected, mended and let go on the screens, and their calendars do what the host wants."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from flask import Flask
from werkzeug.test import TestResponse

from flask_booking import jobs
from flask_booking.calendars import mirror
from flask_booking.calendars.memory import Memory
from flask_booking.connections.opening import secret_of
from flask_booking.connections.problems import NeedsReconnect, Unreachable
from flask_booking.models import (
    Booking,
    BookingStatus,
    BusyTime,
    CalendarChanges,
    CalendarEvent,
    CalendarWatch,
    ConnectedCalendar,
    Connection,
    ConnectionState,
    MessageState,
    OutboxMessage,
    StaleCalendars,
)
from flask_booking.models.columns import utcnow
from flask_booking.signals import calendars_due
from flask_booking.state import session
from tests.conferencing.conftest import config_of
from tests.fakes.base import served
from tests.fakes.google import Google
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.zoom import Zoom
from tests.fixtures.apps import MakeApp

from .conftest import ROOT, Office, Screens, open_office, said, tomorrow

ANN, WORK = "ann@example.com", "ann.meyer@contoso.example"


@pytest.fixture
def google() -> Iterator[Google]:
    with served(Google()) as fake:
        fake.add_account(ANN)
        fake.add_calendar(ANN, "Family")
        fake.add_calendar(ANN, "Public holidays", role="reader")
        yield fake


@pytest.fixture
def microsoft() -> Iterator[FakeMicrosoft]:
    with served(FakeMicrosoft()) as fake:
        fake.add_mailbox(WORK)
        yield fake


@pytest.fixture
def zoom() -> Iterator[Zoom]:
    with served(Zoom()) as fake:
        yield fake


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def office(make_app: MakeApp, database_url: str, google: Google, microsoft: FakeMicrosoft, memory: Memory) -> Office:
    return open_office(
        make_app(database_url, **google.config(), **microsoft.config(), BOOKING_CALENDAR_PROVIDERS={"memory": memory})
    )


@pytest.fixture
def ann(office: Office) -> Screens:
    return office.as_user("ann")


def leave(screens: Screens, provider: str = "google", **data: Any) -> str:
    """Begin to sign in; the address at the service."""
    answer = screens.post(f"/calendars/connect/{provider}", **data)
    assert answer.status_code == 200, answer.text
    address = answer.headers["Refresh"].removeprefix("0; url=")
    assert html.escape(address) in answer.text, "a link leads there too"
    return address


def consent(address: str) -> str:
    """Agree at the service; the way back."""
    answer = requests.get(address, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def come_back(screens: Screens, way: str) -> TestResponse:
    return screens.client.get(way)


def sign_in(screens: Screens, provider: str = "google", **data: Any) -> str:
    """The whole way; what the screen then says."""
    answer = come_back(screens, consent(leave(screens, provider, **data)))
    assert (answer.status_code, urlsplit(answer.location).path) == (303, f"{ROOT}/calendars"), answer.text
    return screens.text("/calendars")


def connections(office: Office) -> list[Connection]:
    """All accounts, the eldest first; inside an application context."""
    session().expire_all()
    return list(session().query(Connection).order_by(Connection.id))


def calendars(office: Office) -> dict[str, ConnectedCalendar]:
    """All calendars by name; inside an application context."""
    session().expire_all()
    return {row.name: row for row in session().query(ConnectedCalendar)}


def read_all(office: Office) -> None:
    """What a worker does."""
    with office.app.app_context():
        for calendar_id in mirror.due():
            mirror.sync(calendar_id)
        session().rollback()


def path_of(office: Office, name: str, action: str) -> str:
    with office.app.app_context():
        return f"/calendars/{calendars(office)[name].public_id}/{action}"


def account_path(office: Office, action: str, number: int = 0) -> str:
    with office.app.app_context():
        return f"/calendars/accounts/{connections(office)[number].public_id}/{action}"


# Connecting by signing in


def test_without_accounts_the_screen_says_what_they_are_good_for(ann: Screens) -> None:
    text = ann.text("/calendars")
    for words in ("never be booked twice", "Google Calendar With Google Meet", "Outlook / Microsoft 365", "iCloud"):
        assert words in text


def test_a_host_signs_in_and_the_calendars_are_there(office: Office, ann: Screens, google: Google) -> None:
    rung: list[int] = []

    def ring(_app: Flask, ids: list[int]) -> None:
        rung.extend(ids)

    with calendars_due.connected_to(ring, sender=office.app):
        text = sign_in(ann)
    assert f"{ANN} is connected, and its calendar is being read." in text
    assert "Being read for the first time" in text
    with office.app.app_context():
        (account,) = connections(office)
        found = calendars(office)
        assert (account.provider, account.account_name, account.state) == ("google", ANN, ConnectionState.ACTIVE)
        assert secret_of(account)["refresh_token"] == google.grants[-1].refresh_token
        checked = {name: (row.check_conflicts, row.target, row.writable) for name, row in found.items()}
        assert checked == {
            ANN: (True, True, True),
            "Family": (False, False, True),
            "Public holidays": (False, False, False),
        }
        assert mirror.due() == rung == [found[ANN].id]
    read_all(office)
    assert "Read just now." in ann.text("/calendars")


def test_microsoft_beside_it_closes_time_too_and_leaves_the_target_alone(office: Office, ann: Screens) -> None:
    sign_in(ann)
    assert f"{WORK} is connected" in sign_in(ann, "microsoft")
    with office.app.app_context():
        assert [row.provider for row in connections(office)] == ["google", "microsoft"]
        rows = session().query(ConnectedCalendar).filter_by(provider_primary=True).order_by(ConnectedCalendar.id)
        assert [(row.check_conflicts, row.target) for row in rows] == [(True, True), (True, False)]


def test_signing_in_again_mends_the_account_and_keeps_its_calendars(
    office: Office, ann: Screens, google: Google
) -> None:
    sign_in(ann)
    read_all(office)
    ann.post(path_of(office, "Family", "switches"), check="1", tentative="1")
    google.revoke_grants()
    google.expire_tokens()
    read_all(office)
    with office.app.app_context():
        (account,) = connections(office)
        mirror.request([row.id for row in account.calendars])
    read_all(office)
    text = ann.text("/calendars")
    assert "Google Calendar asks you to sign in again." in text
    with office.app.app_context():
        (account,) = connections(office)
        again, before = account.public_id, {name: row.id for name, row in calendars(office).items()}
    address = leave(ann, again=again)
    assert dict(parse_qsl(urlsplit(address).query))["login_hint"] == ANN
    assert come_back(ann, consent(address)).status_code == 303
    text = ann.text("/calendars")
    assert f"{ANN} is connected again. Its calendars are as they were." in text
    assert "asks you to sign in" not in text
    with office.app.app_context():
        (account,) = connections(office)
        assert (account.state, account.public_id) == (ConnectionState.ACTIVE, again)
        found = calendars(office)
        assert {name: row.id for name, row in found.items()} == before
        assert found["Family"].check_conflicts
        assert set(mirror.due()) == {found[ANN].id, found["Family"].id}


def test_another_account_than_the_one_to_be_mended_is_said_to_be_another(
    office: Office, ann: Screens, google: Google
) -> None:
    sign_in(ann)
    with office.app.app_context():
        (account,) = connections(office)
        account.state, account.problem = ConnectionState.BROKEN, "needs_reconnect"
        session().commit()
        again = account.public_id
    google.add_account("ben@example.com")
    google.signs_in = "ben@example.com"
    text = sign_in(ann, again=again)
    assert f"You signed in as ben@example.com, and wanted to connect {ANN} again." in text
    assert "Google Calendar asks you to sign in again." in text
    with office.app.app_context():
        first, second = connections(office)
        assert (first.state, second.state) == (ConnectionState.BROKEN, ConnectionState.ACTIVE)
        assert {row.connection_id for row in calendars(office).values() if row.name == ANN} == {first.id}
        assert [row.name for row in calendars(office).values() if row.target] == [ANN]


def test_a_box_that_was_unticked_is_asked_for_and_nothing_is_connected(
    office: Office, ann: Screens, google: Google
) -> None:
    google.unticked = {"calendar.events"}
    text = sign_in(ann)
    assert "A permission is missing. Connect the account again, and leave all boxes ticked." in text
    with office.app.app_context():
        assert connections(office) == []


def test_who_refuses_the_access_is_told_that_nothing_happened(office: Office, ann: Screens, google: Google) -> None:
    google.refuses_consent = True
    assert "You didn't allow the access, so nothing was connected." in sign_in(ann)
    with office.app.app_context():
        assert connections(office) == []


def test_an_organization_that_forbids_it_is_named(ann: Screens, microsoft: FakeMicrosoft) -> None:
    microsoft.denies = ("access_denied", "AADSTS90094: The grant requires administrator permissions.")
    assert "Ask its administrator to allow this application" in sign_in(ann, "microsoft")


def test_a_service_that_fails_on_the_way_leaves_nothing_behind(office: Office, ann: Screens, google: Google) -> None:
    google.fail(503, path="calendarList", times=9)
    assert "Google Calendar doesn't answer at the moment." in sign_in(ann)
    with office.app.app_context():
        assert connections(office) == []


# What isn't let in


def refused(answer: TestResponse) -> bool:
    return answer.status_code == 400 and "This sign-in can't be finished" in said(answer)


def test_a_way_back_is_good_once(office: Office, ann: Screens) -> None:
    way = consent(leave(ann))
    assert come_back(ann, way).status_code == 303
    assert refused(come_back(ann, way))
    with office.app.app_context():
        assert len(connections(office)) == 1


def test_a_way_back_is_good_for_nobody_else(office: Office, ann: Screens) -> None:
    way = consent(leave(ann))
    ben = office.as_user("ben")
    assert refused(come_back(ben, way))
    assert come_back(office.as_user(None), way).status_code == 302, "a stranger has to log in first"
    # Not even in the same browser, when somebody else has logged in there.
    with ann.client.session_transaction() as cookie:
        cookie["_user_id"] = str(office.users["ben"])
    assert refused(come_back(ann, way))
    with office.app.app_context():
        assert connections(office) == []


@pytest.mark.parametrize(
    "query",
    ["", "?code=guessed", "?state=guessed&code=guessed", "?error=access_denied", "?state=%00", "?state=x&state=y"],
)
def test_a_way_back_that_was_made_up_is_refused(office: Office, ann: Screens, query: str) -> None:
    leave(ann)
    answer = come_back(ann, f"{ROOT}/calendars/callback/google{query}")
    assert answer.status_code in (400, 404)
    with office.app.app_context():
        assert connections(office) == []


def test_the_state_of_one_service_doesnt_do_for_another(ann: Screens) -> None:
    way = consent(leave(ann))
    assert refused(come_back(ann, way.replace("/google?", "/microsoft?")))
    assert refused(come_back(ann, way)), "and is used up"


def test_nothing_begins_by_a_mere_link(office: Office, ann: Screens) -> None:
    answer = ann.get("/calendars/connect/google")
    assert (answer.status_code, "Refresh" in answer.headers) == (303, False)


@pytest.mark.parametrize("name", ["nobody", "zoom2", "%00"])
def test_services_that_arent_offered_cant_be_connected(ann: Screens, name: str) -> None:
    assert ann.post(f"/calendars/connect/{name}").status_code == 404
    assert ann.get(f"/calendars/connect/{name}").status_code == 404
    assert ann.get(f"/calendars/callback/{name}").status_code == 404


def test_google_isnt_offered_to_a_crm_that_isnt_registered_there(app: Flask) -> None:
    plain = open_office(app)
    text = plain.as_user("ann").text("/calendars")
    assert "Google" not in text.replace("Google Calendar: the calendar's", "")
    assert "iCloud" in text
    assert "Google Calendar, Outlook / Microsoft 365, Zoom can be connected once" in plain.as_user("cleo").text(
        "/calendars"
    )


def test_an_administrator_connects_for_a_colleague(office: Office) -> None:
    cleo = office.as_user("cleo")
    answer = come_back(cleo, consent(leave(cleo, "google?host=ann")))
    assert answer.location.endswith("/calendars?host=ann")
    with office.app.app_context():
        (account,) = connections(office)
        assert account.host_id == office.host("ann").id


def test_no_token_is_in_any_page_or_log(
    office: Office, ann: Screens, google: Google, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    sign_in(ann)
    read_all(office)
    google.revoke_grants()
    google.expire_tokens()
    ann.post(account_path(office, "test"))
    pages = [ann.get("/calendars").text, ann.get("/").text, ann.get(account_path(office, "disconnect")).text]
    with office.app.app_context():
        (account,) = connections(office)
        kept = secret_of(account)
        pages += [repr(account), repr(kept.keys()), caplog.text]
    for secret in (kept["access_token"], kept["refresh_token"], google.client_secret):
        assert not [page for page in pages if secret in page]


# Connecting by a form


def test_an_account_with_a_password_is_connected_by_a_form(office: Office, ann: Screens, memory: Memory) -> None:
    assert "User name" in ann.text("/calendars/connect/memory")
    answer = ann.post("/calendars/connect/memory", username="", password="")
    assert answer.status_code == 422
    assert said(answer).count("Please fill this in.") == 4, "each in the summary and at its field"
    answer = ann.post("/calendars/connect/memory", username="ann", password="s3cret")
    assert answer.status_code == 303
    assert "ann is connected" in ann.text("/calendars")
    with office.app.app_context():
        (account,) = connections(office)
        assert secret_of(account) == {"username": "ann", "password": "s3cret"}
        assert calendars(office)["Work"].check_conflicts


def test_a_refused_password_is_said_and_never_shown_again(office: Office, ann: Screens, memory: Memory) -> None:
    memory.troubles.append(NeedsReconnect("401"))
    answer = ann.post("/calendars/connect/memory", username="ann", password="s3cret")
    assert answer.status_code == 422
    assert "The server doesn't accept this user name and password." in said(answer)
    assert 'value="ann"' in answer.text
    assert "s3cret" not in answer.text
    with office.app.app_context():
        assert connections(office) == []


@pytest.mark.parametrize(
    ("provider", "data"),
    [
        ("caldav", {"url": "https://127.0.0.1/", "username": "ann", "password": "x"}),
        ("caldav", {"url": "http://cloud.example.com/", "username": "ann", "password": "x"}),
        ("caldav", {"url": "https://169.254.169.254/latest", "username": "ann", "password": "x"}),
        ("caldav", {"url": "file:///etc/passwd", "username": "ann", "password": "x"}),
        ("ical", {"address": "https://localhost/basic.ics"}),
        ("ical", {"address": "https://[::1]/basic.ics"}),
        ("ical", {"address": "https://user:word@10.0.0.1/basic.ics"}),
    ],
)
def test_addresses_in_private_networks_are_refused_beside_their_field(
    office: Office, ann: Screens, provider: str, data: dict[str, str]
) -> None:
    answer = ann.post(f"/calendars/connect/{provider}", **data)
    assert answer.status_code == 422
    assert "This address can't be used. Give the public https:// address of the calendar." in said(answer)
    assert 'aria-invalid="true"' in answer.text
    with office.app.app_context():
        assert connections(office) == []


def test_a_new_password_mends_the_account(office: Office, ann: Screens, memory: Memory) -> None:
    ann.post("/calendars/connect/memory", username="ann", password="old")
    with office.app.app_context():
        (account,) = connections(office)
        account.state, account.problem = ConnectionState.BROKEN, "needs_reconnect"
        session().commit()
        again = account.public_id
    assert "The server doesn't accept the password any more." in ann.text("/calendars")
    assert 'value="ann"' in ann.get("/calendars/connect/memory", again=again).text
    ann.post("/calendars/connect/memory", again=again, username="ann", password="new")
    with office.app.app_context():
        (account,) = connections(office)
        assert (account.state, secret_of(account)["password"]) == (ConnectionState.ACTIVE, "new")
    assert "doesn't accept the password" not in ann.text("/calendars")


# What a host wants with calendars


@pytest.fixture
def connected(office: Office, ann: Screens, memory: Memory) -> Office:
    """Ann with an account in memory, with the calendars Work (checked, and where bookings go) and Home; both read."""
    memory.add_calendar("home", "Home")
    ann.post("/calendars/connect/memory", username="ann", password="x")
    read_all(office)
    return office


def offered(office: Office, day: int = 1) -> int:
    """How many times are offered on a day."""
    with office.app.app_context():
        text = office.as_user("ann").text("/why", date=tomorrow(days=day).date().isoformat())
    found = re.search(r"(\d+) times? offered", text)
    assert found is not None
    return int(found[1])


def test_a_switch_lets_a_calendar_close_time_and_open_it_again(connected: Office, ann: Screens, memory: Memory) -> None:
    start = int(tomorrow(9).timestamp())
    memory.add(start, start + 6 * 3600, "Trip", calendar="home")
    before = offered(connected)
    ann.post(path_of(connected, "Home", "switches"), check="1", tentative="1")
    assert "What is in Home closes your time." in ann.text("/calendars")
    assert offered(connected) == 0, "until it was read nobody knows"
    read_all(connected)
    assert offered(connected) < before
    assert "Trip · Home" in ann.text("/why", date=tomorrow().date().isoformat())
    ann.post(path_of(connected, "Home", "switches"), tentative="1")
    assert "Home doesn't close your time any more." in ann.text("/calendars")
    assert offered(connected) == before
    with connected.app.app_context():
        home = calendars(connected)["Home"]
        assert session().query(BusyTime).filter_by(calendar_id=home.id).count() == 0, "what isn't needed isn't kept"
        assert mirror.due() == []


def test_tentative_events_count_as_the_host_wishes(connected: Office, ann: Screens, memory: Memory) -> None:
    from flask_booking.calendars.provider import Show

    start = int(tomorrow(9).timestamp())
    memory.add(start, start + 6 * 3600, "Perhaps", show=Show.TENTATIVE)
    with connected.app.app_context():
        mirror.request([calendars(connected)["Work"].id])
    read_all(connected)
    closed = offered(connected)
    ann.post(path_of(connected, "Work", "switches"), check="1")
    assert "that aren't agreed on yet don't close your time" in ann.text("/calendars")
    assert offered(connected) > closed


def test_a_paused_calendar_is_left_alone_until_that_is_taken_back(
    connected: Office, ann: Screens, memory: Memory
) -> None:
    start = int(tomorrow(9).timestamp())
    memory.add(start, start + 6 * 3600, "Trip")
    with connected.app.app_context():
        mirror.request([calendars(connected)["Work"].id])
    read_all(connected)
    closed = offered(connected)
    ann.post(path_of(connected, "Work", "pause"))
    page = ann.get("/calendars")
    assert "Work is paused: it isn't read, and closes no time." in said(page)
    assert offered(connected) > closed
    with connected.app.app_context():
        assert session().query(BusyTime).count() == 0
        assert mirror.due() == []
    undo = re.search(r'name="token" value="([^"]+)"', page.text)
    assert undo is not None
    ann.post("/undo", token=undo[1])
    read_all(connected)
    assert offered(connected) == closed
    ann.post(path_of(connected, "Work", "pause"))
    ann.post(path_of(connected, "Work", "unpause"))
    read_all(connected)
    assert offered(connected) == closed


def test_bookings_go_where_the_host_says(connected: Office, ann: Screens, memory: Memory) -> None:
    with connected.app.app_context():
        home = calendars(connected)["Home"].public_id
    ann.post("/calendars/target", calendar=home, invites="service")
    assert "New bookings go into Home." in ann.text("/calendars")
    connected.booking("ann", tomorrow(10))
    with connected.app.app_context():
        jobs.deliver_due(connected.app)
        assert len(memory.calendars_by_id["home"].events) == 1
        assert memory.calendars_by_id["work"].events == {}
        assert session().query(CalendarEvent).one().invites
        found = calendars(connected)
        assert [(name, row.target) for name, row in sorted(found.items())] == [("Home", True), ("Work", False)]
    ann.post("/calendars/target", calendar="", invites="service")
    assert "New bookings go into no calendar." in ann.text("/calendars")
    with connected.app.app_context():
        assert not any(row.target or row.invites for row in calendars(connected).values())


def test_a_read_only_calendar_gets_no_bookings(connected: Office, ann: Screens) -> None:
    with connected.app.app_context():
        row = calendars(connected)["Home"]
        row.writable = False
        session().commit()
        home = row.public_id
    ann.post("/calendars/target", calendar=home)
    assert "Nothing can be written into Home." in ann.text("/calendars")
    with connected.app.app_context():
        assert calendars(connected)["Work"].target


def test_what_is_done_in_doubt_is_the_hosts_choice(connected: Office, ann: Screens) -> None:
    ann.post("/calendars/wishes", stale="ask", changes="follow")
    with connected.app.app_context():
        host = connected.host()
        assert (host.stale_calendars, host.calendar_changes) == (StaleCalendars.ASK, CalendarChanges.FOLLOW)
    ann.post("/calendars/wishes", stale="explode", changes="")
    with connected.app.app_context():
        host = connected.host()
        assert (host.stale_calendars, host.calendar_changes) == (StaleCalendars.ASK, CalendarChanges.FOLLOW)


def test_a_calendar_is_read_at_once_when_its_host_wants_that(connected: Office, ann: Screens, memory: Memory) -> None:
    ann.post(path_of(connected, "Work", "read"))
    text = ann.text("/calendars")
    assert "Work is being read." in text
    assert "Read just now, and being read again." in text
    memory.calls.clear()
    read_all(connected)
    assert "changes" in memory.calls
    assert "being read again" not in ann.text("/calendars")


def test_a_connection_is_tested_in_words(connected: Office, ann: Screens, memory: Memory) -> None:
    ann.post(account_path(connected, "test"))
    assert "Memory answers, and knows ann." in ann.text("/calendars")
    memory.troubles.append(Unreachable("503"))
    ann.post(account_path(connected, "test"))
    assert "Memory doesn't answer at the moment." in ann.text("/calendars")


def test_a_broken_account_that_answers_when_tested_works_again(connected: Office, ann: Screens, memory: Memory) -> None:
    with connected.app.app_context():
        (account,) = connections(connected)
        account.state, account.problem = ConnectionState.BROKEN, "needs_reconnect"
        session().commit()
    memory.troubles.append(NeedsReconnect("401"))
    ann.post(account_path(connected, "test"))
    assert "The server doesn't accept the password any more." in ann.text("/calendars")
    ann.post(account_path(connected, "test"))
    assert "doesn't accept the password any more" not in ann.text("/calendars")


def test_the_list_of_calendars_follows_the_account(connected: Office, ann: Screens, memory: Memory) -> None:
    import dataclasses

    ann.post(path_of(connected, "Home", "switches"), check="1", tentative="1")
    del memory.calendars_by_id["home"]
    memory.add_calendar("new", "New one")
    work = memory.calendars_by_id["work"]
    work.remote = dataclasses.replace(work.remote, name="Office", colour="#123456")
    ann.post(account_path(connected, "refresh"))
    text = ann.text("/calendars")
    assert "The list of calendars is as in the account." in text
    assert "Home Not in the account any more. As long as it is checked for conflicts, no time is offered." in text
    with connected.app.app_context():
        found = calendars(connected)
        assert (found["Office"].check_conflicts, found["Office"].colour, found["Home"].missing) == (
            True, "#123456", True,
        )  # fmt: skip
        assert not found["New one"].check_conflicts
    ann.post(path_of(connected, "Home", "switches"), tentative="1")
    assert "Not in the account any more." not in ann.text("/calendars")
    memory.add_calendar("home", "Home")
    ann.post(account_path(connected, "refresh"))
    with connected.app.app_context():
        assert not calendars(connected)["Home"].missing


# Letting go


def test_a_disconnected_account_leaves_only_bookings_behind(office: Office, ann: Screens, google: Google) -> None:
    office.app.config.update(BOOKING_PUBLIC_URL="http://127.0.0.1:9", BOOKING_PRIVATE_ADDRESSES=True)
    sign_in(ann)
    begins = tomorrow(8)
    google.add_event(ANN, begins, begins.replace(hour=9), summary="Dentist")
    read_all(office)
    booking = office.booking("ann", tomorrow(12))
    with office.app.app_context():
        jobs.deliver_due(office.app)
        assert session().query(BusyTime).count() == 1
        assert session().query(CalendarWatch).count() == 1
        assert session().query(CalendarEvent).one().remote_id
    assert len(google.live_channels()) == 1
    assert "Your bookings stay" in ann.text(account_path(office, "disconnect"))
    ann.post(account_path(office, "disconnect"))
    assert f"{ANN} is disconnected. Your bookings stay." in ann.text("/calendars")
    assert google.live_channels() == []
    assert not any(grant.alive for grant in google.grants)
    with office.app.app_context():
        for model in (Connection, ConnectedCalendar, BusyTime, CalendarWatch):
            assert session().query(model).count() == 0
        assert session().query(CalendarEvent).one().calendar_id is None
    assert ann.get(f"/bookings/{booking}").status_code == 200


def test_a_service_that_is_down_keeps_nobody_connected(office: Office, ann: Screens, google: Google) -> None:
    sign_in(ann)
    google.fail(503, times=99)
    ann.post(account_path(office, "disconnect"))
    text = ann.text("/calendars")
    assert f"{ANN} is disconnected here." in text
    assert "remove this application in your account's settings there" in text
    with office.app.app_context():
        assert connections(office) == []


def test_others_accounts_and_calendars_dont_exist(connected: Office) -> None:
    ben = connected.as_user("ben")
    for action in ("test", "refresh", "disconnect"):
        assert ben.post(account_path(connected, action)).status_code == 404
    assert ben.get(account_path(connected, "disconnect")).status_code == 404
    for action in ("switches", "pause", "unpause", "read"):
        assert ben.post(path_of(connected, "Work", action), check="1").status_code == 404
    with connected.app.app_context():
        row = calendars(connected)["Work"]
        public_id, again = row.public_id, connections(connected)[0].public_id
    assert ben.post("/calendars/target", calendar=public_id).status_code == 404
    assert ben.post("/calendars/connect/google", again=again).status_code == 404
    with connected.app.app_context():
        row = calendars(connected)["Work"]
        assert (row.check_conflicts, row.paused, row.target) == (True, False, True)
        assert len(connections(connected)) == 1
    assert json.dumps(again) not in ben.get("/calendars").text


# When an event isn't as its booking says


@pytest.fixture
def booked(connected: Office, memory: Memory) -> str:
    """A booking tomorrow at ten that was entered into Work; its id in addresses."""
    booking = connected.booking("ann", tomorrow(10))
    with connected.app.app_context():
        jobs.deliver_due(connected.app)
        assert len(memory.calendars_by_id["work"].events) == 1
    return booking


def entered(memory: Memory) -> str:
    """The key of the booking's event in Work."""
    (key,) = memory.calendars_by_id["work"].drafts
    return key


def read_work(office: Office) -> None:
    with office.app.app_context():
        mirror.sync(calendars(office)["Work"].id)
        session().rollback()


def moved_by_hand(office: Office, memory: Memory, hour: int = 15) -> None:
    start = int(tomorrow(hour).timestamp())
    memory.move(entered(memory), start, start + 1800)
    read_work(office)


def deliver(office: Office) -> None:
    with office.app.app_context():
        jobs.deliver_due(office.app)


def test_a_booking_says_in_which_calendar_it_is(ann: Screens, booked: str) -> None:
    assert "Calendar In Work" in ann.text(f"/bookings/{booked}")
    assert "Event in the calendar Done" in ann.text(f"/bookings/{booked}")


def test_a_moved_event_is_shown_and_the_booking_moved_there(
    connected: Office, ann: Screens, memory: Memory, booked: str
) -> None:
    moved_by_hand(connected, memory)
    assert "The event with Sam Guest was moved in your calendar" in ann.text("/")
    text = ann.text(f"/bookings/{booked}")
    assert "The event was moved in the calendar, to" in text
    assert "15:00 – 15:30" in text
    ann.post(f"/bookings/{booked}/events/{entered(memory)}/follow")
    text = ann.text(f"/bookings/{booked}")
    assert "Moved. Sam Guest gets a mail with the new time." in text
    assert "15:00 – 15:30" in text
    assert "The event was moved" not in text
    deliver(connected)
    assert "Nothing waits for you." in ann.text("/")


def test_a_moved_event_is_put_back(connected: Office, ann: Screens, memory: Memory, booked: str) -> None:
    moved_by_hand(connected, memory)
    ann.post(f"/bookings/{booked}/events/{entered(memory)}/write")
    text = ann.text(f"/bookings/{booked}")
    assert "The event is being entered into the calendar." in text
    assert "On its way into Work" in text
    deliver(connected)
    assert memory.calendars_by_id["work"].events[entered(memory)].starts == int(tomorrow(10).timestamp())
    read_work(connected)
    assert "Calendar In Work" in ann.text(f"/bookings/{booked}")
    assert "Nothing waits for you." in ann.text("/")


def test_a_deleted_event_is_put_back(connected: Office, ann: Screens, memory: Memory, booked: str) -> None:
    memory.delete(entered(memory))
    read_work(connected)
    assert "The event with Sam Guest was deleted from your calendar" in ann.text("/")
    text = ann.text(f"/bookings/{booked}")
    assert "Put the event back" in text
    assert "Move the meeting there" not in text
    ann.post(f"/bookings/{booked}/events/{entered(memory)}/write")
    deliver(connected)
    assert len(memory.calendars_by_id["work"].events) == 1
    read_work(connected)
    assert "Nothing waits for you." in ann.text("/")


def test_a_declined_meeting_is_cancelled_or_accepted_in_the_calendar(
    connected: Office, ann: Screens, memory: Memory, booked: str
) -> None:
    memory.decline(entered(memory))
    read_work(connected)
    text = ann.text(f"/bookings/{booked}")
    assert "To keep it, accept it there." in text
    assert "Put the event back" not in text, "it would still be declined"
    ann.post(f"/bookings/{booked}/cancel")
    deliver(connected)
    assert memory.calendars_by_id["work"].events == {}
    assert "Taken out of Work" in ann.text(f"/bookings/{booked}")
    assert "Nothing waits for you." in ann.text("/")


def test_a_booking_doesnt_follow_its_event_where_another_meeting_is(
    connected: Office, ann: Screens, memory: Memory, booked: str
) -> None:
    key = entered(memory)
    connected.booking("ann", tomorrow(15), email="other@example.com")
    start = int(tomorrow(15).timestamp())
    memory.move(key, start, start + 1800)
    read_work(connected)
    ann.post(f"/bookings/{booked}/events/{key}/follow")
    text = ann.text(f"/bookings/{booked}")
    assert "The meeting stays where it is:" in text
    assert "Move the meeting there" in text, "the host may decide otherwise"


def test_an_event_that_couldnt_be_written_is_told_and_tried_again(
    connected: Office, ann: Screens, memory: Memory
) -> None:
    from flask_booking.connections.problems import NotAllowed

    memory.troubles.append(NotAllowed("403"))
    booking = connected.booking("ann", tomorrow(10))
    deliver(connected)
    assert "The meeting with Sam Guest couldn't be entered into your calendar" in ann.text("/")
    assert "wasn't sent" not in ann.text("/")
    text = ann.text(f"/bookings/{booking}")
    assert "Couldn't be entered into Work The calendar doesn't allow it. Try again" in text
    with connected.app.app_context():
        key = session().query(CalendarEvent).one().key
    ann.post(f"/bookings/{booking}/events/{key}/write")
    deliver(connected)
    assert "Calendar In Work" in ann.text(f"/bookings/{booking}")
    assert "Nothing waits for you." in ann.text("/")


def given_up(office: Office, memory: Memory) -> None:
    """Have the calendar be away while what waits for it is tried for the last time."""
    memory.troubles += [Unreachable("503")] * 2
    with office.app.app_context():
        for message in session().query(OutboxMessage).filter_by(topic="calendar", state=MessageState.WAITING):
            message.attempts, message.due_at = office.app.config["BOOKING_MAX_ATTEMPTS"] - 1, utcnow()
        session().commit()
    deliver(office)
    memory.troubles.clear()


def test_an_event_that_was_tried_in_vain_is_told_and_tried_again(
    connected: Office, ann: Screens, memory: Memory
) -> None:
    booking = connected.booking("ann", tomorrow(10))
    given_up(connected, memory)
    assert "The meeting with Sam Guest couldn't be entered into your calendar" in ann.text("/")
    text = ann.text(f"/bookings/{booking}")
    assert "Couldn't be entered into Work It failed again and again, and isn't tried by itself any more. Try" in text
    assert "We keep trying" not in text
    with connected.app.app_context():
        key = session().query(CalendarEvent).one().key
    ann.post(f"/bookings/{booking}/events/{key}/write")
    deliver(connected)
    assert "Calendar In Work" in ann.text(f"/bookings/{booking}")
    assert "Nothing waits for you." in ann.text("/")


def test_an_event_that_couldnt_be_taken_out_is_told_and_tried_again(
    connected: Office, ann: Screens, memory: Memory, booked: str
) -> None:
    ann.post(f"/bookings/{booked}/cancel")
    given_up(connected, memory)
    assert "The cancelled meeting with Sam Guest couldn't be taken out of your calendar" in ann.text("/")
    assert "Couldn't be taken out of Work" in ann.text(f"/bookings/{booked}")
    ann.post(f"/bookings/{booked}/events/{entered(memory)}/write")
    deliver(connected)
    assert memory.calendars_by_id["work"].events == {}
    assert "Taken out of Work" in ann.text(f"/bookings/{booked}")
    assert "Nothing waits for you." in ann.text("/")


def test_an_event_that_couldnt_be_entered_is_called_so_also_when_the_meeting_was_held(
    connected: Office, ann: Screens, memory: Memory
) -> None:
    booking = connected.booking("ann", tomorrow(10))
    given_up(connected, memory)
    with connected.app.app_context():
        row = session().query(Booking).one()
        row.status, row.starts_at = BookingStatus.COMPLETED, utcnow() - dt.timedelta(hours=2)
        row.ends_at = row.starts_at + dt.timedelta(minutes=30)
        session().commit()
    assert "Couldn't be entered into Work" in ann.text(f"/bookings/{booking}")


def test_a_host_decides_only_about_events_of_meetings_that_exist(
    connected: Office, ann: Screens, memory: Memory, booked: str
) -> None:
    for action in ("follow", "write"):
        assert ann.post(f"/bookings/{booked}/events/unknown/{action}").status_code == 404
    ann.post(f"/bookings/{booked}/events/{entered(memory)}/follow")
    assert "The meeting stays where it is:" in ann.text(f"/bookings/{booked}"), "it wasn't moved"


def test_broken_accounts_and_lost_calendars_are_on_the_overview(connected: Office, ann: Screens) -> None:
    with connected.app.app_context():
        (account,) = connections(connected)
        account.state, account.problem = ConnectionState.BROKEN, "needs_reconnect"
        session().commit()
        calendars(connected)["Work"].missing = True
        session().commit()
    text = ann.text("/")
    assert "The server doesn't accept the password any more. ann" in text
    assert "Bookings go into no calendar: Work isn't there any more" in text


# Meeting links


@pytest.fixture
def linked(make_app: MakeApp, database_url: str, zoom: Zoom) -> Office:
    """An office whose CRM is registered at Zoom."""
    return open_office(make_app(database_url, **config_of(zoom)))


def test_zoom_is_connected_beside_calendars_and_has_none(linked: Office, zoom: Zoom) -> None:
    ann = linked.as_user("ann")
    text = ann.text("/calendars")
    assert "never be booked twice" in text
    assert "Meeting links" in text
    text = sign_in(ann, "zoom")
    assert "ann@example.com is connected, and makes links for your meetings." in text
    assert "Makes a link for each meeting whose place it is." in text
    assert "never be booked twice" in text, "there is still no calendar"
    assert "Where bookings go" not in text
    ann.post(account_path(linked, "test"))
    assert "Zoom answers, and knows ann@example.com." in ann.text("/calendars")
    ann.post(account_path(linked, "disconnect"))
    assert "ann@example.com is disconnected. Your bookings stay." in ann.text("/calendars")
    assert not any(grant.alive for grant in zoom.grants)
    with linked.app.app_context():
        assert connections(linked) == []


def test_a_broken_zoom_account_is_mended_by_signing_in(linked: Office, zoom: Zoom) -> None:
    ann = linked.as_user("ann")
    sign_in(ann, "zoom")
    with linked.app.app_context():
        (account,) = connections(linked)
        account.state, account.problem = ConnectionState.BROKEN, "needs_reconnect"
        session().commit()
        again = account.public_id
    for page in ("/", "/calendars"):
        assert "Zoom asks you to sign in again." in ann.text(page)
    assert "ann@example.com is connected again." in sign_in(ann, "zoom", again=again)
    with linked.app.app_context():
        (account,) = connections(linked)
        assert (account.public_id, account.state) == (again, ConnectionState.ACTIVE)


def test_a_zoom_account_that_lacks_a_permission_isnt_connected(linked: Office, zoom: Zoom) -> None:
    zoom.granted = ("user:read:user",)
    assert "A permission is missing." in sign_in(linked.as_user("ann"), "zoom")
    with linked.app.app_context():
        assert connections(linked) == []
