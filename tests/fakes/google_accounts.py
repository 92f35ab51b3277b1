"""Accounts at the stand-in for Google: who there is, what they allowed, and the tokens for it (OAuth 2, RFC 6749)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from .base import Fake
from .google_schema import Refused

SCOPE_NAMES = {
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}
"""Google answers with another name for these than they are asked for by."""
KNOWN_SCOPES = "https://www.googleapis.com/auth/calendar"
MOST_GRANTS = 100
"""So many refresh tokens an account and client may have; the oldest stops working silently."""
CALENDAR_SCOPES = tuple(
    f"https://www.googleapis.com/auth/{name}"
    for name in ("calendar.calendarlist.readonly", "calendar.events", "calendar.freebusy")
)


@dataclass
class Entry:
    """A calendar in an account's list."""

    calendar: str
    role: str
    primary: bool = False
    hidden: bool = False
    deleted: bool = False
    name: str = ""
    """What the account calls it (``summaryOverride``)."""
    colour: str = "#9fe1e7"


@dataclass
class Account:
    """A person with a mailbox; ``sub`` never changes."""

    sub: str
    email: str
    name: str
    entries: dict[str, Entry] = field(default_factory=dict)
    service: bool = False
    """A service account, which can't invite anybody."""


@dataclass
class Grant:
    """What an account allowed a client, and the refresh token for it."""

    account: Account
    scopes: tuple[str, ...]
    refresh_token: str
    alive: bool = True


@dataclass
class Token:
    grant: Grant
    expires: float


@dataclass
class Code:
    """What waits between the page that asks for consent and the token's address."""

    account: Account
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str
    method: str
    offline: bool
    first: bool
    expires: float
    grant: Grant | None = None
    """What it was used for."""


