"""Outlook and Microsoft 365, by Microsoft Graph (v1.0).

What Graph says of changes can't be relied on: a delta carries occurrences without what they mean for their owner's
time, and may leave out a deleted one.  So a delta only says *that* something changed, and then everything in the window
is read again; and now and then everything has to be read without asking a delta, with an empty cursor.  After a
notification, too: what is told there may be what the delta leaves out.

Graph answers four requests at a time for one mailbox, and refuses the fifth: callers see to it.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as dt
import json
import re
import typing as t

from ...connections.access import Access, configured
from ...connections.problems import (
    Changed,
    CursorExpired,
    Gone,
    MissingScope,
    NeedsReconnect,
    NotAllowed,
    ProviderProblem,
    RateLimited,
    Unreachable,
    Unreadable,
)
from ...connections.service import OAuthService
from ..provider import (
    Account,
    Changes,
    EventDraft,
    Notice,
    RemoteCalendar,
    RemoteEvent,
    Resource,
    Sign,
    Watch,
    WatchRequest,
    Window,
    Written,
)
from ..windows_zones import iana_name
from . import events
from .graph import Answer, Graph, entries, within
from .push import ENDING, Subscriptions, read_notifications

__all__ = ["Microsoft", "read_notifications"]

DAY = events.DAY
TRIES = 4
"""So often an event that somebody else is changing is read and changed again."""


class Microsoft:
    """See :class:`.CalendarProvider` and :class:`.OAuthProvider`."""

    name = "microsoft"
    label = "Outlook / Microsoft 365"
    sign = Sign.OAUTH
    can_write = True
    can_watch = True

    def service(self, config: c.Mapping[str, t.Any]) -> OAuthService:
        """See :meth:`.OAuthProvider.service`.  A refresh gives a new refresh token and leaves the old one valid;
        there is no address to give tokens back."""
        authority = str(config["BOOKING_MICROSOFT_AUTHORITY_URL"]).rstrip("/")
        at = f"{authority}/{config['BOOKING_MICROSOFT_TENANT']}/oauth2/v2.0"
        return OAuthService(
            name=self.name,
            client_id=configured(config, "BOOKING_MICROSOFT_CLIENT_ID"),
            client_secret=configured(config, "BOOKING_MICROSOFT_CLIENT_SECRET"),
            authorize_url=f"{at}/authorize",
            token_url=f"{at}/token",
            scopes=("openid", "profile", "email", "offline_access", "User.Read", "Calendars.ReadWrite"),
            needed=frozenset({"Calendars.ReadWrite"}),
            # Who is signed in to Microsoft already may want to connect another account.
            authorize_params={"response_mode": "query", "prompt": "select_account"},
        )

    def account(self, access: Access) -> Account:
        """See :meth:`.CalendarProvider.account`."""
        me = Graph(access).ask("GET", "/me", {"$select": "id,mail,userPrincipalName"}).value()
        if not me.get("id"):
            raise Unreadable("an account without an id")
        return Account(str(me["id"]), str(me.get("mail") or me.get("userPrincipalName") or ""))

    def calendars(self, access: Access) -> list[RemoteCalendar]:
        """See :meth:`.CalendarProvider.calendars`.

        The time zone is the mailbox's, and empty where its settings may not be read: that takes the permission
        ``MailboxSettings.Read``.  All-day events are then read in the zone that each was made in; a caller who knows
        better says so in :attr:`.RemoteCalendar.time_zone`.
        """
        graph = Graph(access)
        fields = "id,name,canEdit,isDefaultCalendar,hexColor,allowedOnlineMeetingProviders"
        listed = list(graph.all("/me/calendars", {"$select": fields, "$top": "100"}))
        time_zone = self._time_zone(graph)
        return [_calendar(each, time_zone) for each in listed if each.get("id")]

    def changes(self, access: Access, calendar: RemoteCalendar, cursor: str, window: Window) -> Changes:
        """See :meth:`.CalendarProvider.changes`.  Complete, or without anything when nothing changed."""
        graph = Graph(access)
        if not cursor:
            # The delta first: what changes while the window is read is then told of the next time.
            link = self._begin(graph, calendar, window)
            return self._everything(graph, calendar, window, _cursor(link, window) if link else "")
        link, seen = _uncursor(cursor)
        if window.start < seen.start - DAY or window.end > seen.end + DAY or not graph.gave(link):
            raise CursorExpired("another window")
        link, changed = self._follow(graph, link)
        if not changed:
            return Changes((), cursor=_cursor(link, seen))
        return self._everything(graph, calendar, window, _cursor(link, seen))

    def write(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> Written:
        """See :meth:`.CalendarProvider.write`.  An account without Teams gets no link."""
        graph = Graph(access)
        if known is not None:
            return self._change(graph, calendar, draft, known.id)
        found = self._find(graph, calendar, draft)
        event = found[0] if found else self._create(graph, calendar, draft)
        if found or events.span(event) != (draft.starts, draft.ends):
            return self._change(graph, calendar, draft, str(event.get("id")))
        return events.written(event, calendar.time_zone)

    def remove(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> None:
        """See :meth:`.CalendarProvider.remove`.  Whoever is listed is told by Graph in any case."""
        graph = Graph(access)
        for each in [known.id] if known else [str(event["id"]) for event in self._find(graph, calendar, draft)]:
            if draft.invite:
                answer = graph.ask("POST", within("events", each, "cancel"), json={"comment": ""})
                if answer.status < 300:
                    continue
                # Only an organizer with guests can call a meeting off: anybody can delete it.
            answer = graph.ask("DELETE", within("events", each))
            if answer.status == 404 and isinstance(answer.problem(), Gone):
                continue
            if answer.status == 403 and self._current(graph, calendar, each) is None:
                continue
            answer.value()

    def look(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written) -> Written | None:
        """See :meth:`.CalendarProvider.look`."""
        event = self._current(Graph(access), calendar, known.id)
        return None if event is None else events.written(event, calendar.time_zone)

    def watch(self, access: Access, calendar: RemoteCalendar, request: WatchRequest) -> Watch:
        """See :meth:`.CalendarProvider.watch`: a new one takes the place of the one before it."""
        return Subscriptions(Graph(access)).begin(f"me/calendars/{calendar.id}/events", request)

    def unwatch(self, access: Access, watch: Watch) -> None:
        """See :meth:`.CalendarProvider.unwatch`."""
        Subscriptions(Graph(access)).end(watch.id)

    def heard(self, headers: c.Mapping[str, str], body: bytes) -> list[Notice]:
        """See :class:`.Listening`.  What is told of may be what a delta leaves out, so all is read again."""
        return [
            Notice(token=one.client_state, remote_id=one.subscription_id, whole=True, ended=one.kind in ENDING)
            for one in read_notifications(body)
        ]

    def greeting(self, query: c.Mapping[str, str]) -> str | None:
        """The token of the question whether anybody is there."""
        return query.get("validationToken")

    # -- reading ------------------------------------------------------------------------------------------------

    def _time_zone(self, graph: Graph) -> str:
        try:
            return iana_name(str(graph.ask("GET", "/me/mailboxSettings", {"$select": "timeZone"}).value()["timeZone"]))
        except (NotAllowed, MissingScope, Gone, KeyError):
            return ""

    def _everything(self, graph: Graph, calendar: RemoteCalendar, window: Window, cursor: str) -> Changes:
        # Graph takes all-day events for ones from midnight to midnight UTC when it looks what is in a window.
        asked = {**_between(window, DAY), **events.VIEW}
        # What changes between two pages may be on both.
        found: dict[str, dict[str, RemoteEvent]] = {}
        for each in graph.all(within("calendars", calendar.id, "calendarView"), asked):
            event = events.read(each, calendar.time_zone)
            if events.touches(event, window):
                found.setdefault(events.series(each), {})[event.id] = event
        resources = tuple(Resource(series, tuple(those.values())) for series, those in found.items())
        return Changes(resources, cursor=cursor, complete=True)

    def _begin(self, graph: Graph, calendar: RemoteCalendar, window: Window) -> str:
        """The link that will tell whether anything changed since now; empty where there is none to be had: for
        calendars other than the default one it isn't promised."""
        path = within("calendars", calendar.id, "calendarView", "delta")
        try:
            return self._follow(graph, path, _between(window, DAY))[0]
        except (RateLimited, NeedsReconnect):
            raise
        except Unreachable as problem:
            if problem.detail != "501":
                raise
            return ""
        except ProviderProblem:
            return ""

    def _follow(self, graph: Graph, path: str, params: c.Mapping[str, str] | None = None) -> tuple[str, bool]:
        """Where a delta ends, and whether there was anything on the way."""
        changed, link = False, ""
        try:
            for page in graph.pages(path, params):
                changed = changed or bool(entries(page))
                link = str(page.get("@odata.deltaLink") or "")
        except Gone as problem:
            raise CursorExpired(problem.detail) from None  # a 410; where a calendar is gone, reading it all says so
        if not link:
            raise CursorExpired("a delta without an end")
        return link, changed

    def _find(self, graph: Graph, calendar: RemoteCalendar, draft: EventDraft) -> list[events.Event]:
        """The events in a calendar that were made with a draft's key: one, or none."""
        asked = f"singleValueExtendedProperties/any(ep: ep/id eq '{events.KEY}' and ep/value eq '{draft.key}')"
        path = within("calendars", calendar.id, "events")
        found = graph.all(path, {"$filter": asked, **events.WHOLE})
        return [event for event in found if event.get("id") and not event.get("isCancelled")]

    def _current(self, graph: Graph, calendar: RemoteCalendar, event_id: str) -> events.Event | None:
        """An event as it is now; None when it was called off or is in no calendar.

        An id that doesn't change when an event is moved to another folder may still lead to it when that folder is
        the one of deleted things.  What counts is whether a calendar shows it.
        """
        answer = graph.ask("GET", within("events", event_id), events.WHOLE)
        if answer.status == 404 and isinstance(answer.problem(), Gone):
            return None
        event = answer.value()
        if event.get("isCancelled"):
            return None
        if self._shows(graph, calendar.id, event):
            return event
        others = [str(each.get("id")) for each in graph.all("/me/calendars", {"$select": "id", "$top": "100"})]
        return event if any(self._shows(graph, each, event) for each in others if each != calendar.id) else None

    def _shows(self, graph: Graph, calendar_id: str, event: events.Event) -> bool:
        starts, ends = events.span(event)
        asked = {**_between(Window(starts, max(ends, starts + 1)), DAY), "$select": "id,iCalUId"}
        try:
            for each in graph.all(within("calendars", calendar_id, "calendarView"), asked):
                if each.get("id") == event.get("id") or (each.get("iCalUId") or "-") == event.get("iCalUId"):
                    return True
        except (Gone, NotAllowed):
            pass
        return False

    # -- writing ------------------------------------------------------------------------------------------------

    def _create(self, graph: Graph, calendar: RemoteCalendar, draft: EventDraft) -> events.Event:
        """Make the event, once: a request that is repeated with the same ``transactionId`` makes no second one."""
        transaction, utc = draft.key, False
        for number in range(2, 2 + TRIES):
            path = within("calendars", calendar.id, "events")
            asked = events.made(draft, transaction=transaction, utc=utc)
            answer = graph.ask("POST", path, json=asked)
            if _unknown_zone(answer) and not utc:
                utc = True
            elif answer.status in (400, 403) and "isOnlineMeeting" in asked and not _duplicate(answer):
                draft = dataclasses.replace(draft, conference="")
            elif _duplicate(answer):
                event = self._earlier(graph, calendar, draft, answer)
                if event is not None:
                    return event
                transaction = f"{draft.key}-{number}"  # used up by an event that was deleted
            else:
                return answer.value()
        raise answer.problem()

    def _earlier(
        self, graph: Graph, calendar: RemoteCalendar, draft: EventDraft, refused: Answer
    ) -> events.Event | None:
        """The event that an earlier try made, when Graph says that there was one."""
        made = refused.error.get("@event.existingEventId")
        if made:
            return self._current(graph, calendar, str(made))
        found = self._find(graph, calendar, draft)
        return found[0] if found else None

    def _change(self, graph: Graph, calendar: RemoteCalendar, draft: EventDraft, event_id: str) -> Written:
        utc = False
        for _ in range(TRIES):
            event = self._current(graph, calendar, event_id)
            if event is None:
                raise Gone("the event was deleted")
            change = events.differences(event, draft, calendar, utc=utc)
            if not change:
                return events.written(event, calendar.time_zone)
            etag = str(event.get("@odata.etag") or "")
            answer = graph.ask("PATCH", within("events", event_id), json=change, etag=etag)
            if _unknown_zone(answer) and not utc:
                utc = True
            elif answer.status in (400, 403) and "isOnlineMeeting" in change:
                draft = dataclasses.replace(draft, conference="")
            elif answer.status != 412:
                event = answer.value()
                if events.span(event) == (draft.starts, draft.ends):
                    return events.written(event, calendar.time_zone)
                utc = True  # Microsoft's rules of that zone aren't ours: an instant can't be misunderstood
        raise Changed("somebody else changes it")


