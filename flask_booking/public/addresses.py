"""Addresses of the public pages, with parameters that a visitor may have chosen.

``url_for`` would take a parameter named ``_scheme`` or ``page`` for its own, so parameters never go through it.
"""

from __future__ import annotations

import collections.abc as c
import urllib.parse

from flask import url_for


def address(endpoint: str, query: c.Mapping[str, object] | None = None, /, **path: str) -> str:
    """The path of a page; parameters that are None are left out."""
    given = [(name, str(value)) for name, value in (query or {}).items() if value is not None]
    found = url_for(f"booking_public.{endpoint}", **path)  # type: ignore[arg-type]
    return f"{found}?{urllib.parse.urlencode(given)}" if given else found
