"""What must still reach the outside."""

from __future__ import annotations

import datetime as dt
import enum
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..encryption import new_public_id
from ..orm import EnumText, Model
from .columns import primary_key, references, utcnow

if t.TYPE_CHECKING:
    from .booking import Booking


class MessageState(enum.StrEnum):
    """Where a message stands.  Only ``waiting`` rows are ever claimed."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    """Given up after the last attempt; a person can retry it."""
    DROPPED = "dropped"
    """Not wanted any more: the booking was cancelled or moved before it was due."""


class OutboxMessage(Model):
    """One thing to be done outside, written in the transaction that makes it necessary.

    Delivery is at least once; ``dedupe_key`` is what the outside recognises a repetition by, and what keeps the same
    message from being written twice.  A worker claims a row by setting ``claimed_until`` (a lease) with
    ``claim_token`` as its own mark.
    """

    __tablename__ = "booking_outbox_message"
    __table_args__ = (
        sa.UniqueConstraint("dedupe_key", name="uq_booking_outbox_message_dedupe_key"),
        sa.UniqueConstraint("public_id", name="uq_booking_outbox_message_public_id"),
        sa.Index("ix_booking_outbox_message_due", "state", "due_at"),
        sa.Index("ix_booking_outbox_message_booking_id", "booking_id"),
        sa.Index("ix_booking_outbox_message_rule_id", "rule_id"),
    )

    id: so.Mapped[int] = primary_key()
    public_id: so.Mapped[str] = so.mapped_column(sa.String(32), default=new_public_id)
    topic: so.Mapped[str] = so.mapped_column(sa.String(40))
    kind: so.Mapped[str] = so.mapped_column(sa.String(40))
    recipient: so.Mapped[str] = so.mapped_column(sa.String(254), default="")
    booking_id: so.Mapped[int | None] = references("booking", "outbox_message_booking_id")
    rule_id: so.Mapped[int | None] = references("message_rule", "outbox_message_rule_id", ondelete="SET NULL")
    payload: so.Mapped[dict[str, t.Any]] = so.mapped_column(sa.JSON, default=dict)
    dedupe_key: so.Mapped[str] = so.mapped_column(sa.String(200))
    state: so.Mapped[MessageState] = so.mapped_column(EnumText(MessageState), default=MessageState.WAITING)
    due_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)
    attempts: so.Mapped[int] = so.mapped_column(default=0)
    claimed_until: so.Mapped[dt.datetime | None]
    claim_token: so.Mapped[str | None] = so.mapped_column(sa.String(32))
    done_at: so.Mapped[dt.datetime | None]
    last_error: so.Mapped[str] = so.mapped_column(sa.String(500), default="")

    booking: so.Mapped[Booking | None] = so.relationship()
