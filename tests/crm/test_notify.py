"""The CRM tells its users of meetings in its own way, after the commit, and its failures are its own."""

from __future__ import annotations

from typing import Any

import pytest

from flask_booking.crm import Happening
from flask_booking.models import Booking
from flask_booking.scheduling import book, cancel
from flask_booking.state import crm, session
from tests.fixtures.people import Bookable
from tests.scheduling.bookable import midnight, request


def test_each_host_is_told_of_each_change_in_words_of_the_host(ann: Bookable, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def notify(_crm: Any, user: Any, happening: Happening, booking: Booking) -> None:
        told.append(
            (user.name, happening.kind, happening.actor, happening.subject, session().new, booking.status.value)
        )

    monkeypatch.setattr(type(crm()), "notify", notify)
    cancel(book(ann.event.id, request(midnight())).id, actor="host")
    assert [row[:4] for row in told] == [
        ("Ann Meyer", "booked", "guest", "Meeting booked: Intro"),
        ("Ann Meyer", "cancelled", "host", "Meeting cancelled: Intro"),
    ]


def test_a_host_is_told_in_the_language_that_the_crm_knows(ann: Bookable, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(type(crm()), "locale_of", lambda _crm, user: "de")
    monkeypatch.setattr(type(crm()), "notify", lambda _crm, user, happening, booking: told.append(happening.subject))
    book(ann.event.id, request(midnight()))
    assert told == ["Termin gebucht: Intro"]


def test_a_failing_notice_is_logged_without_its_words_and_loses_nothing(
    ann: Bookable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def notify(_crm: Any, user: Any, happening: Happening, booking: Booking) -> None:
        booking.title = "half done"
        session().flush()
        raise ConnectionError(f"no socket for {booking.guest_email}")

    monkeypatch.setattr(type(crm()), "notify", notify)
    booking = book(ann.event.id, request(midnight()))
    assert (booking.title, booking.crm_error, booking.contact.email) == ("Intro", "", "sam@example.com")
    assert "the CRM's notify failed with ConnectionError" in caplog.text
    assert "sam@example.com" not in caplog.text
