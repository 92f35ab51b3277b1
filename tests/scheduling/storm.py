"""Many writers at once, and an inspector of the tables who knows nothing of how they were written."""

from __future__ import annotations

import collections
import collections.abc as c
import datetime as dt
import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa
from flask import Flask

from example_app.models import Activity, Contact
from flask_booking.errors import BookingError
from flask_booking.models import (
    Booking,
    BookingHost,
    EventType,
    HistoryEntry,
    HistoryKind,
    Host,
    OccupiedTime,
    OutboxMessage,
)
from flask_booking.state import session

WRITERS = 50
# BOOKING_TEST_ROUNDS=100 looks longer; of what is much like another storm there are half as many.
ROUNDS = int(os.environ.get("BOOKING_TEST_ROUNDS") or 20)
FEWER = max(1, ROUNDS // 2)
# Fewer connections than writers: a PostgreSQL server takes a hundred, and other tests run beside this one.
ENGINE = {"pool_size": 30, "max_overflow": 0, "pool_timeout": 100}
RAISES_SEQUENCE = {
    HistoryKind.ACCEPTED,
    HistoryKind.DECLINED,
    HistoryKind.RESCHEDULED,
    HistoryKind.CANCELLED,
    HistoryKind.REASSIGNED,
}


def storm(app: Flask, writers: c.Sequence[c.Callable[[], object]]) -> collections.Counter[str]:
    """Let all writers loose at the same moment; count their answers: ``done``, or the code of the refusal.

    Anything that a page would answer with 5xx, :class:`~flask_booking.errors.Contention` included, is raised here.
    """
    together = threading.Barrier(len(writers))

    def run(writer: c.Callable[[], object]) -> str:
        together.wait()
        with app.app_context():
            try:
                writer()
            except BookingError as error:
                if error.status >= 500:
                    raise
                return error.code
            return "done"

    with ThreadPoolExecutor(len(writers)) as pool:
        return collections.Counter(pool.map(run, writers))


def epoch(moment: dt.datetime) -> int:
    return int(moment.timestamp())


def inspect() -> None:
    """Assert all that must be true of the tables, whatever happened before."""
    db = session()
    db.rollback()
    events: dict[int, EventType] = {event.id: event for event in db.scalars(sa.select(EventType))}
    bookings = db.scalars(sa.select(Booking)).all()
    occupied = db.scalars(sa.select(OccupiedTime)).all()
    hosts_of: dict[int, list[int]] = collections.defaultdict(list)
    for booking_id, host_id in db.execute(sa.select(BookingHost.booking_id, BookingHost.host_id)):
        hosts_of[booking_id].append(host_id)
    nobody_meets_two(events, occupied)
    each_occupies_its_own_time(events, bookings, hosts_of, occupied)
    limits_are_kept(events, bookings, hosts_of)
    the_crm_knows_each(bookings)
    each_mail_is_due_once(bookings, hosts_of)
    db.rollback()


def nobody_meets_two(events: dict[int, EventType], occupied: c.Iterable[OccupiedTime]) -> None:
    """No host has two intervals that touch, except guests of one group, of whom no more than there are seats."""
    by_host = collections.defaultdict(list)
    for row in occupied:
        by_host[row.host_id].append(row)
    for rows in by_host.values():
        groups: dict[tuple[int, ...], set[int]] = collections.defaultdict(set)
        for row in rows:
            group = groups[(row.occupied_from, row.occupied_until, row.starts, row.ends, row.event_type_id)]
            assert row.seat not in group
            group.add(row.seat)
        for (*_times, event_type_id), seats in groups.items():
            assert len(seats) <= events[event_type_id].seats, "oversold"
        ordered = sorted(groups)
        for earlier, later in itertools.pairwise(ordered):
            assert earlier[1] <= later[0], "overlap"


def each_occupies_its_own_time(
    events: dict[int, EventType],
    bookings: c.Iterable[Booking],
    hosts_of: dict[int, list[int]],
    occupied: c.Iterable[OccupiedTime],
) -> None:
    """A live booking has one row for each of its hosts, at its time with its buffers; a cancelled one has none."""
    found = collections.defaultdict(list)
    for row in occupied:
        if row.booking_id is not None:
            found[row.booking_id].append((row.host_id, row.starts, row.ends, row.occupied_from, row.occupied_until))
    for booking in bookings:
        event, start, end = events[booking.event_type_id], epoch(booking.starts_at), epoch(booking.ends_at)
        around = start - event.buffer_before * 60, end + event.buffer_after * 60
        expected = [(host, start, end, *around) for host in hosts_of[booking.id]] if booking.live else []
        assert hosts_of[booking.id]
        assert sorted(found[booking.id]) == sorted(expected)


def limits_are_kept(
    events: dict[int, EventType], bookings: c.Iterable[Booking], hosts_of: dict[int, list[int]]
) -> None:
    """Live bookings per day, of each event type and of each host; the schedules of these tests are in UTC."""
    most = {host.id: host.limit_day for host in session().scalars(sa.select(Host))}
    of_event: collections.Counter[Any] = collections.Counter()
    of_host: collections.Counter[Any] = collections.Counter()
    for booking in bookings:
        if booking.live:
            day = booking.starts_at.date()
            of_event[booking.event_type_id, day] += 1
            of_host.update((host, day) for host in hosts_of[booking.id])
    for (event_type_id, _day), count in of_event.items():
        assert count <= (events[event_type_id].limit_day or count)
    for (host_id, _day), count in of_host.items():
        assert count <= (most[host_id] or count)


def the_crm_knows_each(bookings: c.Sequence[Booking]) -> None:
    """One contact for each guest, and one activity for each thing that happened; each change counted once."""
    db = session()
    contacts = db.execute(sa.select(Contact.id, Contact.email)).all()
    assert len({email for _id, email in contacts}) == len(contacts)
    emails = dict(contacts)
    entries = collections.defaultdict(list)
    for entry in db.scalars(sa.select(HistoryEntry)):
        entries[entry.booking_id].append(entry)
    for booking in bookings:
        assert booking.crm_error == ""
        assert emails[booking.contact_id] == booking.guest_email
        assert booking.sequence == sum(entry.kind in RAISES_SEQUENCE for entry in entries[booking.id])
    logged = [entry.activity_id for some in entries.values() for entry in some]
    assert sorted(logged) == sorted(db.scalars(sa.select(Activity.id)))


def each_mail_is_due_once(bookings: c.Iterable[Booking], hosts_of: dict[int, list[int]]) -> None:
    """Each thing that happened has one mail to the guest, and one to each host who then had the meeting."""
    db = session()
    keys = collections.defaultdict(set)
    for message in db.scalars(sa.select(OutboxMessage)):
        assert message.topic == "mail"
        keys[message.booking_id].add(message.dedupe_key)
    history = collections.defaultdict(list)
    for entry in db.scalars(sa.select(HistoryEntry).order_by(HistoryEntry.id)):
        history[entry.booking_id].append(entry)
    for booking in bookings:
        expected, hosts = set(), hosts_of[booking.id]
        sequence = booking.sequence
        for entry in reversed(history[booking.id]):
            base = f"{booking.uid}:{entry.kind}:{sequence}"
            sequence -= entry.kind in RAISES_SEQUENCE
            expected |= {f"{base}:guest", *(f"{base}:host:{host}" for host in hosts)}
            left = entry.detail.get("left", [])
            expected |= {f"{base}:left:{host}" for host in left}
            joined = entry.detail.get("joined", [])
            hosts = [host for host in hosts if host not in joined] + left
        assert keys[booking.id] == expected
