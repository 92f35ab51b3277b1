"""What a guest typed, checked against what the event type asks: one meaning for the form, the API and the host.

Every problem is collected before anything is refused, so that a person mends the form in one go.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as dt
import re
import typing as t
import unicodedata

from email_validator import EmailNotValidError, validate_email

from ..crm import Guest
from ..errors import InvalidInput
from ..i18n import format_date, list_of
from ..i18n import gettext as _
from ..models import EventType
from ..zones import UnknownZone, zone
from .guest_form import guest_form, questions_of
from .places import offered

NAME_MOST = 200
LINE_MOST = 500
TEXT_MOST = 5000
_PHONE = re.compile(r"\+?[ (]*[0-9][0-9 ().\-/]{3,30}( ?(x|ext\.?|#) ?[0-9]{1,6})?", re.IGNORECASE)
_SIGNS = str.maketrans("‐‑‒–—−＋（）", "------+()")
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""Embeddings, overrides and isolates of the bidirectional algorithm (UAX #9): whatever follows them on a page is turned
round too.  Names are written without them; the marks LRM and RLM, and the joiners, turn nothing and stay."""
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


@dataclasses.dataclass(frozen=True)
class Intake:
    """Everything a guest says, clean: nothing in it can break out of a header, a calendar line or a page."""

    guest: Guest
    answers: list[dict[str, t.Any]]
    location: dict[str, t.Any]
    notes: str


def one_line(text: object) -> str:
    """``text`` in NFC on one line: control characters and line breaks become spaces, runs of spaces one; characters
    that turn the direction of writing are left out."""
    unturned = str(text or "").translate(_TURNING)
    cleaned = "".join(" " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char for char in unturned)
    return " ".join(unicodedata.normalize("NFC", cleaned).split())


def many_lines(text: object) -> str:
    """``text`` in NFC with ``\\n`` line breaks and no other control characters, nor those that turn the direction of
    writing."""
    unified = str(text or "").translate(_TURNING).replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(char for char in unified if char in "\n\t" or unicodedata.category(char) != "Cc")
    return unicodedata.normalize("NFC", kept).strip()


def check(
    event: EventType,
    *,
    name: object,
    email: object,
    phone: object = "",
    time_zone: object = "UTC",
    locale: str = "en",
    answers: c.Mapping[str, t.Any] | None = None,
    location: object = None,
    notes: object = "",
    by: str = "guest",
) -> Intake:
    """Check a guest's data for ``event``.

    ``answers`` maps question ids to texts (a list of texts for multiple choice); ``location`` is the id of one of the
    event type's locations, needed only when there are several; ``by`` is ``guest``, or ``host`` for
    a booking made on somebody's behalf.  Raises :class:`InvalidInput` with every problem.
    """
    problems: dict[str, str] = {}
    clean_name = one_line(name)
    if not clean_name:
        problems["name"] = _("Please enter your name.")
    elif len(clean_name) > NAME_MOST:
        problems["name"] = _("Please use at most %(most)s characters.", most=NAME_MOST)
    clean_email = check_email(email, problems)
    place = _location(event, location, problems)
    clean_phone = _phone(phone, place.get("kind") == "phone_guest", problems)
    zone_key = str(time_zone or "UTC")
    try:
        zone(zone_key)
    except UnknownZone:
        problems["time_zone"] = _("This time zone isn't known. Example: Europe/Paris.")
    clean_notes = many_lines(notes)
    if len(clean_notes) > TEXT_MOST:
        problems["notes"] = _("Please use at most %(most)s characters.", most=TEXT_MOST)
    checked = _answers(event, answers or {}, problems)
    if problems:
        raise InvalidInput(fields=problems)
    if place.get("kind") == "phone_guest":
        place["text"] = clean_phone
    intake = Intake(Guest(clean_name, clean_email, clean_phone, zone_key, locale), checked, place, clean_notes)
    refused = guest_form().problems(event, intake, by)
    if refused:
        raise InvalidInput(fields=dict(refused))
    return intake


def check_email(email: object, problems: dict[str, str], field: str = "email") -> str:
    """The address in normal form; notes a problem under ``field``.  Asks no DNS: a guest waits for the answer."""
    text = str(email or "").strip()
    if not text:
        problems[field] = _("Please enter your e-mail address.")
        return ""
    try:
        return validate_email(text[:400], check_deliverability=False).normalized
    except EmailNotValidError:
        problems[field] = _("Please check your e-mail address. Example: sam@example.com")
        return ""


