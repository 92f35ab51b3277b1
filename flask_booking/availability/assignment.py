"""Starts of event types with several hosts (rule 10): any one of them, or all of them together."""

from __future__ import annotations

from collections.abc import Sequence

from flask_booking.availability.offers import Openings, on_grid, openings, refusal, slots
from flask_booking.availability.rules import Calendar, Reason, Rules, Verdict


def slots_any(
    rules: Rules,
    calendars: Sequence[Calendar],
    *,
    now: int,
    start: int,
    end: int,
    ignore_booking: int | None = None,
    ignore_hold: int | None = None,
) -> list[int]:
    """Return the starts that some host can take on a grid of his own, sorted; arguments as for `slots`."""
    offered: set[int] = set()
    for calendar in calendars:
        offered.update(
            slots(
                rules,
                calendar,
                now=now,
                start=start,
                end=end,
                ignore_booking=ignore_booking,
                ignore_hold=ignore_hold,
            )
        )
    return sorted(offered)


def slots_all(
    rules: Rules,
    calendars: Sequence[Calendar],
    *,
    now: int,
    start: int,
    end: int,
    ignore_booking: int | None = None,
    ignore_hold: int | None = None,
) -> list[int]:
    """Return the starts on the grid of at least one host that all hosts are free for, sorted."""
    found = [
        openings(rules, calendar, now=now, start=start, end=end, ignore_booking=ignore_booking, ignore_hold=ignore_hold)
        for calendar in calendars
    ]
    starts = sorted({at for one in found for at in on_grid(rules, one)})
    for one in found:
        starts = _within(starts, one)
    return starts


def _within(starts: Sequence[int], found: Openings) -> list[int]:
    """Those of the sorted starts that lie in the openings."""
    kept = []
    index, count = 0, len(found.free)
    for at in starts:
        while index < count and found.free[index][1] <= at:
            index += 1
        if (index < count and found.free[index][0] <= at) or at in found.joinable:
            kept.append(at)
    return kept


def refusal_any(
    rules: Rules,
    calendars: Sequence[Calendar],
    at: int,
    *,
    now: int,
    ignore_booking: int | None = None,
    ignore_hold: int | None = None,
) -> Verdict:
    """Return the decision of `slots_any` on one start: the first host's acceptance, else the first one's reason."""
    verdicts = [
        refusal(rules, calendar, at, now=now, ignore_booking=ignore_booking, ignore_hold=ignore_hold)
        for calendar in calendars
    ]
    return next((one for one in verdicts if one.reason is None), verdicts[0] if verdicts else _nobody(rules, at))


def refusal_all(
    rules: Rules,
    calendars: Sequence[Calendar],
    at: int,
    *,
    now: int,
    ignore_booking: int | None = None,
    ignore_hold: int | None = None,
) -> Verdict:
    """Return the decision of `slots_all` on one start; the reason is that of the first host who can't."""
    for off_grid in (True, False):
        verdicts = [
            refusal(
                rules,
                calendar,
                at,
                now=now,
                ignore_booking=ignore_booking,
                ignore_hold=ignore_hold,
                off_grid=off_grid,
            )
            for calendar in calendars
        ]
        refused = [one for one in verdicts if one.reason is not None]
        if not verdicts:
            return _nobody(rules, at)
        if refused and (off_grid or len(refused) == len(verdicts)):
            return refused[0]
    return next(one for one in verdicts if one.reason is None)


def _nobody(rules: Rules, at: int) -> Verdict:
    return Verdict(at, at + rules.duration * 60, Reason.NO_HOST)
