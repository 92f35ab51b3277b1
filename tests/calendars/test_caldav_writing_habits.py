"""CalDAV servers have habits; whatever they are, an event is written once, and nothing is overwritten."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import dns.resolver
import pytest
from werkzeug.wrappers import Response

from flask_booking.calendars.caldav import CalDAV, client
from flask_booking.connections.problems import (
    Changed,
    Gone,
    NotAllowed,
    Unreachable,
    Unreadable,
)
from tests.calendars.drafts import DAY, a_draft
from tests.calendars.odd import MakeOdd, o_clock
from tests.fakes.base import Trouble


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
            here.host.move(made.id, o_clock(1), o_clock(2 + next(count)))
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
