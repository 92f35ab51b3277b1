"""What connected calendars cost: reading five thousand events, reading ten changes, and a month beside ten thousand
busy times, on PostgreSQL.

The calendar service is in memory, so that what is measured is our own work and the database's.  Making sense of the
text of a CalDAV or iCal calendar comes on top where there is one, and is measured by itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
import time
from collections.abc import Callable

from benchmarks.booking import new_app, new_event_type, scratch_database
from benchmarks.table import Row
from example_app.extensions import db
from flask_booking.calendars import mirror
from flask_booking.calendars.ics.components import decoded, scan
from flask_booking.calendars.ics.occurrences import read
from flask_booking.calendars.memory import Memory
from flask_booking.calendars.provider import Window
from flask_booking.models import ConnectedCalendar, Connection
from flask_booking.scheduling import snapshot as snapshots
from flask_booking.scheduling.choose import starts

SHORT, HOUR, DAY = 600, 3600, 86_400
EVENTS, CHANGES, BUSY, TURNS = 5_000, 10, 10_000, 5
Measured = tuple[str, float, float, str]


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def rows() -> list[Row | Measured]:
    """Return what was measured: name, figure, goal, unit."""
    service = Memory()
    with scratch_database() as url, tempfile.TemporaryDirectory() as folder:
        app = new_app(url, folder, BOOKING_CALENDAR_PROVIDERS={"memory": service})
        with app.app_context():
            found = [*_reading(service), *_text(), *_month()]
            db.session.remove()
            db.engine.dispose()
    return found


def _reading(service: Memory) -> list[Row | Measured]:
    event = new_event_type()
    host_id = event.hosts[0].id
    connection = Connection(host_id=host_id, provider="memory", account_id="1", account_name="ann", secret="{}")
    db.session.add(connection)
    db.session.flush()
    calendar = ConnectedCalendar(
        connection_id=connection.id,
        host_id=host_id,
        remote_id="work",
        remote_key=hashlib.sha256(b"work").hexdigest(),
        name="Work",
        check_conflicts=True,
    )
    db.session.add(calendar)
    db.session.commit()
    calendar_id = calendar.id
    today = int(time.time()) // DAY * DAY
    ids = [
        service.add(today + number * DAY // 14, today + number * DAY // 14 + SHORT, f"Event {number}")
        for number in range(EVENTS)
    ]
    first = seconds(lambda: mirror.sync(calendar_id))
    whole = seconds(lambda: mirror.sync(calendar_id, full=True))
    later = []
    for turn in range(TURNS):
        for one in ids[turn * CHANGES : (turn + 1) * CHANGES]:
            service.move(one, today + turn * HOUR, today + turn * HOUR + HOUR)
        later.append(seconds(lambda: mirror.sync(calendar_id)))
    for number in range(EVENTS, BUSY):
        service.add(today + number * DAY // 28, today + number * DAY // 28 + SHORT, f"Event {number}")
    mirror.sync(calendar_id)
    return [
        (f"first reading of {EVENTS:,} events", first, 10, "s"),
        (f"reading all of {EVENTS:,} events again", whole, 0, "s"),
        (f"reading {CHANGES} changes", min(later) * 1000, 100, "ms"),
    ]


_EVENT = """BEGIN:VEVENT
UID:event-{number}@example.com
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}
DURATION:PT30M
SUMMARY:Event {number}
DESCRIPTION:Bring what you wrote down the last time\\, and the figures.
ORGANIZER;CN=Ann:mailto:ann@example.com
ATTENDEE;PARTSTAT=ACCEPTED:mailto:sam@example.com
END:VEVENT
"""


def _text() -> list[Row | Measured]:
    first = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    events = [_EVENT.format(number=number, start=first + number * dt.timedelta(hours=1)) for number in range(EVENTS)]
    text = "".join(("BEGIN:VCALENDAR\nVERSION:2.0\n", *events, "END:VCALENDAR\n")).replace("\n", "\r\n").encode()
    window = Window(int(time.time()) - DAY, int(time.time()) + 365 * DAY)
    taken = seconds(lambda: read(scan(decoded(text)), window, time_zone="Europe/Berlin"))
    return [(f"making sense of {EVENTS:,} events as text (iCalendar)", taken, 10, "s")]


def _month() -> list[Row | Measured]:
    from flask_booking.models import BusyTime, EventType

    event = db.session.query(EventType).one()
    assert db.session.query(BusyTime).count() == BUSY
    now = int(time.time())
    snapshot = snapshots.load(db.session, event, event.hosts, now, now + 31 * DAY, now=now)
    taken = min(
        seconds(lambda: starts(snapshot, event.duration, now=now, start=now, end=now + 31 * DAY)) for _turn in range(20)
    )
    return [(f"a month of slots beside {BUSY:,} busy times of a year", taken * 1000, 5, "ms")]
