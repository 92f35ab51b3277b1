"""Accounts of hosts at other services: calendars, and makers of meeting links."""

from __future__ import annotations

import datetime as dt
import enum
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..encryption import new_public_id
from ..orm import EncryptedText, EnumText, Model
from .columns import primary_key, references, utcnow

if t.TYPE_CHECKING:
    from .calendar import ConnectedCalendar
    from .host import Host


class ConnectionState(enum.StrEnum):
    """Whether an account can be used.  A passing failure doesn't change it."""

    ACTIVE = "active"
    BROKEN = "broken"
    """Only its owner, or an operator, can mend it; ``problem`` says what is wrong."""


class Connection(Model):
    """An account of a host at a service; ``provider`` is the service's name in the registry.

    ``account_id`` is the service's own and never changes: connecting again with another account makes another
    connection.  ``secret`` is what opens the account, as JSON: tokens, a password, or a secret address.  ``problem`` is
    the code of a :class:`~flask_booking.connections.problems.ProviderProblem`.

    Three leases keep workers from getting into each other's way: one renews tokens, one reads, one writes.
    """

    __tablename__ = "booking_connection"
    __table_args__ = (
        sa.UniqueConstraint("public_id", name="uq_booking_connection_public_id"),
        sa.UniqueConstraint("host_id", "provider", "account_id", name="uq_booking_connection_account"),
    )

    id: so.Mapped[int] = primary_key()
    public_id: so.Mapped[str] = so.mapped_column(sa.String(32), default=new_public_id)
    host_id: so.Mapped[int] = references("host", "connection_host_id")
    provider: so.Mapped[str] = so.mapped_column(sa.String(40))
    account_id: so.Mapped[str] = so.mapped_column(sa.String(255))
    account_name: so.Mapped[str] = so.mapped_column(sa.String(254))
    state: so.Mapped[ConnectionState] = so.mapped_column(EnumText(ConnectionState), default=ConnectionState.ACTIVE)
    problem: so.Mapped[str] = so.mapped_column(sa.String(40), default="")
    failures: so.Mapped[int] = so.mapped_column(default=0)
    """How often in a row the account was refused (401); passing failures of a calendar are counted there."""
    refused_at: so.Mapped[dt.datetime | None]
    """When that was counted last."""
    broken_at: so.Mapped[dt.datetime | None]
    settings: so.Mapped[dict[str, t.Any]] = so.mapped_column(sa.JSON, default=dict)
    secret: so.Mapped[str] = so.mapped_column(EncryptedText)
    expires_at: so.Mapped[dt.datetime | None]
    scopes: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    renewing_until: so.Mapped[dt.datetime | None]
    renewing_token: so.Mapped[str | None] = so.mapped_column(sa.String(32))
    reading_until: so.Mapped[dt.datetime | None]
    reading_token: so.Mapped[str | None] = so.mapped_column(sa.String(32))
    writing_until: so.Mapped[dt.datetime | None]
    writing_token: so.Mapped[str | None] = so.mapped_column(sa.String(32))
    connected_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)

    host: so.Mapped[Host] = so.relationship()
    calendars: so.Mapped[list[ConnectedCalendar]] = so.relationship(
        back_populates="connection", order_by="ConnectedCalendar.id", passive_deletes="all"
    )

    def __repr__(self) -> str:
        return f"<Connection {self.provider} {self.public_id}>"
