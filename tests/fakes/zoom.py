"""A stand-in for Zoom: signing in, and the meetings of users (Zoom API v2).

Requests are checked against what Zoom documents of them (zoom-requests.json).
"""

from __future__ import annotations

import datetime as dt
import json
import re
import secrets
from pathlib import Path
from typing import Any

import jsonschema
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from .oauth import Grant, OAuthFake, oauth_rules

REQUESTS: dict[str, Any] = json.loads(Path(__file__).with_name("zoom-requests.json").read_text())
SCOPES = (
    "meeting:write:meeting",
    "meeting:update:meeting",
    "meeting:delete:meeting",
    "meeting:read:meeting",
    "meeting:read:list_meetings",
    "user:read:user",
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?")
_LISTED = ("uuid", "id", "host_id", "topic", "type", "start_time", "duration", "timezone", "created_at", "join_url")


class Refused(Exception):
    """What Zoom answers instead."""

    def __init__(
        self, status: int, code: int, message: str, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.answer = _json({"code": code, "message": message, **more}, status)
        self.answer.headers.update(headers or {})


class Zoom(OAuthFake):
    """Zoom; who signs in is a user of it."""

    urls = Map(
        [
            *oauth_rules(),
            Rule("/v2/users/<user>", endpoint="user", methods=["GET"]),
            Rule("/v2/users/<user>/meetings", endpoint="listed", methods=["GET"]),
            Rule("/v2/users/<user>/meetings", endpoint="made", methods=["POST"]),
            Rule("/v2/meetings/<int:number>", endpoint="one", methods=["GET"]),
            Rule("/v2/meetings/<int:number>", endpoint="changed", methods=["PATCH"]),
            Rule("/v2/meetings/<int:number>", endpoint="deleted", methods=["DELETE"]),
        ]
    )
    dead_body = {"reason": "Invalid Token!", "error": "invalid_grant"}
    most_a_day = 100

    def __init__(self) -> None:
        super().__init__()
        self.rotates = self.basic_only = True
        self.granted = SCOPES
        self.meetings: dict[int, dict[str, Any]] = {}
        self.changes: dict[tuple[str, str], int] = {}
        """How often a user made or changed meetings on a day."""
        self.under_way: set[int] = set()
        self.ended: set[int] = set()
        self.unknown_zones: set[str] = set()
        self.bare_links = False
        """Whether links come without the password, as some accounts are set."""
        self.last = 81_234_567_890

    def allow(self, account: str = "ann", scopes: tuple[str, ...] = SCOPES) -> Grant:
        with self.lock:
            self.granted_anew(Grant(account, scopes))
        return super().allow(account, scopes)

    def of(self, user: str) -> list[dict[str, Any]]:
        """The meetings of a user."""
        return [meeting for meeting in self.meetings.values() if meeting["host_id"] == user]

    # -- signing in ---------------------------------------------------------------------------------------------------

    def refuses_page(self, request: Request) -> Response | None:
        return Response("Invalid scope", 400) if "scope" in request.args else None

    def granted_anew(self, grant: Grant) -> None:
        """Whoever allows it again makes the tokens of before useless."""
        for other in self.grants:
            if other.account == grant.account and other is not grant:
                other.alive = False

    def answer(self, grant: Grant, refresh_token: str = "") -> Response:
        body = json.loads(super().answer(grant, refresh_token).get_data())
        return _json(body | {"api_url": "https://evil.example"})

    # -- users and meetings -------------------------------------------------------------------------------------------

    def user(self, request: Request, user: str) -> Response:
        grant = self.authorized(request, user, "user:read:user")
        return _json(
            {"id": grant.account, "email": f"{grant.account}@example.com", "display_name": grant.account, "type": 1}
        )

    def listed(self, request: Request, user: str) -> Response:
        grant = self.authorized(request, user, "meeting:read:list_meetings")
        self.query(request, "GET /users/{userId}/meetings")
        size = int(request.args.get("page_size", 30))
        first = int(request.args.get("next_page_token") or 0)
        kind = request.args.get("type", "scheduled")
        with self.lock:
            rows = [
                meeting for meeting in self.of(grant.account)
                if kind != "upcoming" or _ends(meeting) > self.now()
            ]  # fmt: skip
        page = [
            {name: one[name] for name in _LISTED} | {"agenda": one["agenda"][:250]}
            for one in rows[first : first + size]
        ]
        more = str(first + size) if len(rows) > first + size else ""
        return _json({"page_size": size, "total_records": len(rows), "next_page_token": more, "meetings": page})

    def made(self, request: Request, user: str) -> Response:
        grant = self.authorized(request, user, "meeting:write:meeting")
        body = self.body(request, "POST /users/{userId}/meetings")
        with self.lock:
            self.count(grant)
            self.last += 1
            number = self.last
            password = secrets.token_hex(3)
            uuid = ("/" if number % 2 else "") + secrets.token_urlsafe(12) + "=="
            self.meetings[number] = {
                "uuid": uuid,
                "id": number,
                "host_id": grant.account,
                "topic": body.get("topic", "Zoom Meeting"),
                "type": body.get("type", 2),
                "status": "waiting",
                "start_time": body.get("start_time", ""),
                "duration": body.get("duration", 60),
                "timezone": body.get("timezone", "UTC"),
                "agenda": body.get("agenda", ""),
                "created_at": f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
                "start_url": f"https://zoom.example/s/{number}?zak=secret",
                "join_url": f"https://zoom.example/j/{number}" + ("" if self.bare_links else f"?pwd={password}"),
                "password": password,
                "encrypted_password": "x" * 20,
                "settings": {},
            }
            return _json(self.meetings[number], 201)

    def one(self, request: Request, number: int) -> Response:
        return _json(self.meeting(request, number, "meeting:read:meeting"))

    def changed(self, request: Request, number: int) -> Response:
        meeting = self.meeting(request, number, "meeting:update:meeting")
        body = self.body(request, "PATCH /meetings/{meetingId}")
        with self.lock:
            self.count(self.authorized(request, "me", "meeting:update:meeting"))
            meeting.update(body)
        return Response(status=204)

    def deleted(self, request: Request, number: int) -> Response:
        self.meeting(request, number, "meeting:delete:meeting")
        self.query(request, "DELETE /meetings/{meetingId}")
        if number in self.under_way:
            raise Refused(400, 3002, "Sorry, you cannot delete this meeting since it's in progress.")
        if number in self.ended:
            raise Refused(400, 3007, "Sorry, you cannot delete this meeting since it's ended.")
        with self.lock:
            del self.meetings[number]
        return Response(status=204)

    # -- what is refused ----------------------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Response:
        try:
            return super()._answer(request)
        except Refused as refused:
            return refused.answer

    def refused(self, error: HTTPException) -> Response:
        return _json({"code": error.code, "message": error.name}, error.code or 500)

    def authorized(self, request: Request, user: str, scope: str) -> Grant:
        grant = self.bearer(request)
        if grant is None:
            raise Refused(401, 124, "Invalid access token.")
        if not any(one == scope or scope.startswith(f"{one}:") for one in grant.scopes):
            raise Refused(400, 4711, f"Invalid access token, does not contain scopes:[{scope}, {scope}:admin].")
        if user not in ("me", grant.account):
            raise Refused(404, 1001, f"User does not exist: {user}.")
        return grant

    def meeting(self, request: Request, number: int, scope: str) -> dict[str, Any]:
        grant = self.authorized(request, "me", scope)
        found = self.meetings.get(number)
        if found is None or found["host_id"] != grant.account:
            raise Refused(404, 3001, f"Meeting does not exist: {number}.")
        return found

    def query(self, request: Request, what: str) -> None:
        known = {parameter["name"]: parameter["schema"] for parameter in REQUESTS[what]["query"]}
        for name, value in request.args.items():
            schema = known.get(name)
            if schema is None or (schema.get("enum") and value not in schema["enum"]):
                raise Refused(400, 300, "Validation Failed.", errors=[{"field": name, "message": "Invalid field."}])
            if schema["type"] == "boolean" and value not in ("true", "false"):
                raise Refused(400, 300, "Validation Failed.", errors=[{"field": name, "message": "Invalid field."}])
            if schema["type"] == "integer" and not 0 < int(value) <= schema.get("maximum", 10**9):
                raise Refused(400, 300, "Validation Failed.", errors=[{"field": name, "message": "Invalid field."}])

    def body(self, request: Request, what: str) -> dict[str, Any]:
        if request.mimetype != "application/json":
            raise Refused(400, 300, "Request Body should be a valid JSON object.")
        body = request.get_json()
        schema = REQUESTS[what]["body"]
        wrong = {name: "Unknown field." for name in body if name not in schema["properties"]}
        for error in jsonschema.Draft202012Validator(schema).iter_errors(body):
            wrong[".".join(map(str, error.path))] = error.message
        if "start_time" in body and not _TIME.fullmatch(body["start_time"]):
            wrong["start_time"] = "Invalid field."
        if body.get("timezone") in self.unknown_zones:
            wrong["timezone"] = "Invalid field."
        if len(body.get("topic", "")) > 200:
            wrong["topic"] = "Too long."
        if wrong:
            errors = [{"field": name, "message": message} for name, message in wrong.items()]
            raise Refused(400, 300, "Validation Failed.", errors=errors)
        return body

    def count(self, grant: Grant) -> None:
        today = dt.datetime.fromtimestamp(self.now(), dt.UTC).date()
        key = (grant.account, str(today))
        self.changes[key] = self.changes.get(key, 0) + 1
        if self.changes[key] > self.most_a_day:
            raise Refused(
                429,
                429,
                f"You have exceeded the daily rate limit ({self.most_a_day}) of Meeting Create/Update API requests "
                "permitted for this particular user.",
                {"Retry-After": f"{today + dt.timedelta(days=1)}T00:00:00Z", "X-RateLimit-Type": "Daily-limit"},
            )


def _ends(meeting: dict[str, Any]) -> float:
    starts = dt.datetime.fromisoformat(meeting["start_time"])
    return starts.replace(tzinfo=starts.tzinfo or dt.UTC).timestamp() + meeting["duration"] * 60


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")
