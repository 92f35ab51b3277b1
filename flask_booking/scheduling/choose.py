"""Which starts a set of hosts offers, and which of them would hold a meeting: offering and accepting are one."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from ..availability import (
    TAKEN,
    Calendar,
    Reason,
    Rules,
    refusal,
    refusal_all,
    refusal_any,
    slots,
    slots_all,
    slots_any,
)
from ..errors import CalendarUnknown, SlotTaken, SlotUnavailable
from ..models import Assignment
from .snapshot import Snapshot


@dataclasses.dataclass(frozen=True)
class Ignoring:
    """A booking that is being moved, and the hold of the form that books: neither is in its own way."""

    booking_id: int | None = None
    hold_id: int | None = None

    def keywords(self) -> dict[str, t.Any]:
        """As the functions of :mod:`flask_booking.availability` take it."""
        return {"ignore_booking": self.booking_id, "ignore_hold": self.hold_id}


NOTHING = Ignoring()


def starts(
    snapshot: Snapshot, duration: int, *, now: int, start: int, end: int, ignoring: Ignoring = NOTHING
) -> list[int]:
    """The starts on offer in ``[start, end)``, sorted; all in epoch seconds, ``duration`` in minutes."""
    rules, calendars = snapshot.rules(duration), snapshot.calendars
    ignored = ignoring.keywords()
    if not calendars:
        return []
    if len(calendars) == 1:
        return slots(rules, calendars[0], now=now, start=start, end=end, **ignored)
    together = slots_all if snapshot.assignment is Assignment.ALL else slots_any
    return together(rules, calendars, now=now, start=start, end=end, **ignored)


def choose(
    snapshot: Snapshot,
    duration: int,
    at: int,
    *,
    now: int,
    ignoring: Ignoring = NOTHING,
    load: c.Mapping[int, int] | None = None,
) -> list[int]:
    """The hosts who take a meeting at ``at`` (epoch seconds).

    ``load`` counts each host's coming meetings, for choosing one of several.  Raises
    :class:`~flask_booking.errors.SlotTaken`, :class:`~flask_booking.errors.SlotUnavailable` or its child
    :class:`~flask_booking.errors.CalendarUnknown`.
    """
    rules, calendars = snapshot.rules(duration), snapshot.calendars
    ignored = ignoring.keywords()
    everyone = snapshot.assignment is Assignment.ALL
    verdict = (refusal_all if everyone else refusal_any)(rules, calendars, at, now=now, **ignored)
    if verdict.reason is Reason.UNKNOWN:
        raise CalendarUnknown
    if verdict.reason is not None:
        reasons = (refusal(rules, one, at, now=now, **ignored).reason for one in calendars)
        if not everyone and Reason.UNKNOWN in reasons:
            raise CalendarUnknown  # whoever is next could take it, if only that were known
        raise SlotTaken if verdict.reason in TAKEN else SlotUnavailable
    if everyone:
        return sorted(calendar.host_id for calendar in calendars)
    able = [one for one in calendars if refusal(rules, one, at, now=now, **ignored).reason is None]
    joined = [one for one in able if _holds_group(one, rules, at, ignoring)]
    return [min((one.host_id for one in joined or able), key=lambda host_id: ((load or {}).get(host_id, 0), host_id))]


def _holds_group(calendar: Calendar, rules: Rules, at: int, ignoring: Ignoring) -> bool:
    """Whether the host already has this group at this time: the next guest joins it.  A form's own hold is no group."""
    return rules.seats > 1 and any(
        row.start == at
        and row.event_type_id == rules.event_type_id
        and (row.booking_id is None or row.booking_id != ignoring.booking_id)
        and (row.hold_id is None or row.hold_id != ignoring.hold_id)
        for row in calendar.occupied
    )
