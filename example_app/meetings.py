"""Meetings on the CRM's own pages: booking's tables joined with contacts and users like any other table."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, request
from flask_login import current_user
from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from example_app.extensions import db
from example_app.models import Contact, User, now
from flask_booking.links import booking_url, page_url
from flask_booking.models import Booking, BookingPage, BookingStatus, Host

STATUS_TEXTS = {
    BookingStatus.PENDING: "waits for your answer",
    BookingStatus.CANCELLED: "cancelled",
    BookingStatus.NO_SHOW: "guest did not come",
}


@dataclass(frozen=True)
class Meetings:
    """Meetings to come, the next one first, and those that are over or cancelled, the latest first."""

    coming: list[Booking]
    past: list[Booking]


def meetings_with(contact: Contact) -> Meetings:
    """All meetings with a contact, whoever held them."""
    rows = list(db.session.scalars(query().where(Booking.contact_id == contact.id).order_by(Booking.starts_at)))
    coming = [row for row in rows if row.live and row.ends_at > now()]
    return Meetings(coming, [row for row in reversed(rows) if row not in coming])


def coming_meetings_of(user: User, count: int) -> list[Booking]:
    """The user's next meetings, as a host."""
    live = Booking.status.in_((BookingStatus.PENDING, BookingStatus.CONFIRMED))
    mine = Booking.hosts.any(Host.user_id == user.id)
    return list(
        db.session.scalars(
            query().where(live, mine, Booking.ends_at > now()).order_by(Booking.starts_at, Booking.id).limit(count)
        )
    )


def query() -> Select[Booking]:
    """Bookings with what a row on a page shows of them, in three queries however many there are."""
    return select(Booking).options(selectinload(Booking.contact), selectinload(Booking.hosts).selectinload(Host.user))


def own_page() -> BookingPage | None:
    """The public page of whoever is logged in."""
    return db.session.scalars(
        select(BookingPage)
        .join(Host)
        .where(Host.user_id == current_user.id, BookingPage.active)
        .order_by(BookingPage.id)
    ).first()


def page_of(slug: str) -> str:
    """The path of a public page."""
    return page_url(slug, base=request.script_root)


def meeting_path(booking: Booking) -> str:
    """The path of a meeting in the booking settings."""
    return booking_url(booking.public_id, base=request.script_root)


def settings_path() -> str:
    """The path of the booking settings."""
    return f"{request.script_root}{current_app.config['BOOKING_SETTINGS_URL_PREFIX']}/"


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(
        booking_page_path=page_of,
        booking_settings_path=settings_path,
        meeting_path=meeting_path,
        meeting_status=lambda booking: STATUS_TEXTS.get(booking.status, ""),
    )
