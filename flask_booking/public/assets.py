"""Our stylesheets and scripts, under names that change with their content, so that browsers keep them for a year."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from .addresses import address

FOLDER = Path(__file__).parents[1] / "static" / "booking"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@functools.cache
def known() -> frozenset[str]:
    """The names of all files."""
    return frozenset(path.name for path in FOLDER.iterdir() if path.suffix in TYPES)


@functools.cache
def content(name: str) -> tuple[bytes, str]:
    """What is in a file, and the hash that its address carries."""
    data = (FOLDER / name).read_bytes()
    return data, hashlib.sha256(data).hexdigest()[:10]


def static_url(name: str) -> str:
    """The address of one of our files: ``guest.css`` is at ``…/~static/guest.<hash>.css``."""
    stem, _, ending = name.rpartition(".")
    return address("static_file", name=f"{stem}.{content(name)[1]}.{ending}")
