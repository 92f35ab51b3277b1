"""Connecting accounts of hosts, mending them, and letting them go.

That an account stopped working, and works again, is seen to by :mod:`flask_booking.calendars.care`.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as dt
import json
import typing as t

import sqlalchemy as sa

from ..models import (
    BusyTime,
    CalendarEvent,
    CalendarWatch,
    ConnectedCalendar,
    Connection,
    ConnectionState,
    Host,
    MeetingLink,
)
from ..models.columns import utcnow
from ..models.stamps import restamp_mirror
from ..state import session
from . import endpoint
from .oauth import Granted
from .service import OAuthService


@dataclasses.dataclass(frozen=True)
class Connected:
    """An account that can be used."""

    connection: Connection
    created: bool
    """Whether the account wasn't connected before; if it was, its calendars are as they were."""
    other: bool = False
    """Another account than the one that was to be mended, which is as broken as before: tell the host."""


def connect_granted(host: Host, provider: str, account: tuple[str, str], granted: Granted) -> Connected:
    """Connect what :func:`.oauth.finish` brought; ``account`` is the provider's id and name for it.

    The provider is asked for these with an access made of
    ``OAuthAccess(FixedToken(granted.access_token))``.  Commits; see :func:`connect`.
    """
    return connect(
        host,
        provider,
        account,
        secret={"access_token": granted.access_token, "refresh_token": granted.refresh_token},
        expires_at=granted.expires_at,
        scopes=granted.scopes,
        reconnect=granted.reconnect,
    )


def connect(
    host: Host,
    provider: str,
    account: tuple[str, str],
    *,
    secret: c.Mapping[str, t.Any],
    settings: c.Mapping[str, t.Any] | None = None,
    expires_at: dt.datetime | None = None,
    scopes: c.Iterable[str] = (),
    reconnect: str | None = None,
) -> Connected:
    """Connect an account of ``host`` at the service called ``provider``, or mend its connection if there is one.

    ``account`` is the service's id of it, which decides, and a name to show.  ``secret`` is JSON-able and kept
    encrypted; ``settings`` aren't, and stay as they were when none are given.  ``reconnect`` is the public id of the
    connection that the host wanted to mend: an account that isn't that one gets a connection of its own, so that
    calendars never change their owner unnoticed.

    Commits, and with it what the caller had under way.
    """
    db = session()
    host_id, (account_id, name) = host.id, account
    wanted = sa.select(Connection).where(
        Connection.host_id == host_id, Connection.provider == provider, Connection.account_id == account_id
    )
    for again in (False, True):
        found = db.scalar(wanted.execution_options(populate_existing=True))
        connection = found or Connection(host_id=host_id, provider=provider, account_id=account_id)
        db.add(connection)
        connection.account_name = name[:254]
        connection.secret, connection.expires_at, connection.scopes = json.dumps(secret), expires_at, " ".join(scopes)
        if settings is not None:
            connection.settings = dict(settings)
        connection.state, connection.problem, connection.broken_at = ConnectionState.ACTIVE, "", None
        connection.failures, connection.connected_at = 0, utcnow()
        # Whoever renews the tokens of before has nothing to give back any more, and no doubt is left of them.
        connection.renewing_until = connection.renewing_token = None
        try:
            db.commit()
        except sa.exc.IntegrityError:  # the same account came in twice at once
            db.rollback()
            if again:
                raise
        else:
            other = reconnect is not None and connection.public_id != reconnect
            return Connected(connection, created=found is None, other=other)
    raise AssertionError("unreachable")


def disconnect(connection: Connection, service: OAuthService | None = None) -> None:
    """Give the account's tokens back and forget it.  Bookings, events and meetings that were made stay as they are.

    Commits.  Where calendars are mirrored, use :func:`give_back` and, in the transaction that changes what the host is
    free for, :func:`forget`.
    """
    give_back(connection, service)
    forget(connection.id)
    session().commit()


def give_back(connection: Connection, service: OAuthService | None) -> bool:
    """Have the service take back the tokens of an account (RFC 7009); whether it did.

    That it doesn't, can't, or isn't there is no reason to keep the connection.  Nothing is given back while the same
    account is connected by somebody else here too: services take an account's tokens back all at once (Google does).
    Commits before the service is asked.
    """
    db = session()
    others = sa.select(Connection.id).where(
        Connection.id != connection.id,
        Connection.provider == connection.provider,
        Connection.account_id == connection.account_id,
    )
    shared = db.scalar(others.limit(1)) is not None
    secret = json.loads(connection.secret or "{}")
    db.commit()
    token = str(secret.get("refresh_token") or secret.get("access_token") or "")
    return not shared and service is not None and endpoint.revoke(service, token)


def forget(connection_id: int) -> None:
    """Delete a connection with its calendars and their mirror; doesn't commit.

    Each table by its name: SQLite may ignore foreign keys.
    """
    db = session()
    host_id = db.scalar(sa.select(Connection.host_id).where(Connection.id == connection_id))
    calendars = sa.select(ConnectedCalendar.id).where(ConnectedCalendar.connection_id == connection_id)
    statements = [
        sa.update(CalendarEvent).where(CalendarEvent.calendar_id.in_(calendars)).values(calendar_id=None),
        sa.update(MeetingLink).where(MeetingLink.connection_id == connection_id).values(connection_id=None),
        sa.delete(BusyTime).where(BusyTime.calendar_id.in_(calendars)),
        sa.delete(CalendarWatch).where(CalendarWatch.calendar_id.in_(calendars)),
        sa.delete(ConnectedCalendar).where(ConnectedCalendar.connection_id == connection_id),
        sa.delete(Connection).where(Connection.id == connection_id),
    ]
    for statement in statements:
        db.execute(statement, execution_options={"synchronize_session": False})
    if host_id is not None:
        restamp_mirror(db, host_id)  # the host's links may have been made there
    db.expire_all()
