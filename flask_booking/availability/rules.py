"""The values availability is computed from, and the answers it gives.

Plain values without a database or a clock, so that one computation serves the guest's page, the booking
under its lock and the host's "why is this time not offered". Instants are integer epoch seconds (UTC),
intervals are half-open, durations are minutes, wall-clock times are minutes after local midnight.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

DAY_MINUTES = 1440

Range = tuple[int, int]
"""Wall-clock minutes after the local midnight of the date it belongs to; the end may lie past midnight (> 1440)."""


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """When a host can be met: ranges for each weekday (Monday first), other ranges on single dates.

    An override replaces the weekly ranges of its date; no ranges close the date. Pass those of all the dates that
    `dates_needed` names: ranges may run on from the dates before the one that is asked about.
    Equal hours are one key of the cache, however often they are loaded. Raises ValueError for a range that
    doesn't begin on its date, ends before it begins or lasts into the day after next.
    """

    time_zone: str
    weekly: tuple[tuple[Range, ...], ...]
    overrides: Mapping[dt.date, tuple[Range, ...]] = field(default_factory=dict)
    _key: tuple[object, ...] = field(init=False, repr=False)
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        weekly = tuple(_checked(ranges) for ranges in self.weekly)
        if len(weekly) != 7:
            raise ValueError("Weekly hours need seven days, Monday first.")
        overrides = {date: _checked(ranges) for date, ranges in sorted(self.overrides.items())}
        key = (self.time_zone, weekly, tuple(overrides.items()))
        object.__setattr__(self, "weekly", weekly)
        object.__setattr__(self, "overrides", MappingProxyType(overrides))
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "_hash", hash(key))

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Hours) and self._key == other._key)

    def __hash__(self) -> int:
        return self._hash

    def on(self, date: dt.date) -> tuple[Range, ...]:
        """Return the ranges declared for a local date."""
        ranges = self.overrides.get(date)
        return self.weekly[date.weekday()] if ranges is None else ranges


def _checked(ranges: Sequence[Range]) -> tuple[Range, ...]:
    for start, end in ranges:
        if not 0 <= start < DAY_MINUTES or not start < end <= 2 * DAY_MINUTES:
            raise ValueError(f"Hours can't go from minute {start} to minute {end} of a day.")
    return tuple((start, end) for start, end in ranges)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most bookings that may start on one local date, in one week, in one month; None is no limit."""

    per_day: int | None = None
    per_week: int | None = None
    per_month: int | None = None


class WindowKind(StrEnum):
    """How the dates that can be booked are given."""

    DAYS = "days"
    BUSINESS_DAYS = "business_days"
    RANGE = "range"
    UNLIMITED = "unlimited"


@dataclass(frozen=True, slots=True)
class Window:
    """How far ahead can be booked: `days` from today (Monday to Friday for business days), or `first` to `last`.

    Both ends are included and are local dates of the schedule's zone; a missing end of a range is open.
    """

    kind: WindowKind
    days: int = 60
    first: dt.date | None = None
    last: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What an event type asks of a time, for one of its durations. All lengths are minutes.

    `interval` is the step from one start to the next (the duration when None), `offset` moves the first start
    of each range. `week_start` is the first day of the week for limits (Monday is 0). Raises ValueError for
    lengths that can't be meant.
    """

    event_type_id: int
    duration: int
    interval: int | None = None
    offset: int = 0
    buffer_before: int = 0
    buffer_after: int = 0
    notice: int = 0
    window: Window = Window(WindowKind.DAYS)
    limits: Limits = Limits()
    week_start: int = 0
    seats: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.duration <= DAY_MINUTES:
            raise ValueError("A meeting lasts between a minute and a day.")
        if self.interval is not None and self.interval <= 0:
            raise ValueError("The interval between starts is at least a minute.")
        if min(self.offset, self.buffer_before, self.buffer_after, self.notice) < 0 or self.seats < 1:
            raise ValueError("Offset, buffers and notice can't be negative, and there is at least one seat.")


class Busy(NamedTuple):
    """Time of a foreign calendar, of a blocked time, or unknown. `label` is what a host reads about it."""

    start: int
    end: int
    label: str = ""


class Occupied(NamedTuple):
    """A meeting of the host and the time it occupies, widened by its own buffers.

    `expires` is the instant from which a hold no longer counts; None never expires.
    """

    start: int
    end: int
    occupied_from: int
    occupied_until: int
    event_type_id: int | None
    booking_id: int | None
    hold_id: int | None
    expires: int | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """All that is known of one host's time. Rows may come in any order and may overlap.

    `limits` are the host's own and count all of `occupied`; `unknown` is time of a calendar that should be
    checked and couldn't be. `reach` says for what period rows are needed.
    """

    host_id: int
    hours: Hours
    busy: Sequence[Busy] = ()
    blocked: Sequence[Busy] = ()
    occupied: Sequence[Occupied] = ()
    limits: Limits = Limits()
    unknown: Sequence[Busy] = ()


class Reason(StrEnum):
    """Why a time is not offered. When several hold, the first of this list is told."""

    NO_HOST = "no_host"  # nobody is left who could be booked
    PAST = "past"
    NOTICE = "notice"  # sooner than the event type allows
    WINDOW = "window"  # later (or earlier) than the dates that can be booked
    FULL = "full"  # this very meeting exists and has no seat left
    OVERRIDE = "override"  # outside the hours of a date override
    CLOSED = "closed"  # outside the weekly hours, or the meeting would end outside them
    OFF_GRID = "off_grid"  # between two starts
    BOOKED = "booked"  # another booking, widened by its own buffers
    HELD = "held"  # a guest is filling in the form for it
    BUSY = "busy"  # taken in a connected calendar
    BLOCKED = "blocked"  # a blocked time of the host
    BUFFER = "buffer"  # only the buffers of this event type touch one of the above
    UNKNOWN = "unknown"  # a calendar that should be checked has no fresh data
    LIMIT_DAY = "limit_day"
    LIMIT_WEEK = "limit_week"
    LIMIT_MONTH = "limit_month"
    HOST_LIMIT_DAY = "host_limit_day"
    HOST_LIMIT_WEEK = "host_limit_week"
    HOST_LIMIT_MONTH = "host_limit_month"


TAKEN = frozenset({Reason.FULL, Reason.BOOKED, Reason.HELD, Reason.BUSY, Reason.BLOCKED, Reason.BUFFER})
"""Reasons that mean "somebody or something else has that time", as against times that were never on offer."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on one start, or on one closed stretch of time; `reason` None means offered.

    `label` and `booking_id` name what stands in the way. `seats_left` is set for event types with seats.
    """

    start: int
    end: int
    reason: Reason | None
    label: str = ""
    booking_id: int | None = None
    seats_left: int | None = None
