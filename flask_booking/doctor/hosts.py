"""The hosts: whether mails can be written to them."""

from __future__ import annotations

import collections.abc as c

import sqlalchemy as sa
import sqlalchemy.orm as so

from ..messages.email import is_address
from ..models import Host
from ..state import crm, session
from .finding import Finding, counted, ok, warn


def reached() -> c.Iterator[Finding]:
    """Whether the addresses that the CRM has of hosts are ones; who has none is told otherwise, or not at all."""
    hosts = session().scalars(sa.select(Host).options(so.selectinload(Host.user)))
    addresses = [crm().email_of(host.user) for host in hosts if host.user is not None]
    if count := sum(not is_address(address) for address in addresses if address):
        text = f"{counted(count, 'host')} with an address that no mail can be written to: "
        advice = "Correct it in your table of users: one address without name or quotes, as ann@example.com."
        yield warn(text + "no mail tells of bookings, and guests' replies go to BOOKING_MAIL_FROM", advice)
    else:
        yield ok(counted(len(addresses), "host"))
