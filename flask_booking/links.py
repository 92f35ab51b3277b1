"""Absolute addresses of public pages, inside a request and outside of one.

A request's Host header is the visitor's to choose, so ``BOOKING_PUBLIC_URL`` comes first, then ``SERVER_NAME``.  Only
a CRM that has neither gets links made from the request that booked.

A page that has a name of its own is linked to by that name: a customer's domain, else its subdomain.
"""

from __future__ import annotations

import logging
import typing as t
from urllib.parse import quote

from flask import current_app, has_request_context, request

from .domains import directory

_log = logging.getLogger(__name__)


def base_url() -> str:
    """Scheme, host and mount point of the CRM, without a slash at the end; empty when nobody knows it."""
    config = current_app.config
    if config["BOOKING_PUBLIC_URL"]:
        return str(config["BOOKING_PUBLIC_URL"]).rstrip("/")
    if config.get("SERVER_NAME"):
        root = (config.get("APPLICATION_ROOT") or "/").rstrip("/")
        return f"{config.get('PREFERRED_URL_SCHEME', 'http')}://{config['SERVER_NAME']}{root}"
    if not has_request_context():
        return ""
    if not (current_app.debug or current_app.testing or current_app.extensions.get("booking-host-told")):
        current_app.extensions["booking-host-told"] = True
        _log.warning("set BOOKING_PUBLIC_URL: without it, links in mails name the host that a visitor's request names")
    return request.root_url.rstrip("/")


def page_url(page_slug: str, event_slug: str = "", *, base: str | None = None) -> str:
    """The address of a booking page, or of one of its event types; ``base`` as of :func:`base_url`."""
    event = [event_slug] if event_slug else []
    if own := directory().origin_of(page_slug):
        return _join(own, "", *event)
    return _public(base, *([page_slug] if page_slug else []), *event)


def prefix_url(page_slug: str) -> str:
    """The address of a booking page beneath the CRM's own, which it always has."""
    return _public(None, page_slug)


def canonical_url(page_slug: str, event_slug: str = "") -> str:
    """The one address that a search engine shall keep; empty when only the visitor's request names the CRM."""
    config = current_app.config
    known = config["BOOKING_PUBLIC_URL"] or config.get("SERVER_NAME")
    return page_url(page_slug, event_slug) if known else ""


def manage_url(token: str, action: str = "", *, page_slug: str = "", base: str | None = None) -> str:
    """The guest's secret address of a booking on a page; ``action`` is empty, ``reschedule``, ``cancel`` or
    ``invite.ics``."""
    parts = ("manage", token, *([action] if action else []))
    own = directory().origin_of(page_slug)
    return _join(own, "", *parts) if own else _public(base, *parts)


def booking_url(public_id: str, *, base: str | None = None) -> str:
    """The host's address of a booking, in the settings screens."""
    return _join(base, current_app.config["BOOKING_SETTINGS_URL_PREFIX"], "bookings", public_id)


def callback_url(provider: str) -> str:
    """Where a service sends the browser of a host who has signed in: the redirect address to register there."""
    return _join(None, current_app.config["BOOKING_SETTINGS_URL_PREFIX"], "calendars", "callback", provider)


def calendars_url(*, base: str | None = None) -> str:
    """The host's screen of connected accounts."""
    return _join(base, current_app.config["BOOKING_SETTINGS_URL_PREFIX"], "calendars")


def hook_url(provider: str) -> str:
    """Where a service tells of changes; empty where only a visitor's request would say what the CRM is called."""
    return _public(None, "hooks", provider) if current_app.config["BOOKING_PUBLIC_URL"] else ""


def _public(base: str | None, *parts: str) -> str:
    return _join(base, current_app.config["BOOKING_URL_PREFIX"], *parts)


def _join(base: str | None, prefix: t.Any, *parts: str) -> str:
    return "/".join([(base_url() if base is None else base) + str(prefix), *(quote(part, safe="") for part in parts)])
