"""From a connection in the database to an :class:`~flask_booking.connections.access.Access` that a provider can use."""

from __future__ import annotations

import collections.abc as c
import json
import typing as t

from ..models import Connection
from .access import Access, OAuthAccess
from .problems import Misconfigured
from .service import OAuthService
from .tokens import ConnectionTokens

Opener = c.Callable[[Connection], Access]
"""Makes the access of a connection that isn't one of OAuth, from its ``settings`` and :func:`secret_of`."""

_openers: dict[str, Opener] = {}


def register_opener(sign: str, opener: Opener) -> None:
    """Have ``opener`` make the access of connections whose provider's ``sign`` this is; the last one counts."""
    _openers[sign] = opener


def access_to(connection: Connection, service: OAuthService | None = None, *, sign: str = "oauth") -> Access:
    """Access to the account of a connection that is committed.

    ``service`` is the provider's, for an account that was connected by OAuth; for others ``sign`` says how they are
    opened.  To be used inside an application context.  Raises :class:`Misconfigured` when nobody knows how to open it.
    """
    if service is not None:
        tokens = ConnectionTokens(connection.id, service)
        return OAuthAccess(tokens, settings=dict(connection.settings), account=connection.account_name)
    opener = _openers.get(sign)
    if opener is None:
        raise Misconfigured(f"nobody opens accounts by {sign}")
    return opener(connection)


def secret_of(connection: Connection) -> dict[str, t.Any]:
    """What opens the account, as :func:`.accounts.connect` was given it.

    Raises :class:`Misconfigured` when no key opens it.
    """
    if connection.secret is None:
        raise Misconfigured("no key opens the secret")
    return t.cast("dict[str, t.Any]", json.loads(connection.secret))
