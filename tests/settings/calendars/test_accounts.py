"""Connected calendars do what the host wants, and are let go."""

from __future__ import annotations

import json
import re

from flask_booking import jobs
from flask_booking.calendars import mirror
from flask_booking.calendars.memory import Memory
from flask_booking.connections.problems import NeedsReconnect, Unreachable
from flask_booking.models import (
    BusyTime,
    CalendarChanges,
    CalendarEvent,
    CalendarWatch,
    ConnectedCalendar,
    Connection,
    ConnectionState,
    StaleCalendars,
)
from flask_booking.state import session
from tests.fakes.google import Google
from tests.settings.calendars.ways import (
    ANN,
    account_path,
    calendars,
    connections,
    offered,
    path_of,
    read_all,
    sign_in,
)
from tests.settings.conftest import Office, Screens, said, tomorrow


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
