"""One calendar at the stand-in for Google: events, their versions, and series expanded into occurrences."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from dateutil.rrule import rrulestr

from .google_schema import Refused, instant

LAST_DAY = dt.datetime(2100, 1, 1, tzinfo=dt.UTC).timestamp()
"""A series without end is told up to here when it changes."""
TOLD_AHEAD = 183 * 86_400
"""Of a series that was deleted only the occurrences of six months are told (google-api-ruby-client#860)."""

Event = dict[str, Any]
When = dt.datetime | dt.date | int


@dataclass
class Calendar:
    """``id`` is the mail address of the owner for a primary calendar."""

    id: str
    summary: str
    time_zone: str
    owner: str
    now: Callable[[], float]
    changed: Callable[[Calendar], None]
    conferences: tuple[str, ...] = ("hangoutsMeet",)
    push: bool = True
    """Whether it can be watched: calendars of holidays can't."""
    events: dict[str, Event] = field(default_factory=dict)
    """Everything there ever was, deleted events as ``cancelled``; exceptions of series by the occurrence's id."""
    version: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    ghosts: dict[str, int] = field(default_factory=dict)
    """Occurrences that their series has no more, with the version at which they vanished."""
    waits: dict[str, int] = field(default_factory=dict)
    """How many more times an event is read before its conference is there."""
    _times: dict[str, tuple[float, float]] = field(default_factory=dict)

    # -- changing ---------------------------------------------------------------------------------------------------

    def put(self, event: Event) -> Event:
        """Keep an event as it is now, under a new version."""
        before = self.events.get(event["id"])
        had = self._ids_told(before) if before else set()
        self.version += 1
        self._freshen(event)
        self.events[event["id"]] = event
        self.versions[event["id"]] = self.version
        if event.get("start") and event.get("end"):
            self._times[event["id"]] = self._span(event)
        else:
            self._times.pop(event["id"], None)
        has = self._ids_told(event)
        if has and event["status"] == "cancelled":
            had, has = had | has, set()
        if event.get("recurrence") or (before or {}).get("recurrence"):
            for one in had - has:
                if one in self.events:  # an exception goes with the occurrence that it was of
                    self.events[one] = {**self.events[one], "status": "cancelled"}
                    self.versions[one] = self.version
                else:
                    self.ghosts[one] = self.version
            for one in has:
                self.ghosts.pop(one, None)
        self.changed(self)
        return event

    def _freshen(self, event: Event) -> None:
        stamp = dt.datetime.fromtimestamp(self.now(), dt.UTC).isoformat(timespec="milliseconds")
        event["kind"] = "calendar#event"
        event["etag"] = f'"{self.version * 2 + 3_000_000_000}"'
        event["updated"] = stamp.replace("+00:00", "Z")
        event.setdefault("created", event["updated"])
        event.setdefault("status", "confirmed")
        event.setdefault("eventType", "default")
        event.setdefault("iCalUID", f"{event['id']}@google.com")
        event.setdefault("sequence", 0)
        event.setdefault("htmlLink", f"https://www.google.com/calendar/event?eid={event['id']}")
        event.setdefault("creator", {"email": self.owner, "self": self.owner == self.id})
        event.setdefault("organizer", {"email": self.id, "self": True})
        for attendee in event.get("attendees", ()):
            attendee.setdefault("responseStatus", "needsAction")
            attendee.pop("self", None)
            if attendee["email"].lower() == self.id.lower():
                attendee["self"] = True

    def change(self, event_id: str, **fields: Any) -> Event:
        """Change fields of an event; the sequence rises when its time does."""
        event = copy.deepcopy(self.found(event_id))
        before = (event.get("start"), event.get("end"), event.get("recurrence"))
        event |= fields
        if (event.get("start"), event.get("end"), event.get("recurrence")) != before:
            event["sequence"] = event.get("sequence", 0) + 1
        return self.put(event)

    # -- reading ----------------------------------------------------------------------------------------------------

    def found(self, event_id: str) -> Event:
        """An event or occurrence, deleted or not.  Raises 404."""
        event = self.events.get(event_id)
        if event is None:
            series = self.events.get(event_id.rsplit("_", 1)[0]) if "_" in event_id else None
            for one in self._expanded(series, LAST_DAY) if series else ():
                if one["id"] == event_id:
                    return one
            raise Refused("notFound")
        return event

    def times(self, event: Event) -> tuple[float, float]:
        """Epoch seconds of start and end."""
        return self._times.get(event["id"]) or self._span(event)

    def listed(self, starts: float, ends: float, *, single: bool, deleted: bool) -> list[Event]:
        """What touches a window; series as such, or (``single``) their occurrences."""
        found: list[Event] = []
        for event in self.events.values():
            if event["status"] == "cancelled" and not deleted and not (event.get("recurringEventId") and not single):
                continue
            if event.get("recurrence") and single:
                if event["status"] != "cancelled":
                    found += [
                        one
                        for one in self._expanded(event, ends)
                        if one["id"] not in self.events and self._touches(one, starts, ends)
                    ]
            elif event.get("recurrence") or self._touches(event, starts, ends):
                found.append(event)
        return found

    def since(self, version: int, *, single: bool) -> list[Event]:
        """What changed after a version: no window, deleted ones with only what is sure."""
        found: list[Event] = []
        for event_id, changed in self.versions.items():
            if changed <= version:
                continue
            event = self.events[event_id]
            if event["status"] == "cancelled":
                if not (event.get("recurrence") and single):
                    found.append(told_deleted(event))
            elif event.get("recurrence") and single:
                found += [one for one in self._expanded(event, LAST_DAY) if one["id"] not in self.events]
            else:
                found.append(event)
        for ghost, changed in self.ghosts.items():
            if changed > version and single:
                found.append(
                    {"id": ghost, "status": "cancelled", "kind": "calendar#event", "etag": f'"{changed}"',
                     "recurringEventId": ghost.rsplit("_", 1)[0]}
                )  # fmt: skip
        return found

    def occurrences(self, series: Event, starts: float, ends: float) -> list[Event]:
        """Those of one series that touch a window, with its exceptions."""
        if series["status"] == "cancelled":
            return []
        own = [one for one in self._expanded(series, ends) if one["id"] not in self.events]
        own += [
            one
            for one in self.events.values()
            if one.get("recurringEventId") == series["id"] and one["status"] != "cancelled"
        ]
        return [one for one in own if self._touches(one, starts, ends)]

    def busy(self, starts: float, ends: float) -> list[dict[str, str]]:
        """The times in a window at which the owner is busy, joined."""
        spans = sorted(
            self.times(event)
            for event in self.listed(starts, ends, single=True, deleted=False)
            if event.get("transparency") != "transparent"
            and event.get("eventType") not in ("workingLocation", "birthday")
            and not any(one.get("self") and one["responseStatus"] == "declined" for one in event.get("attendees", ()))
        )
        joined: list[list[float]] = []
        for first, last in spans:
            if joined and first <= joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], last)
            else:
                joined.append([first, last])
        return [{"start": _utc(max(first, starts)), "end": _utc(min(last, ends))} for first, last in joined]

    def _touches(self, event: Event, starts: float, ends: float) -> bool:
        if not event.get("start"):
            return starts == float("-inf") and ends == float("inf")
        first, last = self.times(event)
        return first < ends and last > starts

    def _span(self, event: Event) -> tuple[float, float]:
        return self.epoch(event["start"]), self.epoch(event["end"])

    def epoch(self, when: dict[str, str]) -> float:
        """Epoch seconds of an EventDateTime."""
        return self.local(when).timestamp()

    def local(self, when: dict[str, str]) -> dt.datetime:
        """An EventDateTime in its zone, or the calendar's."""
        zone = zoneinfo.ZoneInfo(when.get("timeZone") or self.time_zone)
        if when.get("date"):
            return dt.datetime.fromisoformat(when["date"]).replace(tzinfo=zoneinfo.ZoneInfo(self.time_zone))
        parsed = dt.datetime.fromisoformat(when["dateTime"].upper())
        return parsed.astimezone(zone) if parsed.tzinfo else parsed.replace(tzinfo=zone)

    def given(self, when: When) -> dict[str, str]:
        """An EventDateTime of a time, a date (all day) or epoch seconds."""
        if isinstance(when, dt.date) and not isinstance(when, dt.datetime):
            return {"date": when.isoformat()}
        moment = dt.datetime.fromtimestamp(when, dt.UTC) if isinstance(when, int) else when
        local = moment.astimezone(zoneinfo.ZoneInfo(self.time_zone))
        return {"dateTime": local.isoformat(timespec="seconds"), "timeZone": self.time_zone}

    # -- series -----------------------------------------------------------------------------------------------------

    def _ids_told(self, event: Event | None) -> set[str]:
        if not event or not event.get("recurrence"):
            return set()
        return {one["id"] for one in self._expanded(event, self.now() + TOLD_AHEAD)}

    def _expanded(self, series: Event, ends: float) -> Iterator[Event]:
        """The occurrences that begin before ``ends``, exceptions not considered."""
        all_day = "date" in series["start"]
        first, last = self.local(series["start"]), self.local(series["end"])
        if all_day:
            first, last = first.replace(tzinfo=None), last.replace(tzinfo=None)
        length = last - first
        rule = rrulestr("\n".join(series["recurrence"]), dtstart=first)
        limit = dt.datetime.fromtimestamp(min(ends, LAST_DAY) + 86_400, dt.UTC)
        if all_day:
            limit = limit.replace(tzinfo=None)
        kept = {key: value for key, value in series.items() if key not in ("recurrence", "start", "end", "id")}
        for start in itertools.takewhile(lambda start: start < limit, rule):
            begins = self._like(series["start"], start)
            stamp = start.strftime("%Y%m%d") if all_day else start.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
            yield {
                **kept, "id": f"{series['id']}_{stamp}", "recurringEventId": series["id"], "start": begins,
                "end": self._like(series["end"], start + length), "originalStartTime": begins,
            }  # fmt: skip

    def _like(self, when: dict[str, str], moment: dt.datetime) -> dict[str, str]:
        if "date" in when:
            return {"date": moment.date().isoformat()}
        return {"dateTime": moment.isoformat(timespec="seconds"), "timeZone": when.get("timeZone", self.time_zone)}


