"""Which starts are offered, whether one can be accepted, and why another can't: one computation.

`slots` decides. `refusal` asks it about a single start and `explain` about every start of a grid; what they
add is only the name of the reason. So nothing is offered that would then be refused, and nothing that would
be accepted is missing from the page (rule 11 of the rules of availability).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from flask_booking.availability.closures import (
    Closure,
    at_limit,
    conflicts,
    gaps,
    identity,
    limit_reach,
    live,
    outside_window,
    too_soon,
)
from flask_booking.availability.hours import DAY, EARLIEST, LATEST, Piece, local_date, local_days, pieces
from flask_booking.availability.rules import Calendar, Limits, Occupied, Reason, Rules, Verdict, WindowKind

_ORDER = {reason: rank for rank, reason in enumerate(Reason)}


Free = tuple[int, int, int]
"""Starts in [from, until) that only a grid, anchored at the third, still has to pick from."""


class Openings(NamedTuple):
    """Where a host can start: free time, sorted, and meetings with a seat left as start: seats taken."""

    free: list[Free]
    joinable: dict[int, int]


def slots(
    rules: Rules,
    calendar: Calendar,
    *,
    now: int,
    start: int,
    end: int,
    ignore_booking: int | None = None,
    ignore_hold: int | None = None,
) -> list[int]:
    """Return the starts s offered at `now` with start <= s < end, sorted.

    `ignore_booking` is a booking being moved, `ignore_hold` the guest's own hold. `calendar` has the rows of
    at least the period that `reach` names. Raises `UnknownZone`.
    """
    found = openings(
        rules, calendar, now=now, start=start, end=end, ignore_booking=ignore_booking, ignore_hold=ignore_hold
    )
    return on_grid(rules, found)


def openings(
    rules: Rules,
    calendar: Calendar,
    *,
    now: int,
    start: int,
    end: int,
    ignore_booking: int | None = None,
    ignore_hold: int | None = None,
) -> Openings:
    """Return all starts in [start, end) the host is free for, whatever the grid; arguments as for `slots`."""
    start, end = max(start, now + rules.notice * 60, EARLIEST), min(end, LATEST)
    if start >= end:
        return Openings([], {})
    rows = live(calendar.occupied, now, ignore_booking, ignore_hold)
    beyond = outside_window(rules, calendar, now, start, end)
    closed = [*beyond, *conflicts(rules, calendar, rows), *at_limit(rules, calendar, rows, start, end)]
    free = _fitting(rules, pieces(calendar.hours, start, end), gaps(closed, start, end))
    joinable = {
        at: taken
        for at, taken in _seats_taken(rules, rows).items()
        if taken < rules.seats and start <= at < end and not any(a <= at < b for a, b, _, _ in beyond)
    }
    return Openings(free, joinable)


def _fitting(rules: Rules, parts: Sequence[Piece], unclosed: Sequence[tuple[int, int]]) -> list[Free]:
    """The starts in `unclosed` whose meeting lies inside open time; both sequences are sorted and disjoint."""
    duration, offset = rules.duration * 60, rules.offset * 60
    free: list[Free] = []
    first, count = 0, len(unclosed)
    for begins, until, open_until in parts:
        until = min(until, open_until - duration + 1)
        while first < count and unclosed[first][1] <= begins:
            first += 1
        index = first
        while index < count and unclosed[index][0] < until:
            a, b = unclosed[index]
            free.append((a if a > begins else begins, b if b < until else until, begins + offset))
            index += 1
    return free


def on_grid(rules: Rules, found: Openings) -> list[int]:
    """Return the starts of openings that lie on the host's grid (rule 4) or join a meeting, sorted."""
    step = _step(rules)
    starts: list[int] = []
    for begins, until, anchor in found.free:
        starts += range(begins + (anchor - begins) % step if begins > anchor else anchor, until, step)
    return sorted([*starts, *found.joinable]) if found.joinable else starts


def _step(rules: Rules) -> int:
    return (rules.duration if rules.interval is None else rules.interval) * 60


