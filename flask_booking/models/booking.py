"""Bookings, the time they occupy, and what happened to them."""

from __future__ import annotations

import datetime as dt
import enum
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so
from sqlalchemy.dialects import postgresql

from ..encryption import new_public_id
from ..orm import EncryptedText, EnumText, Model, crm_key, crm_object
from .columns import primary_key, references, utcnow

if t.TYPE_CHECKING:
    from .event_type import EventType
    from .host import Host


class BookingStatus(enum.StrEnum):
    """Where a booking stands; :data:`LEGAL_MOVES` says what may follow."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    NO_SHOW = "no_show"


LIVE = (BookingStatus.PENDING, BookingStatus.CONFIRMED)

LEGAL_MOVES: dict[BookingStatus, frozenset[BookingStatus]] = {
    BookingStatus.PENDING: frozenset({BookingStatus.CONFIRMED, BookingStatus.CANCELLED}),
    BookingStatus.CONFIRMED: frozenset({BookingStatus.CANCELLED, BookingStatus.COMPLETED, BookingStatus.NO_SHOW}),
    BookingStatus.COMPLETED: frozenset({BookingStatus.NO_SHOW}),
    BookingStatus.NO_SHOW: frozenset({BookingStatus.COMPLETED}),
    BookingStatus.CANCELLED: frozenset(),
}


class Booking(Model):
    """A meeting of a guest with one or more hosts.

    ``starts_local`` keeps the wall clock that was promised in ``host_time_zone``, so that a change of the time-zone
    database after the booking can be noticed.  ``manage_token`` opens the guest's page; it is found by its hash.
    ``no_reminders`` says that the guest wants none, and no follow-ups.  ``crm_error`` says that the CRM's contact or
    activity could not be written yet.
    """

    __tablename__ = "booking_booking"
    __table_args__ = (
        sa.UniqueConstraint("public_id", name="uq_booking_booking_public_id"),
        sa.UniqueConstraint("uid", name="uq_booking_booking_uid"),
        sa.UniqueConstraint("manage_token_hash", name="uq_booking_booking_manage_token_hash"),
        sa.UniqueConstraint("event_type_id", "idempotency_key", name="uq_booking_booking_idempotency_key"),
        sa.Index("ix_booking_booking_starts_at", "starts_at"),
        sa.Index("ix_booking_booking_status", "status", "ends_at"),
        sa.Index("ix_booking_booking_guest_email_key", "guest_email_key"),
    )

    id: so.Mapped[int] = primary_key()
    public_id: so.Mapped[str] = so.mapped_column(sa.String(32), default=new_public_id)
    event_type_id: so.Mapped[int] = references("event_type", "booking_event_type_id")
    title: so.Mapped[str] = so.mapped_column(sa.String(200))
    status: so.Mapped[BookingStatus] = so.mapped_column(EnumText(BookingStatus), default=BookingStatus.CONFIRMED)
    starts_at: so.Mapped[dt.datetime]
    ends_at: so.Mapped[dt.datetime]
    host_time_zone: so.Mapped[str] = so.mapped_column(sa.String(64))
    starts_local: so.Mapped[dt.datetime] = so.mapped_column(sa.DateTime)

    guest_name: so.Mapped[str] = so.mapped_column(sa.String(200))
    guest_email: so.Mapped[str] = so.mapped_column(sa.String(254))
    guest_email_key: so.Mapped[str] = so.mapped_column(sa.String(254))
    guest_phone: so.Mapped[str] = so.mapped_column(sa.String(40), default="")
    guest_time_zone: so.Mapped[str] = so.mapped_column(sa.String(64))
    guest_locale: so.Mapped[str] = so.mapped_column(sa.String(16), default="en")
    notes: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    answers: so.Mapped[list[dict[str, t.Any]]] = so.mapped_column(sa.JSON, default=list)
    location: so.Mapped[dict[str, t.Any]] = so.mapped_column(sa.JSON, default=dict)
    host_notes: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    contact_id: so.Mapped[t.Any] = crm_key("contact", ondelete="SET NULL", indexed=True, nullable=True)
    contact: so.Mapped[t.Any] = crm_object("contact")

    uid: so.Mapped[str] = so.mapped_column(sa.String(255))
    sequence: so.Mapped[int] = so.mapped_column(default=0)
    manage_token: so.Mapped[str] = so.mapped_column(EncryptedText)
    manage_token_hash: so.Mapped[str] = so.mapped_column(sa.String(64))
    idempotency_key: so.Mapped[str | None] = so.mapped_column(sa.String(200))
    source: so.Mapped[str] = so.mapped_column(sa.String(16), default="page")
    utm: so.Mapped[dict[str, str]] = so.mapped_column(sa.JSON, default=dict)
    no_reminders: so.Mapped[bool] = so.mapped_column(default=False)
    crm_error: so.Mapped[str] = so.mapped_column(sa.String(500), default="")

    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)
    pending_until: so.Mapped[dt.datetime | None]
    cancelled_at: so.Mapped[dt.datetime | None]
    cancelled_by: so.Mapped[str] = so.mapped_column(sa.String(16), default="")
    reason: so.Mapped[str] = so.mapped_column(sa.Text, default="")

    event_type: so.Mapped[EventType] = so.relationship()
    hosts: so.Mapped[list[Host]] = so.relationship(
        secondary=lambda: BookingHost.__table__, order_by="Host.id", passive_deletes=True
    )
    history: so.Mapped[list[HistoryEntry]] = so.relationship(
        back_populates="booking", order_by="HistoryEntry.id", passive_deletes="all"
    )

    @property
    def minutes(self) -> int:
        """How long the meeting lasts."""
        return int((self.ends_at - self.starts_at).total_seconds()) // 60

    @property
    def answering(self) -> list[Host]:
        """Who answers for the meeting: its hosts, or the page's owner when the CRM has deleted the users of all."""
        return self.hosts or [self.event_type.page.host]

    @property
    def live(self) -> bool:
        """Whether the meeting is still to be held, as far as anybody said."""
        return self.status in LIVE

    @property
    def agreed(self) -> bool:
        """Whether the meeting was ever agreed on: a request isn't, also after it was declined or withdrawn."""
        if self.status is BookingStatus.CANCELLED:
            return any(entry.kind in AGREEING for entry in self.history)
        return self.status is not BookingStatus.PENDING

    @property
    def withdrawn(self) -> bool:
        """Whether it is a request that its guest took back."""
        return self.status is BookingStatus.CANCELLED and self.cancelled_by == "guest" and not self.agreed

    @property
    def told_location(self) -> dict[str, t.Any]:
        """The place as its guest may know it now."""
        return self.location if self.agreed else open_location(self.location)


