"""The form of a message rule: rows to text and back."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from ..i18n import gettext, list_of
from ..i18n import lazy_gettext as _
from ..messages.variables import unknown_variables
from ..models import Anchor, Audience, EventType, Host, MessageRule
from ..scheduling.intake import one_line
from ..state import session
from .forms import Fields, minutes_of, split_length, ticked

LABELS = {
    "minutes": _("When"),
    "anchor": _("When"),
    "event_type_id": _("Event type"),
    "subject": _("Subject"),
    "body": _("Text"),
}

_NAMED, _NAME_MOST = 5, 40
"""How many mistyped variables are told, and how much of each: a notice has to fit into a cookie."""

WHENS = ("before-start", "after-start", "before-end", "after-end")


def blank() -> dict[str, t.Any]:
    """What the form of a new rule begins with."""
    return {
        "minutes": "24",
        "minutes_unit": "hours",
        "when": "before-start",
        "audience": Audience.GUEST.value,
        "event": "",
        "subject": "",
        "body": "",
        "active": True,
    }


def shown(rule: MessageRule) -> dict[str, t.Any]:
    """A saved rule as its form shows it."""
    number, unit = split_length(abs(rule.minutes))
    event = session().get(EventType, rule.event_type_id) if rule.event_type_id is not None else None
    return {
        "minutes": number,
        "minutes_unit": unit,
        "when": f"{'before' if rule.minutes < 0 else 'after'}-{rule.anchor.value}",
        "audience": rule.audience.value,
        "event": event.public_id if event else "",
        "subject": rule.subject,
        "body": rule.body,
        "active": rule.active,
    }


def typed(form: Fields) -> dict[str, t.Any]:
    """The form as it was typed."""
    names = ("minutes", "minutes_unit", "when", "audience", "event", "subject", "body")
    return {**{name: form.get(name, "") for name in names}, "active": ticked(form, "active")}


def values(shown: dict[str, t.Any]) -> dict[str, t.Any]:
    """What :func:`flask_booking.catalog.save_rule` takes."""
    side, _dash, anchor = shown["when"].partition("-")
    minutes = minutes_of(shown, "minutes")
    if isinstance(minutes, int) and side == "before":
        minutes = -minutes
    event_id: int | None = None
    if shown["event"]:
        found = session().scalar(sa.select(EventType.id).where(EventType.public_id == one_line(shown["event"])))
        event_id = 0 if found is None else found
    return {
        "minutes": minutes,
        "anchor": anchor if side in ("before", "after") else "",
        "audience": shown["audience"],
        "event_type_id": event_id,
        "subject": shown["subject"],
        "body": shown["body"],
        "active": shown["active"],
    }


def draft(values: dict[str, t.Any], host: Host) -> MessageRule:
    """The rule as it is typed, unsaved, for a preview; what can't be read is replaced by what is usual."""
    minutes = values["minutes"] if isinstance(values["minutes"], int) else -1440
    anchor = Anchor(values["anchor"]) if values["anchor"] in set(Anchor) else Anchor.START
    audience = Audience(values["audience"]) if values["audience"] in set(Audience) else Audience.GUEST
    return MessageRule(
        host_id=host.id,
        minutes=minutes,
        anchor=anchor,
        audience=audience,
        subject=values["subject"][:300],
        body=values["body"][:5000],
        active=True,
    )


def unknown_text(shown: t.Mapping[str, t.Any]) -> str:
    """Which variables in subject and text mean nothing, in words; empty when all have a meaning."""
    names = unknown_variables(f"{shown['subject']} {shown['body']}")[:_NAMED]
    if not names:
        return ""
    listed = list_of(name[:_NAME_MOST] for name in names)
    return gettext("These mean nothing and will be sent as they are: %(names)s", names=listed)
