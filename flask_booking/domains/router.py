"""Leading requests for a page's own name to the page, and keeping everything else of the CRM away from there.

This is WSGI middleware and no ``host_matching``: the CRM's routes stay as they are, and so does its ``SERVER_NAME``.
What arrives is rewritten to the page's address beneath ``BOOKING_URL_PREFIX`` on the CRM's own name.  So a CRM's
checks of the Host header, its subdomains and its walls see nothing new.
"""

from __future__ import annotations

import collections.abc as c
import functools
import types
import typing as t

from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from ..errors import BookingConfigError
from .directory import Directory, directory
from .names import host_name

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_VISIBLE = "booking.visible"
"""The key of the WSGI environment with what :func:`visible` calls on a page's own name."""
_INNER = ("app", "application", "wsgi_app", "_app")
"""What middlewares call the application they wrap."""


class DomainRouter:
    """Middleware around ``inner``, the app's own WSGI callable."""

    def __init__(self, app: Flask, directory: Directory, inner: WSGIApplication) -> None:
        self.app, self.directory, self.inner = app, directory, inner

    @classmethod
    def install(cls, app: Flask, directory: Directory) -> None:
        """Put it right around the app, within whatever wraps it already: ProxyFix must have set the Host before."""
        plain = types.MethodType(type(app).wsgi_app, app)
        holder: t.Any = app
        name: str | None = "wsgi_app"
        while name is not None:
            inner = getattr(holder, name)
            if inner == plain:
                setattr(holder, name, cls(app, directory, plain))
                return
            holder = inner
            name = next((one for one in _INNER if callable(getattr(holder, one, None))), None)
        raise BookingConfigError(
            f"{holder!r} wraps app.wsgi_app and doesn't say what it wraps: call FlaskBooking().init_app before it, "
            "or set neither BOOKING_SUBDOMAINS nor BOOKING_DOMAIN_TARGET"
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> c.Iterable[bytes]:
        asked = environ.get("HTTP_HOST", "")
        if asked == self.directory.home:  # nearly all requests: the CRM's own pages wait for nothing of ours
            return self.inner(environ, start_response)
        name = host_name(asked)
        slug = self.directory.page_at(name) if name else None
        if name is None or slug is None:
            return self.inner(environ, start_response)
        path = self._beneath_prefix(slug, environ.get("PATH_INFO", ""))
        if not self._answers(slug, path, environ["REQUEST_METHOD"]):
            return _NOTHING(environ, start_response)
        # The visitor's cookies, if a domain wide one reaches here, are for the CRM.
        own = {key: value for key, value in environ.items() if key != "HTTP_COOKIE"}
        shown = functools.partial(self._visible, name, slug)
        return self.inner(
            {**own, "PATH_INFO": path, "HTTP_HOST": self.directory.home, _VISIBLE: shown},
            t.cast("StartResponse", functools.partial(_without_cookies, start_response)),
        )

    @property
    def prefix(self) -> str:
        return str(self.app.config["BOOKING_URL_PREFIX"]).rstrip("/")

    def _beneath_prefix(self, slug: str, path: str) -> str:
        """The CRM's path for a short one."""
        first = path.split("/", 2)[1] if path.startswith("/") else ""
        if path.startswith(f"{self.app.config['BOOKING_API_URL_PREFIX']}/public/"):
            return path
        if first in self.shared and path != f"/{first}":
            return self.prefix + path
        return f"{self.prefix}/{slug}{'' if path == '/' else path}"

    def _answers(self, slug: str, path: str, method: str) -> bool:
        """Whether ``path`` is one for guests, and not another page's."""
        try:
            _endpoint, values = self.routes.bind("page").match(path.encode("latin-1").decode(errors="replace"), method)
        except HTTPException:
            return False
        return bool(slug == values.get("page", values.get("page_slug", slug)))

    @functools.cached_property
    def routes(self) -> Map:
        """The routes of the public pages and the public API alone."""
        api = f"{self.app.config['BOOKING_API_URL_PREFIX']}/public/"
        known = [
            _copied(rule)
            for rule in self.app.url_map.iter_rules()
            if rule.endpoint.startswith("booking_public.")
            or (rule.endpoint.startswith("booking_api.") and rule.rule.startswith(api))
        ]
        return Map(
            known,
            strict_slashes=self.app.url_map.strict_slashes,
            merge_slashes=False,
            converters=self.app.url_map.converters,
        )

    @functools.cached_property
    def shared(self) -> frozenset[str]:
        """What the paths begin with that belong to no single page, such as ``manage``."""
        public = (rule for rule in self.app.url_map.iter_rules() if rule.endpoint.startswith("booking_public."))
        firsts = {rule.rule.removeprefix(self.prefix).split("/", 2)[1] for rule in public}
        return frozenset(first for first in firsts if not first.startswith("<"))

    def _visible(self, name: str, slug: str, path: str) -> str:
        """What :func:`visible` says on ``name``, which is that of the page ``slug``."""
        rest = path.removeprefix(request.script_root).removeprefix(self.prefix)
        first = rest.split("/", 2)[1]
        beneath = rest[len(first) + 1 :] or "/"
        if first == slug:
            return beneath
        if first in self.shared:
            return rest
        origin = self.directory.origin_of(first)
        # Just after a page was renamed its domain may still stand for the old slug here: don't redirect in circles.
        if origin in ("", self.directory.origin(name)):
            return self.directory.home_origin + path
        return origin + beneath


_NOTHING = Response(
    "There is nothing here.\n",
    404,
    {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    mimetype="text/plain",
)


def _copied(rule: Rule) -> Rule:
    copy = rule.empty()
    copy.subdomain, copy.host = "", None
    return copy


def _without_cookies(
    start_response: StartResponse, status: str, headers: list[tuple[str, str]], exc_info: t.Any = None
) -> t.Any:
    kept = [(name, value) for name, value in headers if name.lower() != "set-cookie"]
    return start_response(status, kept, exc_info) if exc_info else start_response(status, kept)


def on_own_name() -> bool:
    """Whether this request asked for a page's own name."""
    return _VISIBLE in request.environ


def visible(path: str) -> str:
    """A path of ``url_for`` as it is on the name that this request asked for: short where that is the page's own."""
    shown: c.Callable[[str], str] | None = request.environ.get(_VISIBLE)
    return path if shown is None else shown(path)


def at_home(path: str) -> str:
    """A path of the CRM's, such as that of a picture, for a page that may be elsewhere; other addresses stay."""
    return directory().home_origin + path if on_own_name() and path[:1] in ("", "/") else path
