"""users, contacts, activities and kept mails"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    op.create_table(
        "user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("colour", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("email", name="uq_user_email"),
        **MYSQL,
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(254)),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(40)),
        sa.Column("company", sa.String(120)),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("notes", sa.Text()),
        sa.Column("archived_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name="fk_contact_owner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
        **MYSQL,
    )
    op.create_index("ix_contact_email", "contact", ["email"])
    op.create_index("ix_contact_name", "contact", ["name"])
    op.create_index("ix_contact_owner_id", "contact", ["owner_id"])
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.Text()),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name="fk_activity_contact_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_activity_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_activity"),
        **MYSQL,
    )
    op.create_index("ix_activity_contact_id_happened_at", "activity", ["contact_id", "happened_at"])
    op.create_index("ix_activity_happened_at", "activity", ["happened_at"])
    op.create_index("ix_activity_user_id", "activity", ["user_id"])
    op.create_table(
        "mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sender", sa.String(320), nullable=False),
        sa.Column("recipient", sa.String(320), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("raw", sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mail"),
        **MYSQL,
    )
    op.create_index("ix_mail_recipient", "mail", ["recipient"])
    op.create_index("ix_mail_sent_at", "mail", ["sent_at"])


def downgrade() -> None:
    # Indexes go with their tables; MariaDB refuses to drop those its foreign keys need.
    for table in ("mail", "activity", "contact", "user"):
        op.drop_table(table)
