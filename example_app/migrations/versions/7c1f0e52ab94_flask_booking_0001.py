"""flask_booking 0001"""

from flask_booking import migrating

revision = "7c1f0e52ab94"
down_revision = "0001"
branch_labels = None
depends_on = None
booking_revision = "0001"


def upgrade() -> None:
    migrating.upgrade("0001", since=None)


def downgrade() -> None:
    migrating.downgrade("0001", to=None)
