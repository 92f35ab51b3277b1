"""What every page shares: security headers, error pages, pages of long lists, and how templates show times."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_sqlalchemy.pagination import Pagination
from flask_wtf.csrf import CSRFError
from sqlalchemy import Select
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map

from example_app.extensions import db
from example_app.models import ACTIVITY_KINDS, Activity, now

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)

SORRY = {
    400: (
        "That didn't come through",
        "The page was open too long or something was missing. Go back and try again.",
    ),
    403: ("Not yours to see", "This page is for administrators."),
    404: ("Nothing here", "The page was moved, or the address has a typing mistake."),
    405: ("That doesn't work here", "Go back and try again."),
    413: ("Too much at once", "What you sent is larger than 2 MB."),
    500: ("Something broke", "It is our fault, not yours. Nothing was half done; try again in a moment."),
}


def add_security_headers(response: Response) -> Response:
    """Set the strict defaults where a view has not chosen its own."""
    response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    # Asking who is logged in reads the session, which pages that chose their own caching may do without.
    if "Cache-Control" not in response.headers and current_user and current_user.is_authenticated:
        response.headers["Cache-Control"] = "private, no-store"
    return response


def show_error(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code not in SORRY:
        return error
    title, text = SORRY[code]
    if isinstance(error, CSRFError):
        text = "The page was open too long. Go back, reload it, and try again."
    # A broken application may not be able to say who is reading, so that page does without.
    template = "crm/broken.html" if code == 500 else "crm/error.html"
    return render_template(template, code=code, title=title, text=text), code


def zone_of_reader() -> ZoneInfo:
    return ZoneInfo(current_user.time_zone if current_user.is_authenticated else "UTC")


def local(instant: datetime) -> datetime:
    return instant.astimezone(zone_of_reader())


def show_date(instant: datetime) -> str:
    """``3 Dec 2026`` in the reader's zone."""
    there = local(instant)
    return f"{there.day} {there:%b %Y}"


def show_time(instant: datetime) -> str:
    """``3 Dec 2026, 14:05`` in the reader's zone; visitors without one are told that it is UTC."""
    return f"{show_date(instant)}, {local(instant):%H:%M}{'' if current_user.is_authenticated else ' UTC'}"


def show_day(instant: datetime) -> str:
    """``Today``, ``Yesterday``, ``Tomorrow`` or ``Thursday, 3 December 2026`` in the reader's zone."""
    days = (local(instant).date() - local(now()).date()).days
    return {0: "Today", -1: "Yesterday", 1: "Tomorrow"}.get(days) or show_full_day(instant)


def show_full_day(instant: datetime) -> str:
    """``Thursday, 3 December 2026`` in the reader's zone."""
    there = local(instant)
    return f"{there:%A}, {there.day} {there:%B %Y}"


def show_span(start: datetime, end: datetime) -> str:
    """``Thursday, 14:00–14:30`` in the reader's zone."""
    return f"{local(start):%A}, {local(start):%H:%M}–{local(end):%H:%M}"


def show_ago(instant: datetime) -> str:
    """How long ago in whole days, weeks or months, as one would say it."""
    days = (local(now()).date() - local(instant).date()).days
    if days <= 1:
        return show_day(instant).lower() if days >= -1 else show_date(instant)
    if days < 14:
        return f"{days} days ago"
    return f"{days // 7} weeks ago" if days < 60 else f"{days // 30} months ago"


def by_day(activities: Iterable[Activity]) -> list[tuple[str, list[Activity]]]:
    """Activities in the order given, parted by the reader's day."""
    return [(day, list(group)) for day, group in groupby(activities, lambda activity: show_day(activity.happened_at))]


class KeyConverter(IntegerConverter):
    """The key of a row in an address; larger numbers than any key are no page, rather than a database error."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, min=0, max=2**31 - 1)


def paged(query: Select[Any], per_page: int) -> Pagination:
    """The page of rows that ``?page=`` asks for; an empty one beyond the last."""
    number = request.args.get("page", 1, type=int)
    return db.paginate(query, page=max(1, min(number, 100_000)), per_page=per_page, error_out=False)


def init_app(app: Flask) -> None:
    app.url_map.converters["key"] = KeyConverter
    app.after_request(add_security_headers)
    app.register_error_handler(HTTPException, show_error)
    filters: dict[str, Callable[..., Any]] = {
        "date": show_date,
        "datetime": show_time,
        "day": show_day,
        "full_day": show_full_day,
        "ago": show_ago,
        "span": show_span,
        "local": local,
        "by_day": by_day,
    }
    for name, show in filters.items():
        app.add_template_filter(show, f"crm_{name}")
    app.jinja_env.globals["ACTIVITY_KINDS"] = ACTIVITY_KINDS
    app.add_template_global(now, "crm_now")