class BookingHost(Model):
    """A host who attends a booking, also after it was cancelled."""

    __tablename__ = "booking_booking_host"
    __table_args__ = (sa.Index("ix_booking_booking_host_host_id", "host_id", "booking_id"),)

    booking_id: so.Mapped[int] = references("booking", "booking_host_booking_id", primary_key=True)
    host_id: so.Mapped[int] = references("host", "booking_host_host_id", primary_key=True)


class Hold(Model):
    """A time kept for a guest who fills in the form; owned by whoever has the form's token.

    ``shown`` is when the form that keeps it was shown, by its browser's clock (milliseconds; 0 if no script said so).
    """

    __tablename__ = "booking_hold"
    __table_args__ = (
        sa.UniqueConstraint("token_hash", name="uq_booking_hold_token_hash"),
        sa.Index("ix_booking_hold_event_type_id", "event_type_id"),
    )

    id: so.Mapped[int] = primary_key()
    token_hash: so.Mapped[str] = so.mapped_column(sa.String(64))
    event_type_id: so.Mapped[int] = references("event_type", "hold_event_type_id")
    starts: so.Mapped[int] = so.mapped_column(sa.BigInteger)
    ends: so.Mapped[int] = so.mapped_column(sa.BigInteger)
    expires: so.Mapped[int] = so.mapped_column(sa.BigInteger)
    shown: so.Mapped[int] = so.mapped_column(sa.BigInteger, default=0)


