"""Zoom: meetings with links of their own, made in the name of the host (OAuth, Zoom API v2).

Zoom takes no key by which a repeated request is known as the same, so a meeting carries our mark in its agenda and is
looked for before it is made.  The mark comes first there: lists show the first 250 characters only.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import datetime as dt
import typing as t
import urllib.parse

import flask

from ..connections.access import Access, configured
from ..connections.problems import Gone, MissingScope, NeedsReconnect, NotAllowed, ProviderProblem, Unreadable
from ..connections.service import OAuthService
from .provider import Meeting, MeetingDraft

if t.TYPE_CHECKING:
    import requests

TOPIC, AGENDA = 200, 2000
"""So many characters may these have."""
PAGE, PAGES = 300, 20
"""Meetings per page of a list (the most that Zoom gives), and pages that are looked through."""

_NO_SCOPE, _NO_USER, _NO_MEETING, _UNDER_WAY, _ENDED = 4711, 1001, 3001, 3002, 3007
_SCHEDULED = 2
_SETTINGS = {"use_pmi": False}
"""The host's personal meeting would be one room for all guests."""

Body = dict[str, t.Any]


class Zoom:
    """See :class:`~flask_booking.conferencing.provider.ConferencingProvider`."""

    name = "zoom"
    label = "Zoom"

    def service(self, config: c.Mapping[str, t.Any]) -> OAuthService:
        """Zoom's addresses and the CRM's app there.  Raises :class:`Misconfigured` without one.

        Its scopes are fixed with the app.  Of those only the one that makes meetings is asked after when somebody
        connects: apps of the old kind have one scope (``meeting:write``) for what is several now.
        """
        address = configured(config, "BOOKING_ZOOM_OAUTH_URL").rstrip("/")
        return OAuthService(
            name=self.name,
            client_id=configured(config, "BOOKING_ZOOM_CLIENT_ID"),
            client_secret=configured(config, "BOOKING_ZOOM_CLIENT_SECRET"),
            authorize_url=f"{address}/authorize",
            token_url=f"{address}/token",
            revoke_url=f"{address}/revoke",
            needed=frozenset({"meeting:write:meeting"}),
            sends_scope=False,
            basic_auth=True,
            rotates=True,
        )

    def account(self, access: Access) -> tuple[str, str]:
        """The Zoom user.  Raises :class:`MissingScope` also when meetings can't be listed, which each new one needs."""
        user = _ask(access, "GET", "/users/me")
        if not user.get("id"):
            raise Unreadable("no id")
        _ask(access, "GET", "/users/me/meetings", params={"type": "upcoming", "page_size": 1})
        return str(user["id"]), str(user.get("email") or user.get("display_name") or user["id"])

    def write(self, access: Access, draft: MeetingDraft, known: Meeting | None) -> Meeting:
        """See :meth:`.ConferencingProvider.write`; each change counts towards Zoom's 100 a day and user."""
        if known is not None:
            with contextlib.suppress(Gone):  # deleted over there
                _change(access, known.id, draft)
                return known
        made = _marked(access, draft.mark)
        if not made:
            return _meeting(_send(access, "POST", "/users/me/meetings", _body(draft) | {"settings": _SETTINGS}))
        there = _ask(access, "GET", f"/meetings/{_segment(made[0])}")
        if any(there.get(name) != value for name, value in _body(draft).items()):
            _change(access, made[0], draft)
        return _meeting(there)

    def remove(self, access: Access, draft: MeetingDraft, known: Meeting | None) -> None:
        """See :meth:`.ConferencingProvider.remove`.  Zoom mails nobody about it."""
        for meeting in [known.id] if known is not None else _marked(access, draft.mark):
            _delete(access, meeting)