def _phone(phone: object, required: bool, problems: dict[str, str]) -> str:
    """The number in plain digits and signs, whatever script and hyphens it was typed with."""
    text = one_line(phone).translate(_SIGNS)
    text = "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
    if not text:
        if required:
            problems["phone"] = _("Please enter your phone number: you will be called.")
    elif not _PHONE.fullmatch(text):
        problems["phone"] = _("Please check your phone number. Example: +1 555 010 0100")
    return text[:40]


def _location(event: EventType, chosen: object, problems: dict[str, str]) -> dict[str, t.Any]:
    """The meeting's place: a copy, so that later edits of the event type don't move meetings that were agreed on.

    A place that was offered when the form was opened, and isn't any more, is taken: its link follows.
    """
    if not event.locations:
        return {}
    found = [place for place in event.locations if place["id"] == chosen]
    if not found and not chosen and len(left := offered(event)) == 1:
        found = left
    if not found:
        problems["location"] = _("Please choose how you want to meet.")
        return {}
    return {key: found[0].get(key, "") for key in ("kind", "text", "url")}


def _answers(event: EventType, given: c.Mapping[str, t.Any], problems: dict[str, str]) -> list[dict[str, t.Any]]:
    checked = []
    for question in questions_of(event):
        field = f"answers.{question['id']}"
        value, problem = _answer(question, given.get(question["id"]))
        if problem:
            problems[field] = problem
        elif value not in ("", [], False):
            text = ", ".join(value) if isinstance(value, list) else _("Yes") if value is True else str(value)
            checked.append(
                {
                    "id": question["id"],
                    "label": question["label"],
                    "kind": question["kind"],
                    "value": value,
                    "text": text,
                }
            )
    return checked


def answer_text(answer: c.Mapping[str, t.Any]) -> str:
    """An answer that was taken, as whoever reads now writes it: dates in words, a tick in the own language."""
    if answer.get("kind") == "date":
        return format_date(dt.date.fromisoformat(str(answer["value"])), style="long")
    if isinstance(answer.get("value"), list):
        return list_of(map(str, answer["value"]))
    return _("Yes") if answer.get("value") is True else str(answer.get("text", ""))


def _answer(question: dict[str, t.Any], given: t.Any) -> tuple[t.Any, str]:
    """The clean value of an answer, and what is wrong with it."""
    kind, options = question["kind"], question.get("options", [])
    if kind == "checkbox":
        ticked = given in (True, "on", "true", "1", "yes", "y")
        return ticked, _("Please tick this.") if question.get("required") and not ticked else ""
    if kind == "multiple":
        chosen = [one_line(item) for item in (given if isinstance(given, list | tuple) else [given]) if item]
        if any(item not in options for item in chosen):
            return [], _("Please choose from the list.")
        return chosen, _("Please choose at least one.") if question.get("required") and not chosen else ""
    text = many_lines(given) if kind == "long" else one_line(given)
    if not text:
        return "", _("Please answer this question.") if question.get("required") else ""
    return text, _checked_text(kind, text, options)


def _checked_text(kind: str, text: str, options: list[str]) -> str:
    """What is wrong with the text of an answer."""
    problems: dict[str, str] = {}
    most = TEXT_MOST if kind == "long" else LINE_MOST
    if len(text) > most:
        return _("Please use at most %(most)s characters.", most=most)
    if kind == "choice" and text not in options:
        return _("Please choose from the list.")
    if kind == "number" and not re.fullmatch(r"[+-]?\d{1,15}([.,]\d{1,6})?", text):
        return _("Please enter a number.")
    if kind == "phone":
        _phone(text, False, problems)
    elif kind == "email":
        check_email(text, problems)
    elif kind == "date":
        try:
            dt.date.fromisoformat(text)
        except ValueError:
            return _("Please enter a date, such as 2026-12-31.")
    return next(iter(problems.values()), "")


def utm_of(values: c.Mapping[str, t.Any]) -> dict[str, str]:
    """The campaign parameters among ``values``, cut to a sensible length."""
    return {key: one_line(values[key])[:200] for key in _UTM if values.get(key)}
