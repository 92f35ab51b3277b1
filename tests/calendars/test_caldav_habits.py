"""CalDAV servers have habits; whatever they are, nothing is lost, nothing comes twice, and nothing is overwritten."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dns.resolver
import pytest
from werkzeug.wrappers import Response

from flask_booking.calendars.caldav import CalDAV, client
from flask_booking.calendars.caldav.dav import multistatus
from flask_booking.calendars.provider import Changes, EventDraft, RemoteCalendar, Written
from flask_booking.connections.password import PasswordAccess
from flask_booking.connections.problems import (
    Changed,
    CursorExpired,
    Gone,
    LeadsElsewhere,
    NeedsReconnect,
    NotAllowed,
    RateLimited,
    Unreachable,
    Unreadable,
)
from tests.calendars.drafts import DAY, WINDOW, a_draft, at
from tests.fakes.base import Trouble
from tests.fakes.caldav import QuirkyCalDAV, quirky
from tests.fakes.raw import Names, certificate_for
from tests.fixtures.caldav import HostsCalendar, Server, calendar_text


@dataclasses.dataclass
class Odd:
    """A calendar behind a server with habits, and its owner's app, which talks to the real one."""

    host: HostsCalendar
    fake: QuirkyCalDAV
    url: str

    @property
    def access(self) -> PasswordAccess:
        return PasswordAccess(self.host.account, self.host.password, settings={"url": self.url}, private=True)

    @property
    def calendar(self) -> RemoteCalendar:
        (found,) = CalDAV().calendars(self.access)
        return found

    def read(self, cursor: str = "") -> Changes:
        return CalDAV().changes(self.access, self.calendar, cursor, WINDOW)

    def write(self, draft: EventDraft, known: Written | None = None) -> Written:
        return CalDAV().write(self.access, self.calendar, draft, known)

    def add(self, hour: int) -> str:
        return self.host.put(calendar_text(f"UID:{hour}@x\nDTSTART:20261201T{hour:02}0000Z\nDURATION:PT1H"))


MakeOdd = Callable[..., Odd]


@pytest.fixture
def odd(radicale_calendar: HostsCalendar) -> Iterator[MakeOdd]:
    """``odd(sync_status=403)`` is a calendar on a server with this habit."""
    with ExitStack() as stack:

        def make(certificate: Path | None = None, **habits: Any) -> Odd:
            fake = stack.enter_context(quirky(radicale_calendar.server.url, certificate, **habits))
            return Odd(radicale_calendar, fake, fake.url)

        yield make


def hours(changes: Changes) -> list[int]:
    """At which hours of the day something begins."""
    return sorted((event.starts - at("2026-12-01 00:00")) // 3600 for one in changes.resources for event in one.events)


# -- changes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "habits",
    [
        {},
        {"sync_status": 400},
        {"sync_status": 403},
        {"sync_status": 404},
        {"sync_status": 405},
        {"sync_status": 500},
        {"sync_status": 501},
        {"everything": True},
        {"page": 1},
        {"page": 2},
        {"no_multiget": True},
        {"get_etag": "weak", "sync_status": 403},
        {"get_etag": "none", "sync_status": 403},
    ],
    ids=str,
)
def test_changes_come_in_whatever_the_server_can(odd: MakeOdd, habits: dict[str, Any]) -> None:
    here = odd(**habits)
    paths = {hour: here.add(hour) for hour in (8, 10, 12, 14)}
    changes = here.read()
    assert (changes.complete, hours(changes)) == (True, [8, 10, 12, 14])

    nothing = here.read(changes.cursor)
    assert (nothing.resources, nothing.removed, nothing.complete) == ((), (), False)

    here.host.delete(paths[10])
    here.add(16)
    here.host.move(paths[8], *(_at(hour) for hour in (9, 10)))
    changed = here.read(nothing.cursor)
    assert (hours(changed), changed.removed, changed.complete) == ([9, 16], (paths[10],), False)
    assert hours(here.read(changed.cursor)) == []
    assert hours(here.read()) == [9, 12, 14, 16]


def _at(hour: int) -> dt.datetime:
    return dt.datetime(2026, 12, 1, hour, tzinfo=dt.UTC)


@pytest.mark.parametrize("habits", [{}, {"sync_status": 403}], ids=str)
def test_nothing_is_fetched_when_nothing_changed(odd: MakeOdd, habits: dict[str, Any]) -> None:
    here = odd(**habits)
    here.add(8)
    calendar, cursor = here.calendar, here.read().cursor
    before = len(here.fake.journal)
    CalDAV().changes(here.access, calendar, cursor, WINDOW)
    assert len(here.fake.journal) - before == 1


