"""The looks that a CRM gives all its public pages: stylesheets of its own."""

from __future__ import annotations

import collections.abc as c
import re
import typing as t
import urllib.parse

from flask import current_app, url_for

from ..colour import parsed
from ..domains import at_home
from ..errors import BookingConfigError


def own_stylesheets() -> list[str]:
    """The addresses of the stylesheets in ``BOOKING_STYLESHEETS``."""
    return [at_home(_address(one)) for one in current_app.config["BOOKING_STYLESHEETS"]]


def own_logo() -> str:
    """The address of ``BOOKING_LOGO_URL`` for a page; empty when there is none."""
    logo = str(current_app.config["BOOKING_LOGO_URL"] or "")
    return _address(logo) if logo else ""


def _address(given: str) -> str:
    return given if given.startswith(("/", "https://")) else url_for("static", filename=given)


def check_looks(config: c.Mapping[str, t.Any]) -> None:
    """Raise :class:`BookingConfigError` for no colour, and for stylesheets that a browser would not load."""
    if parsed(config["BOOKING_ACCENT"]) is None:
        raise BookingConfigError(f"BOOKING_ACCENT = {config['BOOKING_ACCENT']!r}: a colour is written like #2456d6")
    if config["BOOKING_APPEARANCE"] not in ("auto", "light", "dark"):
        raise BookingConfigError(f"BOOKING_APPEARANCE = {config['BOOKING_APPEARANCE']!r}: it is auto, light or dark")
    for sheet in config["BOOKING_STYLESHEETS"]:
        if not re.fullmatch(r"https://[^\s\"'<>\\]+|/?[^/\s\"'<>\\:][^\s\"'<>\\:]*", sheet):
            raise BookingConfigError(
                f"BOOKING_STYLESHEETS: {sheet!r} is neither a file in the static folder, nor a path such as "
                "/static/booking.css, nor an https:// address"
            )
        if sheet.startswith("https://") and not _allowed(sheet, config["BOOKING_CSP"]):
            origin = "https://" + urllib.parse.urlsplit(sheet).netloc
            raise BookingConfigError(
                f"BOOKING_STYLESHEETS has {sheet}, but BOOKING_CSP keeps browsers from loading it: add {origin} to its "
                "style-src"
            )


def _allowed(sheet: str, policy: str | None) -> bool:
    if not policy:
        return True
    directives = {name: sources for name, *sources in (part.split() for part in policy.split(";") if part.split())}
    sources = directives.get("style-src-elem", directives.get("style-src", directives.get("default-src", ["*"])))
    host = urllib.parse.urlsplit(sheet).netloc
    # `*.example.com` and paths are read as the host alone: what is refused here is refused by every browser.
    hosts = [re.sub(r"^https:(//)?|/.*$", "", source) for source in sources]
    return any(
        source in ("*", "") or source == host or (source[:2] == "*." and host.endswith(source[1:])) for source in hosts
    )
