"""Who sits at the desk, whose things are on it, and which of them may be touched.

Nobody learns that another host's object exists: it answers like one that doesn't.
"""

from __future__ import annotations

import dataclasses
import typing as t

import sqlalchemy as sa
from flask import g, request
from sqlalchemy import orm as so

from .. import catalog
from ..crm.columns import is_queryable
from ..errors import BookingError, NotBookable
from ..i18n import gettext as _
from ..i18n import gettext_noop
from ..models import (
    BlockedTime,
    Booking,
    BookingDomain,
    BookingPage,
    CalendarEvent,
    ConnectedCalendar,
    Connection,
    DateOverride,
    EventType,
    Host,
    MessageRule,
    OutboxMessage,
    Schedule,
)
from ..state import crm, session

_MOST_HOSTS = 500


class NotAHost(BookingError):
    """The CRM lets this user have no booking page."""

    code = "not_a_host"
    status = 403
    description = gettext_noop("Your account has no booking page. Please ask an administrator.")


@dataclasses.dataclass
class Desk:
    """The user of this request, the host that the user is, and the host whose things are being looked after."""

    user: t.Any
    own: Host
    host: Host
    page: BookingPage

    @property
    def foreign(self) -> bool:
        """Whether an administrator is looking after a colleague."""
        return self.host.id != self.own.id

    @property
    def name(self) -> str:
        """The name of the host who is being looked after."""
        return crm().display_name(self.host.user)


def open_desk(user: t.Any) -> None:
    """Begin a request of ``user``, who becomes a host at the first visit; ``?host=`` names a colleague by page slug.

    Raises :class:`NotAHost` when the CRM gives ``user`` no page, and :class:`NotBookable` for a colleague whom ``user``
    may not manage.
    """
    if not crm().may_be_host(user):
        raise NotAHost
    own = catalog.ensure_host(user)
    g.booking_desk = Desk(user, own, own, page_of(own))
    slug = request.args.get("host", "")
    if slug and slug != desk().page.slug:
        host = session().scalar(
            sa.select(Host).join(BookingPage, BookingPage.host_id == Host.id).where(BookingPage.slug == slug)
        )
        look_after(host)


def desk() -> Desk:
    """This request's desk."""
    return t.cast(Desk, g.booking_desk)


def desk_if_open() -> Desk | None:
    """This request's desk, None before :func:`open_desk`."""
    return t.cast("Desk | None", g.get("booking_desk"))


def may_manage(host: Host | None) -> bool:
    """Whether the user may change what belongs to ``host``."""
    return host is not None and (host.id == desk().own.id or crm().may_manage(desk().user, host.user))


def look_after(host: Host | None) -> Host:
    """Take ``host``'s things onto the desk.  Raises :class:`NotBookable` when that isn't the user's business."""
    if host is None or not may_manage(host):
        raise missing()
    if host.id != desk().host.id:
        desk().host, desk().page = host, page_of(host)
    return host


def missing() -> NotBookable:
    """The one answer for what isn't there and for what is another's."""
    return NotBookable(_("There is nothing here. It may have been deleted, or belongs to somebody else."))


def page_of(host: Host) -> BookingPage:
    """The host's public page."""
    found = session().scalar(
        sa.select(BookingPage).where(BookingPage.host_id == host.id).order_by(BookingPage.id).limit(1)
    )
    if found is None:  # removed by hand; a host is nothing without one
        raise missing()
    return found


def hosts_to_manage() -> list[tuple[str, str, bool]]:
    """Slug, name and whether it is the one on the desk, of every host the user may manage; sorted by name."""
    if not (crm().is_admin(desk().user) or crm().overrides("may_manage")):
        return []
    return sorted(
        ((slug, crm().display_name(host.user), host.id == desk().host.id) for host, slug in manageable()),
        key=lambda row: row[1].casefold(),
    )


