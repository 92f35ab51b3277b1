"""Dates, times and lengths of time as the reader's country writes them (CLDR).

Every instant given to the functions below is an aware datetime; ``zone`` is always an IANA name.
"""

from __future__ import annotations

import datetime as dt
import functools
import typing as t

from babel import Locale
from babel.core import get_global
from babel.dates import format_date as cldr_date
from babel.dates import format_interval, format_timedelta, get_timezone_location
from babel.dates import format_time as cldr_time
from babel.units import format_unit

from ..zones import zone as read_zone
from .locale import formats_name, formats_named, formats_of
from .words import bracketed, gettext

DateStyle: t.TypeAlias = t.Literal[
    "full", "long", "medium", "short", "day", "month", "month name", "weekday name", "day number"
]

# CLDR separates with thin and narrow no-break spaces, which text mails, SMS and old fonts show as boxes.
_PLAIN_SPACES = str.maketrans({"\u2009": " ", "\u202f": " ", "\xa0": " "})
# In Japanese CLDR writes 14:00 alone and 14時00分～15時00分 in a range: ours has the same clock in both.
_DASHES = {"ja": "～"}
# No space between a number and what is counted: 1時間30分.
_UNSPACED = {"ja", "zh"}


def _local(value: dt.datetime, zone: str) -> dt.datetime:
    if value.tzinfo is None:
        raise ValueError("an instant without a time zone means nothing: pass an aware datetime")
    return value.astimezone(read_zone(zone))


def twelve_hours(locale: str | None = None) -> bool:
    """Whether people of this locale write 2 PM rather than 14:00."""
    pattern = formats_of(locale).time_formats["short"].pattern
    return any(sign in pattern for sign in "abB")


def format_date(
    value: dt.datetime | dt.date, zone: str = "UTC", locale: str | None = None, style: DateStyle = "full"
) -> str:
    """A date in words: ``full`` Thursday, 3 December 2026 · ``long`` 3 December 2026 · ``medium`` · ``short`` ·
    ``day`` Thursday 3 December · ``month`` December 2026 · ``month name`` Dec ·
    ``weekday name`` Thu · ``day number`` 3.

    A plain date is taken as it is, an instant in ``zone``.
    """
    day = _local(value, zone).date() if isinstance(value, dt.datetime) else value
    return _date_text(day, style, formats_name(locale))


# The texts of days and clocks are remembered: there are few of them, pages are full of them, and Babel is slow.


@functools.lru_cache(maxsize=4096)
def _date_text(day: dt.date, style: DateStyle, name: str) -> str:
    formats = formats_named(name)
    if style == "month":
        pattern = formats.datetime_skeletons["yMMMM"].pattern
    elif style == "day":
        skeletons = formats.datetime_skeletons
        known = skeletons.get("MMMMEd") or skeletons["MMMEd"]
        # CLDR: a wider field than the skeleton's is made by widening the field of its pattern.
        pattern = _widened(known.pattern)
    else:
        # Not LLL: where a locale has no such form of its own, Babel gives it that of whichever was read first.
        pattern = {"month name": "MMM", "weekday name": "EEE", "day number": "d"}.get(style, style)
    return cldr_date(day, pattern, locale=formats).translate(_PLAIN_SPACES)


def _widened(pattern: str) -> str:
    for letter in "ELMc":
        for length in (3, 1):
            if letter * length in pattern and letter * 4 not in pattern and (length == 3 or letter == "E"):
                pattern = pattern.replace(letter * length, letter * 4)
                break
    return pattern


def format_time(
    value: dt.datetime | dt.time, zone: str = "UTC", locale: str | None = None, hours: t.Literal[12, 24] | None = None
) -> str:
    """The time on the clock of ``zone``: 14:00, or 2:00 PM where the locale, or ``hours``, says so."""
    clock = _local(value, zone).time() if isinstance(value, dt.datetime) else value
    return _clock_text(clock, hours, formats_name(locale))


@functools.lru_cache(maxsize=4096)
def _clock_text(clock: dt.time, hours: t.Literal[12, 24] | None, name: str) -> str:
    formats = formats_named(name)
    if hours is None:
        return cldr_time(clock, "short", locale=formats).translate(_PLAIN_SPACES)
    skeleton = formats.datetime_skeletons["hm" if hours == 12 else "Hm"]
    return cldr_time(clock, skeleton.pattern, locale=formats).translate(_PLAIN_SPACES)


def format_times(
    starts: dt.datetime,
    ends: dt.datetime,
    zone: str,
    locale: str | None = None,
    hours: t.Literal[12, 24] | None = None,
) -> str:
    """From when to when on the clock, 14:00 – 15:00; the end with its day when that is another one."""
    name = formats_name(locale)
    first, last = _local(starts, zone), _local(ends, zone)
    if first.date() == last.date():
        return _span_text(first.time(), last.time(), hours, name)
    start, end = (format_time(value, zone, locale, hours) for value in (starts, ends))
    return f"{start}{_dash(name)}{together(format_date(ends, zone, locale, 'day'), end, locale)}"


