"""A stand-in for Google: signing in, the Calendar API, push, and what people do in their calendars by hand.

Written from Google's discovery document and from what is known of its misbehaviour.  One stand-in has any number of
accounts, each with calendars and grants::

    with served(Google()) as google:
        google.add_account("ann@example.com")
        app.config.update(google.config())
        event = google.add_event("ann@example.com", start, end, summary="Dentist")
        google.move_event("ann@example.com", event, other_start)

Calendars are named by their ids; the id of a primary calendar is the account's address.  Times are aware datetimes,
epoch seconds, or dates for all-day events (the end is exclusive).  Bad days: ``fail`` and ``drop`` of every stand-in,
:meth:`Google.refuse` for Google's own errors, and the switches ``unticked``, ``refuses_consent``, ``meet_pending``,
``meet_fails``, ``page_size``, ``empty_pages``, ``lose_next`` and ``double_next``.
"""

from __future__ import annotations

import copy
import datetime as dt
import time
from typing import Any

from werkzeug.routing import Map, Rule

from .google_accounts import CALENDAR_SCOPES, Account, Entry, Grant
from .google_api import Api
from .google_calendar import Calendar, Event, When
from .google_schema import Refused
from .google_writing import Mail

__all__ = ["CALENDAR_SCOPES", "Account", "Calendar", "Google", "Grant", "Mail"]


