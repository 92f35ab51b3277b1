"""The readable part of an address."""

from __future__ import annotations

import collections.abc as c
import re
import unicodedata

SLUG_MOST = 60
RESERVED = frozenset({"manage", "bookings", "challenge", "hooks", "api", "static"})
"""Words that addresses of our own begin with; no page can have them."""


_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "þ": "th", "ð": "d", "ı": "i"})
"""Letters that Unicode doesn't take apart, as they are usually written in ASCII; ``settings.js`` has them too."""


def slug_of(text: str, fallback: str) -> str:
    """``text`` as lower-case ASCII words joined by hyphens; ``fallback`` when nothing is left of it."""
    spelled = text.lower().translate(_LETTERS)
    ascii_text = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:SLUG_MOST].strip("-") or fallback


def free_slug(wanted: str, taken: c.Callable[[str], bool]) -> str:
    """``wanted``, or ``wanted-2``, ``wanted-3`` … when it is taken."""
    slug, number = wanted, 1
    while taken(slug):
        number += 1
        slug = f"{wanted[: SLUG_MOST - 5]}-{number}"
    return slug
