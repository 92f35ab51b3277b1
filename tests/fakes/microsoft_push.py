"""Subscriptions of the stand-in for Microsoft: the handshake before each, and what is told of changes."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import requests
from werkzeug.wrappers import Request, Response

from .microsoft_errors import Refused, answered
from .microsoft_mailbox import Change, Mailbox
from .microsoft_oauth import OAuth
from .microsoft_schema import wrong

LONGEST = 10_080 * 60


@dataclass(frozen=True)
class Subscription:
    id: str
    mailbox: Mailbox
    resource: str
    change_type: str
    url: str
    lifecycle_url: str
    state: str | None
    expires: float

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "resource": self.resource,
            "changeType": self.change_type,
            "clientState": self.state,
            "notificationUrl": self.url,
            "lifecycleNotificationUrl": self.lifecycle_url or None,
            "expirationDateTime": dt.datetime.fromtimestamp(self.expires, dt.UTC).isoformat().replace("+00:00", "Z"),
        }


class Push(OAuth):
    """The part of the stand-in that tells of changes: when :meth:`deliver` is called, or by a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions: dict[str, Subscription] = {}
        self.pending: list[tuple[Subscription, dict[str, Any]]] = []
        self.loses = 0
        """So many of the next notifications are never sent."""
        self.doubles = 0
        """So many of the next ones are sent twice."""
        self.rings = threading.Event()

    # -- what tests do --------------------------------------------------------------------------------------------

    def deliver(self) -> list[int]:
        """Send what there is to tell, in one POST for each address; returns the statuses of the answers."""
        with self.lock:
            told, self.pending = self.pending, []
            batches: dict[str, list[dict[str, Any]]] = {}
            for subscription, value in told:
                if self.loses:
                    self.loses -= 1
                    continue
                twice = 2 if self.doubles else 1
                self.doubles = max(0, self.doubles - 1)
                url = subscription.lifecycle_url if "lifecycleEvent" in value else subscription.url
                batches.setdefault(url, []).extend([value] * twice)
        return [self.post(url, {"value": values}) for url, values in batches.items()]

    @contextmanager
    def delivering(self) -> Iterator[None]:
        """While the block lasts, changes are told of at once, by a thread."""
        over = threading.Event()

        def work() -> None:
            while not over.is_set():
                self.rings.wait(10)
                self.rings.clear()
                self.deliver()

        thread = threading.Thread(target=work, name="notifications", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            self.rings.set()
            thread.join(30)

    def lifecycle(self, kind: str, subscription: str) -> None:
        """Have something befall a subscription: ``reauthorizationRequired``, ``subscriptionRemoved``, ``missed``."""
        with self.lock:
            found = self.subscriptions[subscription]
            if kind == "subscriptionRemoved":
                del self.subscriptions[subscription]
            self._tell(found, {"lifecycleEvent": kind})

    @staticmethod
    def post(url: str, body: Any) -> int:
        """Send something to an address as if it were a notification; returns the answer's status, 0 without one."""
        try:
            return requests.post(url, json=body, timeout=10).status_code
        except requests.RequestException:
            return 0

    # -- what changes bring about -----------------------------------------------------------------------------------

    def notice(self, mailbox: Mailbox, change: Change) -> None:
        """Put a change into the queue of whoever watches the calendar."""
        with self.lock:
            for each in self.subscriptions.values():
                calendar = mailbox.default.id if each.resource == "me/events" else each.resource.split("/")[2]
                live = each.expires > self.now() and change.kind in each.change_type.split(",")
                if each.mailbox is mailbox and calendar == change.calendar and live:
                    where = f"Users/{mailbox.id}/Events/{change.id}"
                    data = {"@odata.type": "#Microsoft.Graph.Event", "@odata.id": where, "id": change.id}
                    self._tell(each, {"changeType": change.kind, "resource": where, "resourceData": data})

    def _tell(self, subscription: Subscription, value: dict[str, Any]) -> None:
        told = {
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": subscription.shown()["expirationDateTime"],
            "clientState": subscription.state,
            "tenantId": str(uuid.UUID(int=0)),
            **value,
        }
        self.pending.append((subscription, told))
        self.rings.set()

    # -- the endpoints --------------------------------------------------------------------------------------------

    def graph_subscriptions(self, request: Request, mailbox: Mailbox) -> Response:
        if request.method == "GET":
            with self.lock:
                shown = [each.shown() for each in self._live() if each.mailbox is mailbox]
            return answered({"value": shown})
        asked = json.loads(request.get_data() or b"null")
        if (problem := wrong(asked, "subscription")) or not isinstance(asked, dict):
            raise Refused(400, "BadRequest", problem)
        if not {"changeType", "notificationUrl", "resource", "expirationDateTime"} <= set(asked):
            raise Refused(400, "ValidationError", "A required property is missing.")
        if len(asked.get("clientState") or "") > 128:
            raise Refused(400, "ValidationError", "clientState is longer than 128 characters.")
        expires = self._expires(asked["expirationDateTime"])
        with self.lock:
            self._refuse_second(mailbox, asked)
        # While this waits for an answer, the request for the subscription waits too.
        for url in filter(None, (asked["notificationUrl"], asked.get("lifecycleNotificationUrl"))):
            self._shake_hands(url)
        with self.lock:
            self._refuse_second(mailbox, asked)
            made = Subscription(
                id=str(uuid.uuid4()),
                mailbox=mailbox,
                resource=asked["resource"].strip("/"),
                change_type=asked["changeType"],
                url=asked["notificationUrl"],
                lifecycle_url=asked.get("lifecycleNotificationUrl") or "",
                state=asked.get("clientState"),
                expires=expires,
            )
            self.subscriptions[made.id] = made
        return answered(made.shown(), 201)

    def graph_subscription(self, request: Request, mailbox: Mailbox, subscription: str) -> Response:
        with self.lock:
            found = self.subscriptions.get(subscription)
            if found is None or found.mailbox is not mailbox:
                raise Refused(404, "ResourceNotFound", "The object was not found.")
            if request.method == "DELETE":
                del self.subscriptions[subscription]
                return Response(status=204)
            if request.method == "PATCH":
                asked = json.loads(request.get_data())
                if set(asked) - {"expirationDateTime", "notificationUrl"}:
                    raise Refused(400, "BadRequest", "This property can't be changed.")
                found = replace(found, expires=self._expires(asked["expirationDateTime"]))
                self.subscriptions[subscription] = found
            return answered(found.shown())

    def graph_reauthorize(self, request: Request, mailbox: Mailbox, subscription: str) -> Response:
        return Response(status=204)

    def _live(self) -> list[Subscription]:
        return [each for each in self.subscriptions.values() if each.expires > self.now()]

    def _refuse_second(self, mailbox: Mailbox, asked: dict[str, Any]) -> None:
        for each in self._live():
            same = (each.resource, each.change_type) == (asked["resource"].strip("/"), asked["changeType"])
            if each.mailbox is mailbox and same:
                text = f"Subscription Id {each.id} already exists for the requested combination"
                raise Refused(409, "ObjectIdentifierInUse", text)

    def _expires(self, asked: str) -> float:
        expires = dt.datetime.fromisoformat(asked).timestamp()
        if expires > self.now() + LONGEST:
            text = "Reason: Subscription expiration can only be 10080 minutes in the future."
            raise Refused(400, "ExtensionError", f"Operation: Create; Exception: [Status Code: BadRequest; {text}]")
        if expires < self.now():
            raise Refused(400, "ValidationError", "Subscription expiration is in the past.")
        return max(expires, self.now() + 45 * 60)

    def _shake_hands(self, url: str) -> None:
        token, text = f"Validation: Testing client application {secrets.token_hex(8)} +/=", ""
        begun = time.monotonic()
        try:
            answer = requests.post(url, params={"validationToken": token}, data=b"", timeout=10, allow_redirects=False)
            plain = answer.headers.get("Content-Type", "").partition(";")[0].strip() == "text/plain"
            if answer.status_code != 200 or not plain or time.monotonic() - begun > 10:
                text = "Notification endpoint must respond with 200 OK to validation request."
            elif answer.text != token:
                text = "Response must exactly match validationToken query parameter."
        except requests.RequestException:
            text = "The request timed out."
        if text:
            raise Refused(400, "ValidationError", f"Subscription validation request failed. {text}")
