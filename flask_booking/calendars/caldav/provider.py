"""Calendars on CalDAV servers: Nextcloud, iCloud, Fastmail, Radicale, Xandikos and many more (RFC 4791).

An event is a resource with an address and an etag.  Each write says what it expects to find (``If-None-Match: *``,
``If-Match``), so that nothing of the host's is overwritten, and a repeated try finds what the first one made.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import hashlib
import re
import typing as t
import urllib.parse

from flask import current_app

from ...connections.access import Access
from ...connections.password import PasswordAccess
from ...connections.problems import Gone, LeadsElsewhere, NotAllowed, ProviderProblem, Unreadable
from ..ics.components import plain, scan
from ..ics.occurrences import is_cancelled, own_answer, times_of
from ..ics.times import known_name
from ..provider import (
    Account,
    Changes,
    EventDraft,
    Guest,
    RemoteCalendar,
    Sign,
    Watch,
    WatchRequest,
    Window,
    Written,
)
from .changes import changes
from .client import Client, Principal, understood
from .dav import APPLE, C, D, Response, path_of
from .event import NotOurs, People, ours
from .write import Writing

_LISTED = (
    f"{D}resourcetype",
    f"{D}displayname",
    f"{D}current-user-privilege-set",
    f"{C}supported-calendar-component-set",
    f"{C}calendar-timezone",
    f"{C}calendar-timezone-id",
    f"{APPLE}calendar-color",
)
_READS = tuple(f"{D}{name}" for name in ("read", "all"))
_WRITES = tuple(f"{D}{name}" for name in ("write", "write-content", "bind", "all"))


class CalDAV:
    """The provider; see :class:`~.provider.CalendarProvider`."""

    name = "caldav"
    label = "CalDAV"
    sign = Sign.PASSWORD
    can_write = True
    can_watch = False

    def open(self, secret: c.Mapping[str, t.Any], settings: c.Mapping[str, t.Any], account: str) -> Access:
        """See :class:`~.provider.OwnAccess`."""
        private = bool(current_app.config["BOOKING_PRIVATE_ADDRESSES"])
        username, password = str(secret["username"]), str(secret["password"])
        return PasswordAccess(username, password, settings=settings, account=account, private=private)

    def account(self, access: Access) -> Account:
        """The account's address at the server, and its owner's mail address or name."""
        found = Client(access).principal()
        id = found.url if len(found.url) <= 255 else hashlib.sha256(found.url.encode()).hexdigest()
        return Account(id, (found.addresses[0] if found.addresses else access.account)[:254])

    # -- calendars --------------------------------------------------------------------------------------------------

    def calendars(self, access: Access) -> list[RemoteCalendar]:
        """Collections that keep events and that may be read."""
        client = Client(access)
        principal = client.principal()
        default = self._default(client, principal)
        found: dict[str, RemoteCalendar] = {}
        problem: ProviderProblem | None = None
        for home in principal.homes:
            try:
                where, listing = client.properties(home, *_LISTED, depth=1)
            except (Gone, NotAllowed, Unreadable, LeadsElsewhere) as error:
                problem = error
                continue
            for one in listing.responses:
                if _keeps_events(one):
                    url = urllib.parse.urljoin(where, one.path)
                    found.setdefault(url, _remote(url, one, primary=one.path == default))
        if problem and not found:
            raise problem
        if not default:
            # Nobody says which one apps use by themselves: the first that can be written to.
            first = next((url for url, one in found.items() if one.writable), None)
            return [dataclasses.replace(one, primary=url == first) for url, one in found.items()]
        return list(found.values())

    def _default(self, client: Client, principal: Principal) -> str:
        if not principal.inbox:
            return ""
        try:
            _, found = client.own_properties(principal.inbox, f"{C}schedule-default-calendar-URL")
        except (Gone, NotAllowed, Unreadable):
            return ""
        hrefs = found.hrefs(f"{C}schedule-default-calendar-URL")
        return path_of(hrefs[0]) if hrefs else ""

    def changes(self, access: Access, calendar: RemoteCalendar, cursor: str, window: Window) -> Changes:
        """See :mod:`.changes`.

        A ``window`` that ends more than a day later than the one a cursor was made for has to be read anew: series
        were expanded only so far.
        """
        return changes(Client(access), calendar, cursor, window)

    # -- events -----------------------------------------------------------------------------------------------------

    def write(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> Written:
        """Make or change the event.

        With ``draft.invite`` raises :class:`~..connections.problems.NotAllowed` where the server invites nobody, or
        doesn't say by which address its owner goes.
        """
        client = Client(access)
        people = self._people(client, access, calendar, draft)
        return Writing(client, calendar, draft, people).write(known)

    def remove(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> None:
        """Remove the event.  The server tells the guests whom it has invited."""
        Writing(Client(access), calendar, draft, None).remove(known)

    def look(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written) -> Written | None:
        """The event at its address; one that isn't there, was called off or replaced is the proof."""
        found = Client(access).get(urllib.parse.urljoin(calendar.id, known.id))
        if found is None:
            return None
        text = scan(found.text)
        try:
            event = ours(text, draft.uid)
        except NotOurs:
            return None
        if is_cancelled(event):
            return None
        starts, ends = times_of(text, event, calendar.time_zone)
        own = frozenset({access.account.strip().lower()})
        declined = own_answer(event, own) == "DECLINED"
        return Written(known.id, found.etag, draft.uid, starts, ends, declined=declined)

    def can_invite(self, access: Access, calendar: RemoteCalendar) -> bool:
        """Whether the server itself mails invitations to the guests of events here (RFC 6638 §2)."""
        client = Client(access)
        return self._schedules(client, calendar) and bool(client.addresses(calendar.id))

    def _schedules(self, client: Client, calendar: RemoteCalendar) -> bool:
        answer = understood(client.ask("OPTIONS", calendar.id))
        return "calendar-auto-schedule" in re.split(r"[\s,]+", answer.headers.get("DAV", "").lower())

    def _people(self, client: Client, access: Access, calendar: RemoteCalendar, draft: EventDraft) -> People | None:
        if not draft.invite:
            return People(draft.organizer, draft.guests) if draft.organizer and draft.guests else None
        addresses = client.addresses(calendar.id)
        if not addresses or not self._schedules(client, calendar):
            raise NotAllowed("the server invites nobody")
        name = draft.organizer.name if draft.organizer else ""
        return People(Guest(name, addresses[0]), draft.guests, invite=True)

    def watch(self, access: Access, calendar: RemoteCalendar, request: WatchRequest) -> Watch:
        """Servers tell nobody."""
        raise NotAllowed("no notifications")

    def unwatch(self, access: Access, watch: Watch) -> None:
        """There is nothing to end."""


