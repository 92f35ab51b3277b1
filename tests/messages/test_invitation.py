"""A calendar invitation is understood by every client, whatever a guest calls himself."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import icalendar
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flask_booking.messages.invitation import Method, Person, calendar_bytes
from tests.messages.made import ENDS, STARTS, invitation
from tests.messages.mail_client import check_calendar

HOSTILE = [
    "Eve\r\nATTENDEE:mailto:evil@example.com",
    "Eve\nBEGIN:VALARM",
    'Eve "the, boss"; ROLE=CHAIR: x',
    "Eve\x00\x0b\x1f\x7f",
    "Eve\u2028DTSTART:19700101T000000Z\u2029\x85next",
    "Eve\\nDTSTART:19700101T000000Z",
    "^nEve^'",
    "\u202eevil\u202c",
    "مها 😀 👨‍👩‍👧‍👦 " * 3,
    "N" * 10_000,
]


def event_of(data: bytes) -> icalendar.Event:
    return icalendar.Calendar.from_ical(data).walk("VEVENT")[0]


def properties(data: bytes) -> list[str]:
    """The names of all properties and components, in order."""
    lines = data.decode().replace("\r\n ", "").split("\r\n")
    return [line if line.startswith(("BEGIN", "END")) else line.split(":")[0].split(";")[0] for line in lines]


def test_it_says_what_happens_when() -> None:
    event = event_of(calendar_bytes(invitation()))
    assert event.decoded("DTSTART") == STARTS
    assert event.decoded("DTEND") == ENDS
    assert str(event["SUMMARY"]) == "Consultation with Ann Meyer"
    assert str(event["DESCRIPTION"]) == "We look at where you stand.\nBring a question; leave with a plan, or two."
    assert str(event["ORGANIZER"]) == "mailto:bookings@example.com"
    assert [str(attendee) for attendee in event["ATTENDEE"]] == ["mailto:ann@example.com", "mailto:grace@example.com"]
    assert [attendee.params["PARTSTAT"] for attendee in event["ATTENDEE"]] == ["ACCEPTED", "NEEDS-ACTION"]
    assert [attendee.params["RSVP"] for attendee in event["ATTENDEE"]] == ["FALSE", "TRUE"]


def test_times_are_utc_so_that_no_zone_table_is_needed() -> None:
    paris = dt.timezone(dt.timedelta(hours=1))
    data = calendar_bytes(invitation(starts=STARTS.astimezone(paris)))
    assert b"DTSTART:20261203T130000Z\r\n" in data
    assert b"TZID" not in data


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        calendar_bytes(invitation(starts=STARTS.replace(tzinfo=None)))


def test_the_same_invitation_gives_the_same_bytes() -> None:
    assert calendar_bytes(invitation()) == calendar_bytes(invitation())


def test_a_published_copy_asks_nobody_to_answer() -> None:
    data = calendar_bytes(invitation(method=Method.PUBLISH))
    assert b"METHOD:PUBLISH\r\n" in data
    assert b"ATTENDEE" not in data
    check_calendar(data)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_guest_cannot_add_a_line(name: str) -> None:
    plain = calendar_bytes(invitation())
    hostile = calendar_bytes(
        invitation(Person(name, "guest@example.com"), summary=name, location=name, description=name)
    )
    check_calendar(hostile)
    assert properties(hostile) == properties(plain)


@given(st.text(max_size=300))
@example("\r\n" * 20)
@example("😀" * 100)
def test_any_text_stays_inside_its_property(text: str) -> None:
    data = calendar_bytes(invitation(Person(text, "guest@example.com"), summary=text, location=f"x{text}"))
    check_calendar(data)
    assert properties(data) == properties(calendar_bytes(invitation()))
    attendee = event_of(data)["ATTENDEE"][1]
    assert str(attendee) == "mailto:guest@example.com"
    assert attendee.params["RSVP"] == "TRUE"


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@b\r\nX:y", "a b@example.com", '"a"@example.com', "a@example.com>", "a@b;c", "@example.com"],
)
def test_an_impossible_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="mail address"):
        calendar_bytes(invitation(Person("Eve", address)))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://example.com/\r\nX:y", "https://a b"])
def test_a_strange_link_is_left_out(url: str) -> None:
    assert b"\nURL" not in calendar_bytes(invitation(url=url))


def test_an_unusual_but_legal_address_is_kept() -> None:
    person = Person("Zoë", "zoe.o'neil+crm@example.co.uk")
    assert str(event_of(calendar_bytes(invitation(person)))["ATTENDEE"][1]) == "mailto:zoe.o'neil+crm@example.co.uk"


def test_nothing_rests_on_assertions() -> None:
    """icalendar guards some properties by ``assert``, which ``python -O`` takes out."""
    code = (
        "from tests.messages.test_invitation import HOSTILE, properties\n"
        "from tests.messages.made import invitation\n"
        "from flask_booking.messages.invitation import Person, calendar_bytes\n"
        "plain = properties(calendar_bytes(invitation()))\n"
        "for name in HOSTILE:\n"
        "    person = Person(name, 'guest@example.com')\n"
        "    made = invitation(person, summary=name, location=name, description=name, uid=name)\n"
        "    if properties(calendar_bytes(made)) != plain:\n"
        "        raise SystemExit(repr(name))\n"
        "raise SystemExit(0 if not __debug__ else 'not optimised')\n"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-O", "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
