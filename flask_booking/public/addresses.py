"""Addresses of the public pages, with parameters that a visitor may have chosen.

``url_for`` would take a parameter named ``_scheme`` or ``page`` for its own, so parameters never go through it.
"""

from __future__ import annotations

import collections.abc as c
import urllib.parse

from flask import url_for

from ..domains import visible
from .language import link_language

_IN_NO_LANGUAGE = ("static_file", "theme", "release")


def address(endpoint: str, query: c.Mapping[str, object] | None = None, /, **path: str) -> str:
    """The path of a page, as it is on the name that was asked for; parameters that are None are left out.

    The language of the visitor's link goes along.
    """
    given = [(name, str(value)) for name, value in (query or {}).items() if value is not None and name != "lang"]
    if (language := link_language()) and endpoint not in _IN_NO_LANGUAGE:
        given.append(("lang", language))
    found = visible(url_for(f"booking_public.{endpoint}", **path))  # type: ignore[arg-type]
    return f"{found}?{urllib.parse.urlencode(given)}" if given else found
