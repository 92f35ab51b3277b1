"""flask_booking 0001: the tables of booking, as `flask booking migrate` wrote it"""

from __future__ import annotations

from flask_booking import migrating

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
booking_revision = "0001"
crm = {"user": "user.id", "contact": "contact.id", "activity": "activity.id"}


def upgrade() -> None:
    migrating.upgrade("0001", since=None, crm=crm)


def downgrade() -> None:
    migrating.downgrade("0001", to=None, crm=crm)
