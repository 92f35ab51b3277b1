"""Whether a value is what Microsoft Graph's metadata (v1.0) says of its type; as much of it as calendars need."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

TYPES: dict[str, Any] = json.loads(Path(__file__).with_name("microsoft_types.json").read_text())

_WALL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?")


def wrong(value: Any, kind: str, at: str = "") -> str:
    """What is wrong with a value of a type such as ``event`` or ``Collection(Edm.String)``; empty when nothing is."""
    if kind.endswith("?"):
        if value is None:
            return ""
        kind = kind[:-1]
    if kind.startswith("Collection("):
        if not isinstance(value, list):
            return f"{at} is no list"
        return next(filter(None, (wrong(each, kind[11:-1], f"{at}[]") for each in value)), "")
    if kind.startswith("Edm."):
        return "" if _PRIMITIVES[kind](value) else f"{at} is no {kind}: {value!r}"
    known = TYPES.get(kind)
    if known is None:
        return f"{at} is of the type {kind}, which this stand-in doesn't know"
    if "members" in known:
        return "" if value in known["members"] else f"{at} is no {kind}: {value!r}"
    if not isinstance(value, dict):
        return f"{at} is no object"
    properties = properties_of(kind)
    for name, each in value.items():
        if name.startswith("@odata.") or "@odata." in name:
            continue
        if name not in properties:
            return f"{at}/{name} isn't a property of {kind}"
        found = wrong(each, properties[name], f"{at}/{name}")
        if found:
            return found
    if kind == "dateTimeTimeZone" and not _WALL.fullmatch(str(value.get("dateTime"))):
        return f"{at}/dateTime is no local time: {value.get('dateTime')!r}"
    return ""


def properties_of(kind: str) -> dict[str, str]:
    """The properties of a type with those that it inherits."""
    found: dict[str, str] = {}
    while kind:
        found = TYPES[kind]["properties"] | found
        kind = TYPES[kind]["base"]
        if kind and kind not in TYPES:
            return found | {"id": "Edm.String"}
    return found


def _moment(value: Any) -> bool:
    try:
        return dt.datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


_PRIMITIVES = {
    "Edm.String": lambda value: isinstance(value, str),
    "Edm.Boolean": lambda value: isinstance(value, bool),
    "Edm.Int32": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "Edm.Double": lambda value: isinstance(value, int | float),
    "Edm.Guid": lambda value: isinstance(value, str) and len(value) == 36,
    "Edm.Date": lambda value: isinstance(value, str) and len(value) == 10,
    "Edm.DateTimeOffset": _moment,
}