def _seats_taken(rules: Rules, rows: Sequence[Occupied]) -> dict[int, int]:
    """Seats taken in each meeting of the event type that a further guest could join: same start, same duration."""
    if rules.seats == 1:
        return {}
    duration = rules.duration * 60
    guests: dict[int, set[Hashable]] = defaultdict(set)
    for row in rows:
        if row.event_type_id == rules.event_type_id and row.end - row.start == duration:
            guests[row.start].add(identity(row))
    return {start: len(who) for start, who in guests.items()}


def refusal(
    rules: Rules,
    calendar: Calendar,
    at: int,
    *,
    now: int,
    ignore_booking: int | None = None,
    ignore_hold: int | None = None,
    off_grid: bool = False,
) -> Verdict:
    """Return the decision on the start `at`; its reason is None when it can be accepted.

    Arguments as for `slots`. `off_grid` leaves out the host's own grid, for a meeting that another member's
    grid has placed. Raises `UnknownZone`.
    """
    found = openings(
        rules, calendar, now=now, start=at, end=at + 1, ignore_booking=ignore_booking, ignore_hold=ignore_hold
    )
    offered = bool(found.free or found.joinable) if off_grid else bool(on_grid(rules, found))
    if offered and rules.seats == 1:
        return Verdict(at, at + rules.duration * 60, None)
    why = _Why(rules, calendar, now, at, at + 1, live(calendar.occupied, now, ignore_booking, ignore_hold))
    return why.verdict(at, offered, off_grid)


def explain(
    rules: Rules,
    calendar: Calendar,
    *,
    now: int,
    start: int,
    end: int,
    ignore_booking: int | None = None,
    ignore_hold: int | None = None,
) -> list[Verdict]:
    """Return a verdict on every start of the grid in [start, end) and on each stretch outside the hours, sorted.

    Arguments as for `slots`, whose starts are exactly the verdicts without a reason.
    """
    start, end = max(start, EARLIEST), min(end, LATEST)
    if start >= end:
        return []
    rows = live(calendar.occupied, now, ignore_booking, ignore_hold)
    why = _Why(rules, calendar, now, start, end, rows)
    offered = set(
        slots(rules, calendar, now=now, start=start, end=end, ignore_booking=ignore_booking, ignore_hold=ignore_hold)
    )
    starts = {at for at in _seats_taken(rules, rows) if start <= at < end}
    for part in why.parts:
        anchor = part.start + rules.offset * 60
        first = start + (anchor - start) % _step(rules) if start > anchor else anchor
        starts.update(range(first, min(part.until, end), _step(rules)))
    verdicts = [why.verdict(at, at in offered) for at in starts]
    return sorted([*verdicts, *why.closed_stretches(start, end)], key=lambda verdict: (verdict.start, verdict.end))


def valid_until(
    rules: Rules,
    calendar: Calendar,
    *,
    now: int,
    start: int,
    end: int,
    ignore_booking: int | None = None,
    ignore_hold: int | None = None,
    offered: Sequence[int] | None = None,
) -> int:
    """Return the first instant after `now` at which `slots` could answer differently though no row has changed.

    The notice passes the first offered start, the window's local date turns, or a hold expires. It may be early,
    never late. Arguments as for `slots`, whose answer, passed as `offered`, need not be computed again. For an
    answer about several hosts pass that answer and take the earliest of their instants.
    """
    if offered is None:
        offered = slots(
            rules, calendar, now=now, start=start, end=end, ignore_booking=ignore_booking, ignore_hold=ignore_hold
        )
    changes = [row.expires for row in calendar.occupied if row.expires is not None and row.expires > now]
    if offered:
        changes.append(offered[0] - rules.notice * 60 + 1)
    if rules.window.kind in (WindowKind.DAYS, WindowKind.BUSINESS_DAYS):
        changes += [day.end for day in local_days(calendar.hours.time_zone, now, now + DAY) if day.end > now]
    return min(changes, default=max(end, now + 1))