def test_a_server_that_answers_everything_is_found_out_though_the_calendar_was_empty(odd: MakeOdd) -> None:
    here = odd(everything=True)
    cursor = here.read().cursor
    path = here.add(8)
    with pytest.raises(CursorExpired):
        here.read(cursor)
    changes = here.read()
    here.host.delete(path)
    assert here.read(changes.cursor).removed == (path,)


@pytest.mark.parametrize("status", [403, 409, 410, 412, 500])
def test_a_stale_token_is_read_anew_however_it_is_said(odd: MakeOdd, status: int) -> None:
    here = odd()
    here.add(8)
    cursor = here.read().cursor
    here.fake.habits.stale_status = status
    with pytest.raises(CursorExpired):
        here.read(cursor)


def test_a_server_in_trouble_has_forgotten_nothing(odd: MakeOdd) -> None:
    here = odd()
    here.add(8)
    calendar, cursor = here.calendar, here.read().cursor
    for status, problem in ((500, Unreachable), (502, Unreachable), (429, RateLimited), (401, NeedsReconnect)):
        here.fake.fail(status, times=5)
        with pytest.raises(problem):
            CalDAV().changes(here.access, calendar, cursor, WINDOW)
        here.fake.troubles.clear()
    assert hours(CalDAV().changes(here.access, calendar, cursor, WINDOW)) == []


def test_what_vanishes_while_it_is_read_is_gone(odd: MakeOdd, monkeypatch: pytest.MonkeyPatch) -> None:
    here = odd()
    path = here.add(8)
    real = here.fake._forwarded

    def forwarded(request: Any, body: bytes) -> Any:
        if b"calendar-multiget" in body and path in here.host.paths():
            here.host.delete(path)
        return real(request, body)

    monkeypatch.setattr(here.fake, "_forwarded", forwarded)
    assert hours(here.read()) == []


def test_one_event_that_breaks_an_answer_hides_no_other(odd: MakeOdd, monkeypatch: pytest.MonkeyPatch) -> None:
    here = odd()
    for hour in (8, 10, 12, 14):
        here.add(hour)
    bad = here.add(16)
    real = here.fake._forwarded

    def forwarded(request: Any, body: bytes) -> Any:
        answer = real(request, body)
        if b"calendar-multiget" in body and bad.encode() in body:
            answer.set_data(b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><multistatus xmlns="DAV:">&a;')
        return answer

    monkeypatch.setattr(here.fake, "_forwarded", forwarded)
    assert hours(here.read()) == [8, 10, 12, 14, 16]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Log in</html>",
        b"<multistatus/>",
        b'<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><multistatus xmlns="DAV:"><x>&b;</x></multistatus>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><multistatus xmlns="DAV:"/>',
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><multistatus xmlns="DAV:"><x>&e;</x></multistatus>',
        b'<multistatus xmlns="DAV:">' + b"<a>" * 50_000,
        b'<multistatus xmlns="DAV:">' + b"<a/>" * 1_100_000 + b"</multistatus>",
        b'<?xml version="1.0" encoding="nonsense"?><multistatus xmlns="DAV:"/>',
        b"\xff\xfe\x00\x00",
    ],
    ids=["empty", "html", "other", "laughs", "dtd", "file", "deep", "wide", "encoding", "bytes"],
)
def test_an_answer_that_is_no_answer_is_refused(odd: MakeOdd, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    here = odd()
    calendar = here.calendar

    def bent(request: Any) -> Any:
        return Response(body, 207, mimetype="application/xml")

    monkeypatch.setattr(here.fake, "_bent", bent)
    with pytest.raises(Unreadable):
        CalDAV().changes(here.access, calendar, "", WINDOW)
    with pytest.raises(Unreadable):
        CalDAV().account(here.access)


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE x [<!ENTITY a "ha">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/">',
        "<!DOCTYPE x>",
    ],
)
def test_answers_define_nothing(head: str) -> None:
    with pytest.raises(Unreadable, match="no XML"):
        multistatus(f'{head}<multistatus xmlns="DAV:"/>'.encode())
    assert multistatus(b'<multistatus xmlns="DAV:"/>').responses == ()


def test_a_cursor_is_no_larger_than_it_must_be(odd: MakeOdd) -> None:
    here = odd()
    here.add(8)
    assert "etags" not in json.loads(here.read().cursor)
    here.fake.habits.sync_status = 403
    kept = json.loads(here.read().cursor)
    assert all(len(name) < 60 and len(digest) == 12 for name, digest in kept["etags"].items())


# -- where things are -------------------------------------------------------------------------------------------------


