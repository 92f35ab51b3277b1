"""What a guest's address or form asks for: read with care, and answered gently when it can't be read."""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import re
import typing as t

from flask import request

from ..errors import BookingError
from ..i18n import gettext as _
from ..i18n import gettext_noop
from ..models import EventType
from ..scheduling.guest_form import questions_of
from ..zones import UnknownZone, canonical

_PREFILL = ("name", "email", "phone", "notes", "location")
_OWN = {"start", "date", "month", "duration", "tz", "hold", "zones", "lang", "was", "stamp", "new"}
"""Parameters with a meaning of their own, whatever a question is called."""
_FIRST_YEAR, _LAST_YEAR = 2000, 2099
VALUE_MOST, CARRIED_MOST = 500, 3000


class Unreadable(BookingError):
    """A part of the address that no page of ours wrote."""

    code = "unreadable"
    status = 400
    description = gettext_noop("This link isn't complete. Please choose a time again.")


def zone_asked(fallback: str, problems: list[str]) -> tuple[str, bool]:
    """The zone of ``?tz=``, by today's name, and whether there was one; ``fallback`` with a problem when unknown."""
    text = request.values.get("tz", "")[:64]
    if not text:
        return fallback, False
    try:
        return canonical(text), True
    except UnknownZone:
        problems.append(_("We don't know that time zone. Please choose yours below."))
        return fallback, False


def duration_asked(event: EventType, problems: list[str]) -> int:
    """The minutes of ``?duration=``; the default one, with a problem, when the event type lacks it."""
    text = request.values.get("duration", "")
    if not text:
        return event.duration
    if text.isascii() and text.isdigit() and len(text) < 6 and int(text) in event.durations:
        return int(text)
    problems.append(_("That duration isn't offered. Please choose again."))
    return event.duration


def month_asked(problems: list[str]) -> dt.date | None:
    """The first day of the month of ``?month=`` (2026-12)."""
    return _date(request.args.get("month", ""), r"(\d{4})-(\d{2})", problems, _("That month can't be shown."))


def date_asked(problems: list[str]) -> dt.date | None:
    """The date of ``?date=`` (2026-12-03)."""
    return _date(request.args.get("date", ""), r"(\d{4})-(\d{2})-(\d{2})", problems, _("That date can't be shown."))


def _date(text: str, pattern: str, problems: list[str], problem: str) -> dt.date | None:
    if not text:
        return None
    found = re.fullmatch(pattern, text, re.ASCII)
    try:
        year, month, day = (*map(int, found.groups()), 1)[:3] if found else (0, 0, 0)
        if _FIRST_YEAR <= year <= _LAST_YEAR:
            return dt.date(year, month, day)
    except ValueError:
        pass
    problems.append(problem)
    return None


def start_asked(text: str) -> dt.datetime:
    """An instant as our pages write it (2026-12-03T14:00:00Z).  Raises :class:`Unreadable` for anything else."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:00)?(Z|\+00:00)", text, re.ASCII):
        raise Unreadable
    try:
        start = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable from None
    if not _FIRST_YEAR <= start.year <= _LAST_YEAR:
        raise Unreadable
    return start


def shown_asked() -> int | None:
    """When the page that sends this form was shown, in milliseconds by its browser's clock; ``None`` without script."""
    text = request.form.get("shown", "")
    return int(text) if re.fullmatch(r"\d{1,15}", text, re.ASCII) else None


def written(start: dt.datetime | int) -> str:
    """An instant (aware, or in epoch seconds) as it stands in addresses and forms."""
    instant = dt.datetime.fromtimestamp(start, dt.UTC) if isinstance(start, int) else start.astimezone(dt.UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def label_slug(label: str) -> str:
    """A question's label as the name of a parameter: ``Your company?`` is prefilled by ``your_company``."""
    return re.sub(r"\W+", "_", label.lower()).strip("_")[:60]


def _labels(event: EventType) -> set[str]:
    """The parameters named by the labels of questions: none that has a meaning of its own."""
    return {label_slug(question["label"]) for question in questions_of(event)} - _OWN


def carried(event: EventType, given: c.Mapping[str, str] | None = None) -> dict[str, str]:
    """The parameters that go with a guest from page to page: what the form is filled with, and the campaign."""
    labels = _labels(event)
    found: dict[str, str] = {}
    room = CARRIED_MOST
    for name, value in (request.args if given is None else given).items():
        known = name in _PREFILL or name in labels or re.match(r"(a|utm)_\w", name)
        if known and value and len(name) <= 70 and len(value) <= VALUE_MOST and room >= len(value):
            found[name] = value
            room -= len(value)
    return found


def answers_given(event: EventType, form: t.Any) -> dict[str, t.Any]:
    """The answers in a form, by question id; a list for multiple choice."""
    return {
        question["id"]: form.getlist(f"a_{question['id']}")[:100]
        if question["kind"] == "multiple"
        else form.get(f"a_{question['id']}", "")
        for question in questions_of(event)
    }


def answers_prefilled(event: EventType, given: c.Mapping[str, str]) -> dict[str, t.Any]:
    """The answers that an address brings along, by id (``a_<id>``) or by the question's label."""
    found: dict[str, t.Any] = {}
    labels = _labels(event)
    for question in questions_of(event):
        slug = label_slug(question["label"])
        value = given.get(f"a_{question['id']}") or (given.get(slug) if slug in labels else "") or ""
        if value:
            several = question["kind"] == "multiple"
            found[question["id"]] = [part.strip() for part in value.split(",")] if several else value
    return found
