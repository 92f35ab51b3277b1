"""Calendars of connected accounts, what they say of their owner's time, and bookings as events in them."""

from __future__ import annotations

import datetime as dt
import enum
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so
from sqlalchemy.dialects import mysql

from ..encryption import new_public_id
from ..orm import EnumText, Model
from .columns import primary_key, references, utcnow

if t.TYPE_CHECKING:
    from .booking import Booking
    from .connection import Connection
    from .host import Host


LongText = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
"""Text of any length: a CalDAV server without sync tokens is followed by the etags of all it has."""


class ConnectedCalendar(Model):
    """A calendar of a connection, what the host wants with it, and how far it is mirrored.

    ``target``: events of new bookings are made here; a host has one such calendar at most.  ``cursor`` is where the
    service goes on telling of changes.  Its busy times from ``window_start`` to ``window_end`` (epoch seconds) were
    true at ``synced_at``.  The row is its own queue: whoever works next reads calendars whose ``due_at`` has come.
    """

    __tablename__ = "booking_calendar"
    __table_args__ = (
        sa.UniqueConstraint("public_id", name="uq_booking_calendar_public_id"),
        sa.UniqueConstraint("connection_id", "remote_key", name="uq_booking_calendar_remote_key"),
        sa.Index("ix_booking_calendar_host_id", "host_id"),
        sa.Index("ix_booking_calendar_due_at", "due_at"),
    )

    id: so.Mapped[int] = primary_key()
    public_id: so.Mapped[str] = so.mapped_column(sa.String(32), default=new_public_id)
    connection_id: so.Mapped[int] = references("connection", "calendar_connection_id")
    host_id: so.Mapped[int] = references("host", "calendar_host_id")
    remote_id: so.Mapped[str] = so.mapped_column(sa.Text)
    remote_key: so.Mapped[str] = so.mapped_column(sa.String(64))
    """The SHA-256 of ``remote_id``: ids may be longer than an index takes."""
    name: so.Mapped[str] = so.mapped_column(sa.String(200))
    time_zone: so.Mapped[str] = so.mapped_column(sa.String(64), default="")
    colour: so.Mapped[str] = so.mapped_column(sa.String(7), default="")
    writable: so.Mapped[bool] = so.mapped_column(default=False)
    provider_primary: so.Mapped[bool] = so.mapped_column(default=False)
    conferencing: so.Mapped[list[str]] = so.mapped_column(sa.JSON, default=list)
    check_conflicts: so.Mapped[bool] = so.mapped_column(default=False)
    tentative_blocks: so.Mapped[bool] = so.mapped_column(default=True)
    target: so.Mapped[bool] = so.mapped_column(default=False)
    invites: so.Mapped[bool] = so.mapped_column(default=False)
    """Whether the service invites guests to events made here; if not, we do by mail."""
    paused: so.Mapped[bool] = so.mapped_column(default=False)
    missing: so.Mapped[bool] = so.mapped_column(default=False)
    """The account doesn't list it any more."""
    cursor: so.Mapped[str] = so.mapped_column(LongText, default="")
    window_start: so.Mapped[int] = so.mapped_column(sa.BigInteger, default=0)
    window_end: so.Mapped[int] = so.mapped_column(sa.BigInteger, default=0)
    synced_at: so.Mapped[dt.datetime | None]
    reconciled_at: so.Mapped[dt.datetime | None]
    """When all of it was last read, and not only what had changed."""
    drift: so.Mapped[int] = so.mapped_column(default=0)
    """How many busy times that reading had to mend: what the service had failed to tell."""
    due_at: so.Mapped[dt.datetime | None]
    """When to read it next; None while it needn't be read."""
    failures: so.Mapped[int] = so.mapped_column(default=0)
    problem: so.Mapped[str] = so.mapped_column(sa.String(40), default="")
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)

    connection: so.Mapped[Connection] = so.relationship(back_populates="calendars")
    host: so.Mapped[Host] = so.relationship()


class BusyTime(Model):
    """A stretch of time that an event of a calendar takes: epoch seconds, as in :class:`.OccupiedTime`.

    ``resource_key`` is the SHA-256 of what the service changes as one: all rows of it are replaced together.
    """

    __tablename__ = "booking_busy_time"
    __table_args__ = (
        sa.Index("ix_booking_busy_time_starts", "host_id", "starts"),
        sa.Index("ix_booking_busy_time_resource_key", "calendar_id", "resource_key"),
    )

    id: so.Mapped[int] = primary_key()
    host_id: so.Mapped[int] = references("host", "busy_time_host_id")
    calendar_id: so.Mapped[int] = references("calendar", "busy_time_calendar_id")
    resource_key: so.Mapped[str] = so.mapped_column(sa.String(64))
    starts: so.Mapped[int] = so.mapped_column(sa.BigInteger)
    ends: so.Mapped[int] = so.mapped_column(sa.BigInteger)
    tentative: so.Mapped[bool] = so.mapped_column(default=False)
    title: so.Mapped[str] = so.mapped_column(sa.String(200), default="")


class EventState(enum.StrEnum):
    """Where a booking's event in a calendar stands."""

    WANTED = "wanted"
    """The calendar isn't as the booking says yet; the outbox has a message for it."""
    WRITTEN = "written"
    REMOVED = "removed"
    FAILED = "failed"
    """Given up; ``problem`` says why, and a person can have it tried again."""


