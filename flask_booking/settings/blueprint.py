"""The screens' blueprint, and what surrounds each of its views: who is there, forged requests, headers, errors.

Errors are answered with pages returned as responses of this blueprint's own handlers: an application's error handlers
may turn a 404 into a 200, and never get to see ours.
"""

from __future__ import annotations

import logging
import typing as t

from flask import Blueprint, Response, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import validate_csrf
from werkzeug.exceptions import HTTPException
from wtforms import ValidationError

from .. import i18n
from ..errors import BookingError, frames_of
from ..guards import refuse_nul
from ..i18n import gettext as _
from ..i18n import gettext_noop
from ..state import crm, session
from ..templating import told
from . import access, screen

blueprint = Blueprint(
    "booking_settings",
    __name__,
    template_folder=str(screen.TEMPLATES),
    static_folder=str(screen.STATIC),
    static_url_path="/static",
)

_log = logging.getLogger(__name__)

_STATIC_ENDPOINT = "booking_settings.static"


class ForgedRequest(BookingError):
    """A change was asked for without this session's token."""

    code = "csrf"
    status = 400
    description = gettext_noop(
        "This page was open for too long, or the request came from elsewhere. Please reload it and try again."
    )


class NotLoggedIn(BookingError):
    """Nobody is logged in, and the CRM has no page to send to."""

    code = "not_logged_in"
    status = 401
    description = gettext_noop("Please log in first.")


@blueprint.before_request
def _admit() -> ResponseReturnValue | None:
    """Let in users of the CRM, and changes only with the token of their session."""
    if request.endpoint == _STATIC_ENDPOINT:
        return None
    user = crm().current_user()
    if user is None:
        return _ask_for_login()
    refuse_nul(queries=True)
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        _check_token()
    access.open_desk(user)
    i18n.set_locale(access.desk().own.language)
    return None


def _ask_for_login() -> ResponseReturnValue:
    answer = crm().ask_for_login()
    if answer is None:
        raise NotLoggedIn
    return t.cast(ResponseReturnValue, answer)


def _check_token() -> None:
    """Also where the CRM has a CSRFProtect of its own: it may have exempted us, or check nothing by default."""
    config = current_app.config
    if current_app.testing and not config.get("WTF_CSRF_ENABLED", True):
        return
    try:
        validate_csrf(request.form.get(config.get("WTF_CSRF_FIELD_NAME", "csrf_token")))
    except ValidationError:
        raise ForgedRequest from None


@blueprint.url_defaults
def _stay_with_host(endpoint: str, values: dict[str, t.Any]) -> None:
    """Links keep the colleague whom an administrator is looking after."""
    desk = access.desk_if_open()
    if desk is not None and desk.foreign and endpoint != _STATIC_ENDPOINT:
        values.setdefault("host", desk.page.slug)


@blueprint.after_request
def _private(response: Response) -> Response:
    if request.endpoint != _STATIC_ENDPOINT:
        response.headers.setdefault("Cache-Control", "private, no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


@blueprint.errorhandler(BookingError)
def _sorry(error: BookingError) -> Response:
    try:
        session().rollback()
        if error.status == 401 or access.desk_if_open() is None:
            g.pop("booking_desk", None)
            return make_response(screen.render("closed.html", error=error), error.status)
        return make_response(screen.render("error.html", error=error), error.status)
    except Exception as again:  # the database is away, or the CRM's base template is broken, or made for users only
        if error.status != 401:
            _log.error("the page for an error failed: %s\n%s", told(again), frames_of(again))
        return Response(error.description, error.status, mimetype="text/plain")


@blueprint.errorhandler(Exception)
def _unforeseen(error: Exception) -> ResponseReturnValue:
    """Say that it is our fault, and log where: the text of the error may hold what a guest typed."""
    if isinstance(error, HTTPException):
        return _by_the_crm(error)
    if current_app.debug:
        raise error
    _log.error("%s failed: %s\n%s", request.endpoint, told(error), frames_of(error))
    failed = BookingError(_("Something broke here, and it isn't your fault. Please try again later."))
    failed.status = 500  # type: ignore[misc]
    return _sorry(failed)


def _by_the_crm(error: HTTPException) -> ResponseReturnValue:
    """As if there were no handler of ours: the CRM's for all such errors, or the error's own page."""
    handlers = current_app.error_handler_spec[None][None]
    found = next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), None)
    return error if found is None else current_app.ensure_sync(found)(error)
