"""A user of the CRM who can be booked."""

from __future__ import annotations

import datetime as dt
import enum
import secrets
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..i18n import default_locale, spoken
from ..orm import EnumText, Model, crm_key, crm_object
from ..state import crm
from .columns import primary_key, utcnow, version


def new_stamp() -> int:
    """A number that was never used before, and so can't be what something else is remembered with."""
    return secrets.randbits(62)


class StaleCalendars(enum.StrEnum):
    """What a host wants done while it isn't known what is in a connected calendar."""

    CLOSE = "close"
    """Offer nothing that the calendar could be in the way of."""
    ASK = "ask"
    """Offer by what was last read, and ask the calendar itself when somebody books."""


class CalendarChanges(enum.StrEnum):
    """What a host wants done when a booking's event is moved or deleted in the calendar."""

    FLAG = "flag"
    """Show it, and let the host decide."""
    FOLLOW = "follow"
    """Move or cancel the booking, and tell the guest."""


class Host(Model):
    """A user of the CRM who can be booked; made the first time the user opens the booking settings.

    ``lock_version`` rises with everything that changes what the host can be booked for.  Raising it is the lock of
    :mod:`flask_booking.scheduling.transaction`, reading it is the key of the cache of offers.  ``settings_stamp`` is
    another one after each change of hours, blocked times or rules of reminders: see :mod:`.stamps`; ``mirror_stamp``
    after each reading of a connected calendar.
    """

    __tablename__ = "booking_host"
    __table_args__ = (sa.UniqueConstraint("user_id", name="uq_booking_host_user_id"),)

    id: so.Mapped[int] = primary_key()
    user_id: so.Mapped[t.Any] = crm_key("user", ondelete="CASCADE", nullable=False)
    user: so.Mapped[t.Any] = crm_object("user")
    active: so.Mapped[bool] = so.mapped_column(default=True)
    time_zone: so.Mapped[str] = so.mapped_column(sa.String(64))
    locale: so.Mapped[str] = so.mapped_column(sa.String(16), default="en")
    week_start: so.Mapped[int] = so.mapped_column(default=0)
    limit_day: so.Mapped[int | None]
    limit_week: so.Mapped[int | None]
    limit_month: so.Mapped[int | None]
    notify_by_email: so.Mapped[bool] = so.mapped_column(default=True)
    lock_version: so.Mapped[int] = version()
    settings_stamp: so.Mapped[int] = so.mapped_column(sa.BigInteger, default=new_stamp)
    mirror_stamp: so.Mapped[int] = so.mapped_column(sa.BigInteger, default=new_stamp)
    stale_calendars: so.Mapped[StaleCalendars] = so.mapped_column(
        EnumText(StaleCalendars), default=StaleCalendars.CLOSE
    )
    calendar_changes: so.Mapped[CalendarChanges] = so.mapped_column(
        EnumText(CalendarChanges), default=CalendarChanges.FLAG
    )
    created_at: so.Mapped[dt.datetime] = so.mapped_column(default=utcnow)

    @property
    def language(self) -> str:
        """The locale that this host reads: what the CRM says of its user, else the host's own choice, unless that is
        no longer offered."""
        return spoken(crm().locale_of(self.user)) or spoken(self.locale) or default_locale()
