"""Blocked times become intervals: wall-clock rules of one zone, expanded within bounds."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import re
import typing as t

from dateutil.rrule import rruleset, rrulestr

from ..availability import Busy
from ..errors import InvalidInput
from ..i18n import gettext as _
from ..zones import zone

if t.TYPE_CHECKING:
    from ..models import BlockedTime

_ALLOWED = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "WKST"}
_LONGEST = 500
"""What the column of a rule holds."""
_MOST = 20_000
"""More occurrences than a rule can have: daily for 54 years."""


@dataclasses.dataclass(frozen=True)
class Blocked:
    """A blocked time, apart from the database: as :class:`~flask_booking.models.BlockedTime` has it."""

    starts_local: dt.datetime
    ends_local: dt.datetime
    time_zone: str
    rrule: str
    title: str


def epoch(local: dt.datetime, zone_key: str) -> int:
    """The instant of a naive wall-clock time in a zone, in epoch seconds, by RFC 5545 §3.3.5 (``fold=0``)."""
    return int(local.replace(tzinfo=zone(zone_key), fold=0).timestamp())


def check_rrule(text: str, starts: dt.datetime, time_zone: str = "UTC") -> str:
    """The rule in upper case, without its name; ``starts`` is by the clock of ``time_zone``.  Raises
    :class:`InvalidInput` for one that is wrong, that repeats more often than daily, or that never happens."""
    rule = text.strip().upper().removeprefix("RRULE:")
    if not rule:
        return ""
    if len(rule) > _LONGEST:
        raise InvalidInput(fields={"rrule": _("Please use at most %(most)s characters.", most=_LONGEST)})
    parts = dict(part.partition("=")[::2] for part in rule.split(";"))
    wrong = InvalidInput(fields={"rrule": _("This repetition rule can't be used. Example: FREQ=WEEKLY;BYDAY=MO,WE")})
    if not parts.keys() <= _ALLOWED or parts.get("FREQ") not in {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}:
        raise wrong
    try:
        if not 1 <= int(parts.get("INTERVAL", 1)) <= 1000:
            raise wrong
        found = _bounded(rule, starts, time_zone, starts + dt.timedelta(days=366 * 9))
        if next(iter(found), None) is None:
            raise wrong
    except (ValueError, TypeError, KeyError, IndexError, OverflowError):
        raise wrong from None
    return rule


def expand(blocked: BlockedTime | Blocked, start: int, end: int) -> list[Busy]:
    """The occurrences of ``blocked`` that touch ``[start, end)`` (epoch seconds), in order."""
    first, last = blocked.starts_local, blocked.ends_local
    length = last - first
    starts: t.Iterable[dt.datetime] = [first]
    if blocked.rrule:
        horizon = dt.datetime.fromtimestamp(end, dt.UTC).replace(tzinfo=None) + dt.timedelta(days=2)
        starts = itertools.islice(_bounded(blocked.rrule, first, blocked.time_zone, horizon), _MOST)
    found = []
    for local in starts:
        interval = Busy(epoch(local, blocked.time_zone), epoch(local + length, blocked.time_zone), blocked.title)
        if interval.start < end and interval.end > start:
            found.append(interval)
    return found


def _bounded(rule: str, first: dt.datetime, time_zone: str, horizon: dt.datetime) -> t.Iterator[dt.datetime]:
    """The rule's times up to ``horizon``.  The bound is put into the rule: one that never matches would else search
    until the year 9999."""
    parts = [part for part in rule.split(";") if not part.startswith("COUNT=")]
    counts = [int(part[6:]) for part in rule.split(";") if part.startswith("COUNT=")]
    parsed = rrulestr(";".join(parts), dtstart=first, ignoretz=True)
    if isinstance(parsed, rruleset):
        raise ValueError("one rule only")
    until = parsed._until  # type: ignore[attr-defined]  # it has no public name
    if until and any(re.fullmatch(r"UNTIL=\d{8}T\d{6}Z", part) for part in parts):
        until = _by_the_clock(until, time_zone)
    bounded = parsed.replace(until=min(until, horizon) if until else horizon)
    return itertools.islice(bounded, *counts[:1] or (None,))


def _by_the_clock(instant: dt.datetime, time_zone: str) -> dt.datetime:
    """The wall-clock time of a naive time in UTC, which is what RFC 5545 (section 3.3.10) has after ``UNTIL``."""
    try:
        return instant.replace(tzinfo=dt.UTC).astimezone(zone(time_zone)).replace(tzinfo=None)
    except OverflowError:  # at either end of all dates, where a few hours are the same to everybody
        return instant
