"""Where calendar services tell of changes.

Anybody can post here, so nothing that is said is believed: a notification counts only with the token that was given to
its service, and all it can bring about is that a calendar is read soon.  Those that aren't believed are answered alike,
so that nobody learns which channels there are.  Services give up on slow ears: here is one query and one update.
"""

from __future__ import annotations

import logging

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from ..calendars import mirror, registry, watches
from ..calendars.provider import Notice
from ..errors import TooManyRequests, frames_of
from ..guards import check_rate
from ..state import session
from .blueprint import blueprint

_log = logging.getLogger(__name__)

LARGEST = 256 * 1024
"""Bytes of a notification; those of Google have none, those of Microsoft some hundred for each change."""
MOST = 500
"""So many notices of one request are looked at."""
LONGEST_GREETING = 1000

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@blueprint.post("/hooks/<provider>")
def hook(provider: str) -> ResponseReturnValue:
    """Take a notification."""
    try:
        answer = _answer(provider)
    except TooManyRequests as error:
        # Not 429: a service would take that for a no, and this for "later".
        answer = Response("", 503, {"Retry-After": str(error.retry_after)}, mimetype="text/plain")
    except RequestEntityTooLarge:
        answer = Response("", 413, mimetype="text/plain")
    except Exception as error:
        session().rollback()
        _log.error("a notification of %s failed: %s\n%s", provider, type(error).__name__, frames_of(error))
        answer = Response("", 503, {"Retry-After": "60"}, mimetype="text/plain")
    answer.headers.update(_HEADERS)
    return answer


def _answer(name: str) -> Response:
    check_rate("hook")
    request.max_content_length = LARGEST
    found = registry.listening(name)
    if found is None:
        return Response("", 404, mimetype="text/plain")
    greeting = found.greeting(request.args)
    if greeting is not None:
        fits = 0 < len(greeting) <= LONGEST_GREETING
        return Response(greeting if fits else "", 200 if fits else 400, mimetype="text/plain")
    _take(found.heard(dict(request.headers), request.get_data(cache=False))[:MOST])
    return Response("", 202, mimetype="text/plain")


def _take(notices: list[Notice]) -> None:
    told = [(one, watches.believed(one)) for one in dict.fromkeys(notices)]
    session().rollback()
    if ended := {one.remote_id for one, calendar_id in told if calendar_id is not None and one.ended}:
        watches.lapse(ended)
    for whole in (True, False):
        ids = {calendar_id for one, calendar_id in told if calendar_id is not None and one.whole is whole}
        if ids:
            mirror.request(ids, whole=whole)
