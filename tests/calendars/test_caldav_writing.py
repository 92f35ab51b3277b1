"""CalDAV against real servers: bookings go out, once each, and leave alone what is the host's."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading

import icalendar
import pytest

from flask_booking.calendars.caldav import CalDAV
from flask_booking.calendars.provider import RemoteCalendar, Show
from flask_booking.connections.password import PasswordAccess
from flask_booking.connections.problems import (
    Changed,
    Gone,
    NotAllowed,
    Unreachable,
)
from tests.calendars.caldav_calls import HOUR, STARTS, events, read, remote, write
from tests.calendars.drafts import DAY, a_draft
from tests.fixtures.caldav import HostsCalendar, Server, calendar_text


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
