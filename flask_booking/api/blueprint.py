"""Where the API is, and how it answers when something is wrong: problem+json (RFC 9457) with a stable ``code``."""

from __future__ import annotations

import json
import logging
import typing as t

from flask import Blueprint, Response, current_app, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException

from ..errors import BookingError, InvalidInput, TooManyRequests, frames_of, kind_of
from ..guards import refuse_nul
from ..i18n import default_locale, first_spoken, gettext_noop, set_locale
from ..i18n import gettext as _
from ..state import session

if t.TYPE_CHECKING:
    from pydantic_core import ErrorDetails

api = Blueprint("booking_api", __name__)
_log = logging.getLogger(__name__)

M = t.TypeVar("M", bound=BaseModel)

_SENTENCES = {
    "missing": gettext_noop("Please fill this in."),
    "string_type": gettext_noop("Please give a text."),
    "string_too_long": gettext_noop("Please use at most %(most)s characters."),
    "int_type": gettext_noop("Please enter a whole number."),
    "dict_type": gettext_noop("Please give a JSON object."),
    "too_long": gettext_noop("Please give at most %(most)s entries."),
    "any": gettext_noop("Please check this value."),
}
"""What pydantic's kinds of errors are called here, in the caller's language."""


class TooLarge(BookingError):
    """The request's body is longer than anybody needs."""

    code = "too_large"
    status = 413
    description = gettext_noop("The request is too large.")


class Malformed(BookingError):
    """The body isn't a JSON object."""

    code = "malformed"
    status = 400
    description = gettext_noop("Send a JSON object, with Content-Type: application/json.")


@api.url_value_preprocessor
def _let_programs_in(endpoint: str | None, values: dict[str, t.Any] | None) -> None:
    """Take the API out of the CRM's CSRF protection: it carries no authority of a visitor's session.

    Done here because these functions run before all ``before_request`` ones, whichever was mounted first.
    """
    protection = current_app.extensions.get("csrf")
    if protection is not None and hasattr(protection, "exempt"):
        protection.exempt(api)


def answer(value: t.Any, status: int = 200) -> Response:
    """``value`` as JSON.  The CRM's own JSON provider is left alone: everything here is plain already."""
    response = Response(json.dumps(value, separators=(",", ":")), status, mimetype="application/json")
    # Nothing between us and the caller may keep it: it holds guests' links, or addresses made from the Host header.
    response.headers["Cache-Control"] = "no-store"
    return response


def body(model: type[M]) -> M:
    """The request's JSON as ``model``.  Raises :class:`InvalidInput`, :class:`Malformed` or :class:`TooLarge`."""
    most = int(current_app.config["BOOKING_MAX_CONTENT_LENGTH"])
    if (request.content_length or 0) > most:
        raise TooLarge
    raw = request.stream.read(most + 1)
    if len(raw) > most:
        raise TooLarge
    if request.mimetype != "application/json":
        raise Malformed
    try:
        return model.model_validate_json(raw or b"{}", strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems = {".".join(map(str, one["loc"])): _sentence_of(one) for one in found}
        if "" in problems:
            raise Malformed from None
        raise InvalidInput(fields=problems) from None


def _sentence_of(error: ErrorDetails) -> str:
    """What is wrong with a field.  Those who check one themselves say it in the caller's language already."""
    told = error.get("ctx", {})
    if error["type"] == "value_error":
        return str(told["error"])
    return _(_SENTENCES.get(error["type"], _SENTENCES["any"]), most=told.get("max_length"))


@api.before_request
def _speak() -> None:
    set_locale(first_spoken(tag for tag, _quality in request.accept_languages) or default_locale())
    refuse_nul()


@api.errorhandler(BookingError)
def _problem(error: BookingError) -> Response:
    problem = {
        "type": "about:blank",
        "title": _(type(error).description),
        "status": error.status,
        "detail": error.description,
        "code": error.code,
    }
    if error.fields:
        problem["errors"] = error.fields
    response = answer(problem, error.status)
    response.mimetype = "application/problem+json"
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


@api.errorhandler(Exception)
def _unforeseen(error: Exception) -> Response:
    """Tell the operator, and the caller only that it is our fault.  The text of the error may hold personal data."""
    if isinstance(error, HTTPException):
        unknown = BookingError(error.description)
        unknown.code, unknown.status = (error.name or "error").lower().replace(" ", "_"), error.code or 500  # type: ignore[misc]
        return _problem(unknown)
    session().rollback()
    _log.error("%s failed: %s\n%s", request.endpoint, kind_of(error), frames_of(error))
    failed = BookingError(_("Something went wrong here. Please try again later."))
    failed.code, failed.status = "internal", 500  # type: ignore[misc]
    return _problem(failed)
