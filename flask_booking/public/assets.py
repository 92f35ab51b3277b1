"""Our stylesheets and scripts, under names that change with their content, so that browsers keep them for a year."""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

from .addresses import address

FOLDER = Path(__file__).parents[1] / "static" / "booking"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


STYLESHEET = "guest.css"
WITHIN = "guest-within.css"
"""The same rules for nothing but our part of a page: for pages in a base template of the CRM."""

_PART = ".booking-guest"


@functools.cache
def known() -> frozenset[str]:
    """The names of all files."""
    return frozenset({WITHIN, *(path.name for path in FOLDER.iterdir() if path.suffix in TYPES)})


@functools.cache
def content(name: str) -> tuple[bytes, str]:
    """What is in a file, and the hash that its address carries."""
    data = (FOLDER / (STYLESHEET if name == WITHIN else name)).read_bytes()
    if name == WITHIN:
        # As tall as what it holds: the CRM's page has more than our part.
        data = within(data.decode() + "body { min-height: 0 }\n").encode()
    return data, hashlib.sha256(data).hexdigest()[:10]


def static_url(name: str) -> str:
    """The address of one of our files: ``guest.css`` is at ``…/~static/guest.<hash>.css``."""
    stem, _, ending = name.rpartition(".")
    return address("static_file", name=f"{stem}.{content(name)[1]}.{ending}")


def within(css: str) -> str:
    """A stylesheet of ours whose rules hold for nothing but our part of a page."""
    bare = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return re.sub(r"[^{}]+(?=\{)", lambda found: _within(found[0]), bare)


def _within(selectors: str) -> str:
    if selectors.lstrip().startswith("@"):
        return selectors
    space = selectors[: len(selectors) - len(selectors.lstrip())]
    return space + ", ".join(_one_within(one.strip()) for one in re.split(r",(?![^(]*\))", selectors)) + " "


def _one_within(selector: str) -> str:
    # What the document's root and body are to a page of its own, our part is to a page of the CRM.
    found = re.match(r"(:root|body)(?![\w-])", selector)
    if found:
        return _PART + selector[found.end() :]
    return _PART + selector if selector.startswith("[dir") else f"{_PART} {selector}"
