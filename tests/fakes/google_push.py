"""The stand-in for Google tells of changes, more or less reliably."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import urlsplit

import requests

from .google_accounts import Accounts
from .google_calendar import Calendar
from .google_schema import Refused

LONGEST = 30 * 86_400
USUAL = 7 * 86_400
AGAIN = {500, 502, 503, 504}
"""After these answers Google tries again."""

Post = Callable[[str, Mapping[str, str]], int]
"""Posts nothing but headers to an address; returns the status."""


@dataclass
class Channel:
    id: str
    resource: str
    calendar: str
    address: str
    token: str
    expires: int
    """Milliseconds."""
    told: int = 0
    stopped: bool = False


@dataclass
class Notification:
    address: str
    headers: dict[str, str]
    tries: int = 0


class Channels(Accounts):
    """The half of Google that tells of changes."""

    def __init__(self) -> None:
        super().__init__()
        self.channels: dict[str, Channel] = {}
        self.notifications: list[Notification] = []
        """Those that wait to be delivered."""
        self.lose_next = 0
        """So many of the next notifications nobody will ever see."""
        self.double_next = 0
        """So many of the next come twice."""
        self.longest_channel = LONGEST
        self._wake = threading.Event()

    # -- what tests do ----------------------------------------------------------------------------------------------

    def deliver(self, post: Post | None = None) -> int:
        """Post what waits, in order; returns how many were accepted.

        ``post`` is for apps that aren't behind a socket.  What gets 500, 502, 503, 504 or no answer waits for the next
        call, three times at most.
        """
        with self.lock:
            waiting, self.notifications = self.notifications, []
        accepted = 0
        for one in waiting:
            try:
                status = (post or _posted)(one.address, one.headers)
            except requests.RequestException:
                status = 503
            accepted += status in (102, 200, 201, 202, 204)
            one.tries += 1
            if status in AGAIN and one.tries < 3:
                with self.lock:
                    self.notifications.append(one)
        return accepted

    @contextmanager
    def delivering(self) -> Iterator[None]:
        """As long as the block lasts, a thread delivers whatever there is to tell at once."""
        over = threading.Event()

        def run() -> None:
            while not over.is_set():
                self._wake.wait(0.5)
                self._wake.clear()
                self.deliver()

        thread = threading.Thread(target=run, name="notifications of the stand-in", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            self._wake.set()
            thread.join(10)

    def live_channels(self, calendar: str = "") -> list[Channel]:
        """The channels that still tell of changes."""
        with self.lock:
            return [
                channel
                for channel in self.channels.values()
                if not channel.stopped and channel.expires > self.now() * 1000 and calendar in ("", channel.calendar)
            ]

    # -- the API's part ---------------------------------------------------------------------------------------------

    def open_channel(self, calendar: Calendar, asked: dict[str, str]) -> Channel:
        """A channel as was asked for, its first word on its way."""
        if not re.fullmatch(r"[A-Za-z0-9\-_+/=]{1,64}", asked.get("id", "")):
            raise Refused("invalid", "Invalid channel id", "id")
        if asked.get("type") not in ("web_hook", "webhook"):
            raise Refused("invalid", "Unknown channel type", "type")
        place = urlsplit(asked.get("address", ""))
        if place.scheme != "https" and place.hostname not in ("127.0.0.1", "localhost"):
            raise Refused("push.webhookUrlNotHttps")
        if len(asked.get("token", "")) > 256:
            raise Refused("invalid", "Channel token too long", "token")
        if not calendar.push:
            raise Refused("pushNotSupportedForRequestedResource")
        if asked["id"] in self.channels:
            raise Refused("channelIdNotUnique")
        now = self.now()
        wanted = int(asked["expiration"]) if "expiration" in asked else int((now + USUAL) * 1000)
        if wanted <= now * 1000:
            raise Refused("invalid", "Invalid expiration", "expiration")
        channel = Channel(
            asked["id"], f"resource-{calendar.id}", calendar.id, asked["address"], asked.get("token", ""),
            min(wanted, int((now + self.longest_channel) * 1000)),
        )  # fmt: skip
        self.channels[channel.id] = channel
        self._tell(channel, "sync")
        return channel

    def stop_channel(self, channel_id: str, resource: str) -> None:
        channel = self.channels.get(channel_id)
        if channel is None or channel.stopped or channel.resource != resource:
            raise Refused("notFound", f"Channel '{channel_id}' not found for project")
        channel.stopped = True

    def tell(self, calendar: Calendar) -> None:
        """Tell every channel of a calendar that something changed there."""
        for channel in self.live_channels(calendar.id):
            self._tell(channel, "exists")

    def _tell(self, channel: Channel, state: str) -> None:
        channel.told += 1
        headers = {
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Expiration": formatdate(channel.expires / 1000, usegmt=True),
            "X-Goog-Resource-ID": channel.resource,
            "X-Goog-Resource-URI": f"{self.url}/calendar/v3/calendars/{channel.calendar}/events?alt=json",
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(channel.told),
        }
        if channel.token:
            headers["X-Goog-Channel-Token"] = channel.token
        if self.lose_next:
            self.lose_next -= 1
            return
        copies = 1
        if self.double_next:
            self.double_next -= 1
            copies = 2
        self.notifications += [Notification(channel.address, headers) for _ in range(copies)]
        self._wake.set()


def _posted(address: str, headers: Mapping[str, str]) -> int:
    return requests.post(address, headers=dict(headers), timeout=10, allow_redirects=False).status_code
