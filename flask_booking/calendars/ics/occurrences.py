"""What the events of an iCalendar text take of their owner's time within a window.

Series are expanded here, with what was moved, left out and added; servers do it wrongly too often.  Texts may come from
anybody: an event that can't be read is left out and counted, and one that repeats beyond all reason closes the whole
stretch in which it does, since what isn't known isn't free.
"""

from __future__ import annotations

import bisect
import builtins
import collections.abc as c
import contextlib
import dataclasses
import datetime as dt
import typing as t

from ..provider import RemoteEvent, Show, Window
from .components import CalendarText, Component, plain
from .recurrence import Budget, Rule, TooMany, read_rule, starts
from .times import Moment, Zones, duration, instant, local, own_zone

MOST_OCCURRENCES = 10_000
"""Occurrences of one series in a window, and dates that it lists; one of more closes the whole stretch."""
MARK = "X-FLASK-BOOKING-ID"
"""The property by which we recognise our own events: :attr:`~.provider.EventDraft.booking`."""

NAMED = "X-FLASK-BOOKING-UID"
"""The property that repeats our event's UID: a copy that somebody made of it has another."""

_DAY = dt.timedelta(days=1)
_NOTHING = dt.timedelta(0)
_FOREVER = 36_500 * _DAY
_FAR = 4_102_444_800
"""The year 2100, in epoch seconds."""
_SECONDS = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}


@dataclasses.dataclass
class Reading:
    """The occurrences of a text, by UID (each event without one on its own), and how many events couldn't be read."""

    events: dict[str, list[RemoteEvent]] = dataclasses.field(default_factory=dict)
    unreadable: int = 0


class _Timed(t.NamedTuple):
    """An event with its times: from a moment on, for so long by the wall clock (``nominal``) and in seconds.

    ``by_clock``: it was given an end, or whole days, and not a number of hours.
    """

    event: Component
    start: Moment
    nominal: dt.timedelta
    exact: int
    by_clock: bool = True

    def span(self, at: dt.datetime) -> tuple[int, int]:
        """The instants when it happens at ``at``.

        Where clocks change meanwhile, some apps keep the length (RFC 5545 §3.8.5.3) and others the wall clock of the
        end: the later end counts.
        """
        begin = instant(at, self.start.zone)
        if not self.by_clock:
            return begin, begin + self.exact
        later = instant(_shifted(at, self.nominal), self.start.zone)
        return begin, later if self.start.day else max(later, begin + self.exact)


def read(
    text: CalendarText,
    window: Window,
    *,
    time_zone: str = "",
    own: frozenset[str] = frozenset(),
    id: str = "",
    etag: str = "",
    budget: Budget | None = None,
) -> Reading:
    """The occurrences of ``text`` that touch ``window``.

    ``time_zone`` (IANA; UTC when empty) is the calendar's: whole days and times without a zone are there.  ``own`` are
    the mail addresses of its owner in lower case, to see what they declined.  ``id`` begins the ids of the events.
    """
    budget = budget or Budget()
    zones = Zones(own_zone(time_zone), text.zones, text.locations, window.start, window.end, budget)
    reading = Reading()
    series: dict[str, list[Component]] = {}
    for number, event in enumerate(text.events):
        series.setdefault(event.value("UID") or f"without-uid-{number}", []).append(event)
    for place, (uid, events) in enumerate(series.items()):
        names = _Names(id or uid, place if id else 0)
        found = _Series(events, zones, window, budget, reading)
        said: dict[int, _Said] = {}
        for key, begin, end, event in found.occurrences():
            if begin < end and begin < window.end and end > window.start:
                says = said.get(builtins.id(event)) or said.setdefault(builtins.id(event), _said(event, own, zones))
                # Of what somebody made a series of, only the first is the booking; the others just take time.
                ours = not says.booking or begin == says.begins
                remote = RemoteEvent(
                    names.name(key), begin, end, says.show, says.title, says.booking if ours else "",
                    uid[:1000] if ours else "", etag, says.declined, says.cancelled,
                )  # fmt: skip
                reading.events.setdefault(uid, []).append(remote)
    return reading


_Found = tuple[str, int, int, Component]
"""Which occurrence (empty for the only one), from when to when, and the event that describes it."""


_Change = tuple[Moment, bool, _Timed]
"""Which occurrence of a series, whether all later ones too, and what became of it."""


