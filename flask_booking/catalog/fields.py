"""The parts of an event type that are lists: places to meet, and questions to the guest."""

from __future__ import annotations

import secrets
import typing as t

from ..i18n import gettext as _
from ..scheduling.places import PLAIN_KINDS, made_links
from .check import Problems, line, lines, url

QUESTION_KINDS = ("short", "long", "choice", "multiple", "checkbox", "number", "phone", "email", "date")
_WITH_OPTIONS = {"choice", "multiple"}
_MOST = 30


def locations(value: object, problems: Problems) -> list[dict[str, t.Any]]:
    """Clean places: objects with ``id``, ``kind``, ``text`` and ``url``; problems are noted as ``locations.<n>``.

    Of a place whose link is made for each meeting ``kind`` says it all; that somebody can make it isn't asked.
    """
    found: list[dict[str, t.Any]] = []
    made = made_links()
    for index, given in enumerate(_objects(value)):
        field = f"locations.{index}"
        kind = str(given.get("kind", ""))
        if kind in made:
            if any(place["kind"] == kind for place in found):
                problems[field] = _("This place is there already.")
            found.append({"id": _id_of(given), "kind": kind, "text": "", "url": ""})
            continue
        if kind not in PLAIN_KINDS:
            problems[field] = _("Please choose a kind of place.")
            continue
        text = line(given.get("text"), field, problems, most=500)
        link = url(given.get("url"), field, problems)
        if kind in {"phone_host", "in_person", "custom"} and not text:
            problems[field] = _("Please say where: a number, an address, or a text.")
        if kind == "link" and not link:
            problems[field] = _("Please enter the link of the meeting.")
        found.append({"id": _id_of(given), "kind": kind, "text": text, "url": link})
    return found


def questions(value: object, problems: Problems) -> list[dict[str, t.Any]]:
    """Clean questions: objects with ``id``, ``label``, ``kind``, ``required``, ``options`` and ``help``."""
    found = []
    for index, given in enumerate(_objects(value)):
        field = f"questions.{index}"
        kind = str(given.get("kind", "short"))
        if kind not in QUESTION_KINDS:
            problems[field] = _("Please choose a kind of question.")
            continue
        raw = given.get("options") or []
        rows = raw.splitlines() if isinstance(raw, str) else raw
        options = list(dict.fromkeys(text for row in rows if (text := line(row, field, problems, most=200))))
        if kind in _WITH_OPTIONS and len(options) < 2:
            problems[field] = _("Please give at least two answers to choose from, each on its own line.")
        found.append(
            {
                "id": _id_of(given),
                "label": line(given.get("label"), field, problems, most=300, required=True),
                "kind": kind,
                "required": bool(given.get("required")),
                "options": options if kind in _WITH_OPTIONS else [],
                "help": lines(given.get("help"), field, problems, most=500),
            }
        )
    if len(found) > _MOST:
        problems["questions"] = _("Please ask at most %(most)s questions.", most=_MOST)
    return found


def _objects(value: object) -> list[dict[str, t.Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _id_of(given: dict[str, t.Any]) -> str:
    """The id that answers and links refer to; it never changes once given."""
    known = str(given.get("id") or "")
    return known if known.isalnum() and len(known) <= 16 else secrets.token_hex(4)