def test_calendars_may_be_on_another_host_of_the_family(
    odd: MakeOdd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certificate_for(tmp_path, "caldav.example.com", "p12-caldav.example.com")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    Names(monkeypatch, **{"caldav_example_com": [["127.0.0.1"]], "p12-caldav_example_com": [["127.0.0.1"]]})
    here = odd(certificate)
    port = here.fake.url.rpartition(":")[2]
    here.url = f"https://caldav.example.com:{port}/"
    here.fake.habits.home = f"https://p12-caldav.example.com:{port}"
    calendar = here.calendar
    assert calendar.id == f"https://p12-caldav.example.com:{port}{here.host.path}"
    here.add(8)
    assert hours(here.read()) == [8]
    draft = a_draft()
    made = here.write(draft)
    assert made.id.startswith(here.host.path)
    CalDAV().remove(here.access, calendar, draft, made)
    assert len(here.host.paths()) == 1


def test_a_home_at_strangers_gets_no_password(odd: MakeOdd, radicale: Server) -> None:
    here = odd(home=radicale.url.replace("127.0.0.1", "localhost"))
    with pytest.raises(LeadsElsewhere):
        CalDAV().calendars(here.access)


def test_a_sign_that_leads_to_strangers_gets_no_password(odd: MakeOdd, radicale: Server) -> None:
    there = radicale.url.replace("127.0.0.1", "localhost")
    here = odd(redirects={"/": f"{there}/", "/.well-known/caldav": f"{there}/"})
    with pytest.raises(LeadsElsewhere):
        CalDAV().account(here.access)


def test_the_owners_mail_address_is_the_accounts_name(odd: MakeOdd) -> None:
    here = odd(mail="Ann@Example.com")
    assert CalDAV().account(here.access).name == "ann@example.com"
    here.host.put(
        calendar_text(
            "UID:1\nDTSTART:20261201T100000Z\nDURATION:PT1H\nATTENDEE;PARTSTAT=DECLINED:mailto:ann@example.com"
        )
    )
    cursor = here.read().cursor
    here.host.put(
        calendar_text(
            "UID:2\nDTSTART:20261201T100000Z\nDURATION:PT1H\nATTENDEE;PARTSTAT=DECLINED:mailto:ann@example.com"
        )
    )
    (resource,) = here.read(cursor).resources
    assert resource.events[0].declined


# -- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "habits",
    [
        {},
        {"put_etag": "weak"},
        {"put_etag": "none"},
        {"put_etag": "weak", "get_etag": "weak"},
        {"put_etag": "weak", "get_etag": "weak", "demands_if_match": True},
        {"put_etag": "none", "get_etag": "none"},
        {"overwrites": True},
        {"refuses_guests": True},
    ],
    ids=str,
)
def test_a_booking_is_made_moved_and_removed_whatever_the_server_does(odd: MakeOdd, habits: dict[str, Any]) -> None:
    here, draft = odd(**habits), a_draft()
    made = here.write(draft)
    again = here.write(draft)
    assert (again.id, here.host.paths()) == (made.id, [made.id])
    assert (made.etag == "") is (habits.get("get_etag", "strong") != "strong")
    later = dataclasses.replace(draft, sequence=1, starts=draft.starts + DAY, ends=draft.ends + DAY)
    moved = here.write(later, made)
    event = here.host.event(draft.uid)
    assert event is not None
    assert event["dtstart"].dt.day == 2
    assert ("attendee" in event) is not habits.get("refuses_guests", False)
    seen = CalDAV().look(here.access, here.calendar, later, moved)
    assert seen is not None
    assert (seen.starts, seen.etag) == (later.starts, moved.etag)
    CalDAV().remove(here.access, here.calendar, later, moved)
    assert here.host.paths() == []


def test_a_lost_answer_makes_no_second_event(odd: MakeOdd) -> None:
    here, draft = odd(), a_draft()
    calendar = here.calendar
    here.fake.drop(after_effect=True, method="PUT")
    with pytest.raises(Unreachable):
        CalDAV().write(here.access, calendar, draft, None)
    made = CalDAV().write(here.access, calendar, draft, None)
    assert here.host.paths() == [made.id]
    here.fake.drop(after_effect=True, method="DELETE")
    with pytest.raises(Unreachable):
        CalDAV().remove(here.access, calendar, draft, made)
    CalDAV().remove(here.access, calendar, draft, made)
    assert here.host.paths() == []


def test_guests_whom_we_mail_get_no_mail_of_the_server(odd: MakeOdd) -> None:
    owner = "bookings@crm.example.com"  # even where the owner's address is the one that our mails come from
    here, draft = odd(schedules=True, mail=owner), a_draft()
    made = here.write(draft)
    here.write(dataclasses.replace(draft, sequence=1, starts=draft.starts + 60), made)
    assert here.fake.mailed == []
    event = here.host.event(draft.uid)
    assert event is not None
    assert "attendee" in event