class _Series:
    """All events of one UID: one that repeats, and those that stand for single occurrences of it."""

    def __init__(self, events: list[Component], zones: Zones, window: Window, budget: Budget, reading: Reading) -> None:
        self._zones, self._window, self._budget = zones, window, budget
        self._masters: list[_Timed] = []
        self._changed: list[_Change] = []
        for event in _newest(events):
            try:
                timed = _timed(event, zones)
                which = event.first("RECURRENCE-ID")
                if which is None:
                    self._masters.append(timed)
                else:
                    later = which.params.get("RANGE", "").upper() == "THISANDFUTURE"
                    self._changed.append((zones.moment(which), later, timed))
            except (ValueError, OverflowError):
                reading.unreadable += 1

    def occurrences(self) -> c.Iterator[_Found]:
        """All that may touch the window."""
        for number, master in enumerate(self._masters):
            try:
                # Other versions of one event beyond number are nobody's calendar: what was changed isn't looked for.
                yield from list(self._repeated(master, number, self._changed if number < 50 else []))
            except TooMany:
                yield self._whole(master, number)
        for which, _, timed in self._changed:
            yield f"{which.at:%Y%m%dT%H%M%S}", *timed.span(timed.start.at), timed.event

    # -- series -----------------------------------------------------------------------------------------------------

    def _repeated(self, master: _Timed, number: int, changes: list[_Change]) -> c.Iterator[_Found]:
        event, zone = master.event, master.start.zone
        prefix = f"{number}-" if number else ""
        if not (event.all("RRULE") or event.all("RDATE") or changes or event.flooded):
            yield prefix.strip("-"), *master.span(master.start.at), event
            return
        if event.flooded:
            raise TooMany
        changed = {which.seen_from(zone) for which, _, _ in changes}
        changed_days = {which.at.date() for which, _, _ in changes if which.day}
        later = sorted(
            ((which.seen_from(zone), timed) for which, following, timed in changes if following),
            key=lambda one: one[0],
        )
        begins = [since for since, _ in later]
        shifts = [timed.start.seen_from(zone) - since for since, timed in later]
        begin, end = self._reach([master, *(timed for _, timed in later)], shifts)
        lengths = dict(self._added(master))
        left_out, left_out_days = self._left_out(master)
        for start in sorted({master.start.at, *self._ruled(master, begin, end), *lengths}):
            if start in left_out or start.date() in left_out_days or start in changed or start.date() in changed_days:
                continue
            current, at, length = master, start, lengths.get(start)
            if place := bisect.bisect_left(begins, start):
                # As it was changed from then on, at its own length, but still by the clock of the series.
                current, at = later[place - 1][1], _shifted(start, shifts[place - 1])
                current = current._replace(start=master.start._replace(day=current.start.day))
            elif length is not None and length > _NOTHING:
                current = master._replace(nominal=length, exact=int(length.total_seconds()), by_clock=False)
            yield f"{prefix}{start:%Y%m%dT%H%M%S}", *current.span(at), current.event

    def _reach(self, all: list[_Timed], shifts: list[dt.timedelta]) -> tuple[dt.datetime, dt.datetime]:
        """The wall clocks between which something that touches the window may start."""
        longest = max(timed.nominal for timed in all)
        begin = _shifted(local(self._window.start, dt.UTC), -longest - max([_NOTHING, *shifts]) - 2 * _DAY)
        end = _shifted(local(self._window.end, dt.UTC), 2 * _DAY - min([_NOTHING, *shifts]))
        return begin, end

    def _ruled(self, master: _Timed, begin: dt.datetime, end: dt.datetime) -> c.Iterator[dt.datetime]:
        count = 0
        for line in master.event.all("RRULE")[:10]:
            try:
                rule = read_rule(line.value)
            except ValueError:
                continue  # the first time is all that can be read
            for start in starts(rule, master.start.at, begin, end, self._budget):
                if not _ended(rule, start, master.start):
                    count += 1
                    if count > MOST_OCCURRENCES:
                        raise TooMany
                    yield start

    def _added(self, master: _Timed) -> c.Iterator[tuple[dt.datetime, dt.timedelta | None]]:
        for moment, length in self._zones.moments(master.event.all("RDATE"), MOST_OCCURRENCES):
            at = moment.seen_from(master.start.zone)
            yield (dt.datetime.combine(at, master.start.at.time()) if moment.day else at), length

    def _left_out(self, master: _Timed) -> tuple[set[dt.datetime], set[dt.date]]:
        moments = [moment for moment, _ in self._zones.moments(master.event.all("EXDATE"), MOST_OCCURRENCES)]
        seen = [(moment.seen_from(master.start.zone), moment.day or master.start.day) for moment in moments]
        return {at for at, day in seen if not day}, {at.date() for at, day in seen if day}

    def _whole(self, master: _Timed, number: int) -> _Found:
        """The stretch in which a series repeats that is too dense to be expanded."""
        begin, end = max(master.start.instant, self._window.start), self._window.end
        rules = master.event.all("RRULE")
        if len(rules) == 1 and not master.event.all("RDATE"):
            with contextlib.suppress(ValueError):
                rule = read_rule(rules[0].value)
                if rule.until is not None:
                    end = min(end, instant(_shifted(rule.until.at, 2 * _DAY), dt.UTC))
                if rule.count is not None and rule.freq in _SECONDS and _is_plain(rule):
                    lasts = rule.count * rule.interval * _SECONDS[rule.freq] + master.exact
                    end = min(end, master.start.instant + lasts)
        return f"{number}-all", begin, end, master.event


