"""Rules by which reminders and follow-ups are sent."""

from __future__ import annotations

import datetime as dt
import enum

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..encryption import new_public_id
from ..orm import EnumText, Model
from .columns import primary_key, references, utcnow


class Anchor(enum.StrEnum):
    """What a rule counts from."""

    START = "start"
    END = "end"


class Audience(enum.StrEnum):
    """Who reads a message."""

    GUEST = "guest"
    HOST = "host"


class MessageRule(Model):
    """Send ``audience`` a message ``minutes`` after (negative: before) the start or end of each meeting.

    Belongs to a host, and to one of the host's event types when ``event_type_id`` is set.  Empty texts mean the
    package's own.
    """

    __tablename__ = "booking_message_rule"
    __table_args__ = (
        sa.UniqueConstraint("public_id", name="uq_booking_message_rule_public_id"),
        sa.Index("ix_booking_message_rule_host_id", "host_id"),
        sa.Index("ix_booking_message_rule_event_type_id", "event_type_id"),
    )

    id: so.Mapped[int] = primary_key()
    public_id: so.Mapped[str] = so.mapped_column(sa.String(32), default=new_public_id)
    host_id: so.Mapped[int] = references("host", "message_rule_host_id")
    event_type_id: so.Mapped[int | None] = references("event_type", "message_rule_event_type_id")
    anchor: so.Mapped[Anchor] = so.mapped_column(EnumText(Anchor), default=Anchor.START)
    minutes: so.Mapped[int]
    audience: so.Mapped[Audience] = so.mapped_column(EnumText(Audience), default=Audience.GUEST)
    channel: so.Mapped[str] = so.mapped_column(sa.String(16), default="email")
    subject: so.Mapped[str] = so.mapped_column(sa.String(300), default="")
    body: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    active: so.Mapped[bool] = so.mapped_column(default=True)
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)
