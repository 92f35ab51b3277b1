"""A stand-in for Microsoft: signing in, Graph's calendars and events, deltas and subscriptions.

    with served(FakeMicrosoft()) as fake:
        ann = fake.add_mailbox("ann@example.com")
        event = ann.add_event("Dentist", start, end)
        token = fake.token_for(ann)

The addresses to configure are ``fake.authority_url`` and ``fake.api_url``.  What owners do in Outlook is in
:class:`~tests.fakes.microsoft_mailbox.Mailbox`, signing in in ``microsoft_oauth``, notifications in ``microsoft_push``.
Where what the real service does isn't known for certain, an attribute switches between the possibilities.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import threading
import time
from typing import Any
from urllib.parse import urlencode

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from .base import served
from .microsoft_errors import Refused, answered, not_found
from .microsoft_mailbox import Change, Item, Mailbox, Repeat
from .microsoft_shapes import Wanted, bare, property_filter, shown, shown_id, wanted
from .microsoft_writes import Writes

__all__ = ["FakeMicrosoft", "Mailbox", "Repeat", "served"]

_EVERYDAY = {"Calendars.ReadWrite"}
_SCOPES = {"graph_me": {"User.Read"}, "graph_settings": {"MailboxSettings.Read", "MailboxSettings.ReadWrite"}}
_LONGEST_VIEW = 1825 * 86_400


class FakeMicrosoft(Writes):
    """See this module's text."""

    urls = Map(
        [
            Rule("/<tenant>/oauth2/v2.0/authorize", endpoint="authorize", methods=["GET"]),
            Rule("/<tenant>/oauth2/v2.0/token", endpoint="token", methods=["POST"]),
            Rule("/v1.0/me", endpoint="graph_me", methods=["GET"]),
            Rule("/v1.0/me/mailboxSettings", endpoint="graph_settings", methods=["GET"]),
            Rule("/v1.0/me/calendars", endpoint="graph_calendars", methods=["GET"]),
            Rule("/v1.0/me/calendarView", endpoint="graph_view", methods=["GET"]),
            Rule("/v1.0/me/calendarView/delta", endpoint="graph_delta", methods=["GET"]),
            Rule("/v1.0/me/calendars/<calendar>/calendarView", endpoint="graph_view", methods=["GET"]),
            Rule("/v1.0/me/calendars/<calendar>/calendarView/delta", endpoint="graph_delta", methods=["GET"]),
            Rule("/v1.0/me/events", endpoint="graph_events", methods=["GET", "POST"]),
            Rule("/v1.0/me/calendars/<calendar>/events", endpoint="graph_events", methods=["GET", "POST"]),
            Rule("/v1.0/me/events/<event>", endpoint="graph_event", methods=["GET", "PATCH", "DELETE"]),
            Rule("/v1.0/me/events/<event>/cancel", endpoint="graph_cancel", methods=["POST"]),
            Rule("/v1.0/subscriptions", endpoint="graph_subscriptions", methods=["GET", "POST"]),
            Rule(
                "/v1.0/subscriptions/<subscription>", endpoint="graph_subscription", methods=["GET", "PATCH", "DELETE"]
            ),
            Rule("/v1.0/subscriptions/<subscription>/reauthorize", endpoint="graph_reauthorize", methods=["POST"]),
        ]
    )

    def __init__(self) -> None:
        super().__init__()
        self.skew = 0.0
        """Seconds by which this service's clock is ahead."""
        self.limit = 4
        """Requests at a time for one mailbox."""
        self.wait = "10"
        """``Retry-After`` of the refusal of the fifth; empty leaves it out."""
        self.gate: threading.Event | None = None
        """Requests wait for this (ten seconds at most) before they are carried out."""
        self.page_size = 1000
        """No page is longer, whatever is asked for."""
        self.lags = 0
        """So many of the next searches find nothing yet."""
        self.empty_pages = 0
        """So many of the next lists begin with an empty page."""
        self.delta_refused: tuple[int, str] | None = None
        """How a delta of a calendar that isn't named as the default one is refused: it is promised for that only."""
        self.state_lost = (410, "SyncStateNotFound")
        """How a delta is refused whose state :meth:`forget_state` forgot."""
        self.omits_deleted_occurrences = False
        """Whether a delta leaves out deleted occurrences."""
        self.replays = False
        """Whether a delta tells of everything twice."""

    @property
    def authority_url(self) -> str:
        return self.url

    @property
    def api_url(self) -> str:
        return f"{self.url}/v1.0"

    def config(self) -> dict[str, str]:
        """What an app has to be configured with to find the stand-in in Microsoft's place."""
        return {
            "BOOKING_MICROSOFT_CLIENT_ID": self.client_id,
            "BOOKING_MICROSOFT_CLIENT_SECRET": self.client_secret,
            "BOOKING_MICROSOFT_AUTHORITY_URL": self.authority_url,
            "BOOKING_MICROSOFT_API_URL": self.api_url,
        }

    def now(self) -> float:
        return time.time() + self.skew

    def add_mailbox(self, mail: str, **more: Any) -> Mailbox:
        """An account; ``personal=True``, ``zone="Asia/Tokyo"``."""
        mailbox = self.mailboxes[mail] = Mailbox(mail, **more)
        mailbox.lock = self.lock
        mailbox.changed = lambda change: self.notice(mailbox, change)
        return mailbox

    def forget_state(self) -> None:
        """Lose what is behind all delta links that were given so far."""
        with self.lock:
            for mailbox in self.mailboxes.values():
                mailbox.generation += 1

    # -- who asks ---------------------------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Response:
        try:
            endpoint, values = self.urls.bind_to_environ(request.environ).match()
            if not endpoint.startswith("graph_"):
                answer: Response = getattr(self, endpoint)(request, **values)
                return answer
            mailbox = self._mailbox(request, endpoint)
            with self.lock:
                if mailbox.running >= self.limit:
                    text = "Application is over its MailboxConcurrency limit."
                    raise Refused(429, "ApplicationThrottled", text, wait=self.wait)
                mailbox.running += 1
            try:
                if self.gate is not None:
                    self.gate.wait(10)
                answer = getattr(self, endpoint)(request, mailbox=mailbox, **values)
                return answer
            finally:
                with self.lock:
                    mailbox.running -= 1
        except Refused as refused:
            return refused.response()
        except HTTPException as error:
            return Refused(error.code or 500, "BadRequest", error.name).response()

    def _mailbox(self, request: Request, endpoint: str) -> Mailbox:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        with self.lock:
            grant, expires = self.access_tokens.get(token, (None, 0.0))
        if kind != "Bearer" or grant is None or expires <= self.now():
            raise Refused(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
        if not _SCOPES.get(endpoint, _EVERYDAY) & set(grant.scopes):
            raise Refused(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        if grant.mailbox.on_premises and endpoint != "graph_me":
            text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
            raise Refused(404, "MailboxNotEnabledForRESTAPI", text)
        return grant.mailbox

    # -- the account ------------------------------------------------------------------------------------------------

    def graph_me(self, request: Request, mailbox: Mailbox) -> Response:
        mail = None if mailbox.personal else mailbox.mail
        names = {"id": mailbox.id, "displayName": mailbox.name, "mail": mail, "userPrincipalName": mailbox.mail}
        return answered(_selected(names, request))

    def graph_settings(self, request: Request, mailbox: Mailbox) -> Response:
        return answered(_selected({"timeZone": Item("", "", zone=mailbox.zone).shown_zone}, request))

    def graph_calendars(self, request: Request, mailbox: Mailbox) -> Response:
        teams = [] if mailbox.personal else ["teamsForBusiness"]
        listed = [
            {
                "id": each.id,
                "name": each.name,
                "color": "auto",
                "hexColor": each.colour,
                "isDefaultCalendar": each.default,
                "canEdit": each.can_edit,
                "canShare": each.default,
                "allowedOnlineMeetingProviders": teams,
                "defaultOnlineMeetingProvider": "teamsForBusiness" if teams else "unknown",
                "owner": {"name": mailbox.name, "address": mailbox.mail},
            }
            for each in mailbox.calendars.values()
        ]
        size = int(request.args.get("$top", 10))
        return self._page(request, [_selected(each, request) for each in listed], Wanted(page=size))

    # -- what is in calendars ---------------------------------------------------------------------------------------

    def graph_view(self, request: Request, mailbox: Mailbox, calendar: str = "") -> Response:
        how = wanted(request, {"startDateTime", "endDateTime", "$select", "$expand", "$top", "$skip", "$orderby"})
        with self.lock:
            found = mailbox.occurrences(*_window(request), self._calendar(mailbox, calendar))
            return self._page(request, found, how, mailbox)

    def graph_events(self, request: Request, mailbox: Mailbox, calendar: str = "") -> Response:
        calendar = self._calendar(mailbox, calendar)
        if request.method == "POST":
            return self.create(request, mailbox, calendar)
        how = wanted(request, {"$select", "$expand", "$filter", "$top", "$skip", "$orderby"})
        with self.lock:
            found = mailbox.events(calendar)
            if "$filter" in request.args:
                name, value = property_filter(request.args["$filter"])
                self.lags, late = max(0, self.lags - 1), self.lags > 0
                found = [] if late else found
                found = [item for item in found if item.properties.get(name) == value]
            return self._page(request, found, how, mailbox)

    def graph_delta(self, request: Request, mailbox: Mailbox, calendar: str = "") -> Response:
        how = wanted(request, {"startDateTime", "endDateTime", "$deltatoken", "$skiptoken"})
        if calendar and self.delta_refused:
            raise Refused(*self.delta_refused)
        with self.lock:
            state = self._state(request, mailbox, self._calendar(mailbox, calendar))
            told = self._told(mailbox, state)
            size, offset = min(how.page, self.page_size), state["n"]
            page, later = told[offset : offset + size], offset + size < len(told)
            if self.empty_pages and "$skiptoken" not in request.args:
                self.empty_pages, page, later, size = self.empty_pages - 1, [], True, 0
            follows = {"$skiptoken": state | {"n": offset + size}} if later else {"$deltatoken": state | {"n": 0}}
            link = {name: base64.urlsafe_b64encode(json.dumps(value).encode()) for name, value in follows.items()}
            name = "@odata.nextLink" if later else "@odata.deltaLink"
            return answered(
                {
                    "value": [self._entry(each, mailbox, how) for each in page],
                    name: f"{self.url}{request.path}?{urlencode(link)}",
                }
            )

    def _state(self, request: Request, mailbox: Mailbox, calendar: str) -> dict[str, Any]:
        token = request.args.get("$deltatoken") or request.args.get("$skiptoken")
        if not token:
            start, end = _window(request)
            upto, generation = len(mailbox.log), mailbox.generation
            return {"c": calendar, "s": start, "e": end, "since": None, "upto": upto, "n": 0, "g": generation}
        state: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token))
        if state["g"] != mailbox.generation:
            raise Refused(*self.state_lost, "The sync state generation is not found; generation='0'.")
        if "$deltatoken" in request.args:
            state |= {"since": state["upto"], "upto": len(mailbox.log), "n": 0}
        return state

    def _told(self, mailbox: Mailbox, state: dict[str, Any]) -> list[Item | str]:
        """What there is to tell: events and occurrences, and the ids of deleted ones."""
        calendar, start, end = state["c"], state["s"], state["e"]
        if state["since"] is None:
            there = mailbox.occurrences(start, end, calendar)
            masters = {each.master: mailbox.items[each.master] for each in there if each.master}
            return [*masters.values(), *there]
        last: dict[str, Change] = {}
        for change in mailbox.log[state["since"] : state["upto"]]:
            if change.calendar == calendar and any(low < end and high > start for low, high in change.spans):
                last[change.id] = change
        result: list[Item | str] = []
        for change in last.values():
            if change.kind == "deleted":
                if not (change.occurrence and self.omits_deleted_occurrences):
                    result.append(change.id)
                continue
            item = mailbox.find(change.id)
            result.append(item)
            if item.repeat:
                result += [each for each in mailbox.expand(item) if each.start < end and each.end > start]
        return result * 2 if self.replays else result

    def _entry(self, told: Item | str, mailbox: Mailbox, how: Wanted) -> dict[str, Any]:
        kind = {"@odata.type": "#microsoft.graph.event"}
        if isinstance(told, str):
            return {**kind, "id": shown_id(told, how), "@removed": {"reason": "deleted"}}
        if told.type == "occurrence":
            return bare(told, mailbox, how)
        return {**kind, **shown(told, mailbox, how)}

    def _page(self, request: Request, found: list[Any], how: Wanted, mailbox: Mailbox | None = None) -> Response:
        skip, size = int(request.args.get("$skip", 0)), min(how.page, self.page_size)
        if self.empty_pages and "$skip" not in request.args:
            self.empty_pages, size = self.empty_pages - 1, 0
        page = found[skip : skip + size]
        if mailbox is not None:
            flags = {"echo": self.echoes_zone, "shifted": self.shifts_days}
            page = [shown(item, mailbox, how, **flags) for item in page]
        body: dict[str, Any] = {"@odata.context": f"{self.api_url}/$metadata", "value": page}
        if skip + size < len(found) or size == 0:
            query = urlencode({**request.args.to_dict(), "$skip": skip + size})
            body["@odata.nextLink"] = f"{self.url}{request.path}?{query}"
        answer = answered(body)
        answer.headers["Preference-Applied"] = how.applied
        return answer

    @staticmethod
    def _calendar(mailbox: Mailbox, calendar: str) -> str:
        if calendar and calendar not in mailbox.calendars:
            raise not_found()
        return calendar or mailbox.default.id


def _window(request: Request) -> tuple[int, int]:
    """The window that is asked for: times without an offset are UTC."""
    try:
        start, end = (dt.datetime.fromisoformat(request.args[name]) for name in ("startDateTime", "endDateTime"))
    except (KeyError, ValueError):
        raise Refused(400, "ErrorInvalidParameter", "This request requires a time window.") from None
    low, high = (int((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp()) for at in (start, end))
    if high <= low or high - low > _LONGEST_VIEW:
        raise Refused(400, "ErrorInvalidRequest", "The requested time duration is wrong.")
    return low, high


def _selected(found: dict[str, Any], request: Request) -> dict[str, Any]:
    names = [name for name in request.args.get("$select", "").split(",") if name]
    return {name: value for name, value in found.items() if not names or name in names or name == "id"}
