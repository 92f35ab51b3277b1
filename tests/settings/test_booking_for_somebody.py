"""A host books for somebody: chosen among contacts or typed, at a free time, without losing what was typed."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from flask_booking.models import Booking
from flask_booking.state import session

from .conftest import Office, Screens, said, tomorrow


def contact_of(office: Office, **values: Any) -> int:
    from example_app.models import Contact

    with office.app.app_context():
        contact = Contact(
            owner_id=office.users["ann"],
            **{"name": "Nadia Petrova", "email": "nadia@example.com", "phone": "+359 2 555 0137", **values},
        )
        session().add(contact)
        session().commit()
        return contact.id


def book_form(page: str) -> dict[str, str]:
    found = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    return {name: value for name, value in found.items() if name not in ("host",)}


def test_a_contact_is_booked_from_choosing_to_the_mail(office: Office, ann: Screens) -> None:
    contact = contact_of(office)
    first = ann.get("/book", contact=contact)
    assert "Book with Nadia Petrova" in said(first)
    link = re.search(r'href="(/settings/booking/book\?[^"]*event=[^"]*duration=60[^"]*)"', first.text)
    assert link is not None
    second = ann.client.get(link[1].replace("&amp;", "&"))
    times = re.findall(r'class="bk-time" href="([^"]+)"', second.text)
    assert times
    third = ann.client.get(times[0].replace("&amp;", "&"))
    form = book_form(third.text)
    assert (form["name"], form["email"], form["phone"]) == ("Nadia Petrova", "nadia@example.com", "+359 2 555 0137")

    answer = ann.post("/book", **form, time_zone="Europe/Sofia", notes="As said on the phone")
    assert answer.status_code == 303
    repeated = ann.post("/book", **form, time_zone="Europe/Sofia", notes="As said on the phone")
    assert repeated.location == answer.location  # a double click books once
    with office.app.app_context():
        booking = session().query(Booking).one()
        assert (booking.contact_id, booking.source, booking.guest_time_zone) == (contact, "host", "Europe/Sofia")
        assert (booking.ends_at - booking.starts_at).total_seconds() == 3600
        assert [entry.actor for entry in booking.history] == ["host"]
    assert "Booked. Nadia Petrova gets a mail" in said(ann.client.get(answer.location))


def test_booking_for_somebody_keeps_what_was_typed_when_it_is_wrong_or_the_time_is_gone(
    office: Office, ann: Screens
) -> None:
    data = {
        "event": office.events["ann"],
        "duration": "30",
        "start": tomorrow(9).isoformat(),
        "name": "Kept Name",
        "email": "no address",
        "time_zone": "UTC",
    }
    wrong = ann.post("/book", **data)
    assert wrong.status_code == 422
    assert "E-mail: Please check your e-mail address." in said(wrong)
    assert "Kept Name" in wrong.text

    office.booking("ann", tomorrow(9))
    gone = ann.post("/book", **data | {"email": "kept@example.com"})
    assert gone.status_code == 409
    assert "That time was just taken." in said(gone)
    assert "Kept Name" in gone.text
    assert 'class="bk-time"' in gone.text


@pytest.mark.parametrize("contact", ["nobody", "0", "99999", "-1", "999999999999999999999999"])
def test_an_unknown_contact_is_simply_not_filled_in(office: Office, ann: Screens, contact: str) -> None:
    assert "Book a meeting" in ann.text("/book", contact=contact)


def test_archived_contacts_are_not_filled_in(office: Office, ann: Screens) -> None:
    contact = contact_of(office, archived_at=dt.datetime.now(dt.UTC))
    assert "Nadia" not in ann.text("/book", contact=contact)
