"""Having Microsoft Graph tell of changes, and understanding what it tells.

https://learn.microsoft.com/graph/change-notifications-delivery-webhooks.  Before Graph promises anything it calls the
address that it shall call: ``POST <address>?validationToken=…`` has to be answered within ten seconds by 200 and
``text/plain`` with the token, decoded, and nothing else.  The request that asks for the promise waits for that, so it
must not come from the only worker there is.  Notifications have to be answered within three seconds, best by 202: slow
ears are told later and later, and then nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import time
import typing as t

from ...connections.problems import Changed, Unreadable
from ..provider import Watch, WatchRequest
from .graph import Graph

LONGEST = 10_080 * 60
"""Seconds that Graph watches a calendar for at most: seven days."""
_MARGIN = 300  # clocks differ
_CHANGES = "created,updated,deleted"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
ENDING = ("reauthorizationRequired", "subscriptionRemoved")
"""What a subscription doesn't survive, unless something is done."""
_LIFECYCLE = (*ENDING, "missed")


class Notification(t.NamedTuple):
    """What Graph tells: that something changed (``change``), or one of what may befall a subscription.

    ``reauthorizationRequired``: make a new one soon.  ``subscriptionRemoved``: make a new one, and read everything.
    ``missed``: read everything.  ``client_state`` is the token we gave; who doesn't know it is somebody else.
    """

    subscription_id: str
    client_state: str
    kind: str


def read_notifications(body: bytes) -> list[Notification]:
    """What is told in a request's body, possibly of several subscriptions and several times; nothing when it isn't a
    notification.

    A request with ``?validationToken=`` is none: see this module's text for what it has to be answered with.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return []
    told = found.get("value") if isinstance(found, dict) else None
    result = []
    for each in told if isinstance(told, list) else []:
        subscription = each.get("subscriptionId") if isinstance(each, dict) else None
        if not isinstance(subscription, str) or not subscription:
            continue
        state, lifecycle = each.get("clientState"), each.get("lifecycleEvent")
        if lifecycle is not None and lifecycle not in _LIFECYCLE:
            continue
        result.append(Notification(subscription, state if isinstance(state, str) else "", lifecycle or "change"))
    return result


class Subscriptions:
    """Graph's promises to one account."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def begin(self, resource: str, request: WatchRequest) -> Watch:
        """Have changes of ``resource`` told to us.

        Graph keeps one subscription for a resource.  The one in the way is ended, not renewed: it would go on
        repeating a token that is no longer ours.
        """
        expires = min(request.expires, int(time.time()) + LONGEST - _MARGIN)
        asked = {
            "changeType": _CHANGES,
            "notificationUrl": request.address,
            # Has to be given now: it can't be added later.
            "lifecycleNotificationUrl": request.address,
            "resource": resource,
            "expirationDateTime": dt.datetime.fromtimestamp(expires, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "clientState": request.token,
        }
        answer = self._graph.ask("POST", "/subscriptions", json=asked)
        if answer.status == 409:
            for each in self._in_the_way(resource, str(answer.error.get("message", ""))):
                self.end(each)
            answer = self._graph.ask("POST", "/subscriptions", json=asked)
        made = answer.value()
        if not made.get("id"):
            raise Unreadable("a subscription without an id")
        return Watch(str(made["id"]), str(made.get("resource") or resource), _instant(made, expires))

    def end(self, subscription_id: str) -> None:
        """End one; one that has ended is as good."""
        answer = self._graph.ask("DELETE", f"/subscriptions/{subscription_id}")
        if answer.status not in (404, 410):
            answer.value()

    def _in_the_way(self, resource: str, message: str) -> list[str]:
        """The one that a refusal names; else all that have the resource."""
        named = _ID.findall(message)
        if named:
            return named[:1]
        listed = self._graph.all("/subscriptions")
        found = [str(each.get("id")) for each in listed if str(each.get("resource")).strip("/") == resource]
        if not found:
            raise Changed("409 but there is no subscription")
        return found


def _instant(made: t.Mapping[str, t.Any], asked: int) -> int:
    """When a subscription ends: Graph may have made it later or sooner than it was asked to."""
    try:
        return int(dt.datetime.fromisoformat(str(made.get("expirationDateTime"))).timestamp())
    except ValueError:
        return asked
