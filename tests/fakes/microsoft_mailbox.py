"""A mailbox of the stand-in for Microsoft: calendars, events and series, and what its owner does in Outlook.

Tests act as the owner by the methods of :class:`Mailbox`; each change is written into a log, from which the stand-in
makes deltas and notifications.  Instants are epoch seconds or aware datetimes.
"""

from __future__ import annotations

import datetime as dt
import itertools
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

# As Exchange shows them, whatever name they were given.
WINDOWS = {
    "UTC": "UTC",
    "Europe/Berlin": "W. Europe Standard Time",
    "Europe/Paris": "Romance Standard Time",
    "America/New_York": "Eastern Standard Time",
    "America/Los_Angeles": "Pacific Standard Time",
    "Asia/Tokyo": "Tokyo Standard Time",
    "Asia/Kolkata": "India Standard Time",
    "America/Edmonton": "Alberta Standard Time",
}
IMMUTABLE, MUTABLE = "AAkALg", "AAMkAD"
"""How ids of events begin: of those that stay the same in another folder, and of those that don't."""
Instant = int | dt.datetime


@dataclass(frozen=True)
class Repeat:
    """A series: every ``interval`` days, so often."""

    days: int = 7
    count: int = 10


@dataclass(frozen=True)
class Mail:
    """What Exchange mailed to an attendee: ``invitation``, ``update`` or ``cancellation``."""

    kind: str
    to: str
    uid: str
    subject: str
    start: int
    end: int


@dataclass
class Calendar:
    id: str
    name: str
    default: bool = False
    can_edit: bool = True
    colour: str = ""


@dataclass
class Item:
    """An event, a series, or an occurrence.  All-day events have dates that hang in no zone: for the service they last
    from midnight to midnight UTC when it looks what is in a window."""

    id: str
    calendar: str
    subject: str = ""
    start: int = 0
    end: int = 0
    zone: str = "UTC"
    label: str = ""
    all_day: bool = False
    show_as: str = "busy"
    sensitivity: str = "normal"
    response: str = "organizer"
    cancelled: bool = False
    organizer: str = ""
    attendees: list[dict[str, Any]] = field(default_factory=list)
    hide_attendees: bool = False
    body: dict[str, str] = field(default_factory=lambda: {"contentType": "html", "content": ""})
    location: str = ""
    uid: str = ""
    version: int = 1
    transaction: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    meeting: str = ""
    """The address of the Teams meeting."""
    repeat: Repeat | None = None
    master: str = ""
    origin: dt.date | None = None
    exceptions: dict[dt.date, Item] = field(default_factory=dict)
    dropped: set[dt.date] = field(default_factory=set)

    @property
    def type(self) -> str:
        if self.repeat:
            return "seriesMaster"
        if not self.master:
            return "singleInstance"
        return "exception" if self.id.endswith("x") else "occurrence"

    @property
    def etag(self) -> str:
        return f'W/"{self.id.removeprefix(IMMUTABLE)}-{self.version}"'

    @property
    def shown_zone(self) -> str:
        return self.label or WINDOWS.get(self.zone, self.zone)


@dataclass(frozen=True)
class Change:
    """A line of the log: ``kind`` is ``created``, ``updated`` or ``deleted``, ``spans`` the time before and after."""

    number: int
    calendar: str
    id: str
    kind: str
    spans: tuple[tuple[int, int], ...]
    occurrence: bool = False


