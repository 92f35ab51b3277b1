"""The practice calendar as a calendar app sees it: plain requests of CalDAV (RFC 4791), which know nothing of booking.

What is done here reaches booking in no other way than what is done in any calendar.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import requests
from defusedxml import ElementTree

from example_app.practice.account import Account
from example_app.practice.entries import BUSY, Entry, Moment, entries_in, moved, new_text, without

TITLE = "Work"
SECONDS = 10
NAME = re.compile(r"[^/\\.][^/\\]{0,250}")
CALDAV = "{urn:ietf:params:xml:ns:caldav}"


class NoAnswer(Exception):
    """The server can't be reached, or doesn't do what it should."""


class NotThere(Exception):
    """The entry was removed meanwhile."""


class ChangedMeanwhile(Exception):
    """Somebody else changed the entry at the same moment."""


@dataclass(frozen=True)
class PracticeCalendar:
    """The calendar of an account.

    Every method raises :class:`NoAnswer`; what works on one entry, also :class:`NotThere` and
    :class:`ChangedMeanwhile`.
    """

    account: Account

    def make(self) -> bool:
        """Make the calendar unless there is one; whether it was made."""
        self.ask("MKCOL", self.account.home, fine=(405,))  # it is there already
        answer = self.ask("MKCALENDAR", self.account.calendar, MAKE.format(title=escape(TITLE)), fine=(403, 405, 409))
        return answer.status_code == 201

    def entries(self, first: datetime, last: datetime) -> list[Entry]:
        """What takes place within ``[first, last)``, in the zone of these, the earliest first."""
        span = QUERY.format(first=f"{first.astimezone(UTC):{STAMP}}", last=f"{last.astimezone(UTC):{STAMP}}")
        answer = self.ask("REPORT", self.account.calendar, span, {"Depth": "1"})
        found: list[Entry] = []
        for one in ElementTree.fromstring(answer.content).iter("{DAV:}response"):
            href, text = one.findtext("{DAV:}href", ""), one.find(f".//{CALDAV}calendar-data")
            name = urllib.parse.unquote(href).rpartition("/")[2]
            if text is not None and text.text and NAME.fullmatch(name):
                found += entries_in(name, text.text, first, last)
        return sorted(found, key=lambda entry: (entry.starts, not entry.all_day, entry.ends, entry.title))

    def add(self, title: str, starts: Moment, ends: Moment, show: str = BUSY, weekly: bool = False) -> None:
        """Enter something new."""
        text = new_text(title, starts, ends, show, weekly)
        uid = text.partition("\nUID:")[2].partition("\r\n")[0]
        self.ask("PUT", f"{self.account.calendar}{uid}.ics", text, {**TEXT, "If-None-Match": "*"})

    def move(self, name: str, occurrence: str, day: date, hour: time | None, zone: ZoneInfo) -> None:
        """Put an entry, or the one occurrence of a series, on another day, at that hour on a clock in ``zone``."""
        text, etag = self.read(name)
        try:
            text = moved(text, occurrence, day, hour, zone)
        except ValueError:
            raise NotThere from None
        self.ask("PUT", self.address(name), text, {**TEXT, "If-Match": etag})

    def remove(self, name: str, occurrence: str) -> None:
        """Take an entry out, or the one occurrence of a series."""
        text, etag = self.read(name)
        if not occurrence:
            self.ask("DELETE", self.address(name), headers={"If-Match": etag})
            return
        try:
            text = without(text, occurrence)
        except ValueError:
            raise NotThere from None
        self.ask("PUT", self.address(name), text, {**TEXT, "If-Match": etag})

    def read(self, name: str) -> tuple[str, str]:
        """The text of an entry, and its etag."""
        answer = self.ask("GET", self.address(name))
        return answer.content.decode(), answer.headers["ETag"]

    def address(self, name: str) -> str:
        if not NAME.fullmatch(name):
            raise NotThere
        return self.account.calendar + urllib.parse.quote(name, safe="")

    def ask(
        self,
        method: str,
        url: str,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = (),
    ) -> requests.Response:
        """One request.  Its answer is a success, or one of those that are ``fine``."""
        with requests.Session() as session:
            session.trust_env = False  # no proxy stands between this machine and itself
            try:
                answer = session.request(
                    method,
                    url,
                    data=body.encode(),
                    headers=headers or XML,
                    auth=(self.account.user, self.account.password),
                    timeout=SECONDS,
                )
            except requests.RequestException as error:
                raise NoAnswer(type(error).__name__) from None
        if answer.ok or answer.status_code in fine:
            return answer
        if answer.status_code == 404:
            raise NotThere
        if answer.status_code == 412:
            raise ChangedMeanwhile
        raise NoAnswer(f"{method} {answer.status_code}")


STAMP = "%Y%m%dT%H%M%SZ"
XML = {"Content-Type": "application/xml; charset=utf-8"}
TEXT = {"Content-Type": "text/calendar; charset=utf-8"}
MAKE = (
    '<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:set><d:prop>'
    "<d:displayname>{title}</d:displayname>"
    '<c:supported-calendar-component-set><c:comp name="VEVENT"/></c:supported-calendar-component-set>'
    "</d:prop></d:set></c:mkcalendar>"
)
QUERY = (
    '<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
    "<d:prop><d:getetag/><c:calendar-data/></d:prop>"
    '<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">'
    '<c:time-range start="{first}" end="{last}"/>'
    "</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"
)
