"""Time zones by name, from the newest rules at hand.

Governments change clocks at short notice, and a server's own zone data may be years old while the
`tzdata` wheel is fresh (or the other way round). A booking an hour off is worse than none, so each
process compares the two releases once and reads the newer.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from zoneinfo import ZoneInfo


class UnknownZone(ValueError):
    """No time zone of the IANA database has this name."""

    def __init__(self, key: object) -> None:
        self.key = key
        super().__init__(f"There is no time zone named {key!r}.")


def zone(key: str) -> ZoneInfo:
    """Return the zone of an IANA name such as `Europe/Paris`, old names included.

    Raises `UnknownZone` for anything else, so text typed by a guest can be passed as it is. Zones
    read this way can't be pickled: hand names to jobs, not zones.
    """
    if not isinstance(key, str) or key not in _links():
        raise UnknownZone(key)
    return _read(key)


def zone_names() -> list[str]:
    """Return the names to choose from: those of `zone.tab` (at least one for each country) and UTC, sorted."""
    return list(_listed())


def canonical(key: str) -> str:
    """Return today's name of a zone: `Asia/Kolkata` for the `Asia/Calcutta` that some browsers still report.

    A name that can be chosen stays itself. Raises `UnknownZone`.
    """
    if key in _listed():
        return key
    zone(key)
    target = _links()[key]
    while target != _links()[target]:
        if target in _listed():
            break
        target = _links()[target]
    return "UTC" if target in ("Etc/UTC", "Etc/GMT") else target


def release() -> str:
    """Return the release of the rules in use, such as `2026f`."""
    return _sources()[0][0]


def releases() -> list[tuple[str, str]]:
    """Return each release at hand, the newest first, and where it was found; an empty release isn't known."""
    wheel = files("tzdata") / "zoneinfo"
    return [(found, "the tzdata package" if place == wheel else str(place)) for found, place in _sources()]


@cache
def _sources() -> tuple[tuple[str, Traversable], ...]:
    """The places with zone data, newest release first; the wheel before the system when they are equal."""
    wheel: Traversable = files("tzdata") / "zoneinfo"
    found = [(_release_of(wheel), wheel)]
    found += [(_release_of(Path(path)), Path(path)) for path in zoneinfo.TZPATH if (Path(path) / "tzdata.zi").is_file()]
    return tuple(sorted(found, key=lambda source: source[0], reverse=True))


def _release_of(source: Traversable) -> str:
    first_line = next(_lines(source, "tzdata.zi"), "")
    return first_line.removeprefix("# version ").strip() if first_line.startswith("# version ") else ""


def _lines(source: Traversable, name: str) -> Iterator[str]:
    with (source / name).open("r", encoding="utf-8") as text:
        yield from text


@cache
def _links() -> dict[str, str]:
    """Each name and the name it is a link to, or itself. `Factory` means "nobody has set a zone" and is left out."""
    links: dict[str, str] = {}
    for _, source in reversed(_sources()):
        for line in _lines(source, "tzdata.zi"):
            match line.split():
                case ["Z", name, *_]:
                    links[name] = name
                case ["L", target, name]:
                    links[name] = target
    links.pop("Factory", None)
    return links


@cache
def _listed() -> dict[str, None]:
    rows = (line.split("\t") for line in _lines(_sources()[0][1], "zone.tab") if not line.startswith("#"))
    names = {row[2].strip() for row in rows if len(row) > 2}
    return dict.fromkeys(sorted(names & _links().keys() | {"UTC"}))


@cache
def _read(key: str) -> ZoneInfo:
    for _, source in _sources():
        file = source.joinpath(*key.split("/"))
        # Debian keeps old names in a package of their own, so the newer source may list a name it has no file for.
        if file.is_file():
            with file.open("rb") as data:
                return ZoneInfo.from_file(data, key=key)
    raise UnknownZone(key)