def _utc(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def told_deleted(event: Event) -> Event:
    """Only this much of a deleted event is sure."""
    kept = {key: event[key] for key in ("id", "status", "kind", "etag")}
    if "recurringEventId" in event:
        kept |= {key: event[key] for key in ("recurringEventId", "originalStartTime")}
    return kept


def checked_times(event: Event) -> None:
    """Refuse what Google would of an event's times."""
    for name in ("start", "end"):
        when = event.get(name)
        if not when:
            raise Refused("required", f"Missing {name} time.", name)
        if ("date" in when) == ("dateTime" in when):
            raise Refused("invalid", f"Invalid {name} time.", name)
        if "timeZone" in when:
            try:
                zoneinfo.ZoneInfo(when["timeZone"])
            except (ValueError, zoneinfo.ZoneInfoNotFoundError):
                raise Refused("invalid", f"Invalid time zone definition for {name} time.", name) from None
        elif "dateTime" in when:
            instant(when["dateTime"], name)
    if ("date" in event["start"]) != ("date" in event["end"]):
        raise Refused("invalid", "The start and end times must either both be date or both be dateTime.")
    if event.get("recurrence") and "dateTime" in event["start"] and "timeZone" not in event["start"]:
        raise Refused("invalid", "Missing time zone definition for start time.", "start")
