"""The event type's form: rows of the database to text and back."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from ..availability import WindowKind
from ..i18n import lazy_gettext as _
from ..models import BookingPage, EventType, Schedule
from ..scheduling.intake import one_line
from ..state import session
from .forms import Fields, length_of, length_text, minutes_of, shown_lengths, ticked, typed_lengths, typed_rows

LENGTHS = ("interval", "buffer_before", "buffer_after", "notice", "change_cutoff")
_TEXTS = (
    "title", "slug", "description", "colour", "banner_url", "redirect_url",
    "confirmation_message", "cancellation_message", "policy",
)  # fmt: skip
_NUMBERS = ("limit_day", "limit_week", "limit_month", "limit_guest", "seats", "hold_minutes", "window_days")
_FLAGS = ("requires_approval", "may_cancel", "may_reschedule", "reason_required")
_LOCATION = ("id", "kind", "text", "url")
_QUESTION = ("id", "label", "kind", "required", "options", "help")

BLANK_LOCATION = {"id": "", "kind": "in_person", "text": "", "url": ""}
BLANK_QUESTION = {"id": "", "label": "", "kind": "short", "required": "", "options": "", "help": ""}

LABELS = {
    "title": _("Name"),
    "slug": _("Address"),
    "description": _("Description"),
    "colour": _("Colour"),
    "banner_url": _("Banner image"),
    "durations": _("Duration"),
    "interval": _("Start times every"),
    "locations": _("Place"),
    "questions": _("Question"),
    "buffer_before": _("Free time before"),
    "buffer_after": _("Free time after"),
    "notice": _("Notice"),
    "window_kind": _("How far ahead"),
    "window_days": _("Days ahead"),
    "window_first": _("First date"),
    "window_last": _("Last date"),
    "limit_day": _("Most a day"),
    "limit_week": _("Most a week"),
    "limit_month": _("Most a month"),
    "limit_guest": _("Most at a time for one guest"),
    "seats": _("Seats"),
    "hold_minutes": _("Hold"),
    "schedule_id": _("Hours"),
    "requires_approval": _("Ask me first"),
    "confirmation_message": _("Confirmation message"),
    "redirect_url": _("Send guests on to"),
    "cancellation_message": _("Cancellation message"),
    "policy": _("Policy"),
    "may_cancel": _("Guests may cancel"),
    "may_reschedule": _("Guests may choose another time"),
    "reason_required": _("Guests must give a reason"),
    "change_cutoff": _("Until"),
}


def blank() -> dict[str, t.Any]:
    """What the form of a new event type begins with."""
    event = EventType(
        title="", slug="", description="", colour="", banner_url="", durations=[30], interval=None, buffer_before=0,
        buffer_after=0, notice=240, window_kind=WindowKind.DAYS, window_days=60, window_first=None, window_last=None,
        limit_day=None, limit_week=None, limit_month=None, limit_guest=None, seats=1, hold_minutes=5, schedule_id=None,
        requires_approval=False, locations=[], questions=[], confirmation_message="", redirect_url="",
        cancellation_message="", policy="", may_cancel=True, may_reschedule=True, reason_required=False,
        change_cutoff=0,
    )  # fmt: skip
    return shown(event)


def shown(event: EventType) -> dict[str, t.Any]:
    """A saved event type as its form shows it."""
    return {
        **{name: getattr(event, name) for name in _TEXTS},
        **{name: "" if getattr(event, name) is None else str(getattr(event, name)) for name in _NUMBERS},
        **{name: bool(getattr(event, name)) for name in _FLAGS},
        **shown_lengths(event, LENGTHS),
        "duration": length_text(event.durations[0]),
        "more_durations": ", ".join(length_text(minutes) for minutes in event.durations[1:]),
        "window_kind": event.window_kind.value,
        "window_first": event.window_first.isoformat() if event.window_first else "",
        "window_last": event.window_last.isoformat() if event.window_last else "",
        "schedule": event.schedule.public_id if event.schedule else "",
        "locations": [dict(place) for place in event.locations],
        "questions": [
            {**question, "options": "\n".join(question.get("options", ())), "required": bool(question.get("required"))}
            for question in event.questions
        ],
    }


def typed(form: Fields) -> dict[str, t.Any]:
    """The form as it was typed; places and questions left empty are gone.  Numbers that the form doesn't ask for are
    the usual ones."""
    usual = blank()
    locations = typed_rows(form, "locations", _LOCATION)
    questions = typed_rows(form, "questions", _QUESTION)
    return {
        **{name: form.get(name, "") for name in _TEXTS},
        **{name: form.get(name, usual[name]) for name in _NUMBERS},
        **{name: ticked(form, name) for name in _FLAGS},
        **typed_lengths(form, LENGTHS, usual),
        "duration": form.get("duration", ""),
        "more_durations": form.get("more_durations", ""),
        "window_kind": form.get("window_kind", ""),
        "window_first": form.get("window_first", ""),
        "window_last": form.get("window_last", ""),
        "schedule": form.get("schedule", ""),
        "locations": [row for row in locations if row["kind"]],
        "questions": [row for row in questions if any(row[name] for name in ("label", "options", "help", "id"))],
    }


def values(shown: dict[str, t.Any], page: BookingPage) -> dict[str, t.Any]:
    """What :func:`flask_booking.catalog.update_event_type` takes."""
    more = [part for part in shown["more_durations"].replace(";", ",").split(",") if part.strip()]
    return {
        **{name: shown[name] for name in (*_TEXTS, *_NUMBERS, *_FLAGS)},
        **{name: minutes_of(shown, name) for name in LENGTHS},
        "durations": [length_of(text) for text in (shown["duration"], *more)],
        "window_kind": shown["window_kind"],
        "window_first": shown["window_first"],
        "window_last": shown["window_last"],
        "schedule_id": _schedule_id(shown["schedule"], page),
        "locations": shown["locations"],
        "questions": shown["questions"],
    }


def _schedule_id(public_id: str, page: BookingPage) -> int | None:
    """The key of one of the owner's schedules; -1, which no schedule has, for anybody else's."""
    if not public_id:
        return None
    found = session().scalar(
        sa.select(Schedule.id).where(Schedule.public_id == one_line(public_id), Schedule.host_id == page.host_id)
    )
    return -1 if found is None else found
