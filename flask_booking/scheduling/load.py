"""How much each host has to do: what decides who of several takes the next meeting, and the hold before it."""

from __future__ import annotations

import collections.abc as c

import sqlalchemy as sa

from ..models import Assignment, Booking, BookingHost, EventType, Host
from ..models.booking import LIVE
from ..models.columns import utcnow
from ..state import Session


def load_of(db: Session, event: EventType, hosts: c.Sequence[Host]) -> dict[int, int]:
    """How many coming meetings each host has; empty when there is nobody to choose from."""
    if event.assignment is not Assignment.ANY or len(hosts) < 2:
        return {}
    rows = db.execute(
        sa.select(BookingHost.host_id, sa.func.count())
        .join(Booking, Booking.id == BookingHost.booking_id)
        .where(BookingHost.host_id.in_([host.id for host in hosts]))
        .where(Booking.status.in_(LIVE), Booking.starts_at > utcnow())
        .group_by(BookingHost.host_id)
    )
    return {row[0]: row[1] for row in rows}
