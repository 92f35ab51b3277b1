"""Addresses in mails: absolute, and made by workers that answer no request."""

from __future__ import annotations

from urllib.parse import urljoin

from flask import current_app, has_request_context, request

from ..models import Booking, EventType


def public_base(remembered: str = "") -> str:
    """The address of the CRM as the outside sees it, without a slash at the end.

    ``BOOKING_PUBLIC_URL``; else made from ``SERVER_NAME``; else ``remembered``, the address under which the guest
    booked; else the request's.
    """
    config = current_app.config
    if config["BOOKING_PUBLIC_URL"]:
        return str(config["BOOKING_PUBLIC_URL"]).rstrip("/")
    if config.get("SERVER_NAME"):
        root = str(config.get("APPLICATION_ROOT") or "/").rstrip("/")
        return f"{config.get('PREFERRED_URL_SCHEME', 'http')}://{config['SERVER_NAME']}{root}"
    if remembered:
        return remembered.rstrip("/")
    return request.url_root.rstrip("/") if has_request_context() else "http://localhost"


def absolute(url: str | None, base: str) -> str:
    """``url`` with scheme and host; a CRM names its own pages by path, and the path already has any ``SCRIPT_NAME``."""
    return urljoin(base + "/", url) if url else ""


def manage_url(booking: Booking, base: str, action: str = "") -> str:
    """The guest's own link; ``action`` is empty, ``reschedule`` or ``cancel``."""
    address = f"{base}{current_app.config['BOOKING_URL_PREFIX']}/manage/{booking.manage_token}"
    return f"{address}/{action}" if action else address


def event_url(event: EventType, base: str) -> str:
    """Where this kind of meeting is booked."""
    return f"{base}{current_app.config['BOOKING_URL_PREFIX']}/{event.page.slug}/{event.slug}"


def settings_url(booking: Booking, base: str) -> str:
    """The booking as its hosts see it."""
    return f"{base}{current_app.config['BOOKING_SETTINGS_URL_PREFIX']}/bookings/{booking.public_id}"
