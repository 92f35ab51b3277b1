"""How long pure availability takes, against its goals: `python -m benchmarks.availability`.

The computation is measured alone and warm: hours are remembered between requests, rows come from the
database as they are here. The first figure a machine gives is its own; the ratio is what to watch.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from time import perf_counter

from flask_booking.availability import (
    Busy,
    Calendar,
    Hours,
    Occupied,
    Rules,
    explain,
    refusal,
    slots,
    slots_all,
    slots_any,
)
from flask_booking.availability import hours as expansion

NOW = int(dt.datetime(2026, 10, 12, 6, tzinfo=dt.UTC).timestamp())
DAY = 86_400
PERIOD = {"now": NOW, "start": NOW, "end": NOW + 31 * DAY}
INTRO = Rules(event_type_id=1, duration=30, interval=15, buffer_before=5, buffer_after=5, notice=240)
ZONES = ("America/New_York", "Europe/London", "Europe/Berlin", "America/Chicago", "Africa/Casablanca")


def host(number: int) -> Calendar:
    """A host open 09:00 to 17:00 every day, with two calendar entries and two bookings a day."""
    key = ZONES[number % len(ZONES)]
    hours = Hours(key, (((540, 1020),),) * 7)
    busy, occupied = [], []
    for day, (opens, _) in enumerate(
        expansion.open_time(hours, dt.date(2026, 10, 12), dt.date(2026, 10, 12) + dt.timedelta(days=30))
    ):
        for entry in range(2):
            at = opens + 900 * ((7 * number + 3 * day + 9 * entry) % 28)
            busy.append(Busy(at, at + 2700, "entry"))
            at = opens + 900 * ((5 * number + 4 * day + 13 * entry) % 28)
            booking = day * 2 + entry
            occupied.append(Occupied(at, at + 1800, at - 300, at + 2100, 1, booking, None, None))
    return Calendar(number, hours, busy=busy, occupied=occupied)


def milliseconds(question: Callable[[], object], times: int, forget: Callable[[], object] = lambda: None) -> float:
    """The fastest of several runs: what else the machine does can only add to a computation that waits for nothing."""
    taken = []
    for _ in range(times):
        forget()
        begun = perf_counter()
        question()
        taken.append(perf_counter() - begun)
    return min(taken) * 1000


def forget_hours() -> None:
    expansion._pieces.cache_clear()
    expansion._local_days.cache_clear()


def rows() -> list[tuple[str, float, float, str]]:
    """Return what was measured: name, figure, goal (0 where none is set), unit."""
    hosts = [host(number) for number in range(50)]
    one = hosts[0]
    offered = slots(INTRO, one, **PERIOD)
    assert offered
    assert slots_any(INTRO, hosts, **PERIOD)
    middle = offered[len(offered) // 2]
    return [
        (
            "slots: one host, 31 days, 15-minute grid, warm",
            milliseconds(lambda: slots(INTRO, one, **PERIOD), 500),
            0.2,
            "ms",
        ),
        (
            "slots: the same, hours not remembered",
            milliseconds(lambda: slots(INTRO, one, **PERIOD), 50, forget_hours),
            0,
            "ms",
        ),
        ("slots of any of 50 hosts, 31 days", milliseconds(lambda: slots_any(INTRO, hosts, **PERIOD), 50), 10, "ms"),
        ("slots of all of 3 hosts, 31 days", milliseconds(lambda: slots_all(INTRO, hosts[:3], **PERIOD), 100), 0, "ms"),
        ("accepting one start", milliseconds(lambda: refusal(INTRO, one, middle, now=NOW), 500), 0, "ms"),
        (
            "explaining one day",
            milliseconds(lambda: explain(INTRO, one, now=NOW, start=middle, end=middle + DAY), 200),
            0,
            "ms",
        ),
    ]


def main() -> None:
    for name, measured, goal, unit in rows():
        target = f"{goal:>8g} {unit}  {measured / goal:5.2f} of it" if goal else ""
        print(f"{name:<52} {measured:>8.3f} {unit} {target}")


if __name__ == "__main__":
    main()
