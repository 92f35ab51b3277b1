"""Signing in at a service through the browser: the authorization code flow (RFC 6749 §4.1) with PKCE (RFC 7636).

A screen calls :func:`begin`, sends the browser to the address it gets, and hands what the browser brings back to
:func:`finish`.  In between nothing is kept but one text in the session, encrypted, so that sessions of any kind do.

A session that is a cookie can be brought back as it was, so a browser may repeat its own way back from the service; it
is the service then that takes a code only once.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as dt
import json
import re
import secrets
import time

from flask import session

from ..encryption import decrypt, encrypt
from ..errors import BookingError
from ..i18n import gettext, gettext_noop
from . import endpoint
from .problems import Misconfigured, MissingScope, NeedsReconnect, NotLasting
from .service import OAuthService

SECONDS = 600
"""How long signing in may take."""
FLOWS = 4
"""So many may be under way in one browser; the oldest is forgotten."""

_KEY = "booking_oauth"
_IDENTITY = {"openid", "profile", "email", "offline_access"}
"""Scopes that services leave out of their answers, or call otherwise there (OpenID Connect Core §3.1.2.1)."""
_ADMINISTRATOR = re.compile(r"AADSTS(90093|90094|90095|65001|50105)\b")
"""Microsoft says in these that an organization lets only its administrators allow this."""


class OAuthStateRefused(BookingError):
    """The browser came back with a state that wasn't given to it, or not for this: forged, used, or too old."""

    code = "oauth_state"
    status = 400
    description = gettext_noop(
        "This sign-in can't be finished: it is too old, was finished before, or began in another browser. "
        "Please start again."
    )


class SignInRefused(BookingError):
    """The service, or whoever sat before it, didn't allow the access; ``description`` says what to do."""

    code = "oauth_refused"
    status = 400
    description = gettext_noop("The service ended the sign-in. Please try again.")


@dataclasses.dataclass(frozen=True)
class Granted:
    """What a service gave for an account; :func:`.accounts.connect` keeps it."""

    access_token: str = dataclasses.field(repr=False)
    refresh_token: str = dataclasses.field(repr=False)
    """Empty only where access tokens never end."""
    expires_at: dt.datetime | None
    """When the access token ends; None when it doesn't, or the service doesn't say."""
    scopes: tuple[str, ...]
    reconnect: str | None = None
    """What :func:`begin` was given."""
    for_host: str = ""
    """What :func:`begin` was given."""


@dataclasses.dataclass(frozen=True)
class _Flow:
    """A sign-in under way; ``until`` in epoch seconds."""

    state: str
    verifier: str
    service: str
    user_key: str
    until: int
    reconnect: str | None
    for_host: str


def begin(
    service: OAuthService,
    *,
    user_key: str,
    redirect_url: str,
    reconnect: str | None = None,
    login_hint: str = "",
    for_host: str = "",
) -> str:
    """The address to send the browser to.

    ``user_key`` says who is logged in to the CRM: only they can finish.  ``redirect_url`` is where the service sends
    the browser afterwards, exactly as it is registered there, and a different one for each service.  ``reconnect`` is
    the public id of the connection that is to work again; :func:`finish` gives it back.  ``login_hint`` is the name of
    the account that is expected, for services that can fill it in.  ``for_host`` says whose account it will be here,
    where somebody looks after a colleague; :func:`finish` gives it back.

    Writes into the session.
    """
    flow = _Flow(
        secrets.token_urlsafe(24),
        secrets.token_urlsafe(48),
        service.name,
        user_key,
        int(time.time()) + SECONDS,
        reconnect,
        for_host,
    )
    _keep([*_flows(), flow][-FLOWS:])
    more = dict(service.authorize_params)
    if login_hint:
        more["login_hint"] = login_hint
    scope = " ".join(service.scopes) if service.sends_scope else None
    with endpoint.client_of(service, redirect_uri=redirect_url, scope=scope) as client:
        address, _ = client.create_authorization_url(
            service.authorize_url, state=flow.state, code_verifier=flow.verifier, **more
        )
    return str(address)