class Google(Api):
    """The whole of it."""

    urls = Map(
        [
            Rule("/o/oauth2/v2/auth", endpoint="authorize", methods=["GET"]),
            Rule("/token", endpoint="token", methods=["POST"]),
            Rule("/revoke", endpoint="revoke", methods=["POST"]),
            Rule("/v1/userinfo", endpoint="userinfo", methods=["GET"]),
            Rule("/calendar/v3/users/me/calendarList", endpoint="calendar_list", methods=["GET"]),
            Rule("/calendar/v3/calendars/<calendar>/events", endpoint="events_list", methods=["GET"]),
            Rule("/calendar/v3/calendars/<calendar>/events", endpoint="events_insert", methods=["POST"]),
            Rule("/calendar/v3/calendars/<calendar>/events/watch", endpoint="events_watch", methods=["POST"]),
            Rule("/calendar/v3/calendars/<calendar>/events/<event>", endpoint="events_get", methods=["GET"]),
            Rule("/calendar/v3/calendars/<calendar>/events/<event>", endpoint="events_patch", methods=["PATCH"]),
            Rule("/calendar/v3/calendars/<calendar>/events/<event>", endpoint="events_delete", methods=["DELETE"]),
            Rule(
                "/calendar/v3/calendars/<calendar>/events/<event>/instances",
                endpoint="events_instances",
                methods=["GET"],
            ),
            Rule("/calendar/v3/freeBusy", endpoint="freebusy_query", methods=["POST"]),
            Rule("/calendar/v3/channels/stop", endpoint="channels_stop", methods=["POST"]),
        ]
    )

    def now(self) -> float:
        """The stand-in's clock, in epoch seconds."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Move the clock: tokens and channels end, events don't move."""
        self.offset += seconds

    def config(self) -> dict[str, str]:
        """What an app has to be configured with to find the stand-in in Google's place."""
        return {
            "BOOKING_GOOGLE_CLIENT_ID": self.client_id,
            "BOOKING_GOOGLE_CLIENT_SECRET": self.client_secret,
            "BOOKING_GOOGLE_AUTHORIZE_URL": f"{self.url}/o/oauth2/v2/auth",
            "BOOKING_GOOGLE_TOKEN_URL": f"{self.url}/token",
            "BOOKING_GOOGLE_REVOKE_URL": f"{self.url}/revoke",
            "BOOKING_GOOGLE_USERINFO_URL": f"{self.url}/v1/userinfo",
            "BOOKING_GOOGLE_API_URL": f"{self.url}/calendar/v3",
        }

    def refuse(self, reason: str, *, times: int = 1, path: str = "", method: str = "", status: int = 0) -> None:
        """Answer the next requests with an error of Google's, by its reason: ``rateLimitExceeded``, ``forbidden`` …"""
        refused = Refused(reason)
        self.fail(status or refused.status, refused.body(), times=times, path=path, method=method)

    def forget_sync_tokens(self) -> None:
        """Every sync token so far is answered with 410 from now on."""
        with self.lock:
            self._sync.clear()

    # -- who there is -----------------------------------------------------------------------------------------------

    def add_account(self, email: str, name: str = "", *, time_zone: str = "Europe/Berlin", **more: Any) -> Account:
        """Somebody with a primary calendar; ``more`` is for :meth:`add_calendar`."""
        with self.lock:
            account = Account(str(100_000_000_000_000_000_000 + len(self.accounts)), email, name or email)
            self.accounts[email] = account
        self.add_calendar(email, email, id=email, time_zone=time_zone, primary=True, **more)
        return account

    def add_calendar(
        self,
        email: str,
        summary: str,
        *,
        id: str = "",
        time_zone: str = "Europe/Berlin",
        role: str = "owner",
        primary: bool = False,
        hidden: bool = False,
        name: str = "",
        conferences: tuple[str, ...] = ("hangoutsMeet",),
        push: bool = True,
    ) -> str:
        """One more calendar of an account; returns its id."""
        with self.lock:
            calendar_id = id or f"c_{len(self.calendars):026x}@group.calendar.google.com"
            self.calendars[calendar_id] = Calendar(
                calendar_id, summary, time_zone, email, self.now, self.tell, conferences, push
            )
            self.accounts[email].entries[calendar_id] = Entry(calendar_id, role, primary, hidden, name=name)
        return calendar_id

    def share(self, calendar: str, email: str, role: str) -> None:
        """Let another account see a calendar: ``freeBusyReader``, ``reader``, ``writer``, ``owner``."""
        with self.lock:
            self.accounts[email].entries[calendar] = Entry(calendar, role)

    def remove_calendar(self, calendar: str) -> None:
        """The calendar is deleted with all its events."""
        with self.lock:
            del self.calendars[calendar]
            for account in self.accounts.values():
                if calendar in account.entries:
                    account.entries[calendar].deleted = True

    # -- what people do by hand -------------------------------------------------------------------------------------

    def add_event(self, calendar: str, start: When, end: When, *, id: str = "", **fields: Any) -> str:
        """An event; returns its id.

        ``fields`` are those of the API, such as ``summary="…"`` or ``recurrence=["RRULE:FREQ=DAILY;COUNT=3"]``.
        """
        with self.lock:
            place = self.calendars[calendar]
            event_id = id or f"hand{place.version:08d}"
            event = {"id": event_id, "start": place.given(start), "end": place.given(end), **copy.deepcopy(fields)}
            return str(place.put(event)["id"])

    def move_event(self, calendar: str, event: str, start: When, end: When | None = None) -> None:
        """Move an event, a series, or one occurrence by its own id; without an end it stays as long as it was."""
        with self.lock:
            place = self.calendars[calendar]
            if end is None:
                first, last = place.times(place.found(event))
                if isinstance(start, dt.date) and not isinstance(start, dt.datetime):
                    end = start + dt.timedelta(days=round((last - first) / 86_400))
                else:
                    begins = start if isinstance(start, int) else int(start.timestamp())
                    end = begins + int(last - first)
            place.change(event, start=place.given(start), end=place.given(end))

    def change_event(self, calendar: str, event: str, **fields: Any) -> None:
        """Change any fields; they replace what was there."""
        with self.lock:
            self.calendars[calendar].change(event, **copy.deepcopy(fields))

    def delete_event(self, calendar: str, event: str) -> None:
        """Delete an event, a series, or one occurrence by its own id."""
        self.change_event(calendar, event, status="cancelled")

    def respond(self, calendar: str, event: str, email: str, answer: str) -> None:
        """Somebody answers: ``accepted``, ``declined``, ``tentative``.  Who wasn't listed is from now on."""
        with self.lock:
            attendees = copy.deepcopy(self.event(calendar, event).get("attendees", []))
            for one in attendees:
                if one["email"].lower() == email.lower():
                    one["responseStatus"] = answer
                    break
            else:
                attendees.append({"email": email, "responseStatus": answer})
            self.change_event(calendar, event, attendees=attendees)

    def decline_event(self, calendar: str, event: str) -> None:
        """The calendar's owner declines."""
        self.respond(calendar, event, calendar, "declined")

    # -- looking ----------------------------------------------------------------------------------------------------

    def event(self, calendar: str, event: str) -> Event:
        """An event as it is now, deleted or not.  Raises ``Refused`` when there never was one."""
        with self.lock:
            return copy.deepcopy(self.calendars[calendar].found(event))

    def events(self, calendar: str) -> list[Event]:
        """Every event that isn't deleted; series as such."""
        with self.lock:
            kept = self.calendars[calendar].events.values()
            return [copy.deepcopy(event) for event in kept if event["status"] != "cancelled"]

    def times(self, calendar: str, event: str) -> tuple[int, int]:
        """Epoch seconds of start and end."""
        with self.lock:
            place = self.calendars[calendar]
            starts, ends = place.times(place.found(event))
            return int(starts), int(ends)