def _body(draft: MeetingDraft) -> Body:
    """What of a meeting is ours; all else is as the host has set it at Zoom."""
    starts = dt.datetime.fromtimestamp(draft.starts, dt.UTC)
    return {
        "topic": " ".join(draft.title.split())[:TOPIC],
        "type": _SCHEDULED,
        "start_time": f"{starts:%Y-%m-%dT%H:%M:%SZ}",
        "duration": max(1, -(-(draft.ends - draft.starts) // 60)),  # whole minutes, rounded up
        "timezone": draft.time_zone,
        "agenda": f"{_mark(draft.mark)}\n{draft.description}".strip()[:AGENDA],
    }


def _mark(mark: str) -> str:
    return f"[{mark}]"


def _change(access: Access, meeting: str, draft: MeetingDraft) -> None:
    """Raises :class:`Gone` when there is no such meeting."""
    body = _body(draft)
    del body["type"]
    _send(access, "PATCH", f"/meetings/{_segment(meeting)}", body)


def _delete(access: Access, meeting: str) -> None:
    params = {"schedule_for_reminder": "false", "cancel_meeting_reminder": "false"}
    with contextlib.suppress(Gone):
        _ask(access, "DELETE", f"/meetings/{_segment(meeting)}", params=params)


def _marked(access: Access, mark: str) -> list[str]:
    """The ids of meetings to come that carry the mark: one, unless the host has copied it."""
    params: Body = {"type": "upcoming", "page_size": PAGE}
    found = []
    for _ in range(PAGES):
        page = _ask(access, "GET", "/users/me/meetings", params=params)
        listed = page.get("meetings")
        for one in listed if isinstance(listed, list) else []:
            if isinstance(one, dict) and _mark(mark) in str(one.get("agenda") or "") and one.get("id"):
                found.append(str(one["id"]))
        if not page.get("next_page_token"):
            break
        params["next_page_token"] = page["next_page_token"]
    return found


def _meeting(body: Body) -> Meeting:
    join_url = str(body.get("join_url") or "")
    if not body.get("id") or not join_url.startswith(("https://", "http://")):
        raise Unreadable("no id or join_url")
    return Meeting(str(body["id"]), join_url, str(body.get("password") or ""))


def _segment(meeting: str) -> str:
    """A meeting's id or UUID in a path: Zoom wants a UUID encoded twice that a slash could be mistaken in."""
    once = urllib.parse.quote(meeting, safe="")
    return urllib.parse.quote(once, safe="") if meeting.startswith("/") or "//" in meeting else once


class _Invalid(NotAllowed):
    """Fields that Zoom doesn't take."""

    def __init__(self, detail: str, fields: c.Collection[str]) -> None:
        super().__init__(detail)
        self.fields = fields


def _send(access: Access, method: str, path: str, body: Body) -> Body:
    """Write; where Zoom doesn't know the host's time zone, without it: the start is in UTC."""
    try:
        return _ask(access, method, path, json=body)
    except _Invalid as invalid:
        if "timezone" not in invalid.fields:
            raise
    return _ask(access, method, path, json={name: value for name, value in body.items() if name != "timezone"})


def _ask(access: Access, method: str, path: str, **more: t.Any) -> Body:
    """The body of the answer, empty for the many that have none.  Raises :class:`ProviderProblem`."""
    address = configured(flask.current_app.config, "BOOKING_ZOOM_API_URL").rstrip("/")
    answer = access.request(method, f"{address}{path}", **more)
    body = _read(answer)
    if answer.status_code < 300:
        return body
    code = body.get("code")
    number = code if isinstance(code, int) else 0
    detail = f"{answer.status_code} {number or ''}".strip()
    if number == _NO_SCOPE:
        raise MissingScope(detail)
    if number == _NO_USER:
        raise NeedsReconnect(detail)
    if answer.status_code == 404 or number in (_NO_MEETING, _ENDED):
        raise Gone(detail)
    if number == _UNDER_WAY or answer.status_code not in (400, 403):
        raise ProviderProblem(detail)
    errors = body.get("errors")
    fields = [str(one.get("field")) for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    raise _Invalid(detail, fields)


def _read(answer: requests.Response) -> Body:
    if not answer.content:
        return {}
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        return body
    if answer.status_code < 300:
        raise Unreadable("no object")
    return {}