def reach(rules: Rules, start: int, end: int, host_limits: Limits | None = None) -> tuple[int, int]:
    """Return the period [from, until) whose occupied rows, by occupied time, decide the starts in [start, end).

    Busy, blocked and unknown times are needed for no more than that either.
    """
    counted = max(limit_reach(rules.limits), limit_reach(host_limits or Limits()))
    before, after = rules.buffer_before * 60, (rules.duration + rules.buffer_after) * 60
    return start - max(before, counted), end + max(after, counted)


class _Why:
    """Names the reasons for starts in [start, end) that `slots` did not offer."""

    def __init__(
        self, rules: Rules, calendar: Calendar, now: int, start: int, end: int, rows: Sequence[Occupied]
    ) -> None:
        self.rules, self.hours, self.now = rules, calendar.hours, now
        self.seats_taken = _seats_taken(rules, rows)
        self.parts: tuple[Piece, ...] = ()
        self.closed: list[Closure] = too_soon(rules, now)
        if start >= EARLIEST and end <= LATEST:
            self.parts = pieces(calendar.hours, start, end)
            self.closed += outside_window(rules, calendar, now, start, end)
            self.closed += conflicts(rules, calendar, rows)
            self.closed += at_limit(rules, calendar, rows, start, end)

    def verdict(self, at: int, offered: bool, off_grid: bool = False) -> Verdict:
        ends = at + self.rules.duration * 60
        taken = self.seats_taken.get(at, 0)
        if offered:
            return Verdict(at, ends, None, seats_left=self.rules.seats - taken if self.rules.seats > 1 else None)
        reason, label, booking_id = min(self._reasons(at, ends, off_grid), key=lambda found: _ORDER[found[0]])
        return Verdict(at, ends, reason, label, booking_id, seats_left=0 if reason is Reason.FULL else None)

    def _reasons(self, at: int, ends: int, off_grid: bool) -> list[tuple[Reason, str, int | None]]:
        reasons: list[tuple[Reason, str, int | None]] = []
        if self.seats_taken.get(at, 0) >= self.rules.seats > 1:
            reasons.append((Reason.FULL, "", None))
        part = next((part for part in self.parts if part.start <= at < part.until), None)
        if part is None or ends > part.open_until:
            reasons.append((self._closed_by(at), "", None))
        elif not off_grid and not self._on_grid(at, part):
            reasons.append((Reason.OFF_GRID, "", None))
        for begins, until, reason, row in self.closed:
            if begins <= at < until:
                if isinstance(row, Occupied):
                    touches = row.occupied_from < ends and at < row.occupied_until
                    reasons.append((reason if touches else Reason.BUFFER, "", row.booking_id))
                elif row is not None:
                    touches = (row.start < ends and at < row.end) or reason is Reason.UNKNOWN
                    reasons.append((reason if touches else Reason.BUFFER, row.label, None))
                else:
                    reasons.append((reason, "", None))
        return reasons

    def _on_grid(self, at: int, part: Piece) -> bool:
        anchor = part.start + self.rules.offset * 60
        return at >= anchor and (at - anchor) % _step(self.rules) == 0

    def _closed_by(self, at: int) -> Reason:
        if not EARLIEST <= at < LATEST:
            return Reason.CLOSED
        overridden = local_date(self.hours.time_zone, at) in self.hours.overrides
        return Reason.OVERRIDE if overridden else Reason.CLOSED

    def closed_stretches(self, start: int, end: int) -> list[Verdict]:
        """The stretches of [start, end) outside the hours, apart where a date override begins or ends."""
        opened: list[Closure] = [(part.start, part.until, Reason.CLOSED, None) for part in self.parts]
        stretches: list[Verdict] = []
        for day in local_days(self.hours.time_zone, start, end):
            for begins, until in gaps(opened, max(day.start, start), min(day.end, end)):
                reason = self._closed_by(begins)
                if stretches and (stretches[-1].end, stretches[-1].reason) == (begins, reason):
                    begins = stretches.pop().start
                stretches.append(Verdict(begins, until, reason))
        return stretches
