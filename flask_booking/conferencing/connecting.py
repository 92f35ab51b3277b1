"""Accounts that make meeting links: taken up when a host has signed in, tried, and let go.

As for calendars (:mod:`flask_booking.calendars.connecting`), which have calendars to be chosen besides.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ..calendars import care
from ..connections import accounts
from ..connections.access import FixedToken, OAuthAccess
from ..connections.accounts import Connected
from ..connections.oauth import Granted
from ..connections.problems import Misconfigured
from ..connections.registry import registration
from ..models import Connection, Host
from ..scheduling.transaction import lock_calendars, transact
from ..state import session
from . import registry
from .making import reach
from .provider import ConferencingProvider, OwnAccess


def sign_in(host: Host, provider: ConferencingProvider, granted: Granted) -> Connected:
    """Connect the account that :func:`~flask_booking.connections.oauth.finish` brought.  Coming meetings that have no
    link get one.

    Raises :class:`~flask_booking.connections.problems.ProviderProblem` when the service doesn't say whose it is, and
    nothing is connected then.  Commits.
    """
    session().rollback()  # no transaction is open while the service is asked
    account = provider.account(OAuthAccess(FixedToken(granted.access_token)))
    made = accounts.connect_granted(host, provider.name, account, granted)
    care.resume(made.connection.id)
    return made


def open_account(
    host: Host,
    provider: ConferencingProvider,
    *,
    secret: c.Mapping[str, t.Any],
    settings: c.Mapping[str, t.Any],
    name: str,
    reconnect: str | None = None,
) -> Connected:
    """Connect an account at a service that hosts don't sign in to; ``secret``, ``settings`` and ``name`` are what
    :meth:`.OwnAccess.open` takes.  Raises and commits as :func:`sign_in`.
    """
    opener: t.Any = provider
    if not isinstance(opener, OwnAccess):
        raise Misconfigured(f"{provider.name} can't be opened by a form")
    session().rollback()
    account = provider.account(opener.open(secret, settings, name))
    made = accounts.connect(host, provider.name, account, secret=secret, settings=settings, reconnect=reconnect)
    care.resume(made.connection.id)
    return made


def test(connection: Connection) -> tuple[str, str]:
    """Ask the service whose account it is, now: its id and name.  One that counted as broken, and answers, is taken up
    again.

    Raises :class:`~flask_booking.connections.problems.ProviderProblem`; commits.
    """
    return care.tried(connection, reach)


def disconnect(connection: Connection) -> bool:
    """Let an account go: the service gets its tokens back.  Meetings that were made stay, as their links do.

    Returns whether the service has taken the tokens back; that it doesn't answer is no hindrance.  Commits.
    """
    db, connection_id, host_id = session(), connection.id, connection.host_id
    provider = registry.find(connection.provider)
    signs_in = provider is not None and not isinstance(provider, OwnAccess)
    given_back = accounts.give_back(connection, registration(provider) if signs_in else None)

    def work() -> None:
        lock_calendars(db, [host_id])
        accounts.forget(connection_id)

    transact(db, work)
    return given_back
