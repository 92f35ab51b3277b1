"""The public page of a host."""

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
    from .event_type import EventType
    from .host import Host


class Appearance(enum.StrEnum):
    """Light or dark: as the guest's device says, or always one of them."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


class BookingPage(Model):
    """Public page with a slug that lists event types; owned by a host."""

    __tablename__ = "booking_page"
    __table_args__ = (
        sa.UniqueConstraint("slug", name="uq_booking_page_slug"),
        sa.UniqueConstraint("public_id", name="uq_booking_page_public_id"),
        sa.Index("ix_booking_page_host_id", "host_id"),
    )

    id: so.Mapped[int] = primary_key()
    public_id: so.Mapped[str] = so.mapped_column(sa.String(32), default=new_public_id)
    slug: so.Mapped[str] = so.mapped_column(sa.String(64))
    host_id: so.Mapped[int] = references("host", "page_host_id")
    title: so.Mapped[str] = so.mapped_column(sa.String(200), default="")
    welcome: so.Mapped[str] = so.mapped_column(sa.Text, default="")
    accent: so.Mapped[str] = so.mapped_column(sa.String(7), default="")
    banner_url: so.Mapped[str] = so.mapped_column(sa.String(500), default="")
    logo_url: so.Mapped[str] = so.mapped_column(sa.String(500), default="")
    appearance: so.Mapped[Appearance] = so.mapped_column(EnumText(Appearance), default=Appearance.AUTO)
    active: so.Mapped[bool] = so.mapped_column(default=True)
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)

    host: so.Mapped[Host] = so.relationship()
    event_types: so.Mapped[list[EventType]] = so.relationship(
        back_populates="page", order_by="EventType.position, EventType.id", passive_deletes="all"
    )


class OldPageSlug(Model):
    """A slug that a page had before: links that were shared go on working, until another page takes it."""

    __tablename__ = "booking_old_page_slug"
    __table_args__ = (
        sa.UniqueConstraint("slug", name="uq_booking_old_page_slug_slug"),
        sa.Index("ix_booking_old_page_slug_page_id", "page_id"),
    )

    id: so.Mapped[int] = primary_key()
    slug: so.Mapped[str] = so.mapped_column(sa.String(64))
    page_id: so.Mapped[int] = references("page", "old_page_slug_page_id")
