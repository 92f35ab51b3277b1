"""CalDAV against real servers: what hosts do in their own apps comes in, and bookings go out, once each."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import threading
from typing import Any

import icalendar
import pytest

from flask_booking.calendars.caldav import CalDAV, changes
from flask_booking.calendars.provider import Changes, RemoteCalendar, RemoteEvent, Resource, Show, Window, Written
from flask_booking.connections.password import PasswordAccess
from flask_booking.connections.problems import (
    Changed,
    CursorExpired,
    Gone,
    NeedsReconnect,
    NotAllowed,
    Unreachable,
    Unreadable,
)
from tests.calendars.drafts import DAY, WINDOW, a_draft, at
from tests.fixtures.caldav import HostsCalendar, Server, calendar_text

STARTS = dt.datetime(2026, 12, 1, 10, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def remote(host: HostsCalendar) -> RemoteCalendar:
    """The host's calendar as the provider lists it."""
    return next(one for one in CalDAV().calendars(host.access()) if one.id == host.url)


def read(host: HostsCalendar, cursor: str = "", window: Window = WINDOW) -> Changes:
    return CalDAV().changes(host.access(), remote(host), cursor, window)


def events(changes: Changes) -> list[RemoteEvent]:
    return sorted((event for resource in changes.resources for event in resource.events), key=lambda one: one.starts)


def spans(changes: Changes) -> list[tuple[int, int]]:
    return [(event.starts, event.ends) for event in events(changes)]


def write(host: HostsCalendar, draft: Any, known: Written | None = None) -> Written:
    return CalDAV().write(host.access(), remote(host), draft, known)


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


def test_a_booking_appears_moves_and_disappears(hosts_calendar: HostsCalendar) -> None:
    host, draft = hosts_calendar, a_draft()
    made = write(host, draft)
    event = host.event(draft.uid)
    assert event is not None
    assert str(event["summary"]) == draft.title
    assert str(event["description"]) == draft.description
    assert str(event["location"]) == draft.location
    assert (event["dtstart"].dt, event["dtend"].dt) == (STARTS, STARTS + dt.timedelta(minutes=30))
    assert (made.uid, made.starts, made.ends) == (draft.uid, draft.starts, draft.ends)
    assert made.id in host.paths()
    assert made.etag

    (seen,) = events(read(host))
    assert (seen.booking, seen.uid, seen.etag) == (draft.booking, draft.uid, made.etag)

    later = dataclasses.replace(draft, sequence=1, starts=draft.starts + DAY, ends=draft.ends + DAY, title="Moved")
    moved = write(host, later, made)
    event = host.event(draft.uid)
    assert event is not None
    assert (str(event["summary"]), event["dtstart"].dt, int(event["sequence"])) == ("Moved", STARTS + 24 * HOUR, 1)
    assert moved.etag != made.etag
    assert host.paths() == [made.id]

    CalDAV().remove(host.access(), remote(host), later, moved)
    assert host.paths() == []
    CalDAV().remove(host.access(), remote(host), later, moved)
    CalDAV().remove(host.access(), remote(host), later, None)


def test_a_repeated_try_makes_no_second_event(hosts_calendar: HostsCalendar) -> None:
    host, draft = hosts_calendar, a_draft()
    first = write(host, draft)
    text = host.text(first.id)
    assert write(host, draft) == first
    assert write(host, draft, first) == first
    assert (host.paths(), host.text(first.id)) == ([first.id], text)
    later = dataclasses.replace(draft, sequence=3, starts=draft.starts + 7200, ends=draft.ends + 7200)
    assert write(host, later).id == first.id
    event = host.event(draft.uid)
    assert event is not None
    assert (event["dtstart"].dt, int(event["sequence"])) == (STARTS + 2 * HOUR, 3)


def test_a_repeated_try_overwrites_nothing_of_the_hosts(hosts_calendar: HostsCalendar) -> None:
    host, draft, other = hosts_calendar, a_draft(), a_draft()
    made = write(host, draft)
    host.change(made.id, lambda event: event.add("categories", ["Mine"]))
    write(host, draft)
    event = host.event(draft.uid)
    assert event is not None
    assert event["categories"].to_ical() == b"Mine"
    host.put(calendar_text("UID:theirs@x\nDTSTART:20261201T100000Z\nDTEND:20261201T110000Z"), other.uid)
    with pytest.raises(Changed):
        write(host, other)
    assert host.event("theirs@x") is not None


