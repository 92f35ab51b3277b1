"""What guests are asked and who of them may book: a CRM may add to it, for pages, API and host's screens alike."""

from __future__ import annotations

import collections.abc as c
import typing as t

from flask import current_app, has_app_context

from ..models import EventType

if t.TYPE_CHECKING:
    from .intake import Intake


class GuestForm:
    """The guest's details; subclass it and name the class in ``BOOKING_FORMS["guest"]``."""

    def questions(self, event: EventType) -> c.Sequence[dict[str, t.Any]]:
        """The questions of an event type, in order, each made like :func:`question`; answers are kept with the
        booking, shown to the host, and mailed."""
        return event.questions

    def problems(self, event: EventType, intake: Intake, by: str) -> c.Mapping[str, str]:
        """What is wrong with details that are right so far: a sentence by field (``name``, ``email``, ``phone``,
        ``notes`` or ``answers.<id>``).  ``by`` is ``guest``, or ``host`` for a booking made on somebody's behalf."""
        return {}


def question(
    id: str, label: str, kind: str = "short", *, required: bool = False, options: c.Iterable[str] = (), help: str = ""
) -> dict[str, t.Any]:
    """A question: ``kind`` is short, long, choice, multiple, checkbox, number, phone, email or date."""
    return {"id": id, "label": label, "kind": kind, "required": required, "options": list(options), "help": help}


def guest_form() -> GuestForm:
    """The current app's form."""
    mounted = current_app.extensions.get("booking") if has_app_context() else None
    return t.cast(GuestForm, mounted.extras.get("forms", {}).get("guest") if mounted else None) or GuestForm()


def questions_of(event: EventType) -> c.Sequence[dict[str, t.Any]]:
    """What guests are asked who book this event type."""
    return guest_form().questions(event)
