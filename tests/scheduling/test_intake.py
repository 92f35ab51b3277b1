"""Whatever a guest types is clean afterwards, or refused with a sentence for each field."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from flask import Flask

from example_app.extensions import db
from flask_booking.errors import InvalidInput
from flask_booking.models import Booking, EventType
from flask_booking.scheduling import book
from flask_booking.scheduling.intake import Intake, check, many_lines, one_line, utm_of
from tests.scheduling.bookable import midnight, request

QUESTIONS: list[dict[str, Any]] = [
    {"id": "why", "label": "Why?", "kind": "short", "required": True},
    {"id": "more", "label": "More", "kind": "long"},
    {"id": "one", "label": "One", "kind": "choice", "options": ["A", "B"]},
    {"id": "some", "label": "Some", "kind": "multiple", "options": ["A", "B", "C"]},
    {"id": "ok", "label": "OK?", "kind": "checkbox"},
    {"id": "count", "label": "Count", "kind": "number"},
    {"id": "call", "label": "Call", "kind": "phone"},
    {"id": "mail", "label": "Mail", "kind": "email"},
    {"id": "day", "label": "Day", "kind": "date"},
]


@pytest.fixture(autouse=True)
def _in_context(crm: Flask) -> None:
    """Sentences for people need an app for their language."""


def asked(**columns: Any) -> EventType:
    return EventType(**({"questions": [], "locations": [], "durations": [30]} | columns))


def typed(event: EventType | None = None, **more: Any) -> Intake:
    values: dict[str, Any] = {"name": "Sam Guest", "email": "sam@example.com"}
    return check(event or asked(), **(values | more))


def problems(event: EventType | None = None, **more: Any) -> set[str]:
    with pytest.raises(InvalidInput) as refused:
        typed(event, **more)
    assert all(refused.value.fields.values())
    return set(refused.value.fields)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Sam\r\nBcc: all@example.com", "Sam Bcc: all@example.com"),
        ("  A \t B  ", "A B"),
        ("Zoe\u0308", "Zoë"),
        ("a\u2028b\u2029c\x00d\x85e", "a b c d e"),
        ("\U0001f469\u200d\U0001f4bb Ada", "\U0001f469\u200d\U0001f4bb Ada"),
        ("שרה כהן", "שרה כהן"),
        ("Bob \u202egro.elpmaxe", "Bob gro.elpmaxe"),
        ("".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])), ""),
        ("a\u200db\u200cc\u200ed\u200fe", "a\u200db\u200cc\u200ed\u200fe"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        (None, ""),
        (7, "7"),
    ],
)
def test_a_line_stays_one_line_and_keeps_what_people_write(text: object, clean: str) -> None:
    assert one_line(text) == clean


def test_lines_keep_their_breaks_and_nothing_else_that_controls() -> None:
    assert many_lines("a\r\nb\rc\x00\x1b\td \n") == "a\nb\nc\td"
    assert many_lines("\u2067a\u2069\n\u202eb\u200f") == "a\nb\u200f"


@pytest.mark.parametrize("name", ["", "   ", "\r\n", "x" * 201, "x" * 10_000, None])
def test_a_name_is_there_and_not_a_novel(name: object) -> None:
    assert problems(name=name) == {"name"}


@pytest.mark.parametrize(
    "email",
    [
        "", "sam", "sam@", "@example.com", "sam@example", "sam@example.com\r\nBcc: a@example.com", "a b@example.com",
        "sam@example.com,eve@example.com", "x" * 10_000 + "@example.com", "<sam@example.com>", None, 7,
        "sam@exam\u0000ple.com", "sam@-example.com",
    ],
)  # fmt: skip
def test_an_address_that_no_mail_can_reach_is_refused(email: object) -> None:
    assert problems(email=email) == {"email"}


def test_an_address_is_kept_in_its_normal_form() -> None:
    assert typed(email="  Sam.Guest@EXAMPLE.com ").guest.email == "Sam.Guest@example.com"


@pytest.mark.parametrize("key", ["Europe/Nowhere", "../../etc/passwd", "x" * 10_000, "Europe/Paris\n", "localtime"])
def test_an_unknown_zone_is_refused(key: str) -> None:
    assert problems(time_zone=key) == {"time_zone"}


def test_all_problems_are_told_at_once() -> None:
    event = asked(questions=QUESTIONS, locations=[{"id": "a", "kind": "phone_guest"}, {"id": "b", "kind": "custom"}])
    wrong = {"one": "C", "some": ["A", "D"], "count": "many", "call": "x", "mail": "x", "day": "31.12.2026"}
    found = problems(
        event, name="", email="x", phone="letters", time_zone="X/Y", notes="x" * 6000, answers=wrong, location="c"
    )
    assert found == {
        "name", "email", "phone", "time_zone", "notes", "location", "answers.why", "answers.one", "answers.some",
        "answers.count", "answers.call", "answers.mail", "answers.day",
    }  # fmt: skip


def test_answers_are_kept_with_their_questions() -> None:
    answers: dict[str, Any] = {
        "why": " Because\r\nof you ", "more": "a\r\nb", "one": "B", "some": ["A", "C"], "ok": "on", "count": "-1,5",
        "call": "+1 555 010 0100", "mail": "a@example.com", "day": "2026-12-31", "unknown": "ignored",
    }  # fmt: skip
    kept = {answer["id"]: answer["text"] for answer in typed(asked(questions=QUESTIONS), answers=answers).answers}
    assert kept == {
        "why": "Because of you", "more": "a\nb", "one": "B", "some": "A, C", "ok": "Yes", "count": "-1,5",
        "call": "+1 555 010 0100", "mail": "a@example.com", "day": "2026-12-31",
    }  # fmt: skip


@pytest.mark.parametrize("given", [{}, {"why": ""}, {"why": None}, {"why": "\u2028"}])
def test_a_required_answer_is_needed(given: dict[str, Any]) -> None:
    assert problems(asked(questions=QUESTIONS), answers=given) == {"answers.why"}


@pytest.mark.parametrize("odd", [{"a": 1}, ["x"], 5, True, [{"x": []}], [[["A"]]]])
@pytest.mark.parametrize("question", [question["id"] for question in QUESTIONS[1:]])
def test_answers_of_odd_types_never_break_anything(odd: Any, question: str) -> None:
    with contextlib.suppress(InvalidInput):
        typed(asked(questions=QUESTIONS), answers={"why": "x", question: odd})


def test_a_guest_to_be_called_gives_a_number() -> None:
    event = asked(locations=[{"id": "a", "kind": "phone_guest"}])
    assert problems(event) == {"phone"}
    assert typed(event, phone="+44 20 7946 0000").location == {
        "kind": "phone_guest",
        "text": "+44 20 7946 0000",
        "url": "",
    }


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("(555) 010-0100", ""),
        ("+(1) 555 010 0100", ""),
        ("555-010-0100 ext. 12", ""),
        ("+33 1 23 45 67 89", ""),
        ("030\N{NON-BREAKING HYPHEN}1234567", "030-1234567"),
        ("٠١٢٣٤٥٦٧٨٩", "0123456789"),
        ("０１２ー３４５６７８９", None),
        ("ring me", None),
        ("()", None),
    ],
)
def test_a_number_may_be_written_as_people_write_it(number: str, kept: str | None) -> None:
    event = asked(locations=[{"id": "a", "kind": "phone_guest"}])
    if kept is None:
        assert problems(event, phone=number) == {"phone"}
    else:
        assert typed(event, phone=number).guest.phone == (kept or number)


def test_the_only_place_needs_no_choice_and_is_copied() -> None:
    place = {"id": "a", "kind": "in_person", "text": "Room 1", "url": "https://example.com/map"}
    event = asked(locations=[place])
    agreed = typed(event).location
    place["text"] = "Room 2"
    assert agreed["text"] == "Room 1"
    assert problems(event, location="b") == {"location"}


def test_campaign_parameters_are_cut_and_others_dropped() -> None:
    assert utm_of({"utm_source": "a\r\nb" + "x" * 500, "utm_medium": "", "other": "x"}) == {
        "utm_source": "a b" + "x" * 197
    }


@pytest.mark.parametrize(
    "name", ["\U0001f469\u200d\U0001f4bb Ada", "שרה כהן", "<b>Bob</b>", "Łukasz 李", "x" * 200, "\U0001f600" * 200]
)
def test_any_name_is_stored_as_it_was_written(name: str, event: EventType) -> None:
    booking = book(event.id, request(midnight(), intake=typed(event, name=name, notes=name)))
    db.session.expire_all()
    assert (booking.guest_name, booking.notes) == (name, name)
    assert booking.crm_error == ""
    assert db.session.get(Booking, booking.id) is booking