class OccupiedTime(Model):
    """The time of one host that a live booking or a hold takes, with its own buffers around it.

    All times are epoch seconds: this table is arithmetic.  A row exists exactly as long as it occupies; a hold's row
    counts until ``expires``.  ``seat`` numbers the guests of a group at one time, so that the constraints stand
    behind the lock for groups too.
    """

    __tablename__ = "booking_occupied_time"
    __table_args__ = (
        sa.UniqueConstraint("host_id", "starts", "seat", name="uq_booking_occupied_time_start"),
        sa.Index("ix_booking_occupied_time_from", "host_id", "occupied_from"),
        sa.Index("ix_booking_occupied_time_booking_id", "booking_id"),
        sa.Index("ix_booking_occupied_time_hold_id", "hold_id"),
        sa.Index("ix_booking_occupied_time_event_type_id", "event_type_id"),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(host_id, host_id, '[]')"), "="),
            (sa.text("int8range(seat::bigint, seat::bigint, '[]')"), "="),
            (sa.text("int8range(starts, ends)"), "&&"),
            name="ex_booking_occupied_time_meeting",
            using="gist",
        ).ddl_if(dialect="postgresql"),
    )

    id: so.Mapped[int] = primary_key()
    host_id: so.Mapped[int] = references("host", "occupied_time_host_id")
    booking_id: so.Mapped[int | None] = references("booking", "occupied_time_booking_id")
    hold_id: so.Mapped[int | None] = references("hold", "occupied_time_hold_id")
    event_type_id: so.Mapped[int] = references("event_type", "occupied_time_event_type_id")
    starts: so.Mapped[int] = so.mapped_column(sa.BigInteger)
    ends: so.Mapped[int] = so.mapped_column(sa.BigInteger)
    occupied_from: so.Mapped[int] = so.mapped_column(sa.BigInteger)
    occupied_until: so.Mapped[int] = so.mapped_column(sa.BigInteger)
    seat: so.Mapped[int] = so.mapped_column(default=0)
    expires: so.Mapped[int | None] = so.mapped_column(sa.BigInteger)


class HistoryKind(enum.StrEnum):
    """What can happen to a booking; each is logged in the CRM as an activity and told by a signal."""

    BOOKED = "booked"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    REASSIGNED = "reassigned"


AGREEING = frozenset({HistoryKind.BOOKED, HistoryKind.ACCEPTED})
"""What makes a request, or nothing at all, a meeting."""


def open_location(location: dict[str, t.Any]) -> dict[str, t.Any]:
    """A place as anybody may know it: a host's number and links are told once the meeting is agreed on."""
    private = {"phone_host": ("text", "url"), "in_person": ()}.get(location.get("kind", ""), ("url", "password"))
    return {key: "" if key in private else value for key, value in location.items()}


class HistoryEntry(Model):
    """Something that happened to a booking; ``actor`` is ``guest``, ``host`` or ``system``."""

    __tablename__ = "booking_history"
    __table_args__ = (sa.Index("ix_booking_history_booking_id", "booking_id"),)

    id: so.Mapped[int] = primary_key()
    booking_id: so.Mapped[int] = references("booking", "history_booking_id")
    at: so.Mapped[dt.datetime] = so.mapped_column("happened_at", default=utcnow)
    kind: so.Mapped[HistoryKind] = so.mapped_column(EnumText(HistoryKind))
    actor: so.Mapped[str] = so.mapped_column(sa.String(16))
    detail: so.Mapped[dict[str, t.Any]] = so.mapped_column(sa.JSON, default=dict)
    activity_id: so.Mapped[t.Any] = crm_key("activity", ondelete="SET NULL", indexed=True, nullable=True)
    activity: so.Mapped[t.Any] = crm_object("activity")

    booking: so.Mapped[Booking] = so.relationship(back_populates="history")


class UsedChallenge(Model):
    """A proof of work that was accepted once and must not be again; kept until ``expires`` (epoch seconds)."""

    __tablename__ = "booking_used_challenge"
    __table_args__ = (sa.Index("ix_booking_used_challenge_expires", "expires"),)

    signature_hash: so.Mapped[str] = so.mapped_column(sa.String(64), primary_key=True)
    expires: so.Mapped[int] = so.mapped_column(sa.BigInteger)
