"""CalDAV servers have habits; whatever they are, nothing is lost and nothing comes twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Response

from flask_booking.calendars.caldav import CalDAV
from flask_booking.calendars.caldav.dav import multistatus
from flask_booking.calendars.provider import Changes
from flask_booking.connections.problems import (
    CursorExpired,
    LeadsElsewhere,
    NeedsReconnect,
    RateLimited,
    Unreachable,
    Unreadable,
)
from tests.calendars.drafts import WINDOW, a_draft, at
from tests.calendars.odd import MakeOdd, o_clock
from tests.fakes.raw import Names, certificate_for
from tests.fixtures.caldav import Server, calendar_text


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
    here.host.move(paths[8], *(o_clock(hour) for hour in (9, 10)))
    changed = here.read(nothing.cursor)
    assert (hours(changed), changed.removed, changed.complete) == ([9, 16], (paths[10],), False)
    assert hours(here.read(changed.cursor)) == []
    assert hours(here.read()) == [9, 12, 14, 16]


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
