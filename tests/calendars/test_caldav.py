"""CalDAV against real servers: what hosts do in their own apps comes in, and bookings go out, once each."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest

from flask_booking.calendars.caldav import CalDAV, changes
from flask_booking.calendars.provider import RemoteCalendar, Resource, Show, Window
from flask_booking.connections.password import PasswordAccess
from flask_booking.connections.problems import (
    CursorExpired,
    Gone,
    NeedsReconnect,
    NotAllowed,
    Unreadable,
)
from tests.calendars.caldav_calls import HOUR, STARTS, events, read, remote, spans
from tests.calendars.drafts import DAY, WINDOW, a_draft, at
from tests.fixtures.caldav import HostsCalendar, Server, calendar_text

# -- accounts and calendars -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/", "/.well-known/caldav", "/{account}/"])
def test_an_account_is_found_from_what_people_know_of_it(radicale: Server, path: str) -> None:
    host = radicale.calendar()
    access = host.access(radicale.url + path.format(account=host.account))
    account = CalDAV().account(access)
    assert (account.id, account.name) == (f"{radicale.url}/{host.account}/", host.account)
    assert [one.id for one in CalDAV().calendars(access)] == [host.url]


def test_the_address_of_one_calendar_leads_to_the_account(hosts_calendar: HostsCalendar) -> None:
    host = hosts_calendar
    assert CalDAV().account(host.access(host.url)) == CalDAV().account(host.access())
    assert host.url in [one.id for one in CalDAV().calendars(host.access(host.url))]


def test_a_mail_address_as_name_is_the_owners_own(radicale: Server) -> None:
    host = radicale.calendar(account="ann@example.com")
    assert CalDAV().account(host.access()).name == "ann@example.com"
    declined = "UID:d@x\nDTSTART:20261201T100000Z\nDTEND:20261201T110000Z\nORGANIZER:mailto:o@x.example\n"
    host.put(calendar_text(declined + "ATTENDEE;PARTSTAT=DECLINED:mailto:Ann@example.com"))
    (event,) = events(read(host))
    assert (event.show, event.declined) == (Show.FREE, True)


def test_a_wrong_password_asks_to_sign_in_again(radicale_calendar: HostsCalendar) -> None:
    access = PasswordAccess(radicale_calendar.account, "wrong", settings={"url": radicale_calendar.url}, private=True)
    with pytest.raises(NeedsReconnect):
        CalDAV().account(access)


def test_calendars_say_what_they_are(hosts_calendar: HostsCalendar) -> None:
    zone = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:{}\nBEGIN:STANDARD\nDTSTART:19701025T030000\n"
    zone += "TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR\n"
    hosts_calendar.ask(
        "PROPPATCH",
        hosts_calendar.url,
        '<d:propertyupdate xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:a="http://apple.com/ns/ical/">'
        "<d:set><d:prop><d:displayname>Büro &amp; mehr</d:displayname><a:calendar-color>#AB12EFFF</a:calendar-color>"
        f"<c:calendar-timezone>{zone.format('W. Europe Standard Time')}</c:calendar-timezone>"
        "</d:prop></d:set></d:propertyupdate>",
    )
    found = remote(hosts_calendar)
    assert (found.name, found.colour, found.writable) == ("Büro & mehr", "#ab12ef", True)
    assert found.time_zone in ("Europe/Berlin", "")  # Xandikos keeps it for itself


def test_a_list_of_tasks_is_no_calendar(radicale: Server) -> None:
    host = radicale.calendar()
    host.ask(
        "MKCALENDAR",
        f"{radicale.url}/{host.account}/tasks/",
        '<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:set><d:prop>'
        '<c:supported-calendar-component-set><c:comp name="VTODO"/></c:supported-calendar-component-set>'
        "</d:prop></d:set></c:mkcalendar>",
    )
    assert [(one.id, one.primary) for one in CalDAV().calendars(host.access())] == [(host.url, True)]


# -- what changed -----------------------------------------------------------------------------------------------------


def test_what_the_host_enters_moves_and_deletes_comes_in(hosts_calendar: HostsCalendar) -> None:
    host = hosts_calendar
    first = host.add(STARTS, STARTS + HOUR, "Dentist")
    host.add(STARTS + dt.timedelta(days=1), STARTS + dt.timedelta(days=1, hours=2), "Lunch")
    host.add(dt.datetime(2020, 1, 1, 9, tzinfo=dt.UTC), dt.datetime(2020, 1, 1, 10, tzinfo=dt.UTC), "Long ago")
    changes = read(host)
    assert changes.complete
    assert spans(changes) == [
        (at("2026-12-01 10:00"), at("2026-12-01 11:00")),
        (at("2026-12-02 10:00"), at("2026-12-02 12:00")),
    ]
    assert {event.title for event in events(changes)} == {"Dentist", "Lunch"}
    assert all(event.etag and event.uid for event in events(changes))

    nothing = read(host, changes.cursor)
    assert (nothing.resources, nothing.removed, nothing.complete) == ((), (), False)

    host.move(first, STARTS + 3 * HOUR, STARTS + 4 * HOUR)
    moved = read(host, nothing.cursor)
    assert [resource.id for resource in moved.resources] == [first]
    assert spans(moved) == [(at("2026-12-01 13:00"), at("2026-12-01 14:00"))]

    host.delete(first)
    gone = read(host, moved.cursor)
    assert (gone.resources, gone.removed) == ((), (first,))
    assert spans(read(host)) == [(at("2026-12-02 10:00"), at("2026-12-02 12:00"))]


def test_what_moves_out_of_the_window_is_told_as_free(hosts_calendar: HostsCalendar) -> None:
    path = hosts_calendar.add(STARTS, STARTS + HOUR)
    cursor = read(hosts_calendar).cursor
    hosts_calendar.move(path, STARTS + dt.timedelta(days=400), STARTS + dt.timedelta(days=400, hours=1))
    assert read(hosts_calendar, cursor).resources == (Resource(path, ()),)


def test_a_series_comes_in_with_its_exceptions(hosts_calendar: HostsCalendar) -> None:
    hosts_calendar.put(
        calendar_text(
            "UID:s@x\nSUMMARY:Standup\nDTSTART;TZID=Europe/Berlin:20261019T090000\n"
            "DTEND;TZID=Europe/Berlin:20261019T091500\nRRULE:FREQ=WEEKLY;COUNT=8\nEXDATE;TZID=Europe/Berlin:20261109T090000\nDTSTAMP:20260101T000000Z",
            "UID:s@x\nSUMMARY:Standup, later\nRECURRENCE-ID;TZID=Europe/Berlin:20261116T090000\n"
            "DTSTAMP:20260101T000000Z\nDTSTART;TZID=Europe/Berlin:20261117T150000\nDTEND;TZID=Europe/Berlin:20261117T153000",
            head=BERLIN,
        )
    )
    changes = read(hosts_calendar)
    assert [f"{dt.datetime.fromtimestamp(start, dt.UTC):%m-%d %H:%M}" for start, _ in spans(changes)] == [
        "11-02 08:00",
        "11-17 14:00",
        "11-23 08:00",
        "11-30 08:00",
        "12-07 08:00",
    ]
    assert len({event.id for event in events(changes)}) == 5


def test_whole_days_are_days_of_the_calendars_zone(hosts_calendar: HostsCalendar) -> None:
    hosts_calendar.add(dt.date(2026, 12, 24), dt.date(2026, 12, 27))
    calendar = dataclasses.replace(remote(hosts_calendar), time_zone="America/New_York")
    changes = CalDAV().changes(hosts_calendar.access(), calendar, "", WINDOW)
    assert spans(changes) == [(at("2026-12-24 05:00"), at("2026-12-27 05:00"))]


@pytest.mark.parametrize("token", ["http://radicale.org/ns/sync/" + "a" * 64, "f" * 40])
def test_a_token_that_the_server_forgot_is_read_anew(hosts_calendar: HostsCalendar, token: str) -> None:
    hosts_calendar.add(STARTS, STARTS + HOUR)
    cursor = read(hosts_calendar).cursor
    with pytest.raises(CursorExpired):
        read(hosts_calendar, json.dumps({**json.loads(cursor), "token": token}))
    for foreign in ("x", "[]", "{}", '{"nobody": 1}'):
        with pytest.raises(CursorExpired):
            read(hosts_calendar, foreign)


def test_a_window_that_has_moved_on_is_read_anew(hosts_calendar: HostsCalendar) -> None:
    hosts_calendar.add(STARTS, STARTS + HOUR)
    cursor = read(hosts_calendar).cursor
    read(hosts_calendar, cursor, Window(WINDOW.start + 20 * DAY, WINDOW.end + DAY))
    with pytest.raises(CursorExpired):
        read(hosts_calendar, cursor, Window(WINDOW.start, WINDOW.end + DAY + 1))


def test_a_calendar_that_was_deleted_is_gone(hosts_calendar: HostsCalendar) -> None:
    calendar, cursor = remote(hosts_calendar), read(hosts_calendar).cursor
    hosts_calendar.ask("DELETE", hosts_calendar.url)
    for known in ("", cursor):
        with pytest.raises(Gone):
            CalDAV().changes(hosts_calendar.access(), calendar, known, WINDOW)
    with pytest.raises((Gone, NotAllowed)):
        CalDAV().write(hosts_calendar.access(), calendar, a_draft(), None)


def test_many_events_come_in_by_batches(hosts_calendar: HostsCalendar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "BATCH", 4)
    for number in range(11):
        start = STARTS + number * 2 * HOUR
        hosts_calendar.add(start, start + HOUR, f"Event {number}")
    assert len(events(read(hosts_calendar))) == 11


# -- bookings as events -----------------------------------------------------------------------------------------------


def test_a_host_who_is_tired_of_it_finds_no_web_page_read_as_a_calendar(radicale: Server) -> None:
    host = radicale.calendar()
    with pytest.raises((Unreadable, Gone, NotAllowed)):
        CalDAV().changes(host.access(), RemoteCalendar(f"{radicale.url}/.web/", "Web"), "", WINDOW)


BERLIN = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
"""
