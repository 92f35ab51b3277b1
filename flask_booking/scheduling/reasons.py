"""Why a booking was changed, as its readers read it."""

from __future__ import annotations

from ..i18n import gettext as _
from ..models import HistoryEntry, HistoryKind

SYSTEM = "system"
"""The actor where nobody acted: what was due happened."""


def reason_text(reason: str, actor: str | None) -> str:
    """What ``actor`` said, or in the current language why the system declined a request, which says nothing: of its
    readers each has a language, and the worker none.
    """
    return reason or (_("The request wasn't answered in time.") if actor == SYSTEM else "")


def entry_reason(entry: HistoryEntry) -> str:
    """Why the change of ``entry`` was made."""
    actor = entry.actor if entry.kind is HistoryKind.DECLINED else None
    return reason_text(str(entry.detail.get("reason") or ""), actor)