def finish(service: OAuthService, args: c.Mapping[str, str], *, user_key: str, redirect_url: str) -> Granted:
    """What the service gave to the browser that came back with ``args``, the query of the request.

    ``service`` is the one of the address that was asked for, ``redirect_url`` the same as in :func:`begin`.  A state is
    good for one call, whatever comes of it.

    Raises :class:`OAuthStateRefused` and :class:`SignInRefused` with a sentence for the host.  Raises
    :class:`~flask_booking.connections.problems.MissingScope` when the host didn't allow all that is needed,
    :class:`~flask_booking.connections.problems.NotLasting` when the access couldn't be renewed, and
    :class:`~flask_booking.connections.problems.Misconfigured`,
    :class:`~flask_booking.connections.problems.Unreachable` or another
    :class:`~flask_booking.connections.problems.ProviderProblem` when the service gives no tokens.
    """
    flow = _taken(service, args.get("state", ""), user_key)
    if error := args.get("error", ""):
        raise _refusal(error, args.get("error_description", ""))
    code = args.get("code", "")
    if not code:
        raise SignInRefused
    try:
        tokens = endpoint.exchange(service, code=code, verifier=flow.verifier, redirect_url=redirect_url)
    except NeedsReconnect:  # the code is over: services give a few minutes
        raise OAuthStateRefused from None
    scopes = service.scopes if tokens.scopes is None else tokens.scopes
    if missing := missing_scopes(service, scopes):
        raise MissingScope(" ".join(sorted(missing)))
    if tokens.expires_at is not None and not tokens.refresh_token:
        raise NotLasting("no refresh token")
    return Granted(
        tokens.access_token, tokens.refresh_token, tokens.expires_at, tuple(scopes), flow.reconnect, flow.for_host
    )


def missing_scopes(service: OAuthService, granted: c.Iterable[str]) -> frozenset[str]:
    """The scopes that ``service`` needs and that aren't among those ``granted``.

    Microsoft may write a scope as an address or in other letters than it was asked for; at Zoom, an app of the old kind
    has ``meeting:write`` for ``meeting:write:meeting``, and one for administrators ``meeting:write:meeting:admin``.
    """
    names = {name for scope in granted for name in (scope.lower(), scope.lower().rpartition("/")[2])}

    def covered(needed: str) -> bool:
        return needed in names or any(n.startswith(f"{needed}:") or needed.startswith(f"{n}:") for n in names)

    return frozenset(scope for scope in service.needed - _IDENTITY if not covered(scope.lower()))


def _refusal(error: str, description: str) -> Exception:
    """What an error in the browser's way back means (RFC 6749 §4.1.2.1)."""
    if error in ("consent_required", "admin_policy_enforced") or _ADMINISTRATOR.search(description):
        return SignInRefused(
            gettext(
                "Your organization doesn't let its members allow this. Ask its administrator to allow this "
                "application, then connect again."
            )
        )
    if error == "access_denied":
        return SignInRefused(
            gettext("You didn't allow the access, so nothing was connected. Start again if that wasn't meant.")
        )
    if error in ("server_error", "temporarily_unavailable"):
        return SignInRefused(gettext("The service has a problem at the moment. Please try again in a few minutes."))
    if error in endpoint.OUR_FAULT or error == "unsupported_response_type":
        return Misconfigured(error)
    return SignInRefused()


def _taken(service: OAuthService, state: str, user_key: str) -> _Flow:
    """The flow with this state, which nobody can take again.  Raises :class:`OAuthStateRefused`."""
    flows = _flows()
    found = [flow for flow in flows if secrets.compare_digest(flow.state.encode(), state.encode())]
    if not found:
        raise OAuthStateRefused
    _keep([flow for flow in flows if flow not in found])
    [flow] = found
    if (flow.service, flow.user_key) != (service.name, user_key):
        raise OAuthStateRefused
    return flow


def _flows() -> list[_Flow]:
    """What is under way in this session and not too old, the oldest first."""
    kept = session.get(_KEY)
    text = decrypt(kept) if isinstance(kept, str) else None
    try:
        flows = [_Flow(*values) for values in json.loads(text or "[]")]
    except (ValueError, TypeError):
        return []
    return [flow for flow in flows if flow.until > time.time()]


def _keep(flows: list[_Flow]) -> None:
    if flows:
        session[_KEY] = encrypt(json.dumps([dataclasses.astuple(flow) for flow in flows]))
    else:
        session.pop(_KEY, None)
