"""The public pages' blueprint, and what surrounds each of its views: limits, language, headers, and pages for errors.

Errors are answered with pages returned as ordinary responses: an application's own error handlers may turn a 404 into
a 200 or a 429 into a 500, and never get to see ours.
"""

from __future__ import annotations

import functools
import logging
import re
import typing as t

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from ..domains import at_home, on_own_name
from ..errors import BookingError, NoLongerOffered, NotBookable, TooManyRequests, frames_of
from ..guards import check_rate, limit_body, refuse_nul
from ..i18n import gettext as _
from ..i18n import language_tag
from ..models import BookingPage, Host
from ..state import session
from ..templating import told
from .addresses import address
from .language import choose_language
from .shell import Shell, render

_log = logging.getLogger(__name__)

blueprint = Blueprint("booking_public", __name__, template_folder="../templates")

View = t.TypeVar("View", bound=t.Callable[..., ResponseReturnValue])

_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # Not `no-store`: a browser that goes back shall find the page as it was left.
    "Cache-Control": "private, no-cache",
}
SECRET = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Headers of pages whose address is a secret."""


@blueprint.url_value_preprocessor
def _let_forms_in(endpoint: str | None, values: dict[str, t.Any] | None) -> None:
    """Take our forms out of the CRM's CSRF protection: they act for nobody who is logged in.

    Done here because these functions run before all ``before_request`` ones, whichever was mounted first.
    """
    protection = current_app.extensions.get("csrf")
    if protection is not None and hasattr(protection, "exempt"):
        protection.exempt(blueprint)


def guarded(rate: str, *, posting: str | None = None, secret: bool = False) -> t.Callable[[View], View]:
    """Surround a view: count it against the limit ``rate`` (``posting`` for POST), choose the language, add headers,
    and show a page of our own for whatever goes wrong.  ``secret`` pages are neither stored nor indexed."""

    def surround(view: View) -> View:
        def answered(**values: t.Any) -> Response:
            choose_language()
            try:
                limit_body()
                refuse_nul()
                check_rate(posting if posting and request.method == "POST" else rate)
                return make_response(view(**values))
            except BookingError as error:
                return error_page(error)
            except HTTPException as error:
                return _http_error_page(error)

        @functools.wraps(view)
        def shown(**values: t.Any) -> ResponseReturnValue:
            try:
                response = answered(**values)
            except Exception as error:
                if current_app.debug:
                    raise
                session().rollback()
                _log.error("%s failed: %s\n%s", request.endpoint, told(error), frames_of(error))
                response = sorry(500, _("Something broke"), _("It is our fault, not yours. Nothing was half done."))
            return _with_headers(response, secret)

        return t.cast("View", shown)

    return surround


def _with_headers(response: Response, secret: bool) -> Response:
    for name, value in {**_EVERYWHERE, **(SECRET if secret else {})}.items():
        response.headers.setdefault(name, value)
    policy = current_app.config["BOOKING_CSP"]
    if policy and on_own_name():  # the CRM's stylesheets and pictures stay on its own name
        policy = re.sub(r"\b((?:style|img)-src) 'self'", rf"\1 'self' {at_home('')}", policy)
    if policy and response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", policy)
    if response.mimetype == "text/html":
        response.headers["Content-Language"] = language_tag()
    response.vary.add("Accept-Language")
    return response


def error_page(error: BookingError) -> Response:
    """The page that tells what ``error`` says."""
    titles = {
        400: _("That link doesn't work"),
        403: _("This can't be booked"),
        404: _("This page doesn't exist"),
        410: _("Closed for now"),
        429: _("One moment, please"),
        503: _("One moment, please"),
    }
    way_on = _way_on(error)
    response = sorry(error.status, titles.get(error.status, _("That didn't work")), error.description, way_on)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    elif error.status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _http_error_page(error: HTTPException) -> Response:
    status = error.code or 500
    if status == 413:
        return sorry(413, _("That was too much"), _("What you sent is too large. Please shorten your texts."))
    if 300 <= status < 400:
        return t.cast(Response, error.get_response())
    return sorry(status, _("That didn't work"), _("Please go back and try again."))


def _way_on(error: BookingError) -> tuple[str, str] | None:
    """Where a guest can go from here: to the page of the event type, or to all that can be booked with its host."""
    values = request.view_args or {}
    page, event = values.get("page"), values.get("event")
    if not page or not event or "\0" in page:
        return None
    if not isinstance(error, NotBookable | NoLongerOffered):
        return address("event", page=page, event=event), _("Choose a time")
    open_page = sa.select(BookingPage.id).join(BookingPage.host).where(BookingPage.active, Host.active)
    found = session().scalar(open_page.where(BookingPage.slug == page))
    return (address("page", page=page), _("See what else can be booked")) if found else None


def sorry(status: int, title: str, text: str, way_on: tuple[str, str] | None = None) -> Response:
    """A page that says what went wrong and where to go on (address and words)."""
    words: dict[str, t.Any] = {"heading": title, "text": text, "way_on": way_on, "status": status}
    try:
        page = render("error.html", Shell(title=title), **words)
    except Exception as error:
        if current_app.debug:
            raise
        # What the CRM put in place of our templates fails: the page for errors is shown as the package has it.
        _log.error("the page for errors failed: %s", told(error))
        page = render("error.html", Shell(title=title), original=True, **words)
    return make_response(page, status)