def test_an_event_that_another_name_holds_is_found_by_its_uid(hosts_calendar: HostsCalendar) -> None:
    host, draft = hosts_calendar, a_draft()
    renamed = host.put(
        calendar_text(f"UID:{draft.uid}\nSUMMARY:Imported\nDTSTART:20261201T080000Z\nDTEND:20261201T090000Z"), "other"
    )
    written = write(host, draft)
    assert (written.id, host.paths()) == (renamed, [renamed])
    event = host.event(draft.uid)
    assert event is not None
    assert str(event["summary"]) == draft.title
    CalDAV().remove(host.access(), remote(host), draft, None)
    assert host.paths() == []


def test_what_the_hosts_app_keeps_with_the_event_stays(hosts_calendar: HostsCalendar) -> None:
    host, draft = hosts_calendar, a_draft()
    made = write(host, draft)

    def decorate(event: icalendar.Event) -> None:
        alarm = icalendar.Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", "Wake up")
        alarm.add("summary", "An alarm's own")
        alarm.add("trigger", dt.timedelta(minutes=-15))
        event.add_component(alarm)
        event.add("categories", ["Sales", "Calls"])
        event.add("x-apple-travel-advisory-behavior", "AUTOMATIC")
        event.add("x-alt-desc", "<b>First line</b>")
        for attendee in event["attendee"] if isinstance(event["attendee"], list) else [event["attendee"]]:
            attendee.params["PARTSTAT"] = "ACCEPTED"

    host.change(made.id, decorate)
    later = dataclasses.replace(
        draft, sequence=5, starts=draft.starts + 3600, ends=draft.ends + 3600, description="New"
    )
    write(host, later, made)
    event = host.event(draft.uid)
    assert event is not None
    (alarm,) = event.walk("VALARM")
    assert (str(alarm["summary"]), str(alarm["description"])) == ("An alarm's own", "Wake up")
    assert event["categories"].to_ical() == b"Sales,Calls"
    assert str(event["x-apple-travel-advisory-behavior"]) == "AUTOMATIC"
    assert "x-alt-desc" not in event
    assert event["attendee"].params["PARTSTAT"] == "ACCEPTED"
    assert (str(event["description"]), event["dtend"].dt) == ("New", STARTS + dt.timedelta(minutes=90))


def test_what_the_host_moved_is_seen_and_written_over_only_when_asked_to(hosts_calendar: HostsCalendar) -> None:
    host, draft = hosts_calendar, a_draft()
    made = write(host, draft)
    host.move(made.id, STARTS + 5 * HOUR, STARTS + 6 * HOUR)
    seen = CalDAV().look(host.access(), remote(host), draft, made)
    assert seen is not None
    assert (seen.starts, seen.ends) == (draft.starts + 5 * 3600, draft.starts + 6 * 3600)
    assert seen.etag != made.etag
    (event,) = events(read(host))
    assert (event.booking, event.starts) == (draft.booking, seen.starts)

    back = write(host, dataclasses.replace(draft, sequence=1), made)  # with an etag of long ago
    shown = host.event(draft.uid)
    assert shown is not None
    assert (shown["dtstart"].dt, int(shown["sequence"])) == (STARTS, 1)
    assert back.starts == draft.starts


def test_a_sequence_that_the_hosts_app_has_raised_is_never_lowered(hosts_calendar: HostsCalendar) -> None:
    host, draft = hosts_calendar, a_draft()
    made = write(host, draft)
    for hours in (1, 2, 3):
        host.move(made.id, STARTS + hours * HOUR, STARTS + (hours + 1) * HOUR)
    write(host, dataclasses.replace(draft, sequence=1), made)
    event = host.event(draft.uid)
    assert event is not None
    assert (event["dtstart"].dt, int(event["sequence"])) == (STARTS, 3)


def test_what_the_host_deleted_or_called_off_is_proven(hosts_calendar: HostsCalendar) -> None:
    host, draft, other = hosts_calendar, a_draft(), a_draft()
    deleted, cancelled = write(host, draft), write(host, other)
    host.delete(deleted.id)
    host.cancel(cancelled.id)
    assert CalDAV().look(host.access(), remote(host), draft, deleted) is None
    assert CalDAV().look(host.access(), remote(host), other, cancelled) is None
    for one, known in ((draft, deleted), (other, cancelled)):
        with pytest.raises(Gone):
            write(host, dataclasses.replace(one, sequence=1), known)
    (event,) = events(read(host))
    assert (event.show, event.cancelled, event.booking) == (Show.FREE, True, other.booking)
    # Without what we knew of it, it is made anew.
    for one in (draft, other):
        write(host, dataclasses.replace(one, sequence=2))
    assert sorted(str(event["status"]) for event in host.events()) == ["CONFIRMED", "CONFIRMED"]


