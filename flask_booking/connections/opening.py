"""From a connection in the database to an :class:`~flask_booking.connections.access.Access` that a provider can use."""

from __future__ import annotations

import json
import typing as t

from ..models import Connection
from .access import Access, OAuthAccess
from .problems import Misconfigured
from .service import OAuthService
from .tokens import ConnectionTokens


def access_to(connection: Connection, service: OAuthService) -> Access:
    """Access to an account that was connected by OAuth; the connection is committed.

    ``service`` is that of the connection's provider.  To be used inside an application context.
    """
    tokens = ConnectionTokens(connection.id, service)
    return OAuthAccess(tokens, settings=dict(connection.settings), account=connection.account_name)


def secret_of(connection: Connection) -> dict[str, t.Any]:
    """What opens the account, as :func:`.accounts.connect` was given it.

    Raises :class:`Misconfigured` when no key opens it.
    """
    if connection.secret is None:
        raise Misconfigured("no key opens the secret")
    return t.cast("dict[str, t.Any]", json.loads(connection.secret))
