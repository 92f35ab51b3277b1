"""A calendar service in this process's memory, for tests of CRMs: it forgets nothing and refuses nothing by itself.

Mount it with ``BOOKING_CALENDAR_PROVIDERS = {"memory": Memory()}``.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import itertools
import threading
import typing as t

from ..connections.access import Access
from ..connections.problems import CursorExpired, Gone, ProviderProblem
from .provider import (
    Account,
    Changes,
    EventDraft,
    RemoteCalendar,
    RemoteEvent,
    Resource,
    Show,
    Sign,
    Watch,
    WatchRequest,
    Window,
    Written,
)

if t.TYPE_CHECKING:
    import requests


@dataclasses.dataclass(frozen=True)
class MemoryAccess:
    """Access to nothing but an account's name."""

    account: str
    settings: c.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    def request(self, method: str, url: str, **_more: t.Any) -> requests.Response:
        """There is nobody to ask."""
        raise ProviderProblem("memory has no addresses")


@dataclasses.dataclass
class MemoryCalendar:
    """One calendar: its events by id, and the ids that changed, in order."""

    remote: RemoteCalendar
    events: dict[str, RemoteEvent] = dataclasses.field(default_factory=dict)
    drafts: dict[str, EventDraft] = dataclasses.field(default_factory=dict)
    log: list[str] = dataclasses.field(default_factory=list)


class Memory:
    """The service.  ``troubles`` are raised by the next calls, one by each."""

    name = "memory"
    label = "Memory"
    sign = Sign.PASSWORD
    can_write = True
    can_watch = False

    def __init__(self) -> None:
        self.calendars_by_id: dict[str, MemoryCalendar] = {}
        self.troubles: list[ProviderProblem] = []
        self.calls: list[str] = []
        self.own_uids = False
        """Whether the service gives events names of its own."""
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self.add_calendar("work", "Work", primary=True)

    # -- what a person does there ---------------------------------------------------------------------------------

    def add_calendar(self, calendar_id: str, name: str, **more: t.Any) -> MemoryCalendar:
        """One more calendar."""
        made = MemoryCalendar(RemoteCalendar(calendar_id, name, writable=True, **more))
        self.calendars_by_id[calendar_id] = made
        return made

    def add(self, starts: int, ends: int, title: str = "", *, calendar: str = "work", **more: t.Any) -> str:
        """Enter an event (epoch seconds); returns its id."""
        event = RemoteEvent(f"event-{next(self._numbers)}", starts, ends, title=title, **more)
        self._put(self.calendars_by_id[calendar], event)
        return event.id

    def move(self, event_id: str, starts: int, ends: int, *, calendar: str = "work") -> None:
        """Move an event."""
        found = self.calendars_by_id[calendar]
        self._put(found, dataclasses.replace(found.events[event_id], starts=starts, ends=ends))

    def decline(self, event_id: str, *, calendar: str = "work") -> None:
        """Decline an event."""
        found = self.calendars_by_id[calendar]
        self._put(found, dataclasses.replace(found.events[event_id], declined=True, show=Show.FREE))

    def delete(self, event_id: str, *, calendar: str = "work") -> None:
        """Delete an event."""
        with self._lock:
            found = self.calendars_by_id[calendar]
            del found.events[event_id]
            found.log.append(event_id)

    def _put(self, calendar: MemoryCalendar, event: RemoteEvent) -> None:
        with self._lock:
            number = len(calendar.log) + 1
            calendar.events[event.id] = dataclasses.replace(event, etag=str(number))
            calendar.log.append(event.id)

    # -- the protocol ---------------------------------------------------------------------------------------------

    def open(self, secret: c.Mapping[str, t.Any], settings: c.Mapping[str, t.Any], account: str) -> Access:
        """Any password opens any account."""
        return MemoryAccess(account, settings)

    def account(self, access: Access) -> Account:
        """See :class:`.CalendarProvider`."""
        self._called("account")
        return Account(access.account, access.account)

    def calendars(self, access: Access) -> list[RemoteCalendar]:
        """See :class:`.CalendarProvider`."""
        self._called("calendars")
        return [one.remote for one in self.calendars_by_id.values()]

    def changes(self, access: Access, calendar: RemoteCalendar, cursor: str, window: Window) -> Changes:
        """See :class:`.CalendarProvider`."""
        self._called("changes")
        with self._lock:
            found = self._find(calendar)
            now = str(len(found.log))
            if not cursor:
                return Changes(tuple(self._resource(one, window) for one in found.events.values()), (), now, True)
            if not cursor.isdigit() or int(cursor) > len(found.log):
                raise CursorExpired
            changed = dict.fromkeys(found.log[int(cursor) :])
            there = [found.events[one] for one in changed if one in found.events]
            gone = tuple(one for one in changed if one not in found.events)
            return Changes(tuple(self._resource(one, window) for one in there), gone, now)

    def write(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> Written:
        """See :class:`.CalendarProvider`."""
        self._called("write")
        with self._lock:
            found = self._find(calendar)
            if known is not None and known.id not in found.events:
                raise Gone
            event = RemoteEvent(
                draft.key,
                draft.starts,
                draft.ends,
                title=draft.title,
                booking=draft.booking,
                uid=f"{draft.key}@memory" if self.own_uids else draft.uid,
            )
            found.drafts[draft.key] = draft
            self._put(found, event)
            return self._written(found.events[draft.key], calendar, draft)

    def remove(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> None:
        """See :class:`.CalendarProvider`."""
        self._called("remove")
        with self._lock:
            if draft.key in self._find(calendar).events:
                self.delete(draft.key, calendar=calendar.id)

    def look(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written) -> Written | None:
        """See :class:`.CalendarProvider`."""
        self._called("look")
        with self._lock:
            event = self._find(calendar).events.get(known.id)
            return None if event is None else self._written(event, calendar, draft)

    def watch(self, access: Access, calendar: RemoteCalendar, request: WatchRequest) -> Watch:
        """Nothing is told of: not called."""
        raise ProviderProblem("memory promises nothing")

    def unwatch(self, access: Access, watch: Watch) -> None:
        """There is nothing to end."""

    def _called(self, name: str) -> None:
        with self._lock:
            self.calls.append(name)
            if self.troubles:
                raise self.troubles.pop(0)

    def _find(self, calendar: RemoteCalendar) -> MemoryCalendar:
        try:
            return self.calendars_by_id[calendar.id]
        except KeyError:
            raise Gone from None

    @staticmethod
    def _resource(event: RemoteEvent, window: Window) -> Resource:
        inside = event.starts < window.end and event.ends > window.start
        return Resource(event.id, (event,) if inside else ())

    @staticmethod
    def _written(event: RemoteEvent, calendar: RemoteCalendar, draft: EventDraft) -> Written:
        join = f"https://meet.example/{event.id}" if draft.conference in calendar.conferencing else ""
        return Written(
            event.id, event.etag, event.uid, event.starts, event.ends, join_url=join, declined=event.declined
        )
