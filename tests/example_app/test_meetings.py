"""Booking as the CRM shows it: example meetings, what a contact has been booked for, and kept mails."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage

import pytest
from flask import Flask
from sqlalchemy import func, select

from example_app.booking import RowanCRM
from example_app.extensions import db
from example_app.models import Activity, Contact, Mail, User, now
from example_app.seed import seed
from flask_booking import catalog
from flask_booking.models import (
    Booking,
    BookingPage,
    BookingStatus,
    EventType,
    Host,
    MessageState,
    OutboxMessage,
)
from tests.example_app.conftest import log_in


def test_each_user_has_a_page_with_two_event_types(booked: Flask) -> None:
    with booked.app_context():
        found = db.session.execute(
            select(User.email, BookingPage.slug, Host.time_zone, EventType.slug, EventType.durations)
            .join(Host, Host.user_id == User.id)
            .join(BookingPage, BookingPage.host_id == Host.id)
            .join(EventType, EventType.page_id == BookingPage.id)
            .order_by(User.id, EventType.position)
        ).all()
    assert [tuple(row) for row in found] == [
        (f"{name}@example.com", name, zone, slug, durations)
        for name, zone in (("ann", "America/New_York"), ("ben", "Europe/Berlin"), ("cleo", "Asia/Kolkata"))
        for slug, durations in (("intro", [30]), ("consultation", [60]))
    ]


def test_example_meetings_are_past_and_coming_and_of_every_fate(booked: Flask) -> None:
    with booked.app_context():
        rows = list(db.session.scalars(select(Booking)))
        assert len(rows) == 36
        for row in rows:
            over = row.status in {BookingStatus.COMPLETED, BookingStatus.NO_SHOW}
            assert over == (row.ends_at <= now())
            assert row.contact.email == row.guest_email
            assert row.crm_error == ""
        statuses = {status: sum(row.status is status for row in rows) for status in BookingStatus}
        assert statuses == {
            BookingStatus.COMPLETED: 15,
            BookingStatus.NO_SHOW: 3,
            BookingStatus.CONFIRMED: 15,
            BookingStatus.CANCELLED: 3,
            BookingStatus.PENDING: 0,
        }


def test_example_meetings_are_on_the_timeline_when_they_would_have_been(booked: Flask) -> None:
    with booked.app_context():
        told = list(db.session.scalars(select(Activity).where(Activity.subject.like("Meeting %: %"))))
        assert {activity.kind for activity in told} == {"meeting"}
        booked_then = [activity for activity in told if activity.subject.startswith("Meeting booked")]
        assert len(booked_then) == 36
        assert all(activity.happened_at <= now() - timedelta(days=1) for activity in booked_then)
        assert all(activity.happened_at <= now() for activity in told)


def test_nobody_is_told_of_example_meetings_but_reminders_wait(booked: Flask) -> None:
    with booked.app_context():
        waiting = list(db.session.scalars(select(OutboxMessage).where(OutboxMessage.state == MessageState.WAITING)))
        assert waiting
        assert {message.kind for message in waiting} == {"reminder"}
        assert all(message.due_at > now() - timedelta(minutes=1) for message in waiting)
        assert db.session.scalar(select(func.count()).select_from(Mail)) == 0


def test_seeding_again_adds_nothing_to_what_a_visitor_changed(booked: Flask) -> None:
    with booked.app_context():
        event = db.session.scalars(select(EventType).where(EventType.slug == "intro")).first()
        catalog.update_event_type(event, {"slug": "first-talk"})
        assert seed() == "All example contacts are there already. All example meetings are there already."
        assert db.session.scalar(select(func.count()).select_from(Booking)) == 36
        assert db.session.scalar(select(func.count()).select_from(EventType)) == 6


def test_a_contact_shows_its_meetings_and_can_be_booked_with(booked: Flask) -> None:
    with booked.app_context():
        row = db.session.scalars(
            select(Booking).where(Booking.status == BookingStatus.CANCELLED).order_by(Booking.id)
        ).first()
        assert row is not None
        contact_id, public_id, name = row.contact_id, row.public_id, row.guest_name
    page = log_in(booked.test_client(), "ben").get(f"/contacts/{contact_id}").text
    assert f'href="/settings/booking/bookings/{public_id}"' in page
    assert "cancelled" in page
    assert f"Book with {name.split()[0]}" in page
    assert f'href="/settings/booking/book?contact={contact_id}"' in page


@pytest.mark.parametrize("prefix", ["", "/crm"])
def test_links_to_booking_follow_the_place_the_crm_is_mounted_at(booked: Flask, prefix: str) -> None:
    page = log_in(booked.test_client(), "ann").get("/", base_url=f"http://localhost{prefix}/").text
    assert f'href="{prefix}/settings/booking/"' in page
    assert f'href="{prefix}/book/ann"' in page


def test_the_dashboard_shows_the_next_meetings_of_whoever_is_logged_in(booked: Flask) -> None:
    with booked.app_context():
        ben = db.session.scalars(select(User).where(User.email == "ben@example.com")).one()
        coming = db.session.scalars(
            select(Booking)
            .where(Booking.status == BookingStatus.CONFIRMED, Booking.hosts.any(Host.user_id == ben.id))
            .order_by(Booking.starts_at)
        ).all()
        expected = [row.public_id for row in coming][:4]
    page = log_in(booked.test_client(), "ben").get("/").text
    assert re.findall(r"/settings/booking/bookings/([^\"]+)", page) == expected


def test_an_archived_contact_is_not_offered_for_booking(booked: Flask) -> None:
    client = log_in(booked.test_client(), "ann")
    client.post("/contacts/1/archive")
    assert "Book with" not in client.get("/contacts/1").text


def test_mails_are_kept_only_while_there_is_no_mail_server(app: Flask) -> None:
    message = EmailMessage()
    message["To"] = "gus@example.com"
    message.set_content("Hello.")
    with app.app_context():
        assert RowanCRM().send_mail(message) is True
        app.config["BOOKING_MAIL_URL"] = "smtp://127.0.0.1:1"
        assert RowanCRM().send_mail(message) is False
        assert db.session.scalar(select(func.count()).select_from(Mail)) == 1


def test_an_archived_contact_with_the_guests_address_is_left_alone(booked: Flask) -> None:
    with booked.app_context():
        ann = db.session.scalars(select(User).where(User.email == "ann@example.com")).one()
        contact = db.session.scalars(select(Contact).where(Contact.email.is_not(None))).first()
        assert contact is not None
        crm = RowanCRM()
        assert crm.find_contact(db.session, (contact.email or "").upper(), ann) is contact
        contact.archived_at = now()
        assert crm.find_contact(db.session, contact.email or "", ann) is None
