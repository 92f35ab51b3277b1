"""The calendar service in a scenario: what a host does there by hand, its bad days, and what it holds in the end."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Protocol

import icalendar

from flask_booking.calendars.memory import Memory
from flask_booking.connections.problems import RateLimited, Unreachable
from flask_booking.models import Connection, ConnectionState
from flask_booking.models.columns import utcnow
from flask_booking.state import session
from tests.fakes.caldav import QuirkyCalDAV
from tests.fakes.google import Google
from tests.fakes.microsoft import FakeMicrosoft
from tests.fixtures.caldav import HostsCalendar

Times = tuple[int, int]
ANN = "ann@example.com"


class Side(Protocol):
    """One service with Ann's calendar."""

    provider: str
    calendar_id: str

    def config(self) -> dict[str, Any]: ...
    def secret(self) -> str: ...
    def add(self, times: Times) -> str: ...
    def move(self, event: str, times: Times) -> None: ...
    def delete(self, event: str) -> None: ...
    def decline(self, event: str) -> None: ...
    def foreign(self) -> dict[str, Times]: ...
    def own(self) -> list[tuple[str, str, Times]]:
        """Our events: id, mark and times."""
        ...

    def guests(self, email: str) -> dict[str, Times]:
        """The events that list this guest, as somebody whom the service invites sees them: times by UID."""
        ...

    def down(self, times: int, *, after_effect: bool = False) -> None: ...
    def limited(self) -> None: ...
    def heal(self) -> None: ...
    def revoke(self) -> None: ...
    def expire(self) -> None: ...
    def forget(self) -> None: ...


def sign_in_again(side: Side, connection: Connection) -> None:
    """The host gives consent anew."""
    connection.secret, connection.state, connection.problem = side.secret(), ConnectionState.ACTIVE, ""
    connection.expires_at = utcnow() + dt.timedelta(hours=1) if connection.expires_at else None
    session().commit()


