"""flask_booking 0002: connected calendars, as `flask booking migrate` wrote it"""

from __future__ import annotations

from flask_booking import migrating

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
booking_revision = "0002"
crm = {"user": "user.id", "contact": "contact.id", "activity": "activity.id"}


def upgrade() -> None:
    migrating.upgrade("0002", since="0001", crm=crm)


def downgrade() -> None:
    migrating.downgrade("0002", to="0001", crm=crm)
