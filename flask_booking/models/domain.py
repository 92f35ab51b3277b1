"""A customer's own domain for a booking page."""

from __future__ import annotations

import datetime as dt
import enum

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..encryption import new_public_id
from ..orm import Model
from .columns import primary_key, references, utcnow
from .page import BookingPage


class DomainState(enum.StrEnum):
    """How far a claim has come."""

    WAITING = "waiting"
    VERIFIED = "verified"
    FAILED = "failed"


class BookingDomain(Model):
    """A page's claim to a domain; it answers there once it is verified.

    Any number of pages may claim a domain, and one can have it: ``verified_name`` repeats ``name`` from then on, and is
    unique.  ``name`` is lower-case ASCII (an international name in its ``xn--`` form), ``problem`` what the last
    check found, in words.
    """

    __tablename__ = "booking_domain"
    __table_args__ = (
        sa.UniqueConstraint("public_id", name="uq_booking_domain_public_id"),
        sa.UniqueConstraint("page_id", "name", name="uq_booking_domain_page_id_name"),
        sa.UniqueConstraint("verified_name", name="uq_booking_domain_verified_name"),
    )

    id: so.Mapped[int] = primary_key()
    public_id: so.Mapped[str] = so.mapped_column(sa.String(32), default=new_public_id)
    page_id: so.Mapped[int] = references("page", "domain_page_id")
    name: so.Mapped[str] = so.mapped_column(sa.String(253))
    token: so.Mapped[str] = so.mapped_column(sa.String(64))
    verified_name: so.Mapped[str | None] = so.mapped_column(sa.String(253))
    verified_at: so.Mapped[dt.datetime | None]
    problem: so.Mapped[str] = so.mapped_column(sa.String(500), default="")
    checked_at: so.Mapped[dt.datetime | None]
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)

    page: so.Mapped[BookingPage] = so.relationship()

    @property
    def state(self) -> DomainState:
        """Waiting until the first check, then what it found."""
        if self.verified_name is not None:
            return DomainState.VERIFIED
        return DomainState.FAILED if self.problem else DomainState.WAITING