class Difference(enum.StrEnum):
    """What somebody did to a booking's event in the calendar, and nobody has decided about yet."""

    NONE = ""
    MOVED = "moved"
    DELETED = "deleted"
    DECLINED = "declined"


class CalendarEvent(Model):
    """A booking as an event in a calendar of one of its hosts; made with the booking, written by a job.

    ``key`` names the event at services that let us name it, and the request that makes it at others.  ``starts`` and
    ``ends`` (epoch seconds) are what was written last.
    """

    __tablename__ = "booking_calendar_event"
    __table_args__ = (
        sa.UniqueConstraint("booking_id", "host_id", name="uq_booking_calendar_event_booking_id"),
        sa.UniqueConstraint("event_key", name="uq_booking_calendar_event_event_key"),
        sa.Index("ix_booking_calendar_event_host_id", "host_id"),
        sa.Index("ix_booking_calendar_event_calendar_id", "calendar_id"),
    )

    id: so.Mapped[int] = primary_key()
    booking_id: so.Mapped[int] = references("booking", "calendar_event_booking_id")
    host_id: so.Mapped[int] = references("host", "calendar_event_host_id")
    calendar_id: so.Mapped[int | None] = references("calendar", "calendar_event_calendar_id", ondelete="SET NULL")
    key: so.Mapped[str] = so.mapped_column("event_key", sa.String(40))
    state: so.Mapped[EventState] = so.mapped_column(EnumText(EventState), default=EventState.WANTED)
    problem: so.Mapped[str] = so.mapped_column(sa.String(40), default="")
    invites: so.Mapped[bool] = so.mapped_column(default=False)
    conference: so.Mapped[str] = so.mapped_column(sa.String(24), default="")
    remote_id: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    remote_uid: so.Mapped[str] = so.mapped_column(sa.String(255), default="")
    etag: so.Mapped[str] = so.mapped_column(sa.String(255), default="")
    page_url: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    fingerprint: so.Mapped[str] = so.mapped_column(sa.String(64), default="")
    """The SHA-256 of all that was written last; empty before the first time."""
    starts: so.Mapped[int] = so.mapped_column(sa.BigInteger, default=0)
    ends: so.Mapped[int] = so.mapped_column(sa.BigInteger, default=0)
    difference: so.Mapped[Difference] = so.mapped_column(EnumText(Difference), default=Difference.NONE)
    seen_starts: so.Mapped[int] = so.mapped_column(sa.BigInteger, default=0)
    seen_ends: so.Mapped[int] = so.mapped_column(sa.BigInteger, default=0)
    written_at: so.Mapped[dt.datetime | None]
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)

    booking: so.Mapped[Booking] = so.relationship()
    calendar: so.Mapped[ConnectedCalendar | None] = so.relationship()
    host: so.Mapped[Host] = so.relationship()


class MeetingLink(Model):
    """A booking as a meeting of a service for meeting links; the link itself is in the booking's ``location``."""

    __tablename__ = "booking_meeting_link"
    __table_args__ = (
        sa.UniqueConstraint("booking_id", name="uq_booking_meeting_link_booking_id"),
        sa.Index("ix_booking_meeting_link_connection_id", "connection_id"),
    )

    id: so.Mapped[int] = primary_key()
    booking_id: so.Mapped[int] = references("booking", "meeting_link_booking_id")
    connection_id: so.Mapped[int | None] = references("connection", "meeting_link_connection_id", ondelete="SET NULL")
    state: so.Mapped[EventState] = so.mapped_column(EnumText(EventState), default=EventState.WANTED)
    problem: so.Mapped[str] = so.mapped_column(sa.String(40), default="")
    remote_id: so.Mapped[str] = so.mapped_column(sa.String(255), default="")
    sequence: so.Mapped[int] = so.mapped_column(default=-1)
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)

    booking: so.Mapped[Booking] = so.relationship()
    connection: so.Mapped[Connection | None] = so.relationship()


class CalendarWatch(Model):
    """A service's promise to tell of changes in a calendar, until ``expires`` (epoch seconds).

    Notifications name ``channel`` or ``remote_id``, and prove themselves by a token of which the hash is kept.
    """

    __tablename__ = "booking_calendar_watch"
    __table_args__ = (
        sa.UniqueConstraint("channel", name="uq_booking_calendar_watch_channel"),
        sa.Index("ix_booking_calendar_watch_calendar_id", "calendar_id"),
        sa.Index("ix_booking_calendar_watch_remote_id", "remote_id"),
    )

    id: so.Mapped[int] = primary_key()
    calendar_id: so.Mapped[int] = references("calendar", "calendar_watch_calendar_id")
    channel: so.Mapped[str] = so.mapped_column(sa.String(64))
    token_hash: so.Mapped[str] = so.mapped_column(sa.String(64))
    remote_id: so.Mapped[str] = so.mapped_column(sa.String(255), default="")
    resource: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    expires: so.Mapped[int] = so.mapped_column(sa.BigInteger, default=0)

    calendar: so.Mapped[ConnectedCalendar] = so.relationship()
