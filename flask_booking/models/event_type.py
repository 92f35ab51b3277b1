"""Kinds of meetings that can be booked, and who holds them."""

from __future__ import annotations

import datetime as dt
import enum
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..availability import WindowKind
from ..encryption import new_public_id
from ..orm import EnumText, Model
from .columns import primary_key, references, utcnow, version

if t.TYPE_CHECKING:
    from .host import Host
    from .page import BookingPage
    from .schedule import Schedule


class Assignment(enum.StrEnum):
    """How the hosts of a meeting are chosen among those of its event type."""

    ALL = "all"
    """Every host must be free and attends."""
    ANY = "any"
    """One host who is free; the one with the fewest coming meetings."""


class EventType(Model):
    """A kind of meeting that can be booked: duration, location, questions, rules.

    All times are minutes.  ``durations`` begins with the default.  ``locations`` and ``questions`` are lists of
    objects as :mod:`flask_booking.catalog.fields` reads and writes them.  ``version`` rises with each edit.
    """

    __tablename__ = "booking_event_type"
    __table_args__ = (
        sa.UniqueConstraint("page_id", "slug", name="uq_booking_event_type_slug"),
        sa.UniqueConstraint("public_id", name="uq_booking_event_type_public_id"),
        sa.Index("ix_booking_event_type_schedule_id", "schedule_id"),
    )

    id: so.Mapped[int] = primary_key()
    public_id: so.Mapped[str] = so.mapped_column(sa.String(32), default=new_public_id)
    page_id: so.Mapped[int] = references("page", "event_type_page_id")
    slug: so.Mapped[str] = so.mapped_column(sa.String(80))
    title: so.Mapped[str] = so.mapped_column(sa.String(200))
    description: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    colour: so.Mapped[str] = so.mapped_column(sa.String(7), default="")
    banner_url: so.Mapped[str] = so.mapped_column(sa.String(500), default="")
    position: so.Mapped[int] = so.mapped_column(default=0)
    active: so.Mapped[bool] = so.mapped_column(default=True)
    archived_at: so.Mapped[dt.datetime | None]

    durations: so.Mapped[list[int]] = so.mapped_column(sa.JSON)
    interval: so.Mapped[int | None] = so.mapped_column("slot_interval")
    buffer_before: so.Mapped[int] = so.mapped_column(default=0)
    buffer_after: so.Mapped[int] = so.mapped_column(default=0)
    notice: so.Mapped[int] = so.mapped_column(default=240)
    window_kind: so.Mapped[WindowKind] = so.mapped_column(EnumText(WindowKind), default=WindowKind.DAYS)
    window_days: so.Mapped[int] = so.mapped_column(default=60)
    window_first: so.Mapped[dt.date | None]
    window_last: so.Mapped[dt.date | None]
    limit_day: so.Mapped[int | None]
    limit_week: so.Mapped[int | None]
    limit_month: so.Mapped[int | None]
    limit_guest: so.Mapped[int | None]
    seats: so.Mapped[int] = so.mapped_column(default=1)
    hold_minutes: so.Mapped[int] = so.mapped_column(default=5)
    requires_approval: so.Mapped[bool] = so.mapped_column(default=False)
    assignment: so.Mapped[Assignment] = so.mapped_column(EnumText(Assignment), default=Assignment.ALL)
    schedule_id: so.Mapped[int | None] = references("schedule", "event_type_schedule_id", ondelete="SET NULL")

    locations: so.Mapped[list[dict[str, t.Any]]] = so.mapped_column(sa.JSON, default=list)
    questions: so.Mapped[list[dict[str, t.Any]]] = so.mapped_column(sa.JSON, default=list)
    confirmation_message: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    redirect_url: so.Mapped[str] = so.mapped_column(sa.String(500), default="")
    cancellation_message: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    policy: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    may_cancel: so.Mapped[bool] = so.mapped_column(default=True)
    may_reschedule: so.Mapped[bool] = so.mapped_column(default=True)
    reason_required: so.Mapped[bool] = so.mapped_column(default=False)
    change_cutoff: so.Mapped[int] = so.mapped_column(default=0)
    version: so.Mapped[int] = version()
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)

    page: so.Mapped[BookingPage] = so.relationship(back_populates="event_types")
    schedule: so.Mapped[Schedule | None] = so.relationship()
    hosts: so.Mapped[list[Host]] = so.relationship(
        secondary=lambda: EventTypeHost.__table__, order_by="Host.id", passive_deletes=True
    )

    @property
    def duration(self) -> int:
        """The default duration in minutes."""
        return self.durations[0]


class EventTypeHost(Model):
    """A host who can be booked for an event type."""

    __tablename__ = "booking_event_type_host"

    event_type_id: so.Mapped[int] = references("event_type", "event_type_host_event_type_id", primary_key=True)
    host_id: so.Mapped[int] = references("host", "event_type_host_host_id", primary_key=True)


class OldSlug(Model):
    """A slug that an event type had before: links that were shared go on working."""

    __tablename__ = "booking_old_slug"
    __table_args__ = (sa.UniqueConstraint("page_id", "slug", name="uq_booking_old_slug_slug"),)

    id: so.Mapped[int] = primary_key()
    page_id: so.Mapped[int] = references("page", "old_slug_page_id")
    slug: so.Mapped[str] = so.mapped_column(sa.String(80))
    event_type_id: so.Mapped[int] = references("event_type", "old_slug_event_type_id")
