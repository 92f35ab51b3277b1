"""Dates, times and time zones of iCalendar texts (RFC 5545 §3.3.4–3.3.10, §3.6.5), as instants.

Zones that have a name everybody knows are read from our own data, which is newer than what a calendar carries along; a
zone that only the calendar knows is read from its VTIMEZONE.  A zone that nobody knows is taken for the calendar's own:
most likely so, and never guessed to be UTC.
"""

from __future__ import annotations

import bisect
import collections.abc as c
import datetime as dt
import re
import typing as t

from ...zones import UnknownZone, zone, zone_names
from ..windows_zones import iana_name
from .components import Component, Line
from .recurrence import Budget, TooMany, read_rule, starts

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - wall clocks carry no zone here
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)")
_DATE_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(Z?)")
_DURATION = re.compile(r"([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?")
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(\d\d)?")
_FIXED = re.compile(r"(?:UTC|GMT)([+-])(\d{1,2})(?::?(\d\d))?")


class Moment(t.NamedTuple):
    """A wall clock in a zone; with ``day`` a whole day, and ``at`` its midnight."""

    at: dt.datetime
    zone: dt.tzinfo
    day: bool = False

    @property
    def instant(self) -> int:
        """Epoch seconds."""
        return instant(self.at, self.zone)

    def seen_from(self, other: dt.tzinfo) -> dt.datetime:
        """The wall clock in another zone at this moment; that of a whole day is its own."""
        if self.day or other is self.zone:
            return self.at
        return local(self.instant, other)


def instant(at: dt.datetime, zone: dt.tzinfo) -> int:
    """Epoch seconds of a wall clock.  What clocks never showed is read with the offset before (RFC 5545 §3.3.5).

    In years that no zone has rules for, UTC is near enough.
    """
    seconds = int((at - _EPOCH).total_seconds())
    if not 1900 <= at.year <= 2200:
        return seconds
    offset = zone.utcoffset(at.replace(tzinfo=zone))
    return seconds - int(offset.total_seconds()) if offset else seconds


def local(seconds: int, zone: dt.tzinfo) -> dt.datetime:
    """The wall clock at an instant."""
    at = _EPOCH + dt.timedelta(seconds=seconds)
    if zone is dt.UTC or not 1900 <= at.year <= 2200:
        return at
    return at.replace(tzinfo=dt.UTC).astimezone(zone).replace(tzinfo=None, fold=0)


class Zones:
    """The time zones that one text speaks of.

    ``own`` is the calendar's, for whole days and times without a zone.  ``begin`` and ``end`` (epoch seconds) are what
    zones of the text's own are needed for.
    """

    def __init__(
        self,
        own: dt.tzinfo,
        defined: c.Mapping[str, list[Component]],
        locations: c.Mapping[str, str],
        begin: int,
        end: int,
        budget: Budget,
    ) -> None:
        self.own, self._defined, self._locations = own, defined, locations
        self._range, self._budget = (begin, end), budget
        self._found: dict[str, dt.tzinfo] = {}

    def find(self, tzid: str) -> dt.tzinfo:
        """The zone that a TZID stands for."""
        tzid = tzid.strip()
        found = self._found.get(tzid)
        if found is None:
            found = self._found[tzid] = self._named(tzid) or self._embedded(tzid) or _fixed(tzid) or self.own
        return found

    def _named(self, tzid: str) -> dt.tzinfo | None:
        return known_zone(tzid) or known_zone(self._locations.get(tzid, ""))

    def _embedded(self, tzid: str) -> dt.tzinfo | None:
        parts = self._defined.get(tzid)
        try:
            return embedded_zone(parts, *self._range, self._budget) if parts else None
        except TooMany:
            return None

    def moment(self, line: Line) -> Moment:
        """The value of DTSTART and the like.  Raises ValueError."""
        return self.moment_of(line.value, line.params)

    def moment_of(self, value: str, params: c.Mapping[str, str]) -> Moment:
        """One value of a property with these parameters.  Raises ValueError."""
        value = value.strip().upper()
        if found := _DATE_TIME.fullmatch(value):
            numbers = [int(one) for one in found.groups()[:6]]
            numbers[5] = min(numbers[5], 59)
            at = dt.datetime(*numbers)  # type: ignore[arg-type]  # noqa: DTZ001
            if found[7]:
                return Moment(at, dt.UTC)
            return Moment(at, self.find(params["TZID"]) if params.get("TZID") else self.own)
        if found := _DATE.fullmatch(value):
            return Moment(dt.datetime(*(int(one) for one in found.groups())), self.own, day=True)  # type: ignore[arg-type]  # noqa: DTZ001
        raise ValueError("no date and no time")

    def moments(self, lines: c.Iterable[Line], most: int) -> c.Iterator[tuple[Moment, dt.timedelta | None]]:
        """Each value of RDATE or EXDATE; for a period, with its length.  What can't be read is left out.

        Raises :class:`~.recurrence.TooMany` for more than ``most``.
        """
        for line in lines:
            most -= line.value.count(",") + 1
            if most < 0:
                raise TooMany
            for value in line.value.split(","):
                start, slash, rest = value.partition("/")
                try:
                    moment = self.moment_of(start, line.params)
                    yield moment, self._length(moment, rest, line.params) if slash else None
                except (ValueError, OverflowError):
                    continue

    def _length(self, start: Moment, rest: str, params: c.Mapping[str, str]) -> dt.timedelta:
        if rest.strip().upper().startswith(("P", "+P")):
            return duration(rest)
        return self.moment_of(rest, params).at - start.at


