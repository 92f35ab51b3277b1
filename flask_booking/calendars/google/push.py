"""What Google posts when something changed: headers only, and never what.

Nothing here is proof of anything: whoever receives this compares the token with the one given to
:meth:`~flask_booking.calendars.google.Google.watch`.
"""

from __future__ import annotations

import collections.abc as c
import re

CHANNEL = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")
STATES = frozenset({"sync", "exists", "not_exists"})
LONGEST_TOKEN = 256


def read_notification(headers: c.Mapping[str, str]) -> tuple[str, str, str] | None:
    """The channel, its token and the state that a notification tells; None for what is none.

    The state is ``sync`` for the first word of a new channel, else ``exists`` or ``not_exists``.
    """
    found = {name.lower(): value for name, value in headers.items() if name.lower().startswith("x-goog-")}
    channel, token = found.get("x-goog-channel-id", ""), found.get("x-goog-channel-token", "")
    state = found.get("x-goog-resource-state", "")
    if not CHANNEL.fullmatch(channel) or state not in STATES or len(token) > LONGEST_TOKEN:
        return None
    return channel, token, state