class Mailbox:
    """An account with its calendars.  ``personal`` ones have no Teams and opaque tokens."""

    def __init__(self, mail: str, *, personal: bool = False, zone: str = "Europe/Berlin", name: str = "") -> None:
        self.mail, self.personal, self.zone = mail, personal, zone
        self.name = name or mail.partition("@")[0].title()
        self.id = str(uuid.uuid5(uuid.NAMESPACE_URL, mail))
        self.calendars: dict[str, Calendar] = {}
        self.items: dict[str, Item] = {}
        self.deleted: dict[str, Item] = {}
        self.mails: list[Mail] = []
        self.log: list[Change] = []
        self.transactions: dict[str, tuple[str, str]] = {}
        """What was made with which ``transactionId``: an id, and the request's body."""
        self.on_premises = False
        """Whether the mailbox isn't in the cloud: Graph then knows the person, but no calendars."""
        self.generation = 0
        self.running = 0
        self.lock = threading.RLock()
        self.changed: Callable[[Change], None] = lambda change: None
        self._ids = itertools.count(1)
        self.add_calendar("Calendar", default=True)

    @property
    def default(self) -> Calendar:
        return next(each for each in self.calendars.values() if each.default)

    def add_calendar(self, name: str, *, default: bool = False, can_edit: bool = True, colour: str = "") -> Calendar:
        made = Calendar(f"AAMkC{len(self.calendars)}{self.id[:8]}=", name, default, can_edit, colour)
        self.calendars[made.id] = made
        return made

    # -- what the owner does --------------------------------------------------------------------------------------

    def add_event(
        self,
        subject: str,
        start: Instant | dt.date,
        end: Instant | dt.date,
        *,
        calendar: str = "",
        zone: str = "",
        repeat: Repeat | None = None,
        **more: Any,
    ) -> str:
        """Put an event into a calendar, the default one unless said otherwise; two dates make an all-day event.

        ``more`` are fields of :class:`Item`.  Returns the event's (immutable) id.
        """
        all_day = not isinstance(start, int | dt.datetime)
        item = Item(
            id=self.new_id(),
            calendar=calendar or self.default.id,
            subject=subject,
            start=_epoch(start),
            end=_epoch(end),
            zone=zone or self.zone,
            all_day=all_day,
            repeat=repeat,
            **{"uid": f"0400{uuid.uuid4().hex.upper()}", "organizer": self.mail, **more},
        )
        with self.lock:
            self.items[item.id] = item
            self._log(item, "created")
        return item.id

    def move_event(self, event: str, start: Instant | dt.date, end: Instant | dt.date) -> None:
        """Drag an event elsewhere; of a series, one occurrence by its id."""
        self.edit_event(event, start=_epoch(start), end=_epoch(end))

    def edit_event(self, event: str, **fields: Any) -> None:
        """Change fields of :class:`Item`; an occurrence becomes an exception of its series."""
        with self.lock:
            item = self.find(event)
            before = (item.start, item.end)
            if item.type == "occurrence":
                assert item.origin is not None
                item = replace(item, id=f"{item.id}x")
                self.items[item.master].exceptions[item.origin] = item
            for name, value in fields.items():
                setattr(item, name, value)
            item.version += 1
            self._log(item, "updated", before)

    def delete_event(self, event: str) -> None:
        """Delete an event, a series, or one occurrence.  Guests whom the owner has invited are told."""
        with self.lock:
            item = self.find(event)
            if item.master:
                series = self.items[item.master]
                assert item.origin is not None
                series.exceptions.pop(item.origin, None)
                series.dropped.add(item.origin)
                series.version += 1
            else:
                del self.items[item.id]
                self.deleted[item.id] = item
            if item.organizer == self.mail:
                self.mail_all(item, "cancellation")
            self._log(item, "deleted")

    def decline_event(self, event: str) -> None:
        """Say no to an event and keep it in sight."""
        self.edit_event(event, response="declined", show_as="free")

    def move_to_calendar(self, event: str, calendar: str) -> None:
        """Drag an event into another calendar: its immutable id stays."""
        with self.lock:
            item = self.find(event)
            self._log(item, "deleted")
            item.calendar = calendar
            self._log(item, "created")

    def answer(self, event: str, email: str, response: str) -> None:
        """A guest answers: ``accepted``, ``declined`` or ``tentativelyAccepted``."""
        with self.lock:
            for each in self.find(event).attendees:
                if each["emailAddress"]["address"].lower() == email.lower():
                    each["status"] = {"response": response, "time": "2026-01-01T00:00:00Z"}

    # -- what tests look at ---------------------------------------------------------------------------------------

    def events(self, calendar: str = "") -> list[Item]:
        """What stands in a calendar, series as one; the default calendar unless said otherwise."""
        with self.lock:
            wanted = calendar or self.default.id
            return [item for item in self.items.values() if item.calendar == wanted]

    def marked(self, value: str, calendar: str = "") -> list[Item]:
        """Those with an extended property that has this value."""
        return [item for item in self.events(calendar) if value in item.properties.values()]

    def occurrences(self, start: Instant, end: Instant, calendar: str = "") -> list[Item]:
        """What touches a stretch of time, series expanded, by start."""
        with self.lock:
            low, high = _epoch(start), _epoch(end)
            found = [each for item in self.events(calendar) for each in self.expand(item)]
            return sorted((each for each in found if each.start < high and each.end > low), key=lambda each: each.start)

    # -- what the service does ------------------------------------------------------------------------------------

    def find(self, event: str) -> Item:
        """An event, an exception or an occurrence, by an id of either kind.  Raises KeyError."""
        event = IMMUTABLE + event.removeprefix(IMMUTABLE).removeprefix(MUTABLE)
        if event in self.items:
            return self.items[event]
        for each in self.expand(self.items[event.partition(".")[0]]):
            if each.id == event:
                return each
        raise KeyError(event)

    def expand(self, item: Item) -> Iterator[Item]:
        """The occurrences of a series, or the event itself."""
        if item.repeat is None:
            yield item
            return
        zone = dt.UTC if item.all_day else ZoneInfo(item.zone)
        first = dt.datetime.fromtimestamp(item.start, zone)
        for number in range(item.repeat.count):
            start = first + dt.timedelta(
                days=number * item.repeat.days
            )  # the wall clock stays: Python's own arithmetic
            if start.date() in item.exceptions:
                yield item.exceptions[start.date()]
            elif start.date() not in item.dropped:
                begins = int(start.timestamp())
                yield replace(
                    item,
                    id=f"{item.id}.{start:%Y%m%d}",
                    start=begins,
                    end=begins + item.end - item.start,
                    repeat=None,
                    master=item.id,
                    origin=start.date(),
                    properties=dict(item.properties),
                )

    def mail_all(self, item: Item, kind: str, attendees: Sequence[dict[str, Any]] | None = None) -> None:
        for each in item.attendees if attendees is None else attendees:
            to = each["emailAddress"]["address"]
            self.mails.append(Mail(kind, to, item.uid, item.subject, item.start, item.end))

    def new_id(self) -> str:
        return f"{IMMUTABLE}{next(self._ids):08d}="

    def record(self, item: Item, kind: str, before: tuple[int, int] | None = None) -> None:
        """Write a change into the log."""
        self._log(item, kind, before)

    def _log(self, item: Item, kind: str, before: tuple[int, int] | None = None) -> None:
        spans = [(each.start, each.end) for each in self.expand(item)] + ([before] if before else [])
        change = Change(len(self.log) + 1, item.calendar, item.id, kind, tuple(spans), bool(item.master))
        self.log.append(change)
        self.changed(change)


def _epoch(value: Instant | dt.date) -> int:
    if isinstance(value, dt.datetime):
        return int(value.timestamp())
    if isinstance(value, dt.date):
        return int(dt.datetime.combine(value, dt.time(0), dt.UTC).timestamp())
    return value