def duration(text: str) -> dt.timedelta:
    """A DURATION (RFC 5545 §3.3.6).  Raises ValueError."""
    found = _DURATION.fullmatch(text.strip().upper())
    if not found or not any(found.groups()[1:]):
        raise ValueError("no duration")
    weeks, days, hours, minutes, seconds = (int(one or 0) for one in found.groups()[1:])
    length = dt.timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] == "-" else length


def known_zone(name: str) -> dt.tzinfo | None:
    """The zone of a name of IANA or of Windows, also where a program wrote something before it, as in
    ``/freeassociation.sourceforge.net/Europe/Berlin``."""
    name = known_name(name)
    return zone(name) if name else None


def known_name(name: str) -> str:
    """The IANA name that :func:`known_zone` finds; empty for none."""
    name = name.strip().strip('"')
    if not name or len(name) > 200:
        return ""
    if found := iana_name(name):
        return found
    parts = name.split("/")
    for keep in (3, 2, 1):
        if len(parts) > keep and (found := iana_name("/".join(parts[-keep:]))):
            return found
    return next((one for one in zone_names() if one.casefold() == name.casefold()), "")


def own_zone(name: str) -> dt.tzinfo:
    """A calendar's zone by its name; UTC when nobody said."""
    try:
        return zone(name) if name else dt.UTC
    except UnknownZone:
        return dt.UTC


def _fixed(tzid: str) -> dt.tzinfo | None:
    found = _FIXED.fullmatch(tzid.upper().replace(" ", ""))
    if not found or int(found[2]) > 14:
        return None
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    return dt.timezone(dt.timedelta(minutes=minutes if found[1] == "+" else -minutes))


class EmbeddedZone(dt.tzinfo):
    """A zone as a VTIMEZONE defines it: ``onsets`` are pairs of the instant and the offset from then on, in seconds."""

    def __init__(self, first_offset: int, onsets: list[tuple[int, int]]) -> None:
        self._instants = [at for at, _ in onsets]
        self._offsets = [first_offset, *(offset for _, offset in onsets)]
        # By the wall clock: the new offset holds once clocks show what they never showed before, so that a time in a
        # gap is read with the offset before it, and the first of two that look alike is taken.
        self._walls = [
            at + max(before, after)
            for at, before, after in zip(self._instants, self._offsets, self._offsets[1:], strict=False)
        ]

    def utcoffset(self, when: dt.datetime | None) -> dt.timedelta:
        """See :class:`datetime.tzinfo`."""
        if when is None:
            return dt.timedelta(seconds=self._offsets[-1])
        wall = int((when.replace(tzinfo=None) - _EPOCH).total_seconds())
        return dt.timedelta(seconds=self._offsets[bisect.bisect_right(self._walls, wall)])

    def dst(self, when: dt.datetime | None) -> dt.timedelta:
        """Not told apart."""
        return dt.timedelta(0)

    def tzname(self, when: dt.datetime | None) -> str:
        """It has none that counts."""
        return "embedded"

    def fromutc(self, when: dt.datetime) -> dt.datetime:
        """See :class:`datetime.tzinfo`."""
        at = int((when.replace(tzinfo=None) - _EPOCH).total_seconds())
        return when + dt.timedelta(seconds=self._offsets[bisect.bisect_right(self._instants, at)])


def embedded_zone(parts: list[Component], begin: int, end: int, budget: Budget) -> EmbeddedZone | None:
    """The zone that these observances (STANDARD, DAYLIGHT) make up from some years before ``begin`` to ``end``.

    Raises :class:`~.recurrence.TooMany`.
    """
    low, high = local(begin - 3 * 366 * 86_400, dt.UTC), local(end + 366 * 86_400, dt.UTC)
    onsets: dict[int, tuple[int, int]] = {}
    for part in parts:
        try:
            before, after = _offset(part.value("TZOFFSETFROM")), _offset(part.value("TZOFFSETTO"))
            first = _wall(part.value("DTSTART"))
        except ValueError:
            continue
        walls = {first}
        for line in part.all("RRULE")[:5]:
            try:
                rule = read_rule(line.value)
            except ValueError:
                continue
            # The last onset of a rule that has ended may hold until today.
            since = min(low, rule.until.at - dt.timedelta(days=800)) if rule.until and rule.until.at.year > 5 else low
            walls.update(starts(rule, first, since, high, budget))
        for line in part.all("RDATE")[:500]:
            for value in line.value.split(",")[:500]:
                try:
                    walls.add(_wall(value.partition("/")[0]))
                except ValueError:
                    continue
        for wall in walls:
            onsets[int((wall - _EPOCH).total_seconds()) - before] = (before, after)
    if not onsets:
        return None
    ordered = sorted(onsets.items())
    return EmbeddedZone(ordered[0][1][0], [(at, after) for at, (_, after) in ordered])


def _wall(text: str) -> dt.datetime:
    found = _DATE_TIME.fullmatch(text.strip().upper())
    if not found:
        raise ValueError("no time")
    return dt.datetime(*(int(one) for one in found.groups()[:6]))  # type: ignore[arg-type]  # noqa: DTZ001


def _offset(text: str) -> int:
    found = _OFFSET.fullmatch(text)
    if not found or int(found[2]) > 23:
        raise ValueError("no offset")
    seconds = int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4] or 0)
    return -seconds if found[1] == "-" else seconds
