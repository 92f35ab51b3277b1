"""The hosts: whether mails can be written to them, and whether every meeting has one."""

from __future__ import annotations

import collections.abc as c

import sqlalchemy as sa
import sqlalchemy.orm as so

from ..messages.email import is_address
from ..models import Booking, Host
from ..scheduling.find import without_host
from ..state import crm, session
from .finding import Finding, counted, ok, warn


def there() -> c.Iterator[Finding]:
    """Whether live meetings have hosts, and those can be reached."""
    found = [*_without_host(), *_unreachable()]
    yield from found or [ok(counted(session().scalar(sa.select(sa.func.count(Host.id))) or 0, "host"))]


def _without_host() -> c.Iterator[Finding]:
    """Meetings that stay when the CRM deletes a user who was to hold them for a colleague."""
    if count := session().scalar(sa.select(sa.func.count(Booking.id)).where(without_host())):
        text = f"{counted(count, 'meeting')} without a host any more: the users who were to hold them are deleted"
        yield warn(
            text, "The owner of the page finds them among the bookings, and gives them to others or cancels them."
        )


def _unreachable() -> c.Iterator[Finding]:
    """Hosts whose address is none; who has no address at all is told otherwise, or not at all."""
    hosts = session().scalars(sa.select(Host).options(so.selectinload(Host.user)))
    addresses = [crm().email_of(host.user) for host in hosts if host.user is not None]
    if count := sum(not is_address(address) for address in addresses if address):
        text = f"{counted(count, 'host')} with an address that no mail can be written to: "
        advice = "Correct it in your table of users: one address without name or quotes, as ann@example.com."
        yield warn(text + "no mail tells of bookings, and guests' replies go to BOOKING_MAIL_FROM", advice)
