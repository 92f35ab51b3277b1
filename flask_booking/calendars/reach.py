"""From a row to the account it stands for: which service, and how it is asked."""

from __future__ import annotations

import json
import typing as t

from flask import current_app

from ..connections.access import Access
from ..connections.problems import NeedsReconnect
from ..models import ConnectedCalendar, Connection
from . import registry
from .provider import CalendarProvider, OAuthProvider, OwnAccess, RemoteCalendar


def reach(connection: Connection) -> tuple[CalendarProvider, Access]:
    """The service of a connection, and the way to ask it in the name of its account.

    Raises :class:`~flask_booking.connections.problems.Misconfigured`,
    :class:`~flask_booking.connections.problems.NeedsReconnect` when its secrets can't be read any more.
    """
    provider = registry.provider(connection.provider)
    if isinstance(provider, OwnAccess):
        return provider, provider.open(secrets_of(connection), dict(connection.settings), connection.account_name)
    from ..connections.opening import access_to

    service = t.cast(OAuthProvider, provider).service(current_app.config)
    return provider, access_to(connection, service)


def secrets_of(connection: Connection) -> dict[str, t.Any]:
    """What opens the account.  Raises :class:`~flask_booking.connections.problems.NeedsReconnect` when no key of ours
    opens it."""
    if connection.secret is None:
        raise NeedsReconnect("no key opens its secrets")
    return t.cast("dict[str, t.Any]", json.loads(connection.secret))


def remote(calendar: ConnectedCalendar) -> RemoteCalendar:
    """A calendar's row as its provider takes it."""
    return RemoteCalendar(
        id=calendar.remote_id,
        name=calendar.name,
        time_zone=calendar.time_zone or calendar.host.time_zone,
        colour=calendar.colour,
        writable=calendar.writable,
        primary=calendar.provider_primary,
        conferencing=tuple(calendar.conferencing or ()),
    )
