"""When a host can be booked: weekly hours, other hours on some dates, and blocked times."""

from __future__ import annotations

import datetime as dt
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..encryption import new_public_id
from ..orm import Model
from .columns import primary_key, references, utcnow

if t.TYPE_CHECKING:
    from .host import Host

Ranges = list[list[int]]
"""Pairs of minutes after local midnight; an end past 1440 runs on over midnight."""


class Schedule(Model):
    """Named weekly hours in a time zone; ``weekly`` has seven lists of ranges, Monday first."""

    __tablename__ = "booking_schedule"
    __table_args__ = (
        sa.UniqueConstraint("public_id", name="uq_booking_schedule_public_id"),
        sa.Index("ix_booking_schedule_host_id", "host_id"),
    )

    id: so.Mapped[int] = primary_key()
    public_id: so.Mapped[str] = so.mapped_column(sa.String(32), default=new_public_id)
    host_id: so.Mapped[int] = references("host", "schedule_host_id")
    name: so.Mapped[str] = so.mapped_column(sa.String(120))
    time_zone: so.Mapped[str] = so.mapped_column(sa.String(64))
    weekly: so.Mapped[list[Ranges]] = so.mapped_column(sa.JSON)
    is_default: so.Mapped[bool] = so.mapped_column(default=False)
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)

    host: so.Mapped[Host] = so.relationship()
    overrides: so.Mapped[list[DateOverride]] = so.relationship(
        back_populates="schedule", order_by="DateOverride.first", cascade="all, delete-orphan"
    )


class DateOverride(Model):
    """Other hours, or none, from the date ``first`` to the date ``last``, both included."""

    __tablename__ = "booking_date_override"
    __table_args__ = (
        sa.UniqueConstraint("public_id", name="uq_booking_date_override_public_id"),
        sa.Index("ix_booking_date_override_schedule_id", "schedule_id", "last_date"),
    )

    id: so.Mapped[int] = primary_key()
    public_id: so.Mapped[str] = so.mapped_column(sa.String(32), default=new_public_id)
    schedule_id: so.Mapped[int] = references("schedule", "date_override_schedule_id")
    first: so.Mapped[dt.date] = so.mapped_column("first_date")
    last: so.Mapped[dt.date] = so.mapped_column("last_date")
    ranges: so.Mapped[Ranges] = so.mapped_column(sa.JSON)
    note: so.Mapped[str] = so.mapped_column(sa.String(200), default="")

    schedule: so.Mapped[Schedule] = so.relationship(back_populates="overrides")


class BlockedTime(Model):
    """A period when a host can't be booked, once or by RRULE (RFC 5545 §3.3.10).

    ``starts_local`` and ``ends_local`` are wall-clock times in ``time_zone``: a rule recurs by them, whatever the
    offset is on that date.
    """

    __tablename__ = "booking_blocked_time"
    __table_args__ = (
        sa.UniqueConstraint("public_id", name="uq_booking_blocked_time_public_id"),
        sa.Index("ix_booking_blocked_time_host_id", "host_id"),
    )

    id: so.Mapped[int] = primary_key()
    public_id: so.Mapped[str] = so.mapped_column(sa.String(32), default=new_public_id)
    host_id: so.Mapped[int] = references("host", "blocked_time_host_id")
    title: so.Mapped[str] = so.mapped_column(sa.String(200), default="")
    starts_local: so.Mapped[dt.datetime] = so.mapped_column(sa.DateTime)
    ends_local: so.Mapped[dt.datetime] = so.mapped_column(sa.DateTime)
    all_day: so.Mapped[bool] = so.mapped_column(default=False)
    time_zone: so.Mapped[str] = so.mapped_column(sa.String(64))
    rrule: so.Mapped[str] = so.mapped_column(sa.String(500), default="")
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)