def manageable() -> list[tuple[Host, str]]:
    """Each host the user may manage, with the page's slug; not more than a list can show."""
    query = (
        sa.select(Host, BookingPage.slug)
        .join(BookingPage, BookingPage.host_id == Host.id)
        .options(so.joinedload(Host.user))
        .order_by(Host.id)
        .limit(_MOST_HOSTS)
    )
    model, tenant = crm().models.user, crm().user_fields.tenant
    if tenant and is_queryable(model, tenant) and not crm().overrides("tenant_of"):
        query = query.join(Host.user).where(getattr(model, tenant) == crm().tenant_of(desk().user))
    found: list[tuple[Host, str]] = []
    last = 0
    while len(found) < _MOST_HOSTS:  # what the database can't tell the CRM may: the first hosts may all be strangers
        rows = session().execute(query.where(Host.id > last)).all()
        found += [(host, slug) for host, slug in rows if may_manage(host)]
        if len(rows) < _MOST_HOSTS:
            break
        last = rows[-1][0].id
    return found[:_MOST_HOSTS]


def _find(model: type[t.Any], public_id: str) -> t.Any:
    if "\0" in public_id:  # which PostgreSQL can't even look for
        raise missing()
    row = session().scalar(sa.select(model).where(model.public_id == public_id))
    if row is None:
        raise missing()
    return row


def event_type(public_id: str) -> EventType:
    """An event type of a host whom the user may manage, archived ones too.  Raises :class:`NotBookable`."""
    found: EventType = _find(EventType, public_id)
    look_after(found.page.host)
    return found


def schedule(public_id: str) -> Schedule:
    """A schedule, as :func:`event_type`."""
    found: Schedule = _find(Schedule, public_id)
    look_after(found.host)
    return found


def override(public_id: str) -> DateOverride:
    """A date override, as :func:`event_type`."""
    found: DateOverride = _find(DateOverride, public_id)
    look_after(found.schedule.host)
    return found


def blocked_time(public_id: str) -> BlockedTime:
    """A blocked time, as :func:`event_type`."""
    found: BlockedTime = _find(BlockedTime, public_id)
    look_after(session().get(Host, found.host_id))
    return found


def rule(public_id: str) -> MessageRule:
    """A message rule, as :func:`event_type`."""
    found: MessageRule = _find(MessageRule, public_id)
    look_after(session().get(Host, found.host_id))
    return found


def domain(public_id: str) -> BookingDomain:
    """A page's claim to a domain, as :func:`event_type`."""
    found: BookingDomain = _find(BookingDomain, public_id)
    look_after(found.page.host)
    return found


def connection(public_id: str) -> Connection:
    """A connected account, as :func:`event_type`."""
    found: Connection = _find(Connection, public_id)
    look_after(found.host)
    return found


def calendar(public_id: str) -> ConnectedCalendar:
    """A calendar of a connected account, as :func:`event_type`."""
    found: ConnectedCalendar = _find(ConnectedCalendar, public_id)
    look_after(found.host)
    return found


def booking(public_id: str) -> Booking:
    """A booking that one of its hosts, its page's owner or their administrator looks at.

    Raises :class:`NotBookable`.
    """
    found: Booking = _find(Booking, public_id)
    concerned = [*found.hosts, found.event_type.page.host]
    if not any(host.id == desk().host.id for host in concerned):
        look_after(next((host for host in concerned if may_manage(host)), None))
    return found


def calendar_event(found: Booking, key: str) -> CalendarEvent:
    """A booking's event in the calendar of a host whom the user may manage.  Raises :class:`NotBookable`."""
    row = session().scalar(
        sa.select(CalendarEvent).where(CalendarEvent.booking_id == found.id, CalendarEvent.key == key)
    )
    if row is None or not may_manage(row.host):
        raise missing()
    return row


def message(public_id: str) -> OutboxMessage:
    """A message about such a booking.  Raises :class:`NotBookable`."""
    found: OutboxMessage = _find(OutboxMessage, public_id)
    if found.booking is None:
        raise missing()
    booking(found.booking.public_id)
    return found
