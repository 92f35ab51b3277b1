"""The address under which the outside reaches the CRM: links in mails are made from it."""

from __future__ import annotations

import collections.abc as c
import typing as t
from urllib.parse import urlsplit

from flask import current_app
from werkzeug.middleware.proxy_fix import ProxyFix

from .finding import Finding, fail, info, ok, production, warn

_EXAMPLE = 'BOOKING_PUBLIC_URL = "https://crm.example.com"'
_HERE = {"localhost", "127.0.0.1", "::1"}


def known() -> c.Iterator[Finding]:
    """Whether links in mails name the right host, encrypted."""
    config = current_app.config
    public, server = config["BOOKING_PUBLIC_URL"], config.get("SERVER_NAME")
    if public:
        yield from _public(str(public), config)
    elif server:
        if config.get("PREFERRED_URL_SCHEME", "http") != "https" and server.partition(":")[0] not in _HERE:
            text = f"links in mails begin with http://{server}, as PREFERRED_URL_SCHEME isn't https"
            yield warn(text, f"Set {_EXAMPLE}.")
        else:
            yield ok(f"links in mails begin with {server} (SERVER_NAME)")
    else:
        text = "links in mails name the host that a visitor's request names, which anybody can make up"
        yield production(text, f"Set {_EXAMPLE} in production.")


def _public(public: str, config: c.Mapping[str, t.Any]) -> c.Iterator[Finding]:
    parts = urlsplit(public)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        text = "BOOKING_PUBLIC_URL is no address of a web server, so links in mails lead nowhere"
        yield fail(text, f"Write scheme and host, and the path the CRM is at: {_EXAMPLE}.")
        return
    shown = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path.rstrip('/')}"
    found = []
    if parts.scheme != "https" and parts.hostname not in _HERE:
        text = f"{shown} isn't encrypted: whoever listens can read guests' links"
        found.append(
            warn(text, f"Set BOOKING_PUBLIC_URL to https://{parts.hostname}…, once the server has a certificate.")
        )
    prefix = str(config["BOOKING_URL_PREFIX"])
    if prefix.strip("/") and parts.path.rstrip("/").endswith(prefix.rstrip("/")):
        text = f"BOOKING_PUBLIC_URL ends with {prefix}, which links add by themselves"
        found.append(fail(text, f"Take {prefix} off its end."))
    root = str(config.get("APPLICATION_ROOT") or "/").rstrip("/")
    if root and parts.path.rstrip("/") != root:
        text = f"BOOKING_PUBLIC_URL has the path {parts.path or '/'}, APPLICATION_ROOT is {root}: one of them is wrong"
        found.append(warn(text, f"If the CRM is at {root}, add it to BOOKING_PUBLIC_URL."))
    yield from found or [ok(f"links in mails begin with {shown}")]


def trusted_proxy() -> c.Iterator[Finding]:
    """Whether the app sees visitors' own addresses and scheme, where it seems to be behind a proxy."""
    public = str(current_app.config["BOOKING_PUBLIC_URL"] or "")
    parts = urlsplit(public)
    behind = parts.scheme == "https" and parts.hostname not in _HERE
    if _has_proxy_fix():
        yield ok("ProxyFix reads what your proxy says of visitors")
    elif behind:
        text = (
            "https ends before this app, as it seems, and nothing reads the proxy's headers: all visitors count as one"
        )
        yield warn(text, "Write app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)")
    else:
        yield info("no ProxyFix; needed as soon as a proxy is in front of this app")


def _has_proxy_fix() -> bool:
    """Whether one is among the WSGI middleware, as far as it can be followed."""
    app: t.Any = current_app.wsgi_app
    for _depth in range(20):
        if app is None or isinstance(app, ProxyFix):
            return app is not None
        app = getattr(app, "app", None) or getattr(app, "wsgi_app", None) or getattr(app, "application", None)
    return False
