"""Connected calendars, what they say of their owners' time, and bookings as events in them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
TABLE: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("engine", "InnoDB"))
}


def _reference(column: str, table: str, name: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(name), ondelete=ondelete)


def upgrade() -> None:
    # Hosts who are there get what new ones get; the default is only for them, and isn't the model's.
    op.add_column("booking_host", sa.Column("mirror_stamp", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("booking_host", sa.Column("stale_calendars", sa.String(24), nullable=False, server_default="close"))
    op.add_column("booking_host", sa.Column("calendar_changes", sa.String(24), nullable=False, server_default="flag"))
    op.add_column("booking_hold", sa.Column("shown", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "booking_connection",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("host_id", KEY, nullable=False),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("account_id", sa.String(255), nullable=False),
        sa.Column("account_name", sa.String(254), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("problem", sa.String(40), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True)),
        sa.Column("broken_at", sa.DateTime(timezone=True)),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("scopes", sa.Text, nullable=False),
        *(
            column
            for lease in ("renewing", "reading", "writing")
            for column in (
                sa.Column(f"{lease}_until", sa.DateTime(timezone=True)),
                sa.Column(f"{lease}_token", sa.String(32)),
            )
        ),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_connection")),
        sa.UniqueConstraint("public_id", name=op.f("uq_booking_connection_public_id")),
        sa.UniqueConstraint("host_id", "provider", "account_id", name=op.f("uq_booking_connection_account")),
        _reference("host_id", "booking_host", "fk_booking_connection_host_id"),
        **TABLE,
    )
    op.create_table(
        "booking_calendar",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("host_id", KEY, nullable=False),
        sa.Column("remote_id", sa.Text, nullable=False),
        sa.Column("remote_key", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("colour", sa.String(7), nullable=False),
        sa.Column("writable", sa.Boolean, nullable=False),
        sa.Column("provider_primary", sa.Boolean, nullable=False),
        sa.Column("conferencing", sa.JSON, nullable=False),
        sa.Column("check_conflicts", sa.Boolean, nullable=False),
        sa.Column("tentative_blocks", sa.Boolean, nullable=False),
        sa.Column("target", sa.Boolean, nullable=False),
        sa.Column("invites", sa.Boolean, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("missing", sa.Boolean, nullable=False),
        sa.Column("cursor", LONG_TEXT, nullable=False),
        sa.Column("window_start", sa.BigInteger, nullable=False),
        sa.Column("window_end", sa.BigInteger, nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True)),
        sa.Column("reconciled_at", sa.DateTime(timezone=True)),
        sa.Column("drift", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("problem", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_calendar")),
        sa.UniqueConstraint("public_id", name=op.f("uq_booking_calendar_public_id")),
        sa.UniqueConstraint("connection_id", "remote_key", name=op.f("uq_booking_calendar_remote_key")),
        _reference("connection_id", "booking_connection", "fk_booking_calendar_connection_id"),
        _reference("host_id", "booking_host", "fk_booking_calendar_host_id"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_calendar_host_id"), "booking_calendar", ["host_id"])
    op.create_index(op.f("ix_booking_calendar_due_at"), "booking_calendar", ["due_at"])
    op.create_table(
        "booking_busy_time",
        sa.Column("id", KEY, nullable=False),
        sa.Column("host_id", KEY, nullable=False),
        sa.Column("calendar_id", KEY, nullable=False),
        sa.Column("resource_key", sa.String(64), nullable=False),
        sa.Column("starts", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("tentative", sa.Boolean, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_busy_time")),
        _reference("host_id", "booking_host", "fk_booking_busy_time_host_id"),
        _reference("calendar_id", "booking_calendar", "fk_booking_busy_time_calendar_id"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_busy_time_starts"), "booking_busy_time", ["host_id", "starts"])
    op.create_index(op.f("ix_booking_busy_time_resource_key"), "booking_busy_time", ["calendar_id", "resource_key"])
    op.create_table(
        "booking_calendar_event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("booking_id", KEY, nullable=False),
        sa.Column("host_id", KEY, nullable=False),
        sa.Column("calendar_id", KEY),
        sa.Column("event_key", sa.String(40), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("problem", sa.String(40), nullable=False),
        sa.Column("invites", sa.Boolean, nullable=False),
        sa.Column("conference", sa.String(24), nullable=False),
        sa.Column("remote_id", sa.Text, nullable=False),
        sa.Column("remote_uid", sa.String(255), nullable=False),
        sa.Column("etag", sa.String(255), nullable=False),
        sa.Column("page_url", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("starts", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("difference", sa.String(24), nullable=False),
        sa.Column("seen_starts", sa.BigInteger, nullable=False),
        sa.Column("seen_ends", sa.BigInteger, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_calendar_event")),
        sa.UniqueConstraint("booking_id", "host_id", name=op.f("uq_booking_calendar_event_booking_id")),
        sa.UniqueConstraint("event_key", name=op.f("uq_booking_calendar_event_event_key")),
        _reference("booking_id", "booking_booking", "fk_booking_calendar_event_booking_id"),
        _reference("host_id", "booking_host", "fk_booking_calendar_event_host_id"),
        _reference("calendar_id", "booking_calendar", "fk_booking_calendar_event_calendar_id", ondelete="SET NULL"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_calendar_event_host_id"), "booking_calendar_event", ["host_id"])
    op.create_index(op.f("ix_booking_calendar_event_calendar_id"), "booking_calendar_event", ["calendar_id"])
    op.create_table(
        "booking_meeting_link",
        sa.Column("id", KEY, nullable=False),
        sa.Column("booking_id", KEY, nullable=False),
        sa.Column("connection_id", KEY),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("problem", sa.String(40), nullable=False),
        sa.Column("remote_id", sa.String(255), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_meeting_link")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_booking_meeting_link_booking_id")),
        _reference("booking_id", "booking_booking", "fk_booking_meeting_link_booking_id"),
        _reference("connection_id", "booking_connection", "fk_booking_meeting_link_connection_id", ondelete="SET NULL"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_meeting_link_connection_id"), "booking_meeting_link", ["connection_id"])
    op.create_table(
        "booking_calendar_watch",
        sa.Column("id", KEY, nullable=False),
        sa.Column("calendar_id", KEY, nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("remote_id", sa.String(255), nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_calendar_watch")),
        sa.UniqueConstraint("channel", name=op.f("uq_booking_calendar_watch_channel")),
        _reference("calendar_id", "booking_calendar", "fk_booking_calendar_watch_calendar_id"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_calendar_watch_calendar_id"), "booking_calendar_watch", ["calendar_id"])
    op.create_index(op.f("ix_booking_calendar_watch_remote_id"), "booking_calendar_watch", ["remote_id"])


def downgrade() -> None:
    for table in (
        "booking_calendar_watch",
        "booking_meeting_link",
        "booking_calendar_event",
        "booking_busy_time",
        "booking_calendar",
        "booking_connection",
    ):
        op.drop_table(table)
    op.drop_column("booking_hold", "shown")
    for column in ("calendar_changes", "stale_calendars", "mirror_stamp"):
        op.drop_column("booking_host", column)
