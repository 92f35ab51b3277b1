"""The address of a service where tokens are given, renewed and taken back (RFC 6749 §3.2, RFC 7009).

Authlib writes the requests and reads the answers.  What services say when they refuse is told apart here, since nearly
each has a way of its own: what matters is whether the account is lost, the CRM's registration is wrong, or it is to be
tried again.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as dt
import re
import typing as t

from ..models.columns import utcnow
from .access import retry_after
from .problems import Misconfigured, NeedsReconnect, ProviderProblem, RateLimited, Unreachable
from .service import OAuthService

if t.TYPE_CHECKING:
    import requests

# Authlib and requests are loaded with the first use: mounting the package shall not take as long.

TIMEOUT = (5.0, 10.0)
"""Seconds to connect, and to wait for an answer: shorter than elsewhere, since others wait for the tokens."""

_DEAD = {"invalid_grant", "interaction_required", "login_required", "consent_required", "access_denied"}
OUR_FAULT = {
    "invalid_client",
    "unauthorized_client",
    "deleted_client",  # Google, when the registration was removed
    "disabled_client",
    "invalid_scope",
    "redirect_uri_mismatch",
    "unsupported_grant_type",
    "invalid_request",
}
"""Errors that an operator has to mend."""
_PASSING = {"temporarily_unavailable", "server_error", "internal_failure", "slow_down"}


class Unanswered(Unreachable):
    """The request went out and nothing came back: new tokens may have been made all the same."""


@dataclasses.dataclass(frozen=True)
class Tokens:
    """What a service gave."""

    access_token: str = dataclasses.field(repr=False)
    refresh_token: str = dataclasses.field(repr=False, default="")
    """Empty when the service sent none: at a renewal the one before stays."""
    expires_at: dt.datetime | None = None
    """When the access token ends; None when the service doesn't say."""
    scopes: tuple[str, ...] | None = None
    """None when the service doesn't say: then they are the ones asked for (RFC 6749 §5.1)."""


def exchange(service: OAuthService, *, code: str, verifier: str, redirect_url: str) -> Tokens:
    """The tokens for an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).

    Raises :class:`NeedsReconnect` for a code that is over, used or not for us, and otherwise as :func:`renew`.
    """
    with client_of(service) as client:
        return _ask(
            client,
            lambda: client.fetch_token(
                service.token_url,
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                redirect_uri=redirect_url,
                allow_redirects=False,
            ),
        )


def renew(service: OAuthService, refresh_token: str) -> Tokens:
    """New tokens for a refresh token (RFC 6749 §6); asked once.

    Raises :class:`NeedsReconnect` when the service takes the refresh token no more, :class:`Misconfigured` when it
    doesn't know the CRM, :class:`RateLimited`, :class:`Unanswered` when the service may have given new tokens that
    didn't arrive, and :class:`Unreachable` when it certainly has not.
    """
    with client_of(service) as client:
        return _ask(
            client,
            lambda: client.refresh_token(service.token_url, refresh_token=refresh_token, allow_redirects=False),
        )


def revoke(service: OAuthService, token: str) -> bool:
    """Give a token back (RFC 7009).  Returns whether the service took it; it never raises for what the service does."""
    if not (service.revoke_url and token):
        return False
    try:
        with client_of(service) as client:
            answer = client.revoke_token(service.revoke_url, token=token, allow_redirects=False)
    except (OSError, ValueError):  # what requests raises is one of these
        return False
    return bool(answer.status_code == 200)


def client_of(service: OAuthService, **more: t.Any) -> t.Any:
    """Authlib's client with the CRM's registration."""
    from authlib.integrations.requests_client import OAuth2Session

    method = "client_secret_basic" if service.basic_auth else "client_secret_post"
    return OAuth2Session(
        service.client_id,
        service.client_secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        default_timeout=TIMEOUT,
        code_challenge_method="S256",
        **more,
    )


def _ask(client: t.Any, question: c.Callable[[], t.Any]) -> Tokens:
    import requests
    from authlib.integrations.base_client.errors import OAuthError

    asked_at = utcnow()
    found: list[Tokens] = []

    def read(answer: requests.Response) -> requests.Response:
        found.append(_read(answer, asked_at))
        return answer

    # Authlib keeps of a refusal less than is needed to understand it, so it is read before.
    client.register_compliance_hook("access_token_response", read)
    client.register_compliance_hook("refresh_token_response", read)
    try:
        question()
    except requests.RequestException as error:
        raise (Unanswered if _was_sent(error) else Unreachable)(type(error).__name__) from None
    except OSError as error:
        raise Unanswered(type(error).__name__) from None
    except (OAuthError, ValueError, TypeError):
        if not found:  # what Authlib can't read after it was read here is of no importance
            raise ProviderProblem("the answer can't be read") from None
    return found[0]


def _read(answer: requests.Response, asked_at: dt.datetime) -> Tokens:
    """The tokens in an answer (RFC 6749 §5.1), or the problem it tells of (§5.2)."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {}
    _refuse(answer, body)
    token = body.get("access_token")
    if not isinstance(token, str) or not token:
        raise Unanswered(f"{answer.status_code} without a token")
    scope, again = body.get("scope"), body.get("refresh_token")
    return Tokens(
        token,
        again if isinstance(again, str) else "",
        _end(body.get("expires_in"), asked_at),
        tuple(scope.split()) if isinstance(scope, str) and scope.split() else None,
    )


def _end(seconds: t.Any, asked_at: dt.datetime) -> dt.datetime | None:
    """When a token ends that lasts for ``seconds``: a number, at some services as text."""
    try:
        return asked_at + dt.timedelta(seconds=min(int(seconds), 10**9))
    except (ValueError, TypeError, OverflowError):
        return None


def _refuse(answer: requests.Response, body: dict[str, t.Any]) -> None:
    """Raise what an answer that isn't one means."""
    error = str(body.get("error") or "")
    detail = f"{answer.status_code} {_codes(body)}".strip()
    wait = retry_after(answer)
    if answer.status_code == 429 or (answer.status_code == 503 and wait is not None):
        raise RateLimited(detail, retry_after=wait)
    if answer.status_code >= 500 or error in _PASSING:
        raise Unanswered(detail)
    # Zoom's refresh tokens die with either error, told apart from a wrong request by the reason.
    if error in _DEAD or (error == "invalid_request" and body.get("reason") == "Invalid Token!"):
        raise NeedsReconnect(detail)
    if error in OUR_FAULT or answer.status_code == 401:
        raise Misconfigured(detail)
    if error or answer.status_code >= 300:
        raise ProviderProblem(detail)


def _codes(body: dict[str, t.Any]) -> str:
    """The codes in a refusal, without its sentences: those may name people."""
    numbers = body.get("error_codes")  # Microsoft's
    given = [body.get("error"), body.get("error_subtype"), body.get("suberror")]
    given += numbers if isinstance(numbers, list) else []
    return " ".join(str(code) for code in given if re.fullmatch(r"[\w.-]{1,40}", str(code or "")))


def _was_sent(error: requests.RequestException) -> bool:
    """Whether a request that failed may have reached the service."""
    import requests
    import urllib3.exceptions

    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)):
        return False
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return not isinstance(reason, urllib3.exceptions.NewConnectionError)