def test_guests_are_invited_by_the_server_when_it_shall(odd: MakeOdd) -> None:
    here, draft = odd(schedules=True, mail="ann@example.com"), a_draft(invite=True)
    assert CalDAV().can_invite(here.access, here.calendar)
    here.write(draft)
    assert here.fake.mailed == ["bob@example.net"]
    event = here.host.event(draft.uid)
    assert event is not None
    assert str(event["organizer"]) == "mailto:ann@example.com"


def test_a_server_that_invites_but_refuses_guests_makes_no_event_without_them(odd: MakeOdd) -> None:
    here = odd(schedules=True, mail="ann@example.com", refuses_guests=True)
    with pytest.raises(NotAllowed):
        here.write(a_draft(invite=True))
    assert here.host.paths() == []


def test_somebody_who_changes_it_all_the_time_is_not_fought(odd: MakeOdd, monkeypatch: pytest.MonkeyPatch) -> None:
    here, draft = odd(), a_draft()
    made = here.write(draft)
    calendar, real, count = here.calendar, here.fake._forwarded, iter(range(100))

    def forwarded(request: Any, body: bytes) -> Any:
        if request.method in ("PUT", "DELETE"):
            here.host.move(made.id, _at(1), _at(2 + next(count)))
        return real(request, body)

    monkeypatch.setattr(here.fake, "_forwarded", forwarded)
    with pytest.raises(Changed):
        CalDAV().write(here.access, calendar, dataclasses.replace(draft, sequence=9), made)
    with pytest.raises(Changed):
        CalDAV().remove(here.access, calendar, draft, made)


@pytest.mark.parametrize(
    ("status", "problem"), [(403, NotAllowed), (405, Unreadable), (507, NotAllowed), (423, Unreachable)]
)
def test_a_refused_write_says_why(odd: MakeOdd, status: int, problem: type[Exception]) -> None:
    here = odd()
    calendar = here.calendar
    here.fake.fail(status, method="PUT", times=9)
    with pytest.raises(problem):
        CalDAV().write(here.access, calendar, a_draft(), None)
    assert here.host.paths() == []


def test_the_uid_in_another_calendar_is_waited_for(odd: MakeOdd) -> None:
    """iCloud allows a UID once in all calendars: it is free once the event was removed from the other one."""
    here = odd()
    calendar = here.calendar
    conflict = "<C:no-uid-conflict><href>/x/y.ics</href></C:no-uid-conflict>"
    body = f'<error xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">{conflict}</error>'
    here.fake.troubles.append(
        Trouble(lambda asked: asked.method == "PUT", Response(body, 403, mimetype="application/xml"), times=1)
    )
    with pytest.raises(Changed):
        CalDAV().write(here.access, calendar, a_draft(), None)


def test_a_known_event_in_a_calendar_that_is_gone_is_gone(odd: MakeOdd) -> None:
    here, draft = odd(), a_draft()
    calendar, made = here.calendar, here.write(draft)
    here.host.ask("DELETE", here.host.url)
    with pytest.raises(Gone):
        CalDAV().write(here.access, calendar, draft, made)
    CalDAV().remove(here.access, calendar, draft, made)
    with pytest.raises((Gone, NotAllowed)):
        CalDAV().write(here.access, calendar, draft, None)


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ([(10, 5, "caldav.example.com.", 443)], ["https://caldav.example.com:443/.well-known/caldav"]),
        ([(20, 5, "b.example.com.", 443), (10, 1, "c.example.com.", 8443), (10, 9, "a.example.com.", 444)],
         ["https://a.example.com:444/.well-known/caldav"]),
        ([(10, 5, "caldav.example.net.", 443)], []),  # of another family: nobody vouches for it
        ([(10, 5, ".", 443)], []),
        ([], []),
    ],
)  # fmt: skip
def test_a_domain_may_name_its_server_in_the_dns(
    monkeypatch: pytest.MonkeyPatch, records: list[tuple[int, int, str, int]], found: list[str]
) -> None:
    def resolve(name: str, kind: str, lifetime: float) -> list[SimpleNamespace]:
        assert (name, kind) == ("_caldavs._tcp.example.com", "SRV")
        if not records:
            raise dns.resolver.NXDOMAIN
        names = ("priority", "weight", "target", "port")
        return [SimpleNamespace(**dict(zip(names, record, strict=True))) for record in records]

    monkeypatch.setattr(dns.resolver, "resolve", resolve)
    always = ["https://example.com", "https://example.com/.well-known/caldav", "https://example.com/"]
    assert list(client._candidates("https://example.com")) == always + found
