"""Asking Google, and telling its refusals apart.

Google gives the same status to things that need opposite treatment: a 403 may ask for patience, for another consent, or
be final.  The ``reason`` in its body decides (Google's guide "Handle API errors").
"""

from __future__ import annotations

import collections.abc as c
import typing as t
from urllib.parse import quote

import flask

from ...connections.access import Access, configured, retry_after
from ...connections.problems import (
    Changed,
    CursorExpired,
    Gone,
    Misconfigured,
    MissingScope,
    NotAllowed,
    ProviderProblem,
    RateLimited,
    Unreadable,
)

if t.TYPE_CHECKING:
    import requests

HOURS = 3600.0
"""How long to leave Google alone when it suspects abuse: asking again soon makes it last longer."""
MOST_PAGES = 5_000
"""A list with more pages than this is none: somebody answers with the same page for ever."""

REASONS: dict[str, tuple[type[ProviderProblem], float | None]] = {
    "rateLimitExceeded": (RateLimited, None),
    "userRateLimitExceeded": (RateLimited, None),
    "quotaExceeded": (RateLimited, HOURS),
    "dailyLimitExceeded": (RateLimited, HOURS),
    "insufficientPermissions": (MissingScope, None),
    "accessNotConfigured": (Misconfigured, None),
    "SERVICE_DISABLED": (Misconfigured, None),
    "fullSyncRequired": (CursorExpired, None),
    "updatedMinTooLongAgo": (CursorExpired, None),
    "pushNotSupportedForRequestedResource": (NotAllowed, None),
    "push.webhookUrlNotHttps": (NotAllowed, None),
}
"""What a reason means, and the seconds to wait for it; any other is judged by its status."""
STATUSES: dict[int, type[ProviderProblem]] = {
    403: NotAllowed, 404: Gone, 409: Changed, 410: Gone, 412: Changed,
}  # fmt: skip


class Invalid(ProviderProblem):
    """A request that Google calls wrong (400)."""


def ask(access: Access, method: str, path: str, **more: t.Any) -> dict[str, t.Any]:
    """One request to the Calendar API; ``path`` as :func:`address` makes it, ``more`` as of :meth:`Access.request`.

    Returns the answer's JSON, an empty dict for an answer without a body.  Raises
    :class:`~flask_booking.connections.problems.ProviderProblem` for anything but success.
    """
    root = configured(flask.current_app.config, "BOOKING_GOOGLE_API_URL").rstrip("/")
    return read(access.request(method, f"{root}/{path}", **more))


def address(*parts: str) -> str:
    """A path of the API; ids of calendars have ``@`` and ``#`` in them."""
    return "/".join(quote(part, safe="") for part in parts)


def pages(access: Access, path: str, params: c.Mapping[str, t.Any]) -> c.Iterator[dict[str, t.Any]]:
    """Every page of a list.  A page may be short or empty and still have a successor."""
    token = ""
    for _ in range(MOST_PAGES):
        page = ask(access, "GET", path, params={**params, "pageToken": token} if token else params)
        yield page
        following = page.get("nextPageToken") or ""
        if not following:
            return
        if following == token:
            break
        token = following
    raise Unreadable("a list without an end")


def items(page: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """What is on a page, as far as it can be what it should: something with an id."""
    found = page.get("items")
    if not isinstance(found, list):
        return []
    return [one for one in found if isinstance(one, dict) and isinstance(one.get("id"), str) and one["id"]]


def read(answer: requests.Response) -> dict[str, t.Any]:
    """The JSON of an answer.  Raises as :func:`ask`."""
    if not 200 <= answer.status_code < 300:
        raise problem(answer)
    if not answer.content:
        return {}
    try:
        value = answer.json()
    except ValueError:
        raise Unreadable(f"{answer.status_code} without JSON") from None
    if not isinstance(value, dict):
        raise Unreadable(f"{answer.status_code} with odd JSON")
    return value


def problem(answer: requests.Response) -> ProviderProblem:
    """What a refusal means for us."""
    status = answer.status_code
    reason, location = _reason(answer)
    detail = f"{status} {reason}".strip()
    if reason in REASONS:
        kind, wait = REASONS[reason]
        return kind(detail, retry_after=wait or retry_after(answer))
    if status == 400:
        return CursorExpired(detail) if location == "syncToken" else Invalid(detail)
    return STATUSES.get(status, ProviderProblem)(detail)


def _reason(answer: requests.Response) -> tuple[str, str]:
    """The reason of a refusal, and the parameter it is about; empty where it says nothing that can be read."""
    try:
        first = answer.json()["error"]["errors"][0]
        return _word(first.get("reason")), _word(first.get("location"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", ""


def _word(value: object) -> str:
    """A word of Google's for logs: nothing that could be a text about somebody."""
    return value if isinstance(value, str) and value.replace(".", "").replace("_", "").isalnum() else ""