def _timed(event: Component, zones: Zones) -> _Timed:
    """Raises ValueError and OverflowError for times that can't be read."""
    line, end, length = event.first("DTSTART"), event.first("DTEND"), event.value("DURATION")
    if line is None:
        raise ValueError("no start")
    start, by_clock = zones.moment(line), True
    if end is not None:
        until = zones.moment(end)
        if until.instant < start.instant:
            start, until = until, start  # the wrong way round: other programs show it the right way
        nominal, exact = until.seen_from(start.zone) - start.at, until.instant - start.instant
        start = start._replace(day=start.day and until.day)
    elif length:
        nominal = duration(length)
        if nominal < _NOTHING:
            start, nominal = start._replace(at=start.at + nominal), -nominal
        by_clock = not nominal % _DAY
        start = start._replace(day=start.day and by_clock)
        exact = int(nominal.total_seconds())
    else:
        nominal, exact = (_DAY if start.day else _NOTHING), 0
    if start.day and nominal < _DAY:
        nominal = _DAY  # programs write the same day as the end
    return _Timed(event, start, min(nominal, _FOREVER), min(exact, int(_FOREVER.total_seconds())), by_clock)


def times_of(text: CalendarText, event: Component, time_zone: str = "") -> tuple[int, int]:
    """When one event of a text is (the first time, for a series), in epoch seconds; (0, 0) if that can't be read."""
    zones = Zones(own_zone(time_zone), text.zones, text.locations, 0, _FAR, Budget())
    try:
        timed = _timed(event, zones)
    except (ValueError, OverflowError):
        return 0, 0
    return timed.span(timed.start.at)


def _newest(events: list[Component]) -> list[Component]:
    """Without those that a later version of the same (RFC 5546 §2.1.4) stands beside."""
    versions: dict[str, int] = {}
    for event in events:
        which = event.value("RECURRENCE-ID")
        versions[which] = max(versions.get(which, 0), sequence_of(event))
    return [event for event in events if sequence_of(event) == versions[event.value("RECURRENCE-ID")]]


def sequence_of(event: Component) -> int:
    """SEQUENCE (RFC 5545 §3.8.7.4), 0 when there is none that can be read."""
    text = event.value("SEQUENCE")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _is_plain(rule: Rule) -> bool:
    parts = (rule.by_month, rule.by_week, rule.by_year_day, rule.by_month_day, rule.by_day, rule.by_hour)
    return not any((*parts, rule.by_minute, rule.by_second, rule.by_position))


def _ended(rule: Rule, start: dt.datetime, first: Moment) -> bool:
    until = rule.until
    if until is None:
        return False
    if not until.utc:
        return start.date() > until.at.date() if until.day or first.day else start > until.at
    if first.day:
        return start.date() > local(instant(until.at, dt.UTC), first.zone).date()
    return instant(start, first.zone) > instant(until.at, dt.UTC)


def _shifted(at: dt.datetime, by: dt.timedelta) -> dt.datetime:
    try:
        return at + by
    except OverflowError:
        return dt.datetime.max if by > _NOTHING else dt.datetime.min  # noqa: DTZ901 - a wall clock


class _Names:
    """Ids of occurrences, each only once."""

    def __init__(self, begin: str, place: int) -> None:
        self._begin = f"{begin[:900]}#{place}" if place else begin[:900]
        self._given: set[str] = set()

    def name(self, key: str) -> str:
        name = base = f"{self._begin}#{key}" if key else self._begin
        number = 1
        while name in self._given:
            number += 1
            name = f"{base}.{number}"
        self._given.add(name)
        return name


# -- what an event says -----------------------------------------------------------------------------------------------


class _Said(t.NamedTuple):
    show: Show
    title: str
    booking: str
    begins: int
    """When the booking's own occurrence begins."""
    declined: bool
    cancelled: bool


def _said(event: Component, own: frozenset[str], zones: Zones) -> _Said:
    cancelled, answer = is_cancelled(event), own_answer(event, own)
    booking = plain(event.value(MARK)) if event.value(NAMED) in ("", event.value("UID")) else ""
    begins = -1 if not booking or event.first("RECURRENCE-ID") else _timed(event, zones).start.instant
    title = plain(event.value("SUMMARY"))
    return _Said(_show(event, cancelled, answer), title, booking, begins, answer == "DECLINED", cancelled)


def is_cancelled(event: Component) -> bool:
    """Whether it was called off (RFC 5545 §3.8.1.11)."""
    return event.value("STATUS").upper() == "CANCELLED"


def own_answer(event: Component, own: frozenset[str]) -> str:
    """The PARTSTAT of the calendar's owner, in capitals; empty when not invited."""
    for line in event.all("ATTENDEE") if own else ():
        if line.value.strip().lower().removeprefix("mailto:") in own:
            return line.params.get("PARTSTAT", "NEEDS-ACTION").upper()
    return ""


def _show(event: Component, cancelled: bool, answer: str) -> Show:
    outlook = event.value("X-MICROSOFT-CDO-BUSYSTATUS").upper()
    if cancelled or answer == "DECLINED" or outlook == "FREE" or event.value("TRANSP").upper() == "TRANSPARENT":
        return Show.FREE
    if (
        event.value("STATUS").upper() == "TENTATIVE"
        or answer in ("TENTATIVE", "NEEDS-ACTION")
        or outlook in ("TENTATIVE", "WORKINGELSEWHERE")
    ):
        return Show.TENTATIVE
    return Show.BUSY
