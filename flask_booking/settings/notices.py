"""One sentence after a change, with a way to undo it.

Kept as text in the session, whatever kind of session the CRM has, and apart from the CRM's own flashes, which can't
hold a button.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from flask import session as cookie

from ..encryption import sign
from ..i18n import gettext as _
from ..i18n import sentences
from . import access

_KEY = "booking_notice"
_LONGEST_UNDO = 2600
"""A cookie holds 4 kB in all."""


@dataclasses.dataclass(frozen=True)
class Notice:
    """What was done; ``undo`` is a token that :mod:`.undo` takes, empty when there is no way back."""

    text: str
    undo: str = ""
    kind: str = "success"


def tell(text: str, *, undo: tuple[str, dict[str, t.Any]] | None = None, kind: str = "success") -> None:
    """Show ``text`` on the next page; ``undo`` names an action of :mod:`.undo` and its values."""
    token = sign("undo 2", [undo[0], access.desk().page.public_id, undo[1]]) if undo else ""
    if len(token) > _LONGEST_UNDO:
        token = ""
    cookie[_KEY] = json.dumps([text, token, kind])


def with_address(text: str, typed: str, slug: str) -> str:
    """``text``, and what became of the address that was typed when it couldn't stay as it was."""
    if not typed.strip() or typed.strip() == slug:
        return text
    return sentences(text, _("Its address ends with “%(slug)s”.", slug=slug))


def take() -> Notice | None:
    """What is to be shown, once."""
    try:
        text, undo, kind = json.loads(cookie.pop(_KEY, "") or "null") or ("", "", "")
    except (ValueError, TypeError):
        return None
    return Notice(text, undo, kind) if text else None