def test_a_deleted_calendar_is_no_proof_before_it_is_asked(hosts_calendar: HostsCalendar) -> None:
    made = write(hosts_calendar, a_draft())
    access = PasswordAccess("x", "y", settings={"url": "http://127.0.0.1:9"}, private=True)
    with pytest.raises(Unreachable):
        CalDAV().look(access, RemoteCalendar("http://127.0.0.1:9/c/", "Gone"), a_draft(), made)


def test_an_event_that_the_host_changed_meanwhile_is_removed_all_the_same(hosts_calendar: HostsCalendar) -> None:
    host, draft = hosts_calendar, a_draft()
    made = write(host, draft)
    host.move(made.id, STARTS + HOUR, STARTS + 2 * HOUR)
    CalDAV().remove(host.access(), remote(host), draft, made)
    assert host.paths() == []


def test_somebody_elses_event_at_our_address_is_left_alone(radicale_calendar: HostsCalendar) -> None:
    host, draft = radicale_calendar, a_draft()
    made = write(host, draft)
    host.delete(made.id)
    host.put(calendar_text("UID:theirs@x\nDTSTART:20261201T100000Z\nDTEND:20261201T110000Z"), draft.uid)
    assert CalDAV().look(host.access(), remote(host), draft, made) is None
    with pytest.raises(Gone):
        write(host, draft, made)
    CalDAV().remove(host.access(), remote(host), draft, made)
    assert len(host.paths()) == 1


def test_writers_at_once_leave_one_event(hosts_calendar: HostsCalendar) -> None:
    host, draft = hosts_calendar, a_draft()
    calendar = remote(host)
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            later = dataclasses.replace(draft, title=f"By {number}")
            CalDAV().write(host.access(), calendar, later, None)
        except (Changed, Unreachable):
            pass  # tried again by the outbox
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(host.paths()) == 1


def test_nothing_that_a_guest_types_becomes_a_line_of_its_own(hosts_calendar: HostsCalendar) -> None:
    evil = "x\r\nATTENDEE:mailto:evil@example.net\nEND:VEVENT\u2028BEGIN:VALARM\x85X\x0bY"
    draft = a_draft(title=evil, description=evil, location=evil, booking="bk\r\nX-EVIL:1", url="https://x/\r\nX-EVIL:1")
    draft = dataclasses.replace(draft, guests=(dataclasses.replace(draft.guests[0], name=evil + '";X=1:y'),))
    write(hosts_calendar, draft)
    event = hosts_calendar.event(draft.uid)
    assert event is not None
    assert "x-evil" not in event
    assert event.subcomponents == []
    assert str(event["attendee"]) == "mailto:bob@example.net"
    assert str(event["summary"]).startswith("x ATTENDEE:mailto:evil@example.net END:VEVENT")
    assert write(hosts_calendar, draft, None).uid == draft.uid


def test_a_uid_that_is_no_name_of_a_file_is_no_trouble(hosts_calendar: HostsCalendar) -> None:
    draft = a_draft(uid="a/b?c#d%e äöü@crm.example.com")
    made = write(hosts_calendar, draft)
    assert made.id == f"{hosts_calendar.path}{draft.key}.ics"
    assert write(hosts_calendar, draft) == made


def test_guests_are_listed_and_left_to_us(hosts_calendar: HostsCalendar) -> None:
    draft = a_draft()
    write(hosts_calendar, draft)
    event = hosts_calendar.event(draft.uid)
    assert event is not None
    assert str(event["attendee"]) == "mailto:bob@example.net"
    assert event["attendee"].params["SCHEDULE-AGENT"] == "CLIENT"
    assert event["attendee"].params["CN"] == "Bob 'B' Brown"
    assert event["organizer"].params["SCHEDULE-AGENT"] == "CLIENT"


def test_a_server_that_invites_nobody_is_not_asked_to(radicale_calendar: HostsCalendar) -> None:
    assert not CalDAV().can_invite(radicale_calendar.access(), remote(radicale_calendar))
    with pytest.raises(NotAllowed):
        write(radicale_calendar, a_draft(invite=True))
    assert radicale_calendar.paths() == []


def test_a_server_that_invites_does_so_in_the_owners_name(xandikos: Server) -> None:
    host = xandikos.calendar()
    access = PasswordAccess("ann@example.com", "any", settings={"url": xandikos.url}, private=True)
    assert CalDAV().can_invite(access, remote(host))
    draft = a_draft(invite=True)
    CalDAV().write(access, remote(host), draft, None)
    event = host.event(draft.uid)
    assert event is not None
    assert str(event["organizer"]) == "mailto:ann@example.com"
    assert event["attendee"].params.get("SCHEDULE-AGENT", "SERVER") == "SERVER"


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