def _calendar(found: c.Mapping[str, t.Any], time_zone: str) -> RemoteCalendar:
    colour = str(found.get("hexColor") or "").lower()
    return RemoteCalendar(
        id=str(found["id"]),
        name=str(found.get("name") or ""),
        time_zone=time_zone,
        colour=colour if re.fullmatch(r"#[0-9a-f]{6}", colour) else "",
        writable=bool(found.get("canEdit")),
        primary=bool(found.get("isDefaultCalendar")),
        conferencing=("teams",) if events.TEAMS in (found.get("allowedOnlineMeetingProviders") or ()) else (),
    )


def _between(window: Window, margin: int) -> dict[str, str]:
    return {"startDateTime": _utc(window.start - margin), "endDateTime": _utc(window.end + margin)}


def _utc(instant: int) -> str:
    return dt.datetime.fromtimestamp(instant, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cursor(link: str, window: Window) -> str:
    """A delta tells of the window that it began with, whatever is asked for later: so that is kept with it."""
    return json.dumps({"link": link, "start": window.start, "end": window.end})


def _uncursor(cursor: str) -> tuple[str, Window]:
    try:
        found = json.loads(cursor)
        return str(found["link"]), Window(int(found["start"]), int(found["end"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise CursorExpired("not ours") from None


def _duplicate(answer: Answer) -> bool:
    """400 by most accounts, 409 by some."""
    return answer.code == "ErrorDuplicateTransactionId"


def _unknown_zone(answer: Answer) -> bool:
    return answer.status == 400 and "timezone" in answer.code.casefold()
