"""Booking on behalf of a contact: choose what, when, and check the details."""

from __future__ import annotations

import dataclasses
import secrets
import typing as t

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from .. import scheduling
from ..errors import BookingError, InvalidInput
from ..i18n import gettext as _
from ..models import EventType
from ..scheduling.guest_form import questions_of
from ..scheduling.intake import Intake, check, one_line
from ..scheduling.places import offered
from ..state import session
from ..zones import zone_names
from . import access, contacts, notices, times
from .access import desk
from .blueprint import blueprint
from .forms import Fields, Form
from .screen import render
from .times import Month


@dataclasses.dataclass(frozen=True)
class Choice:
    """What was chosen so far; each step is an address, so that going back works."""

    contact: t.Any | None
    event: EventType | None
    duration: int | None
    start: t.Any | None

    @property
    def steps(self) -> dict[str, t.Any]:
        """The choice as parameters of a link."""
        found: dict[str, t.Any] = {}
        if self.contact is not None:
            found["contact"] = contacts.key_of(self.contact)
        if self.event is not None:
            found["event"] = self.event.public_id
            found["duration"] = self.duration
        return found


@blueprint.route("/book", methods=["GET", "POST"])
def book() -> ResponseReturnValue:
    """The steps, and the booking itself."""
    chosen = _choice()
    form = Form(_blank(chosen), _labels(chosen.event))
    if request.method == "GET" or chosen.event is None:
        return _page(chosen, form)
    form.values = _typed(request.form, chosen.event)
    if chosen.start is None:
        form.problem = _("Please choose a time.")
        return _page(chosen, form), 422
    try:
        booking = scheduling.book(
            chosen.event.id,
            scheduling.BookingRequest(
                start=chosen.start,
                intake=_intake(chosen.event, form.values),
                duration=chosen.duration,
                idempotency_key=f"host:{form.values['key']}" if form.values["key"] else None,
                source="host",
                actor="host",
                contact=chosen.contact,
            ),
        )
    except InvalidInput as error:
        form.refuse(error)
        return _page(chosen, form), 422
    except BookingError as error:
        form.refuse(error)
        # The time is gone, what was typed isn't: both are shown again.
        return _page(dataclasses.replace(chosen, start=None), form), error.status
    notices.tell(_("Booked. %(guest)s gets a mail with the invitation.", guest=booking.guest_name))
    return redirect(url_for("booking_settings.booking", public_id=booking.public_id), 303)


def _choice() -> Choice:
    values = request.values
    event: EventType | None = None
    if values.get("event"):
        event = session().scalar(sa.select(EventType).where(EventType.public_id == one_line(values["event"])))
        if event is None or event.archived_at is not None or not event.active:
            raise access.missing()
        if not any(host.id == desk().host.id for host in event.hosts):
            access.look_after(event.page.host)
    duration = values.get("duration", type=int)
    if event is not None and duration not in event.durations:
        duration = event.duration
    contact = contacts.contact_by_key(values.get("contact", ""))
    return Choice(contact, event, duration, times.instant_of(values.get("start", "")))


def _blank(chosen: Choice) -> dict[str, t.Any]:
    return {
        **contacts.details_of(chosen.contact),
        "time_zone": desk().host.time_zone,
        "location": "",
        "notes": "",
        "answers": {},
        "key": secrets.token_hex(16),
    }


def _typed(form: Fields, event: EventType) -> dict[str, t.Any]:
    answers: dict[str, t.Any] = {}
    for question in questions_of(event):
        name = f"answer-{question['id']}"
        answers[question["id"]] = form.getlist(name) if question["kind"] == "multiple" else form.get(name, "")
    names = ("name", "email", "phone", "time_zone", "location", "notes")
    return {**{name: form.get(name, "") for name in names}, "answers": answers, "key": form.get("key", "")[:64]}


def _intake(event: EventType, values: dict[str, t.Any]) -> Intake:
    names = ("name", "email", "phone", "time_zone", "answers", "location", "notes")
    return check(event, **{name: values[name] for name in names}, locale=desk().host.language, by="host")


def _labels(event: EventType | None) -> dict[str, t.Any]:
    labels: dict[str, t.Any] = {
        "name": _("Name"),
        "email": _("E-mail"),
        "phone": _("Phone"),
        "time_zone": _("Guest's time zone"),
        "location": _("Place"),
        "notes": _("Notes"),
    }
    for question in questions_of(event) if event else ():
        labels[f"answers.{question['id']}"] = question["label"]
    return labels


def _page(chosen: Choice, form: Form) -> str:
    month: Month | None = None
    if chosen.event is not None and chosen.start is None:
        month = times.month_of(times.address_of(chosen.event), desk().host.time_zone, duration=chosen.duration)
    events = session().scalars(
        sa.select(EventType)
        .where(EventType.hosts.any(id=desk().host.id), EventType.active, EventType.archived_at.is_(None))
        .order_by(EventType.position, EventType.id)
    )
    return render(
        "book.html",
        chosen=chosen,
        contact_name=contacts.name_of(chosen.contact),
        events=events.all(),
        month=month,
        form=form,
        zones=zone_names(),
        questions=questions_of(chosen.event) if chosen.event else (),
        places_offered=offered(chosen.event) if chosen.event else (),
    )