class Accounts(Fake):
    """The half of Google that signs people in."""

    client_id, client_secret = "client.apps.googleusercontent.example", "client-secret"
    token_lifetime = 3599

    def __init__(self) -> None:
        super().__init__()
        self.offset = 0.0
        self.accounts: dict[str, Account] = {}
        self.grants: list[Grant] = []
        self.tokens: dict[str, Token] = {}
        self.codes: dict[str, Code] = {}
        self.signs_in = ""
        """Who sits before the page that asks for consent; without it ``login_hint``, or the first account."""
        self.unticked: set[str] = set()
        """Scopes, by the end of their names, that this person doesn't allow."""
        self.refuses_consent = False
        self.redirect_uris: set[str] | None = None
        """The registered ones; None takes any."""
        self.scopes_of_token: dict[str, tuple[str, ...]] = {}

    def now(self) -> float:
        raise NotImplementedError

    # -- what tests do ----------------------------------------------------------------------------------------------

    def allow(self, email: str, scopes: tuple[str, ...] = ("openid", "email", *CALENDAR_SCOPES)) -> Grant:
        """A grant as the way through the browser ends in."""
        grant = Grant(self.accounts[email], tuple(SCOPE_NAMES.get(scope, scope) for scope in scopes), _secret("1//0g"))
        with self.lock:
            self.grants.append(grant)
            theirs = [one for one in self.grants if one.account is grant.account and one.alive]
            for one in theirs[:-MOST_GRANTS]:
                one.alive = False
        return grant

    def token_of(self, grant: Grant) -> str:
        """A valid access token."""
        value = _secret("ya29.a0")
        with self.lock:
            self.tokens[value] = Token(grant, self.now() + self.token_lifetime)
        return value

    def expire_tokens(self, email: str = "") -> None:
        """Access tokens are over before their time; refresh tokens aren't."""
        with self.lock:
            for token in self.tokens.values():
                if email in ("", token.grant.account.email):
                    token.expires = 0

    def revoke_grants(self, email: str = "") -> None:
        """The account's owner took back what they allowed: every token is dead."""
        with self.lock:
            for grant in self.grants:
                if email in ("", grant.account.email):
                    grant.alive = False

    # -- the page that asks for consent -------------------------------------------------------------------------------

    def authorize(self, request: Request) -> Response:
        """Google's page, with somebody before it who agrees at once."""
        given = request.args
        redirect_uri = given.get("redirect_uri", "")
        if given.get("client_id") != self.client_id:
            return Response("Error 401: invalid_client", 401)
        if not redirect_uri or (self.redirect_uris is not None and redirect_uri not in self.redirect_uris):
            return Response("Error 400: redirect_uri_mismatch", 400)
        if given.get("response_type") != "code" or not given.get("scope"):
            return Response("Error 400: invalid_request", 400)
        if self.refuses_consent:
            return _sent_to(redirect_uri, error="access_denied", state=given.get("state"))
        asked = given["scope"].split()
        for scope in asked:
            if scope not in ("openid", "email", "profile") and not scope.startswith(KNOWN_SCOPES):
                return Response("Error 400: invalid_scope", 400)
        with self.lock:
            email = self.signs_in or given.get("login_hint") or next(iter(self.accounts))
            account = self.accounts[email]
            scopes = tuple(scope for scope in asked if not any(scope.endswith(name) for name in self.unticked))
            before = [grant for grant in self.grants if grant.account is account and grant.alive]
            if given.get("include_granted_scopes") == "true":
                scopes += tuple(one for grant in before for one in grant.scopes if one not in scopes)
            code = _secret("4/0")
            self.codes[code] = Code(
                account,
                tuple(dict.fromkeys(SCOPE_NAMES.get(scope, scope) for scope in scopes)),
                redirect_uri,
                given.get("code_challenge", ""),
                given.get("code_challenge_method", "plain"),
                offline=given.get("access_type") == "offline",
                first=not before or "consent" in given.get("prompt", "").split(),
                expires=self.now() + 600,
            )
            return _sent_to(redirect_uri, code=code, state=given.get("state"), scope=" ".join(scopes))

    # -- tokens -------------------------------------------------------------------------------------------------------

    def token(self, request: Request) -> Response:
        if request.mimetype != "application/x-www-form-urlencoded":
            return _oauth_error(400, "invalid_request", "Bad content type")
        form = request.form
        client = (form.get("client_id"), form.get("client_secret"))
        if request.authorization and request.authorization.type == "basic":
            client = (request.authorization.username, request.authorization.password)
        if client != (self.client_id, self.client_secret):
            return _oauth_error(401, "invalid_client", "The OAuth client was not found.")
        with self.lock:
            if form.get("grant_type") == "authorization_code":
                return self._token_for_code(form)
            if form.get("grant_type") == "refresh_token":
                return self._token_for_grant(form)
        return _oauth_error(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")

    def _token_for_code(self, form: Any) -> Response:
        code = self.codes.get(form.get("code", ""))
        if code is None or code.expires < self.now():
            return _oauth_error(400, "invalid_grant", "Malformed auth code.")
        if code.grant is not None:
            return _oauth_error(400, "invalid_grant", "Bad Request")
        if form.get("redirect_uri") != code.redirect_uri:
            return _oauth_error(400, "redirect_uri_mismatch", "Bad Request")
        if code.challenge:
            verifier = form.get("code_verifier", "")
            if code.method == "S256":
                digest = hashlib.sha256(verifier.encode()).digest()
                verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if not hmac.compare_digest(verifier, code.challenge):
                return _oauth_error(400, "invalid_grant", "Invalid code verifier.")
        code.grant = grant = self.allow(code.account.email, code.scopes)
        more: dict[str, Any] = {}
        if "openid" in grant.scopes:
            more["id_token"] = self._id_token(code.account)
        if code.offline and code.first:
            more["refresh_token"] = grant.refresh_token
        return self._tokens(grant, more)

    def _token_for_grant(self, form: Any) -> Response:
        for grant in self.grants:
            if grant.refresh_token == form.get("refresh_token"):
                if not grant.alive:
                    return _oauth_error(400, "invalid_grant", "Token has been expired or revoked.")
                return self._tokens(grant, {})  # without a refresh token: the old one stays
        return _oauth_error(400, "invalid_grant", "Bad Request")

    def _tokens(self, grant: Grant, more: dict[str, Any]) -> Response:
        body = {
            "access_token": self.token_of(grant), "expires_in": self.token_lifetime, "token_type": "Bearer",
            "scope": " ".join(grant.scopes), **more,
        }  # fmt: skip
        return _json(body)

    def _id_token(self, account: Account) -> str:
        claims = {
            "iss": "https://accounts.google.com", "aud": self.client_id, "sub": account.sub, "email": account.email,
            "email_verified": True, "iat": int(self.now()), "exp": int(self.now()) + 3600,
        }  # fmt: skip
        parts = [json.dumps({"alg": "RS256", "typ": "JWT"}).encode(), json.dumps(claims).encode(), b"no signature"]
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)

    def revoke(self, request: Request) -> Response:
        """Either token takes both away."""
        value = request.form.get("token") or request.args.get("token", "")
        with self.lock:
            token = self.tokens.get(value)
            grants = [grant for grant in self.grants if grant.refresh_token == value]
            if token is not None:
                grants.append(token.grant)
            if not any(grant.alive for grant in grants):
                return _oauth_error(400, "invalid_token", "Token expired or revoked")
            for grant in grants:
                grant.alive = False
        return _json({})

    def userinfo(self, request: Request) -> Response:
        try:
            grant = self.authorized(request, ("openid",))
        except Refused:
            return _oauth_error(401, "invalid_request", "Invalid Credentials")
        body: dict[str, Any] = {"sub": grant.account.sub}
        if SCOPE_NAMES["email"] in grant.scopes:
            body |= {"email": grant.account.email, "email_verified": True}
        return _json(body)

    def authorized(self, request: Request, scopes: Any) -> Grant:
        """What the request's token is for.  Raises 401 without a valid one, 403 without one of the scopes."""
        with self.lock:
            token = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
            if token is None or not token.grant.alive or token.expires <= self.now():
                raise Refused("authError")
            if not set(scopes) & set(token.grant.scopes):
                raise Refused("insufficientPermissions")
            return token.grant


def _sent_to(address: str, **params: str | None) -> Response:
    more = urlencode({key: value for key, value in params.items() if value is not None})
    return Response(status=302, headers={"Location": f"{address}{'&' if '?' in address else '?'}{more}"})


def _oauth_error(status: int, error: str, description: str) -> Response:
    return _json({"error": error, "error_description": description}, status)


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


def _secret(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(24)