class MemorySide:
    """No service at all: the quickest."""

    provider, calendar_id = "memory", "work"

    def __init__(self) -> None:
        self.service = Memory()

    def config(self) -> dict[str, Any]:
        return {"BOOKING_CALENDAR_PROVIDERS": {"memory": self.service}}

    def secret(self) -> str:
        return "{}"

    @property
    def _calendar(self) -> Any:
        return self.service.calendars_by_id["work"]

    def add(self, times: Times) -> str:
        return self.service.add(*times, "By hand")

    def move(self, event: str, times: Times) -> None:
        self.service.move(event, *times)

    def delete(self, event: str) -> None:
        self.service.delete(event)

    def decline(self, event: str) -> None:
        self.service.decline(event)

    def foreign(self) -> dict[str, Times]:
        return {one.id: (one.starts, one.ends) for one in self._calendar.events.values() if not one.booking}

    def own(self) -> list[tuple[str, str, Times]]:
        events = self._calendar.events.values()
        return [(one.id, one.booking, (one.starts, one.ends)) for one in events if one.booking]

    def guests(self, email: str) -> dict[str, Times]:
        drafts = {event: self._calendar.drafts[event] for event, _mark, _times in self.own()}
        invited = [one for one, draft in drafts.items() if draft.invite and draft.guests[0].email == email]
        events = [self._calendar.events[one] for one in invited]
        return {event.uid: (event.starts, event.ends) for event in events}

    def down(self, times: int, *, after_effect: bool = False) -> None:
        self.service.troubles += [Unreachable("503")] * times

    def limited(self) -> None:
        self.service.troubles.append(RateLimited("429", retry_after=30))

    def heal(self) -> None:
        self.service.troubles.clear()

    def revoke(self) -> None:
        """A password stays."""

    def expire(self) -> None:
        """A password stays."""

    def forget(self) -> None:
        self._calendar.log = [""] * (len(self._calendar.log) // 2)


class GoogleSide:
    """The stand-in for Google."""

    provider, calendar_id = "google", ANN

    def __init__(self, fake: Google) -> None:
        self.fake = fake
        fake.add_account(ANN, "Ann", time_zone="UTC")

    def config(self) -> dict[str, Any]:
        return self.fake.config()

    def secret(self) -> str:
        grant = self.fake.allow(ANN)
        return json.dumps({"access_token": self.fake.token_of(grant), "refresh_token": grant.refresh_token})

    def add(self, times: Times) -> str:
        return self.fake.add_event(ANN, *times, summary="By hand")

    def move(self, event: str, times: Times) -> None:
        self.fake.move_event(ANN, event, *times)

    def delete(self, event: str) -> None:
        self.fake.delete_event(ANN, event)

    def decline(self, event: str) -> None:
        self.fake.decline_event(ANN, event)

    def _events(self) -> list[tuple[str, str, Times]]:
        found = []
        for event in self.fake.events(ANN):
            mark = event.get("extendedProperties", {}).get("private", {}).get("flask_booking_id", "")
            found.append((event["id"], mark, self.fake.times(ANN, event["id"])))
        return found

    def foreign(self) -> dict[str, Times]:
        return {event: times for event, mark, times in self._events() if not mark}

    def own(self) -> list[tuple[str, str, Times]]:
        return [one for one in self._events() if one[1]]

    def guests(self, email: str) -> dict[str, Times]:
        return {
            event["iCalUID"]: self.fake.times(ANN, event["id"])
            for event in self.fake.events(ANN)
            if any(one["email"] == email for one in event.get("attendees", ()))
        }

    def down(self, times: int, *, after_effect: bool = False) -> None:
        if after_effect:
            self.fake.drop(after_effect=True, times=times)
        else:
            self.fake.refuse("backendError", times=times)

    def limited(self) -> None:
        self.fake.refuse("rateLimitExceeded")

    def heal(self) -> None:
        self.fake.troubles.clear()

    def revoke(self) -> None:
        self.fake.revoke_grants(ANN)

    def expire(self) -> None:
        self.fake.expire_tokens(ANN)

    def forget(self) -> None:
        self.fake.forget_sync_tokens()


class MicrosoftSide:
    """The stand-in for Microsoft Graph."""

    provider = "microsoft"

    def __init__(self, fake: FakeMicrosoft) -> None:
        self.fake = fake
        self.mailbox = fake.add_mailbox(ANN, zone="UTC")
        self.calendar_id = self.mailbox.default.id
        fake.omits_deleted_occurrences = fake.replays = True

    def config(self) -> dict[str, Any]:
        return {
            "BOOKING_MICROSOFT_CLIENT_ID": self.fake.client_id,
            "BOOKING_MICROSOFT_CLIENT_SECRET": self.fake.client_secret,
            "BOOKING_MICROSOFT_AUTHORITY_URL": self.fake.authority_url,
            "BOOKING_MICROSOFT_API_URL": self.fake.api_url,
        }

    def secret(self) -> str:
        return json.dumps(self.fake.pair_for(self.mailbox))

    def add(self, times: Times) -> str:
        return self.mailbox.add_event("By hand", *times)

    def move(self, event: str, times: Times) -> None:
        self.mailbox.move_event(event, *times)

    def delete(self, event: str) -> None:
        self.mailbox.delete_event(event)

    def decline(self, event: str) -> None:
        self.mailbox.decline_event(event)

    def _events(self) -> list[tuple[str, str, Times]]:
        found = []
        for item in self.mailbox.events():
            mark = next(iter(item.properties.values()), "")
            found.append((item.id, mark, (item.start, item.end)))
        return found

    def foreign(self) -> dict[str, Times]:
        return {event: times for event, mark, times in self._events() if not mark}

    def own(self) -> list[tuple[str, str, Times]]:
        return [one for one in self._events() if one[1]]

    def guests(self, email: str) -> dict[str, Times]:
        return {
            item.uid: (item.start, item.end)
            for item in self.mailbox.events()
            if any(one["emailAddress"]["address"] == email for one in item.attendees)
        }

    def down(self, times: int, *, after_effect: bool = False) -> None:
        if after_effect:
            self.fake.drop(after_effect=True, times=times)
        else:
            self.fake.fail(503, {"error": {"code": "serviceNotAvailable", "message": ""}}, times=times)

    def limited(self) -> None:
        body = {"error": {"code": "ApplicationThrottled", "message": ""}}
        self.fake.fail(429, body, headers={"Retry-After": "2.128"})

    def heal(self) -> None:
        self.fake.troubles.clear()

    def revoke(self) -> None:
        self.fake.revoke(self.mailbox)

    def expire(self) -> None:
        self.fake.expire_access_tokens(self.mailbox)

    def forget(self) -> None:
        self.fake.forget_state()


class CalDAVSide:
    """A real Radicale, behind a proxy that has bad days for it."""

    provider = "caldav"

    def __init__(self, proxy: QuirkyCalDAV, calendar: HostsCalendar) -> None:
        self.proxy, self.calendar = proxy, calendar
        self.calendar_id = proxy.url + calendar.path
        self.account = calendar.account

    def config(self) -> dict[str, Any]:
        return {"BOOKING_PRIVATE_ADDRESSES": True}

    def secret(self) -> str:
        return json.dumps({"username": self.calendar.account, "password": self.calendar.password})

    @staticmethod
    def _at(times: Times) -> list[dt.datetime]:
        return [dt.datetime.fromtimestamp(one, dt.UTC) for one in times]

    def add(self, times: Times) -> str:
        return self.calendar.add(*self._at(times), "By hand")

    def move(self, event: str, times: Times) -> None:
        self.calendar.move(event, *self._at(times))

    def delete(self, event: str) -> None:
        self.calendar.delete(event)

    def decline(self, event: str) -> None:
        self.calendar.cancel(event)

    def _events(self) -> list[tuple[str, str, Times]]:
        found = []
        for path in self.calendar.paths():
            event = icalendar.Calendar.from_ical(self.calendar.text(path)).walk("VEVENT")[0]
            times = tuple(int(event.decoded(name).timestamp()) for name in ("dtstart", "dtend"))
            if event.get("STATUS") != "CANCELLED":
                found.append((path, str(event.get("X-FLASK-BOOKING-ID", "")), (times[0], times[1])))
        return found

    def foreign(self) -> dict[str, Times]:
        return {event: times for event, mark, times in self._events() if not mark}

    def own(self) -> list[tuple[str, str, Times]]:
        return [one for one in self._events() if one[1]]

    def guests(self, email: str) -> dict[str, Times]:
        raise NotImplementedError("Radicale invites nobody")

    def down(self, times: int, *, after_effect: bool = False) -> None:
        if after_effect:
            self.proxy.drop(after_effect=True, times=times)
        else:
            self.proxy.fail(503, times=times)

    def limited(self) -> None:
        self.proxy.fail(429, headers={"Retry-After": "30"})

    def heal(self) -> None:
        self.proxy.troubles.clear()
        self.proxy.habits.stale_status = 0

    def revoke(self) -> None:
        self.proxy.fail(401, times=2)

    def expire(self) -> None:
        self.proxy.habits.put_etag = {"strong": "weak", "weak": "none", "none": "strong"}[self.proxy.habits.put_etag]

    def forget(self) -> None:
        following = {0: 403, 403: 412, 412: 500, 500: 0}
        self.proxy.habits.stale_status = following[self.proxy.habits.stale_status]