def _keeps_events(one: Response) -> bool:
    if one.status >= 400 or not one.has(f"{D}resourcetype", f"{C}calendar"):
        return False
    if any(one.has(f"{D}resourcetype", f"{C}{name}") for name in ("schedule-inbox", "schedule-outbox")):
        return False
    kinds = one.props.get(f"{C}supported-calendar-component-set")
    if kinds is not None and len(kinds) and all(kind.get("name", "").upper() != "VEVENT" for kind in kinds):
        return False
    return _may(one, _READS)


def _may(one: Response, privileges: tuple[str, ...]) -> bool:
    """Whether one of these is granted (RFC 3744 §5.4); servers that don't say find out when it is tried."""
    name = f"{D}current-user-privilege-set"
    return name not in one.props or any(one.has(name, privilege) for privilege in privileges)


def _remote(url: str, one: Response, *, primary: bool) -> RemoteCalendar:
    colour = one.text(f"{APPLE}calendar-color")[:7].lower()
    return RemoteCalendar(
        id=url,
        name=plain(one.text(f"{D}displayname")) or urllib.parse.unquote(url.rstrip("/").rpartition("/")[2])[:200],
        time_zone=_time_zone(one),
        colour=colour if re.fullmatch(r"#[0-9a-f]{6}", colour) else "",
        writable=_may(one, _WRITES),
        primary=primary,
    )


def _time_zone(one: Response) -> str:
    """The IANA name of the zone that the calendar says it is in (RFC 4791 §5.2.2, RFC 7809 §5.2)."""
    if found := known_name(one.text(f"{C}calendar-timezone-id")):
        return found
    zones = scan(one.text(f"{C}calendar-timezone")[:100_000])
    return next(
        (name for tzid in zones.zones for name in (known_name(tzid), known_name(zones.locations[tzid])) if name), ""
    )