@functools.lru_cache(maxsize=4096)
def _span_text(first: dt.time, last: dt.time, hours: t.Literal[12, 24] | None, name: str) -> str:
    formats = formats_named(name)
    start, end = (_clock_text(clock, hours, name) for clock in (first, last))
    if formats.language in _DASHES or first >= last:
        # Where the clock went back in between, CLDR would show one time, or sort them.
        return f"{start}{_dash(name)}{end}"
    skeleton = "hm" if (hours == 12 or (hours is None and twelve_hours(name))) else "Hm"
    day = dt.date(2000, 1, 1)
    try:
        text = format_interval(
            dt.datetime.combine(day, first), dt.datetime.combine(day, last), skeleton, locale=formats
        )
    except NotImplementedError:
        # Babel can't read day periods such as "in the afternoon" back, which some locales have in their intervals.
        text = f"{start}–{end}"
    return text.translate(_PLAIN_SPACES).replace(" – ", "–").replace("–", " – ")


def _dash(name: str) -> str:
    return _DASHES.get(formats_named(name).language, " – ")


def format_when(
    starts: dt.datetime,
    ends: dt.datetime,
    zone: str,
    locale: str | None = None,
    hours: t.Literal[12, 24] | None = None,
) -> str:
    """When a meeting is, complete in one line: Thursday, 3 December 2026, 14:00 – 15:00 (Europe/Paris).

    Adds the offset when the clock of that day shows the time twice.
    """
    day = format_date(starts, zone, locale)
    times = format_times(starts, ends, zone, locale, hours)
    return bracketed(together(day, times, locale), zone_name(zone, starts), locale)


def together(day: str, times: str, locale: str | None = None) -> str:
    """A date and its times in one line, with the comma (or none) that the language has between them."""
    pattern = str(formats_of(locale).datetime_formats["medium"])
    return pattern.replace("{1}", day).replace("{0}", times)


def first_weekday(locale: str | None = None) -> int:
    """The day that weeks begin with, 0 for Monday; of a language alone, that of the country with most speakers."""
    formats = formats_of(locale)
    if formats.territory is None:
        formats = formats_named(get_global("likely_subtags").get(formats.language, str(formats)))
    return int(formats.first_week_day)


def zone_name(zone: str, at: dt.datetime) -> str:
    """The zone as written beside a time: Europe/Paris, with its offset when ``at`` is a time that comes twice."""
    name = zone.replace("_", " ")
    local = _local(at, zone)
    twin = local.replace(fold=1 - local.fold)
    return f"{name}, {utc_offset(zone, at)}" if twin.utcoffset() != local.utcoffset() else name


def utc_offset(zone: str, at: dt.datetime) -> str:
    """How far the clock of ``zone`` is from UTC at an instant: UTC+5:30."""
    offset = _local(at, zone).utcoffset() or dt.timedelta()
    minutes = round(offset.total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


@functools.lru_cache(maxsize=4096)
def _city(zone: str, locale: str) -> str:
    if "/" not in zone or zone.startswith("Etc/"):
        return ""
    try:
        city = str(get_timezone_location(zone, locale=locale, return_city=True))
    except LookupError:
        city = zone
    return city.rpartition("/")[2].replace("_", " ")


def zone_label(zone: str, at: dt.datetime, locale: str | None = None) -> str:
    """A zone for people: Paris (UTC+1), with the offset of the instant ``at``."""
    offset = utc_offset(zone, at)
    city = _city(zone, str(formats_of(locale)))
    return bracketed(city, offset, locale) if city else offset


def format_ago(value: dt.datetime, now: dt.datetime) -> str:
    """How long ago an instant is, in its largest unit: 2 minutes ago; "just now" within a minute."""
    seconds = (now - value).total_seconds()
    if seconds < 60:
        return gettext("just now")
    # Rounded down: nobody shall be told that something is longer ago than it is.
    unit = next(size for size in (86_400, 3600, 60) if seconds >= size)
    whole = dt.timedelta(seconds=seconds // unit * unit)
    text = format_timedelta(-whole, add_direction=True, threshold=_UNROUNDED, locale=formats_of())
    return text.translate(_PLAIN_SPACES)


_UNROUNDED = 1.0
"""Babel takes the next larger unit from this share of it on."""


def duration_text(minutes: int, locale: str | None = None) -> str:
    """A length of time in words: 30 minutes, 1 hour 30 minutes, 2 days."""
    formats = formats_of(locale)
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    parts = [(days, "day"), (hours, "hour"), (left, "minute")]
    texts = [_amount(number, unit, formats) for number, unit in parts if number]
    text = " ".join(texts or [_amount(0, "minute", formats)]).translate(_PLAIN_SPACES)
    return text.replace(" ", "") if formats.language in _UNSPACED else text


def _amount(number: int, unit: str, formats: Locale) -> str:
    text = format_unit(number, unit, locale=formats)
    if text == f"{number} {unit}" and formats.language != "en":
        # Babel's data has no long form where CLDR makes it an alias of the short one (Japanese, Chinese, Korean).
        return format_unit(number, unit, length="short", locale=formats)
    return text
