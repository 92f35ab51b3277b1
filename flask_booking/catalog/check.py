"""Checks that several screens share; each returns the clean value and notes what is wrong by field."""

from __future__ import annotations

import itertools
import re
import typing as t
from urllib.parse import urlsplit

from ..errors import InvalidInput
from ..i18n import duration_text
from ..i18n import gettext as _
from ..scheduling.intake import many_lines, one_line
from ..zones import UnknownZone, zone

DAY_MINUTES = 1440
Problems = dict[str, str]


def line(value: object, field: str, problems: Problems, *, most: int = 200, required: bool = False) -> str:
    """One line of text."""
    text = one_line(value)
    if required and not text:
        problems[field] = _("Please fill this in.")
    if len(text) > most:
        problems[field] = _("Please use at most %(most)s characters.", most=most)
    return text


def lines(value: object, field: str, problems: Problems, *, most: int = 5000) -> str:
    """Several lines of text."""
    text = many_lines(value)
    if len(text) > most:
        problems[field] = _("Please use at most %(most)s characters.", most=most)
    return text


def number(
    value: object, field: str, problems: Problems, *, least: int = 0, most: int = 100_000, default: int | None = None
) -> int | None:
    """A whole number in a range; ``default`` when nothing was typed."""
    found = _whole(value, field, problems, default)
    if found is not None and field not in problems and not least <= found <= most:
        problems[field] = _("Please enter a number from %(least)s to %(most)s.", least=least, most=most)
    return found


def minutes(
    value: object, field: str, problems: Problems, *, least: int, most: int, default: int | None = None
) -> int | None:
    """A length in whole minutes; its bounds are told in the units that people type, who say before and after rather
    than less than nothing."""
    found = _whole(value, field, problems, default)
    if found is not None and field not in problems and not least <= found <= most:
        bounds = {"least": duration_text(max(least, 0)), "most": duration_text(most)}
        problems[field] = _("Please enter a time from %(least)s to %(most)s.", **bounds)
    return found


def _whole(value: object, field: str, problems: Problems, default: int | None) -> int | None:
    if value is None or str(value).strip() == "":
        return default
    try:
        return int(str(value).strip())
    except ValueError:
        problems[field] = _("Please enter a whole number.")
        return default


def colour(value: object, field: str, problems: Problems) -> str:
    """A colour as ``#rrggbb``, or nothing."""
    text = one_line(value).lower()
    if text and not re.fullmatch(r"#[0-9a-f]{6}", text):
        problems[field] = _("Please enter a colour such as #2456d6.")
    return text


def url(value: object, field: str, problems: Problems) -> str:
    """An absolute ``https`` or ``http`` address, or nothing."""
    text = one_line(value)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        good = (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in text and "@" not in parts.netloc
        )
    except ValueError:
        good = False
    if not good or len(text) > 500:
        problems[field] = _("Please enter a web address such as https://example.com/page.")
    return text


def zone_key(value: object, field: str, problems: Problems) -> str:
    """An IANA time zone."""
    text = one_line(value)
    try:
        zone(text)
    except UnknownZone:
        problems[field] = _("This time zone isn't known. Example: Europe/Paris.")
    return text


def ranges(value: object, field: str, problems: Problems) -> list[list[int]]:
    """Sorted pairs of minutes after midnight; an end before its start runs on over midnight, and from midnight to
    midnight is the whole day."""
    found = []
    for pair in t.cast("t.Iterable[t.Any]", value or ()):
        try:
            start, end = (int(edge) for edge in pair)
        except (TypeError, ValueError):
            problems[field] = _("Please enter times such as 09:00 and 17:00.")
            continue
        if start == end != 0:
            problems[field] = _("These hours end when they begin. A whole day is 00:00 to 00:00.")
            continue
        if end <= start:
            end += DAY_MINUTES
        if not (0 <= start < DAY_MINUTES and start < end <= start + DAY_MINUTES):
            problems[field] = _("A range begins on its day and lasts at most 24 hours.")
        found.append([start, end])
    found.sort()
    if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(found)):
        problems[field] = _("These times overlap. Please mend or remove one.")
    return found


def finish(problems: Problems) -> None:
    """Raise :class:`InvalidInput` when anything was wrong."""
    if problems:
        raise InvalidInput(fields=problems)
