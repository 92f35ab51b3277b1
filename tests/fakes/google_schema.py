"""What Google's discovery document says of requests and answers, and what Google refuses a request with.

``google-calendar-schemas.json`` is the part of that document that is needed here, without its prose.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request, Response

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parent / "google-calendar-schemas.json").read_text())
METHODS: dict[str, dict[str, Any]] = DOCUMENT["methods"]
SCHEMAS: dict[str, dict[str, Any]] = DOCUMENT["schemas"]

RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?")
VALUES = {
    ("Event", "status"): {"confirmed", "tentative", "cancelled"},
    ("Event", "transparency"): {"opaque", "transparent"},
    ("Event", "visibility"): {"default", "public", "private", "confidential"},
    ("Event", "eventType"): {"default", "birthday", "focusTime", "fromGmail", "outOfOffice", "workingLocation"},
    ("EventAttendee", "responseStatus"): {"needsAction", "declined", "tentative", "accepted"},
    ("ConferenceRequestStatus", "statusCode"): {"pending", "success", "failure"},
}
"""Values that the document tells only in its prose."""

REASONS: dict[str, tuple[int, str, str]] = {
    "authError": (401, "global", "Invalid Credentials"),
    "insufficientPermissions": (403, "global", "Request had insufficient authentication scopes."),
    "forbidden": (403, "global", "Forbidden"),
    "requiredAccessLevel": (403, "calendar", "You need to have writer access to this calendar."),
    "forbiddenForNonOrganizer": (
        403, "calendar", "Shared properties can only be changed by the organizer of the event.",
    ),
    "forbiddenForServiceAccounts": (
        403, "calendar", "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.",
    ),
    "accessNotConfigured": (403, "usageLimits", "Google Calendar API has not been used in this project before."),
    "rateLimitExceeded": (403, "usageLimits", "Rate Limit Exceeded"),
    "userRateLimitExceeded": (403, "usageLimits", "User Rate Limit Exceeded"),
    "quotaExceeded": (403, "usageLimits", "Calendar usage limits exceeded."),
    "notFound": (404, "global", "Not Found"),
    "duplicate": (409, "global", "The requested identifier already exists."),
    "deleted": (410, "global", "Resource has been deleted"),
    "fullSyncRequired": (410, "calendar", "Sync token is no longer valid, a full sync is required."),
    "conditionNotMet": (412, "global", "Precondition Failed"),
    "timeRangeEmpty": (400, "calendar", "The specified time range is empty."),
    "timeRangeTooLong": (400, "global", "The requested time range is too long."),
    "channelIdNotUnique": (400, "global", "Channel id not unique"),
    "pushNotSupportedForRequestedResource": (
        400, "calendar", "Push notifications are not supported by this resource.",
    ),
    "push.webhookUrlNotHttps": (400, "global", "WebHook callback must be HTTPS"),
    "required": (400, "global", "Required"),
    "invalid": (400, "global", "Invalid Value"),
    "invalidParameter": (400, "global", "Invalid query parameter"),
    "parseError": (400, "global", "Parse Error"),
    "backendError": (500, "global", "Backend Error"),
}  # fmt: skip
"""Status, domain and sentence of what Google refuses."""


class Refused(Exception):
    """What the API answers instead."""

    def __init__(self, reason: str, message: str = "", location: str = "") -> None:
        self.reason, self.location = reason, location
        self.status, self.domain, said = REASONS[reason]
        self.message = message or said
        super().__init__(f"{self.status} {reason}: {self.message}")

    def body(self) -> dict[str, Any]:
        one: dict[str, Any] = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location:
            one |= {"locationType": "parameter", "location": self.location}
        return {"error": {"errors": [one], "code": self.status, "message": self.message}}

    def answer(self) -> Response:
        return Response(json.dumps(self.body()), self.status, mimetype="application/json")


# -- query parameters ------------------------------------------------------------------------------------------------


def query(method: str, given: MultiDict[str, str]) -> dict[str, Any]:
    """The parameters of a request, each as its type; lists where they may be repeated."""
    known = {**DOCUMENT["parameters"], **METHODS[method]["parameters"]}
    read: dict[str, Any] = {}
    for name in given:
        rule = known.get(name)
        if rule is None or rule["location"] != "query":
            raise Refused("invalidParameter", f"Unknown parameter {name}", name)
        values = [_parameter(name, rule, value) for value in given.getlist(name)]
        if len(values) > 1 and not rule.get("repeated"):
            raise Refused("invalidParameter", f"{name} may be given once", name)
        read[name] = values if rule.get("repeated") else values[0]
    return read


def _parameter(name: str, rule: dict[str, Any], value: str) -> Any:
    if "enum" in rule and value not in rule["enum"]:
        raise Refused("invalidParameter", location=name)
    if rule["type"] == "boolean":
        if value not in ("true", "false"):
            raise Refused("invalidParameter", location=name)
        return value == "true"
    if rule["type"] == "integer":
        if not re.fullmatch(r"-?\d+", value) or int(value) < int(rule.get("minimum", value)):
            raise Refused("invalidParameter", location=name)
        return int(value)
    if rule.get("format") == "date-time":
        return instant(value, name)
    return value


def instant(value: str, name: str) -> float:
    """Epoch seconds of an RFC 3339 time, whose offset is not optional."""
    if not RFC3339.fullmatch(value):
        raise Refused("invalid", "Bad Request", name)
    return dt.datetime.fromisoformat(value.upper()).timestamp()


# -- bodies ----------------------------------------------------------------------------------------------------------


def body(method: str, request: Request) -> Any:
    """The body of a request, checked; None where there should be none."""
    schema = METHODS[method]["request"]
    if schema is None:
        return None
    if request.mimetype != "application/json":
        raise Refused("parseError", "This API does not support parsing form-encoded input.")
    try:
        value = json.loads(request.get_data())
    except ValueError:
        raise Refused("parseError") from None
    for fault in faults(schema, value, nulls=method == "events.patch"):
        raise Refused("invalid", fault)
    return value


def faults(name: str, value: Any, *, nulls: bool = False) -> Iterator[str]:
    """What is wrong with a value of this schema; ``nulls`` allows null, which in a patch takes a field away."""
    return _faults({"$ref": name}, value, name, nulls, "")


def _faults(rule: dict[str, Any], value: Any, where: str, nulls: bool, owner: str) -> Iterator[str]:
    if "$ref" in rule:
        owner = rule["$ref"]
        rule = SCHEMAS[owner]
    kind = rule.get("type")
    if value is None:
        if not nulls:
            yield f"{where} is null"
    elif kind == "object":
        if not isinstance(value, dict):
            yield f"{where} is no object"
            return
        properties, others = rule.get("properties", {}), rule.get("additionalProperties")
        for key, inner in value.items():
            if key in properties:
                if isinstance(inner, str) and inner not in VALUES.get((owner, key), {inner}):
                    yield f"{where}.{key} can't be {inner!r}"
                yield from _faults(properties[key], inner, f"{where}.{key}", nulls, "")
            elif others is not None:
                yield from _faults(others, inner, f"{where}.{key}", nulls, "")
            else:
                yield f"{where} has no field {key}"
    elif kind == "array":
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        for number, inner in enumerate(value):
            yield from _faults(rule["items"], inner, f"{where}[{number}]", nulls, "")
    elif kind == "string":
        if not isinstance(value, str):
            yield f"{where} is no text"
        elif rule.get("format") == "date-time" and not LOCAL_TIME.fullmatch(value):
            yield f"{where} is no time"
        elif rule.get("format") == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            yield f"{where} is no date"
        elif rule.get("format") == "int64" and not value.lstrip("-").isdigit():
            yield f"{where} is no number"
    elif kind == "boolean":
        if not isinstance(value, bool):
            yield f"{where} is not true or false"
    elif kind == "integer" and (not isinstance(value, int) or isinstance(value, bool)):
        yield f"{where} is no whole number"


def answered(method: str, value: Any) -> None:
    """See that what the stand-in is about to answer is what Google could."""
    schema = METHODS[method]["response"]
    wrong = list(faults(schema, value)) if schema else []
    if wrong:
        raise AssertionError(f"the stand-in for Google answers nonsense: {wrong[:3]}")


# -- partial answers -------------------------------------------------------------------------------------------------


def selected(value: Any, fields: str) -> Any:
    """What ``fields`` asks for of an answer: ``a,b(c,d/e)``."""
    mask, rest = _mask(fields, 0)
    if rest != len(fields):
        raise Refused("invalidParameter", f"Invalid field selection {fields}", "fields")
    return _picked(value, mask)


def _mask(text: str, at: int) -> tuple[dict[str, Any], int]:
    mask: dict[str, Any] = {}
    while True:
        named = re.compile(r"[A-Za-z*]+(/[A-Za-z*]+)*").match(text, at)
        if named is None:
            raise Refused("invalidParameter", f"Invalid field selection {text}", "fields")
        at = named.end()
        inner: dict[str, Any] = {}
        if text[at : at + 1] == "(":
            inner, at = _mask(text, at + 1)
            if text[at : at + 1] != ")":
                raise Refused("invalidParameter", f"Invalid field selection {text}", "fields")
            at += 1
        *above, last = named[0].split("/")
        place = mask
        for name in above:
            place = place.setdefault(name, {})
        place.setdefault(last, {}).update(inner)
        if text[at : at + 1] != ",":
            return mask, at
        at += 1


def _picked(value: Any, mask: dict[str, Any]) -> Any:
    if not mask:
        return value
    if isinstance(value, list):
        return [_picked(one, mask) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _picked(inner, mask[key]) for key, inner in value.items() if key in mask}
