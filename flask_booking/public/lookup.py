"""Times on offer as a calendar needs them: for a new meeting, or for one that is being moved."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import time
import typing as t

from ..models import Booking
from ..scheduling.choose import NOTHING, Ignoring
from ..scheduling.offers import LONGEST, EventAddress, offers, offers_for_move

DAY = 86_400
_FARTHEST = 2 * 366 * DAY


class Times(t.Protocol):
    """Somewhere to look for starts (epoch seconds, sorted)."""

    def between(self, start: int, end: int) -> c.Sequence[int]:
        """The starts on offer in ``[start, end)``, at most two months apart."""
        ...


@dataclasses.dataclass(frozen=True)
class NewTimes:
    """Times for a new meeting of ``duration`` minutes."""

    address: EventAddress
    duration: int
    ignoring: Ignoring = NOTHING

    def between(self, start: int, end: int) -> c.Sequence[int]:
        return offers(self.address, start=start, end=end, duration=self.duration, ignoring=self.ignoring).starts


@dataclasses.dataclass(frozen=True)
class MoveTimes:
    """Times that a booking can be moved to; where it is now isn't one of them."""

    booking: Booking

    def between(self, start: int, end: int) -> c.Sequence[int]:
        now = int(self.booking.starts_at.timestamp())
        return [one for one in offers_for_move(self.booking, start=start, end=end).starts if one != now]


def first_after(times: Times, after: int, until: int | None = None) -> int | None:
    """The first start at or after ``after``, and before ``until`` if given (epoch seconds), looking at most two years
    ahead: as far as calendars are turned.

    Looks where calendars look, from midnight to midnight, so that what was computed is found again.
    """
    begin = max(after, int(time.time()))
    end = begin + _FARTHEST if until is None else min(until, begin + _FARTHEST)
    for start in range(begin - begin % DAY, end, LONGEST):
        found = [one for one in times.between(start, start + LONGEST) if begin <= one < end]
        if found:
            return found[0]
    return None


def nearest_to(times: Times, at: int, count: int = 6) -> list[int]:
    """The starts nearest to ``at``, in order of time: what to say when it was taken meanwhile."""
    begin = max(at, int(time.time()))
    midnight = begin - begin % DAY
    found = times.between(midnight - 7 * DAY, midnight + 28 * DAY)
    return sorted(sorted(found, key=lambda start: (abs(start - at), start))[:count])
