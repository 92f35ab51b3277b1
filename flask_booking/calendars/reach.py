"""From a row to the account it stands for: which service, and how it is asked."""

from __future__ import annotations

import typing as t

from flask import current_app

from ..connections.access import Access
from ..connections.opening import access_to, secret_of
from ..models import ConnectedCalendar, Connection
from . import registry
from .provider import CalendarProvider, OAuthProvider, OwnAccess, RemoteCalendar


def reach(connection: Connection) -> tuple[CalendarProvider, Access]:
    """The service of a connection, and the way to ask it in the name of its account.

    Raises :class:`~flask_booking.connections.problems.Misconfigured`, also when no key of ours opens its secrets.
    """
    provider = registry.provider(connection.provider)
    if isinstance(provider, OwnAccess):
        return provider, provider.open(secret_of(connection), dict(connection.settings), connection.account_name)
    service = t.cast(OAuthProvider, provider).service(current_app.config)
    return provider, access_to(connection, service)


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
