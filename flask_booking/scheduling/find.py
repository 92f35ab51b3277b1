"""Finding bookings: by the guest's secret link, by public id for their hosts, and those that nobody holds any more.

And pages, by any slug they had.
"""

from __future__ import annotations

import sqlalchemy as sa

from ..encryption import token_hash
from ..errors import NotBookable
from ..i18n import gettext as _
from ..models import Booking, BookingPage, OldPageSlug
from ..models.booking import LIVE
from ..state import session


def booking_by_token(token: str) -> Booking:
    """The booking that a manage link opens.  Raises :class:`NotBookable` for any other text."""
    booking = session().scalar(sa.select(Booking).where(Booking.manage_token_hash == token_hash(token)))
    if booking is None:
        raise NotBookable(_("This link belongs to no booking. Please check that it is complete."))
    return booking


def booking_by_public_id(public_id: str) -> Booking:
    """The booking of that public id; the caller checks who may see it.  Raises :class:`NotBookable`."""
    booking = session().scalar(sa.select(Booking).where(Booking.public_id == public_id))
    if booking is None:
        raise NotBookable(_("There is no such booking."))
    return booking


def without_host() -> sa.ColumnElement[bool]:
    """Whether a booking is live and has no host any more: the CRM deleted the users of all."""
    return Booking.status.in_(LIVE) & ~Booking.hosts.any()


def page_by_slug(slug: str) -> BookingPage | None:
    """The page that has this slug, else the one that gave it up: its ``slug`` is another then."""
    found = session().scalar(sa.select(BookingPage).where(BookingPage.slug == slug))
    former = sa.select(BookingPage).join(OldPageSlug, OldPageSlug.page_id == BookingPage.id)
    return found or session().scalar(former.where(OldPageSlug.slug == slug))
