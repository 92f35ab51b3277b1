"""Hosts, pages, event types, bookings and what must still be sent."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from flask_booking.migrating import crm_column, crm_has

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Plain types only: a revision must mean the same when the package's own types have changed or gone.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("engine", "InnoDB"))
}


def _reference(column: str, table: str, name: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(name), ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "booking_used_challenge",
        sa.Column("signature_hash", sa.String(64), nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("signature_hash", name=op.f("pk_booking_used_challenge")),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_used_challenge_expires"), "booking_used_challenge", ["expires"])
    op.create_table(
        "booking_host",
        sa.Column("id", KEY, nullable=False),
        *crm_column("user_id", "user", "booking_host", ondelete="CASCADE", nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("week_start", sa.Integer, nullable=False),
        sa.Column("limit_day", sa.Integer),
        sa.Column("limit_week", sa.Integer),
        sa.Column("limit_month", sa.Integer),
        sa.Column("notify_by_email", sa.Boolean, nullable=False),
        sa.Column("lock_version", sa.BigInteger, nullable=False),
        sa.Column("settings_stamp", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_host")),
        sa.UniqueConstraint("user_id", name=op.f("uq_booking_host_user_id")),
        **TABLE,
    )
    op.create_table(
        "booking_blocked_time",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("host_id", KEY, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("starts_local", sa.DateTime, nullable=False),
        sa.Column("ends_local", sa.DateTime, nullable=False),
        sa.Column("all_day", sa.Boolean, nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("rrule", sa.String(500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_blocked_time")),
        sa.UniqueConstraint("public_id", name=op.f("uq_booking_blocked_time_public_id")),
        _reference("host_id", "booking_host", "fk_booking_blocked_time_host_id"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_blocked_time_host_id"), "booking_blocked_time", ["host_id"])
    op.create_table(
        "booking_page",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("slug", sa.String(64), nullable=False),
        sa.Column("host_id", KEY, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("welcome", sa.Text, nullable=False),
        sa.Column("accent", sa.String(7), nullable=False),
        sa.Column("banner_url", sa.String(500), nullable=False),
        sa.Column("logo_url", sa.String(500), nullable=False),
        sa.Column("appearance", sa.String(24), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_page")),
        sa.UniqueConstraint("public_id", name=op.f("uq_booking_page_public_id")),
        sa.UniqueConstraint("slug", name=op.f("uq_booking_page_slug")),
        _reference("host_id", "booking_host", "fk_booking_page_host_id"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_page_host_id"), "booking_page", ["host_id"])
    op.create_table(
        "booking_domain",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.Column("name", sa.String(253), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("verified_name", sa.String(253)),
        sa.Column("verified_at", sa.DateTime(timezone=True)),
        sa.Column("problem", sa.String(500), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_domain")),
        sa.UniqueConstraint("page_id", "name", name=op.f("uq_booking_domain_page_id_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_booking_domain_public_id")),
        sa.UniqueConstraint("verified_name", name=op.f("uq_booking_domain_verified_name")),
        _reference("page_id", "booking_page", "fk_booking_domain_page_id"),
        **TABLE,
    )
    op.create_table(
        "booking_schedule",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("host_id", KEY, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("weekly", sa.JSON, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_schedule")),
        sa.UniqueConstraint("public_id", name=op.f("uq_booking_schedule_public_id")),
        _reference("host_id", "booking_host", "fk_booking_schedule_host_id"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_schedule_host_id"), "booking_schedule", ["host_id"])
    op.create_table(
        "booking_date_override",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("schedule_id", KEY, nullable=False),
        sa.Column("first_date", sa.Date, nullable=False),
        sa.Column("last_date", sa.Date, nullable=False),
        sa.Column("ranges", sa.JSON, nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_date_override")),
        sa.UniqueConstraint("public_id", name=op.f("uq_booking_date_override_public_id")),
        _reference("schedule_id", "booking_schedule", "fk_booking_date_override_schedule_id"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_date_override_schedule_id"), "booking_date_override", ["schedule_id", "last_date"])
    op.create_table(
        "booking_event_type",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("colour", sa.String(7), nullable=False),
        sa.Column("banner_url", sa.String(500), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True)),
        sa.Column("durations", sa.JSON, nullable=False),
        sa.Column("slot_interval", sa.Integer),
        sa.Column("buffer_before", sa.Integer, nullable=False),
        sa.Column("buffer_after", sa.Integer, nullable=False),
        sa.Column("notice", sa.Integer, nullable=False),
        sa.Column("window_kind", sa.String(24), nullable=False),
        sa.Column("window_days", sa.Integer, nullable=False),
        sa.Column("window_first", sa.Date),
        sa.Column("window_last", sa.Date),
        sa.Column("limit_day", sa.Integer),
        sa.Column("limit_week", sa.Integer),
        sa.Column("limit_month", sa.Integer),
        sa.Column("limit_guest", sa.Integer),
        sa.Column("seats", sa.Integer, nullable=False),
        sa.Column("hold_minutes", sa.Integer, nullable=False),
        sa.Column("requires_approval", sa.Boolean, nullable=False),
        sa.Column("assignment", sa.String(24), nullable=False),
        sa.Column("schedule_id", KEY),
        sa.Column("locations", sa.JSON, nullable=False),
        sa.Column("questions", sa.JSON, nullable=False),
        sa.Column("confirmation_message", sa.Text, nullable=False),
        sa.Column("redirect_url", sa.String(500), nullable=False),
        sa.Column("cancellation_message", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("may_cancel", sa.Boolean, nullable=False),
        sa.Column("may_reschedule", sa.Boolean, nullable=False),
        sa.Column("reason_required", sa.Boolean, nullable=False),
        sa.Column("change_cutoff", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_event_type")),
        sa.UniqueConstraint("page_id", "slug", name=op.f("uq_booking_event_type_slug")),
        sa.UniqueConstraint("public_id", name=op.f("uq_booking_event_type_public_id")),
        _reference("page_id", "booking_page", "fk_booking_event_type_page_id"),
        _reference("schedule_id", "booking_schedule", "fk_booking_event_type_schedule_id", ondelete="SET NULL"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_event_type_schedule_id"), "booking_event_type", ["schedule_id"])
    op.create_table(
        "booking_booking",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("event_type_id", KEY, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("host_time_zone", sa.String(64), nullable=False),
        sa.Column("starts_local", sa.DateTime, nullable=False),
        sa.Column("guest_name", sa.String(200), nullable=False),
        sa.Column("guest_email", sa.String(254), nullable=False),
        sa.Column("guest_email_key", sa.String(254), nullable=False),
        sa.Column("guest_phone", sa.String(40), nullable=False),
        sa.Column("guest_time_zone", sa.String(64), nullable=False),
        sa.Column("guest_locale", sa.String(16), nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("location", sa.JSON, nullable=False),
        sa.Column("host_notes", sa.Text, nullable=False),
        *crm_column("contact_id", "contact", "booking_booking", ondelete="SET NULL", nullable=True),
        sa.Column("uid", sa.String(255), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("manage_token", sa.Text, nullable=False),
        sa.Column("manage_token_hash", sa.String(64), nullable=False),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("utm", sa.JSON, nullable=False),
        sa.Column("no_reminders", sa.Boolean, nullable=False),
        sa.Column("crm_error", sa.String(500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pending_until", sa.DateTime(timezone=True)),
        sa.Column("cancelled_at", sa.DateTime(timezone=True)),
        sa.Column("cancelled_by", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_booking")),
        sa.UniqueConstraint("event_type_id", "idempotency_key", name=op.f("uq_booking_booking_idempotency_key")),
        sa.UniqueConstraint("manage_token_hash", name=op.f("uq_booking_booking_manage_token_hash")),
        sa.UniqueConstraint("public_id", name=op.f("uq_booking_booking_public_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_booking_booking_uid")),
        _reference("event_type_id", "booking_event_type", "fk_booking_booking_event_type_id"),
        **TABLE,
    )
    if crm_has("contact"):
        op.create_index(op.f("ix_booking_booking_contact_id"), "booking_booking", ["contact_id"])
    op.create_index(op.f("ix_booking_booking_guest_email_key"), "booking_booking", ["guest_email_key"])
    op.create_index(op.f("ix_booking_booking_starts_at"), "booking_booking", ["starts_at"])
    op.create_index(op.f("ix_booking_booking_status"), "booking_booking", ["status", "ends_at"])
    op.create_table(
        "booking_event_type_host",
        sa.Column("event_type_id", KEY, nullable=False),
        sa.Column("host_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("event_type_id", "host_id", name=op.f("pk_booking_event_type_host")),
        _reference("event_type_id", "booking_event_type", "fk_booking_event_type_host_event_type_id"),
        _reference("host_id", "booking_host", "fk_booking_event_type_host_host_id"),
        **TABLE,
    )
    op.create_table(
        "booking_hold",
        sa.Column("id", KEY, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("event_type_id", KEY, nullable=False),
        sa.Column("starts", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_hold")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_booking_hold_token_hash")),
        _reference("event_type_id", "booking_event_type", "fk_booking_hold_event_type_id"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_hold_event_type_id"), "booking_hold", ["event_type_id"])
    op.create_table(
        "booking_message_rule",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("host_id", KEY, nullable=False),
        sa.Column("event_type_id", KEY),
        sa.Column("anchor", sa.String(24), nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("audience", sa.String(24), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_message_rule")),
        sa.UniqueConstraint("public_id", name=op.f("uq_booking_message_rule_public_id")),
        _reference("event_type_id", "booking_event_type", "fk_booking_message_rule_event_type_id"),
        _reference("host_id", "booking_host", "fk_booking_message_rule_host_id"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_message_rule_event_type_id"), "booking_message_rule", ["event_type_id"])
    op.create_index(op.f("ix_booking_message_rule_host_id"), "booking_message_rule", ["host_id"])
    op.create_table(
        "booking_old_slug",
        sa.Column("id", KEY, nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("event_type_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_old_slug")),
        sa.UniqueConstraint("page_id", "slug", name=op.f("uq_booking_old_slug_slug")),
        _reference("event_type_id", "booking_event_type", "fk_booking_old_slug_event_type_id"),
        _reference("page_id", "booking_page", "fk_booking_old_slug_page_id"),
        **TABLE,
    )
    op.create_table(
        "booking_old_page_slug",
        sa.Column("id", KEY, nullable=False),
        sa.Column("slug", sa.String(64), nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_old_page_slug")),
        sa.UniqueConstraint("slug", name=op.f("uq_booking_old_page_slug_slug")),
        _reference("page_id", "booking_page", "fk_booking_old_page_slug_page_id"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_old_page_slug_page_id"), "booking_old_page_slug", ["page_id"])
    op.create_table(
        "booking_booking_host",
        sa.Column("booking_id", KEY, nullable=False),
        sa.Column("host_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("booking_id", "host_id", name=op.f("pk_booking_booking_host")),
        _reference("booking_id", "booking_booking", "fk_booking_booking_host_booking_id"),
        _reference("host_id", "booking_host", "fk_booking_booking_host_host_id"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_booking_host_host_id"), "booking_booking_host", ["host_id", "booking_id"])
    op.create_table(
        "booking_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("booking_id", KEY, nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("actor", sa.String(16), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        *crm_column("activity_id", "activity", "booking_history", ondelete="SET NULL", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_history")),
        _reference("booking_id", "booking_booking", "fk_booking_history_booking_id"),
        **TABLE,
    )
    if crm_has("activity"):
        op.create_index(op.f("ix_booking_history_activity_id"), "booking_history", ["activity_id"])
    op.create_index(op.f("ix_booking_history_booking_id"), "booking_history", ["booking_id"])
    op.create_table(
        "booking_occupied_time",
        sa.Column("id", KEY, nullable=False),
        sa.Column("host_id", KEY, nullable=False),
        sa.Column("booking_id", KEY),
        sa.Column("hold_id", KEY),
        sa.Column("event_type_id", KEY, nullable=False),
        sa.Column("starts", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("occupied_from", sa.BigInteger, nullable=False),
        sa.Column("occupied_until", sa.BigInteger, nullable=False),
        sa.Column("seat", sa.Integer, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_occupied_time")),
        sa.UniqueConstraint("host_id", "starts", "seat", name=op.f("uq_booking_occupied_time_start")),
        _reference("booking_id", "booking_booking", "fk_booking_occupied_time_booking_id"),
        _reference("event_type_id", "booking_event_type", "fk_booking_occupied_time_event_type_id"),
        _reference("hold_id", "booking_hold", "fk_booking_occupied_time_hold_id"),
        _reference("host_id", "booking_host", "fk_booking_occupied_time_host_id"),
        **TABLE,
    )
    if op.get_context().dialect.name == "postgresql":
        # The lock decides; this stands behind it.  It needs no extension: a number is a range of itself.
        op.execute(
            "ALTER TABLE booking_occupied_time ADD CONSTRAINT ex_booking_occupied_time_meeting EXCLUDE USING gist ("
            "int8range(host_id, host_id, '[]') WITH =, "
            "int8range(seat::bigint, seat::bigint, '[]') WITH =, "
            "int8range(starts, ends) WITH &&)"
        )
    op.create_index(op.f("ix_booking_occupied_time_booking_id"), "booking_occupied_time", ["booking_id"])
    op.create_index(op.f("ix_booking_occupied_time_event_type_id"), "booking_occupied_time", ["event_type_id"])
    op.create_index(op.f("ix_booking_occupied_time_from"), "booking_occupied_time", ["host_id", "occupied_from"])
    op.create_index(op.f("ix_booking_occupied_time_hold_id"), "booking_occupied_time", ["hold_id"])
    op.create_table(
        "booking_outbox_message",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("topic", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("booking_id", KEY),
        sa.Column("rule_id", KEY),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("dedupe_key", sa.String(200), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("claim_token", sa.String(32)),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("last_error", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_outbox_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_booking_outbox_message_dedupe_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_booking_outbox_message_public_id")),
        _reference("booking_id", "booking_booking", "fk_booking_outbox_message_booking_id"),
        _reference("rule_id", "booking_message_rule", "fk_booking_outbox_message_rule_id", ondelete="SET NULL"),
        **TABLE,
    )
    op.create_index(op.f("ix_booking_outbox_message_booking_id"), "booking_outbox_message", ["booking_id"])
    op.create_index(op.f("ix_booking_outbox_message_due"), "booking_outbox_message", ["state", "due_at"])
    op.create_index(op.f("ix_booking_outbox_message_rule_id"), "booking_outbox_message", ["rule_id"])


def downgrade() -> None:
    # Indexes go with their tables; MariaDB refuses to drop those its foreign keys need.
    for table in (
        "booking_outbox_message",
        "booking_occupied_time",
        "booking_history",
        "booking_booking_host",
        "booking_old_slug",
        "booking_old_page_slug",
        "booking_message_rule",
        "booking_hold",
        "booking_event_type_host",
        "booking_booking",
        "booking_event_type",
        "booking_date_override",
        "booking_schedule",
        "booking_domain",
        "booking_page",
        "booking_blocked_time",
        "booking_host",
        "booking_used_challenge",
    ):
        op.drop_table(table)
