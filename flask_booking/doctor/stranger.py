"""A stranger who asks for pages, GET only, and notes which functions of the CRM took part.

The worker thread isn't started by it and nothing is counted against a rate limit.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import contextvars
import dataclasses
import functools
import typing as t
from urllib.parse import urlsplit

from flask import Flask, Response, current_app
from werkzeug.test import Client
from werkzeug.wrappers import Response as AnyResponse

from ..state import changed_config, crm
from .finding import name_of, place_of

_HEADERS = {"User-Agent": "Mozilla/5.0 (flask booking doctor)", "Accept-Language": "en", "Accept": "text/html"}
_TAKEN_FOR = "X-Booking-Doctor"


@dataclasses.dataclass
class Answer:
    """What came back.  ``stopped_by`` is the ``before_request`` function that answered, ``changed_by`` what
    ``after_request`` functions did: their names and what they set; ``raised`` is the type and place of an error."""

    path: str
    status: int = 0
    mimetype: str = ""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    text: str = ""
    stopped_by: str = ""
    changed_by: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    raised: str = ""
    let_in: bool = False

    @property
    def seen(self) -> str:
        """It in a few words."""
        if self.raised:
            return self.raised
        onward = self.headers.get("location", "")
        if onward:
            return f"{self.status} to {urlsplit(onward).path or '/'}"
        return f"{self.status} {self.mimetype}".strip()


def ask(*paths: str) -> list[Answer]:
    """The answers to these paths, asked for one after the other by somebody who has no cookie."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    answers = []
    with changed_config(app, _UNNOTICED):
        for path in paths:
            answer = Answer(path)
            with _watched(app, answer):
                # An empty context: the request gets an application context, and so a session, of its own.
                contextvars.Context().run(_get, app, answer)
            answers.append(answer)
    return answers


def _get(app: Flask, answer: Answer) -> None:
    client = Client(app, use_cookies=False)
    try:
        response = client.get(answer.path, base_url=_base(app), headers=_HEADERS, buffered=True)
        onward = response.headers.get("Location", "")
        if onward.startswith("https:") and urlsplit(onward).path == urlsplit(answer.path).path:
            secure = _base(app).replace("http:", "https:", 1)
            answer.stopped_by = ""
            response = client.get(answer.path, base_url=secure, headers=_HEADERS, buffered=True)
    except Exception as error:
        answer.raised, answer.status = _told(error), 500
        return
    answer.status, answer.mimetype = response.status_code, response.mimetype or ""
    answer.headers = {name.lower(): value for name, value in response.headers.items()}
    answer.text = response.get_data(as_text=True)
    answer.let_in = _TAKEN_FOR in response.headers


def _base(app: Flask) -> str:
    """The address that the CRM expects to be asked at: some refuse others."""
    config = app.config
    trusted = next((host for host in config.get("TRUSTED_HOSTS") or () if not host.startswith(".")), None)
    public = urlsplit(str(config["BOOKING_PUBLIC_URL"] or ""))
    if public.scheme and public.netloc:
        return f"{public.scheme}://{public.netloc}/"
    return f"{config.get('PREFERRED_URL_SCHEME', 'http')}://{config.get('SERVER_NAME') or trusted or 'localhost'}/"


_UNNOTICED = {"BOOKING_WORKER": False, "BOOKING_RATE_LIMIT_ENABLED": False, "PROPAGATE_EXCEPTIONS": True}
"""Lets the app answer without its worker thread and limits, and errors through so that they can be named."""


@contextlib.contextmanager
def _watched(app: t.Any, answer: Answer) -> c.Iterator[None]:
    """Note for the ``answer`` which of the CRM's functions answered or changed it."""
    before = {name: list(functions) for name, functions in app.before_request_funcs.items()}
    after = {name: list(functions) for name, functions in app.after_request_funcs.items()}
    for name, functions in before.items():
        app.before_request_funcs[name] = [_first(app, function, answer) for function in functions]
    app.before_request_funcs["booking_settings"].insert(0, _keep_out(answer))
    for name, functions in after.items():
        app.after_request_funcs[name] = [_then(app, function, answer) for function in functions]
    try:
        yield
    finally:
        app.before_request_funcs.clear()
        app.before_request_funcs.update(before)
        app.after_request_funcs.clear()
        app.after_request_funcs.update(after)


def _keep_out(answer: Answer) -> t.Callable[[], Response | None]:
    """A first visit makes a host of a user, and nothing may be written: so end it where a stranger counts as one."""

    def kept_out() -> Response | None:
        try:
            user = crm().current_user()
        except Exception as error:
            answer.raised = _told(error)
            raise
        return None if user is None else Response("", 200, headers={_TAKEN_FOR: "user"})

    return kept_out


def _told(error: Exception) -> str:
    return f"{type(error).__name__} in {place_of(error)}"


def _is_ours(function: t.Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("flask_booking.")


def _first(app: Flask, function: t.Any, answer: Answer) -> t.Any:
    if _is_ours(function):
        return function

    @functools.wraps(function)
    def watched() -> t.Any:
        try:
            result = app.ensure_sync(function)()
        except BaseException:
            answer.stopped_by = name_of(function)
            raise
        if result is not None:
            answer.stopped_by = name_of(function)
        return result

    return watched


def _then(app: Flask, function: t.Any, answer: Answer) -> t.Any:
    if _is_ours(function):
        return function

    @functools.wraps(function)
    def watched(response: t.Any) -> t.Any:
        before = _traits(response)
        changed = app.ensure_sync(function)(response)
        after = _traits(changed)
        answer.changed_by.setdefault(name_of(function), []).extend(
            key for key, value in after.items() if before.get(key) != value
        )
        return changed

    return watched


def _traits(response: t.Any) -> dict[str, str]:
    if not isinstance(response, AnyResponse):
        return {}
    headers = {name.lower(): value for name, value in response.headers.items()}
    return headers | {"status": str(response.status_code), "content-type": response.mimetype or ""}
