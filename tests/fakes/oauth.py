"""A service where people sign in (RFC 6749, 7636, 7009), with the habits by which real ones differ as switches.

Whoever comes to its page agrees at once.  Services of their own (Zoom, Google …) are built on it or beside it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from .base import Fake


def oauth_rules() -> list[Rule]:
    """The addresses for signing in; each map wants rules of its own."""
    return [
        Rule("/oauth/authorize", endpoint="authorize", methods=["GET"]),
        Rule("/oauth/token", endpoint="token", methods=["POST"]),
        Rule("/oauth/revoke", endpoint="revoke", methods=["POST"]),
    ]


@dataclass
class Grant:
    """What an account allowed, with every token that came of it."""

    account: str
    scopes: tuple[str, ...]
    refresh_token: str = ""
    alive: bool = True
    used: set[str] = field(default_factory=set)
    """Refresh tokens that were good once."""


@dataclass
class Code:
    grant: Grant
    redirect_uri: str
    challenge: str
    expires: float
    used: bool = False


class OAuthFake(Fake):
    """The service; each test sets it up as it likes."""

    urls = Map([*oauth_rules(), Rule("/api/me", endpoint="me")])

    client_id, client_secret = "the-client", "the-client's secret&="
    token_lifetime: Any = 3599
    dead_body: dict[str, Any] = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    dead_status = 400

    def __init__(self) -> None:
        super().__init__()
        self.account = "ann"
        """Who sits before the page."""
        self.rotates = False
        """Whether a refresh token is good once."""
        self.reuse_kills = False
        """Whether a refresh token that comes back takes the newest one with it (RFC 9700 §4.14.2)."""
        self.renews_refresh_token = False
        """Whether there is a new refresh token each time, though the old one stays good (Microsoft)."""
        self.basic_only = False
        self.gives_refresh_token = True
        self.says_scopes = True
        self.granted: tuple[str, ...] | None = None
        """What the person ticks; None is all that was asked for."""
        self.denies: dict[str, str] | None = None
        """What is answered instead of a code."""
        self.grants: list[Grant] = []
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, tuple[Grant, float]] = {}
        self.offset = 0.0
        self.latency = 0.0
        """Seconds that an answer with tokens takes."""

    def now(self) -> float:
        """The service's clock, which tests may move."""
        return time.time() + self.offset

    # -- what tests do ----------------------------------------------------------------------------------------------

    def allow(self, account: str = "ann", scopes: tuple[str, ...] = ("read", "write")) -> Grant:
        """A grant as the way through the browser ends in."""
        with self.lock:
            grant = Grant(account, scopes, _secret("refresh"))
            self.grants.append(grant)
            return grant

    def token_of(self, grant: Grant) -> str:
        with self.lock:
            value = _secret("access")
            self.tokens[value] = (grant, self.now() + 3600)
            return value

    def expire_tokens(self) -> None:
        """Access tokens are over before their time; refresh tokens aren't."""
        with self.lock:
            self.tokens = {value: (grant, 0) for value, (grant, _) in self.tokens.items()}

    def renewals(self) -> int:
        """How many requests for new tokens came in."""
        return sum(b"grant_type=refresh_token" in asked.body for asked in self.asked("POST", "/oauth/token"))

    # -- the page ---------------------------------------------------------------------------------------------------

    def authorize(self, request: Request) -> Response:
        given = request.args
        if given.get("client_id") != self.client_id or given.get("response_type") != "code":
            return Response("wrong client or response_type", 400)
        if given.get("code_challenge_method") != "S256" or len(given.get("code_challenge", "")) != 43:
            return Response("wrong challenge", 400)
        if (refused := self.refuses_page(request)) is not None:
            return refused
        back = given.get("redirect_uri", "")
        if self.denies is not None:
            return _sent_to(back, **self.denies, state=given.get("state", ""))
        asked = tuple(given.get("scope", "").split())
        with self.lock:
            code = _secret("code")
            grant = Grant(self.account, asked if self.granted is None else self.granted)
            self.codes[code] = Code(grant, back, given["code_challenge"], self.now() + 300)
        return _sent_to(back, code=code, state=given.get("state", ""))

    def refuses_page(self, request: Request) -> Response | None:
        """Other services' reasons to show an error instead of the page."""
        return None

    # -- tokens -----------------------------------------------------------------------------------------------------

    def token(self, request: Request) -> Response:
        if request.mimetype != "application/x-www-form-urlencoded":
            return self.error("invalid_request")
        if not self.knows_client(request):
            return self.error("invalid_client", 401)
        form = request.form
        time.sleep(self.latency)
        with self.lock:
            if form.get("grant_type") == "authorization_code":
                return self.token_for_code(form)
            if form.get("grant_type") == "refresh_token":
                return self.token_for_refresh(form)
        return self.error("unsupported_grant_type")

    def knows_client(self, request: Request) -> bool:
        given = request.authorization
        if given is not None and given.type == "basic":
            return (given.username, given.password) == (self.client_id, self.client_secret)
        named = (request.form.get("client_id"), request.form.get("client_secret"))
        return not self.basic_only and named == (self.client_id, self.client_secret)

    def token_for_code(self, form: Any) -> Response:
        code = self.codes.get(form.get("code", ""))
        if code is None or code.used or code.expires < self.now():
            return self.error("invalid_grant")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != code.challenge or form.get("redirect_uri") != code.redirect_uri:
            return self.error("invalid_grant")
        code.used = True
        self.grants.append(code.grant)
        self.granted_anew(code.grant)
        if self.gives_refresh_token:
            code.grant.refresh_token = _secret("refresh")
        return self.answer(code.grant, code.grant.refresh_token)

    def granted_anew(self, grant: Grant) -> None:
        """What else happens when somebody allows it again."""

    def token_for_refresh(self, form: Any) -> Response:
        given = form.get("refresh_token", "")
        for grant in self.grants:
            if given in grant.used and self.reuse_kills:
                grant.alive = False
            if given and given == grant.refresh_token and grant.alive:
                if not (self.rotates or self.renews_refresh_token):
                    return self.answer(grant)
                if self.rotates:
                    grant.used.add(given)
                    grant.refresh_token = _secret("refresh")
                    return self.answer(grant, grant.refresh_token)
                another = Grant(grant.account, grant.scopes, _secret("refresh"))
                self.grants.append(another)
                return self.answer(another, another.refresh_token)
        return Response(json.dumps(self.dead_body), self.dead_status, mimetype="application/json")

    def answer(self, grant: Grant, refresh_token: str = "") -> Response:
        body: dict[str, Any] = {"access_token": self.token_of(grant), "token_type": "bearer"}
        if self.token_lifetime is not None:
            body["expires_in"] = self.token_lifetime
        if refresh_token:
            body["refresh_token"] = refresh_token
        if self.says_scopes:
            body["scope"] = " ".join(grant.scopes)
        return Response(json.dumps(body), mimetype="application/json")

    def revoke(self, request: Request) -> Response:
        if not self.knows_client(request):
            return self.error("invalid_client", 401)
        value = request.form.get("token", "")
        with self.lock:
            granted = self.tokens.get(value, (None, 0))[0]
            grants = [grant for grant in self.grants if grant is granted or value == grant.refresh_token]
            if not any(grant.alive for grant in grants):
                return self.error("invalid_token")
            for grant in grants:
                grant.alive = False
        return Response("{}", mimetype="application/json")

    @staticmethod
    def error(error: str, status: int = 400) -> Response:
        body = {"error": error, "error_description": f"Told to ann@example.com: {error}"}
        return Response(json.dumps(body), status, mimetype="application/json")

    # -- something to ask for with a token --------------------------------------------------------------------------

    def me(self, request: Request) -> Response:
        grant = self.bearer(request)
        if grant is None:
            return self.error("invalid_token", 401)
        return Response(json.dumps({"id": grant.account}), mimetype="application/json")

    def bearer(self, request: Request) -> Grant | None:
        """What the token of the request is for, while it is valid."""
        with self.lock:
            value = request.headers.get("Authorization", "").removeprefix("Bearer ")
            grant, expires = self.tokens.get(value, (None, 0.0))
            return grant if grant is not None and grant.alive and expires > self.now() else None


def _sent_to(address: str, **params: str) -> Response:
    more = urlencode(params)
    return Response(status=302, headers={"Location": f"{address}{'&' if '?' in address else '?'}{more}"})


def _secret(kind: str) -> str:
    return f"{kind}-{secrets.token_urlsafe(18)}"
