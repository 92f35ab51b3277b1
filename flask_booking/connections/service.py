"""What there is to know of an OAuth 2 service before anybody signs in there."""

from __future__ import annotations

import collections.abc as c
import dataclasses


@dataclasses.dataclass(frozen=True)
class OAuthService:
    """A service and the CRM's registration there (RFC 6749, with PKCE after RFC 7636 everywhere)."""

    name: str
    client_id: str
    client_secret: str = dataclasses.field(repr=False)
    authorize_url: str
    token_url: str
    revoke_url: str = ""
    """Where tokens are given back (RFC 7009); empty where a service has no such address."""
    scopes: tuple[str, ...] = ()
    """What is asked for."""
    needed: frozenset[str] = frozenset()
    """The scopes without which the connection is of no use: people may untick some."""
    authorize_params: c.Mapping[str, str] = dataclasses.field(default_factory=dict)
    sends_scope: bool = True
    """Zoom fixes the scopes with the registration, and refuses them in an address."""
    basic_auth: bool = False
    """Whether the registration's secret goes into ``Authorization`` rather than into the form."""
    rotates: bool = False
    """Whether a refresh makes the refresh token before it invalid: a lost answer then loses the account."""
