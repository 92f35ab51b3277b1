"""Signing in at the stand-in for Microsoft: authorize, token, and the words of refusals (AADSTS…).

A refresh gives a new refresh token and leaves the old one valid.  The person at the browser agrees to everything at
once; ``grants``, ``denies`` and ``signing_in`` say otherwise.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from .base import Fake
from .microsoft_mailbox import Mailbox

ERRORS = {
    "expired": ("invalid_grant", 700082, "The refresh token has expired due to inactivity.", ""),
    "revoked": ("invalid_grant", 50173, "The provided grant has expired due to it being revoked.", "bad_token"),
    "consent": ("invalid_grant", 65001, "The user or administrator has not consented.", "consent_required"),
    "mfa": ("interaction_required", 50076, "You must use multi-factor authentication.", "basic_action"),
    "code": ("invalid_grant", 54005, "OAuth2 Authorization code was already redeemed.", ""),
    "verifier": ("invalid_grant", 501481, "The Code_Verifier does not match the code_challenge.", ""),
    "secret": ("invalid_client", 7000215, "Invalid client secret provided.", ""),
    "secret_expired": ("invalid_client", 7000222, "The provided client secret keys for app are expired.", ""),
    "client": ("unauthorized_client", 700016, "Application was not found in the directory.", ""),
    "request": ("invalid_request", 900144, "The request body must contain a parameter that is missing.", ""),
}


@dataclass
class Grant:
    """What a person allowed; all tokens of it die together.  ``dead`` is one of :data:`ERRORS`."""

    mailbox: Mailbox
    scopes: tuple[str, ...]
    dead: str = ""


@dataclass
class Code:
    grant: Grant
    challenge: str
    redirect: str
    expires: float
    nonce: str = field(default="", repr=False)


class OAuth(Fake):
    """The part of the stand-in that is ``login.microsoftonline.com``."""

    client_id = "11111111-2222-3333-4444-555555555555"
    client_secret = "a~secret/with+signs="

    def __init__(self) -> None:
        super().__init__()
        self.mailboxes: dict[str, Mailbox] = {}
        self.signing_in: Mailbox | None = None
        """Who signs in next; the first mailbox when None."""
        self.grants: tuple[str, ...] | None = None
        """The scopes that are agreed to; all that are asked for when None."""
        self.denies: tuple[str, str] | None = None
        """An error and its description, such as ``("access_denied", "AADSTS65004: User declined to consent.")``."""
        self.secret_expired = False
        self.codes: dict[str, Code] = {}
        self.refresh_tokens: dict[str, Grant] = {}
        self.access_tokens: dict[str, tuple[Grant, float]] = {}
        self.random = random.Random(7)

    def now(self) -> float:
        raise NotImplementedError

    # -- what tests do --------------------------------------------------------------------------------------------

    def token_for(self, mailbox: Mailbox, *scopes: str) -> str:
        """An access token without any browser, for the usual scopes or these."""
        return self._access_token(Grant(mailbox, scopes or ("User.Read", "Calendars.ReadWrite")))

    def pair_for(self, mailbox: Mailbox) -> dict[str, str]:
        """An access token and a refresh token, as the way through the browser ends in."""
        scopes = ("openid", "offline_access", "User.Read", "Calendars.ReadWrite")
        answer = json.loads(self._give(Grant(mailbox, scopes)).get_data(as_text=True))
        return {name: answer[name] for name in ("access_token", "refresh_token")}

    def revoke(self, mailbox: Mailbox, why: str = "revoked") -> None:
        """The owner takes back what was allowed, or changes the password: one of :data:`ERRORS`."""
        with self.lock:
            for grant in self.refresh_tokens.values():
                if grant.mailbox is mailbox:
                    grant.dead = why
            self.expire_access_tokens(mailbox)

    def expire_access_tokens(self, mailbox: Mailbox | None = None) -> None:
        with self.lock:
            for token, (grant, _) in list(self.access_tokens.items()):
                if mailbox is None or grant.mailbox is mailbox:
                    self.access_tokens[token] = (grant, 0.0)

    # -- the endpoints --------------------------------------------------------------------------------------------

    def authorize(self, request: Request, tenant: str) -> Response:
        asked = request.args
        if asked.get("client_id") != self.client_id:
            return Response("AADSTS700016: Application was not found.", 400)
        missing = [name for name in ("redirect_uri", "scope", "state", "code_challenge") if not asked.get(name)]
        if missing or asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return Response(f"AADSTS900144: missing or wrong: {missing}", 400)
        where, state = asked["redirect_uri"], asked["state"]
        with self.lock:
            if self.denies is not None:
                error, description = self.denies
                told = {"error": error, "error_description": description, "state": state}
                return Response(status=302, headers={"Location": f"{where}?{urlencode(told)}"})
            mailbox = self.signing_in or next(iter(self.mailboxes.values()))
            scopes = tuple(asked["scope"].split()) if self.grants is None else self.grants
            code = f"0.A{secrets.token_urlsafe(24)}"
            self.codes[code] = Code(Grant(mailbox, scopes), asked["code_challenge"], where, self.now() + 600)
        return Response(status=302, headers={"Location": f"{where}?{urlencode({'code': code, 'state': state})}"})

    def token(self, request: Request, tenant: str) -> Response:
        if request.mimetype != "application/x-www-form-urlencoded":
            return self._refuse("request")
        form = request.form
        with self.lock:
            if form.get("client_id") != self.client_id:
                return self._refuse("client")
            if self.secret_expired:
                return self._refuse("secret_expired", 401)
            if form.get("client_secret") != self.client_secret:
                return self._refuse("secret", 401)
            if form.get("grant_type") == "authorization_code":
                return self._by_code(form)
            if form.get("grant_type") == "refresh_token":
                grant = self.refresh_tokens.get(form.get("refresh_token", ""))
                if grant is None:
                    return self._refuse("expired")
                return self._refuse(grant.dead) if grant.dead else self._give(grant)
        return self._refuse("request")

    def _by_code(self, form: Any) -> Response:
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.expires < self.now() or code.redirect != form.get("redirect_uri"):
            return self._refuse("code")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
            return self._refuse("verifier")
        return self._give(code.grant)

    def _give(self, grant: Grant) -> Response:
        access = self._access_token(grant)
        shown = [scope for scope in grant.scopes if scope != "offline_access"]
        body: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": " ".join(shown),
            "expires_in": int(self.access_tokens[access][1] - self.now()),
            "ext_expires_in": 5399,
            "access_token": access,
        }
        if "offline_access" in grant.scopes:
            refresh = f"0.AX{secrets.token_urlsafe(40)}"
            self.refresh_tokens[refresh] = grant
            body["refresh_token"] = refresh
        if "openid" in grant.scopes:
            claims = {"sub": grant.mailbox.id, "oid": grant.mailbox.id, "preferred_username": grant.mailbox.mail}
            body["id_token"] = ".".join((_encoded({"alg": "none"}), _encoded(claims), ""))
        return Response(json.dumps(body), 200, mimetype="application/json")

    def _access_token(self, grant: Grant) -> str:
        """Something that looks like a JWT, but not for personal accounts: nobody may look into it."""
        token = ("EwB" if grant.mailbox.personal else "eyJ0") + secrets.token_urlsafe(48)
        self.access_tokens[token] = (grant, self.now() + self.random.randint(3600, 5400))
        return token

    def _refuse(self, why: str, status: int = 400) -> Response:
        error, number, text, suberror = ERRORS[why]
        nobody = "00000000-0000-0000-0000-000000000000"
        body = {
            "error": error,
            "error_description": f"AADSTS{number}: {text} Trace ID: {nobody} Correlation ID: {nobody}",
            "error_codes": [number],
            "timestamp": "2026-11-21 02:20:00Z",
            "trace_id": nobody,
            "correlation_id": nobody,
            "error_uri": f"https://login.microsoftonline.com/error?code={number}",
        }
        if suberror:
            body["suberror"] = suberror
        return Response(json.dumps(body), status, mimetype="application/json")


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
