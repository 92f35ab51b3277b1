"""What the CRM's own pages show: a contact's meetings and a way to book with it."""

from __future__ import annotations

import pytest
from flask import render_template_string

from flask_booking.models import Booking
from flask_booking.settings.meetings import meetings_of
from flask_booking.state import session

from .conftest import ROOT, Office, tomorrow

PAGE = """{% from "booking/crm/meetings.html" import meetings_style, meetings_of, book_with %}
{{ meetings_style() }}{{ book_with(contact) }}{{ meetings_of(contact) }}"""


def test_a_contacts_page_shows_its_meetings_and_books_the_next(office: Office) -> None:
    public_id = office.booking("ann", tomorrow(9))
    old = office.booking("ann", tomorrow(10))
    office.booking("ben", tomorrow(9), email="other@example.com")
    office.as_user("ann").post(f"/bookings/{old}/cancel")
    with office.app.test_request_context():
        contact = session().query(Booking).filter_by(public_id=public_id).one().contact
        page = render_template_string(PAGE, contact=contact)
    assert f'href="{ROOT}/book?contact={contact_key(office, public_id)}"' in page
    assert "Book with Sam Guest" in page
    assert (
        page.index("Upcoming meetings")
        < page.index(public_id)
        < page.index("Past and cancelled meetings")
        < page.index(old)
    )
    assert "settings.css?v=" in page
    assert page.count('class="bk-meeting ') == 2


@pytest.mark.parametrize("zone_name", ["W. Europe Standard Time", "Mars/Base", ""])
def test_a_reader_who_is_no_host_and_whose_time_zone_means_nothing_reads_in_utc(
    office: Office, monkeypatch: pytest.MonkeyPatch, zone_name: str
) -> None:
    from example_app.models import User

    public_id = office.booking("ann", tomorrow(9))
    adapter = office.app.extensions["booking"].crm
    with office.app.test_request_context():
        reader = User(name="Newcomer", email="new@example.com", password_hash="", time_zone=zone_name)
        session().add(reader)
        session().commit()
        monkeypatch.setattr(adapter, "current_user", lambda: reader)
        contact = session().query(Booking).filter_by(public_id=public_id).one().contact
        page = render_template_string(PAGE, contact=contact)
    assert "9:00" in page
    assert "Sam Guest" in page


def contact_key(office: Office, public_id: str) -> int:
    with office.app.app_context():
        return session().query(Booking).filter_by(public_id=public_id).one().contact_id


def test_a_contact_without_meetings_has_none(office: Office) -> None:
    from example_app.models import Contact

    with office.app.app_context():
        contact = Contact(name="New", owner_id=office.users["ann"])
        session().add(contact)
        session().commit()
        found = meetings_of(contact)
        assert (found.upcoming, found.past) == ([], [])
        assert meetings_of(None).upcoming == []
