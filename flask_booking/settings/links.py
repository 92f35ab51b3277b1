"""Places whose link is made for each meeting: what a host can choose, and what to do where a link couldn't be made."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

import sqlalchemy as sa
from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..calendars import registry as calendars
from ..calendars.provider import OAuthProvider
from ..calendars.writing import LinkPending
from ..catalog import check
from ..conferencing import registry as services
from ..connections.problems import Misconfigured, NoAccount
from ..i18n import gettext as _
from ..models import (
    Booking,
    BookingHost,
    BookingPage,
    BookingStatus,
    CalendarEvent,
    EventState,
    EventType,
    Host,
    MeetingLink,
)
from ..models.columns import utcnow
from ..scheduling.links import set_link, try_again
from ..scheduling.places import CALENDAR_LINKS, link_missing, made_links, made_name, makers
from ..state import session
from . import access, notices, words
from .blueprint import blueprint
from .forms import length_of

FREE_ZOOM_MINUTES = 40
"""Zoom ends meetings of accounts that nobody pays for after so many minutes."""
NO_ACCOUNT = NoAccount.code
GIVEN_UP = "given_up"
"""What might have passed by itself, and isn't waited for any more."""
_MOST = 5
_SERVICES = {"google_meet": "google", "teams": "microsoft"}


@dataclasses.dataclass(frozen=True)
class Makers:
    """What the form of an event type knows of links: of all kinds that are ``made``, ``able`` are those that can be
    made for it now, and ``others`` the names of those that an account could be connected for."""

    able: frozenset[str]
    others: list[str]
    made: list[str]
    longest: int
    """How long the event type's meetings are at most, in minutes."""
    free_minutes: int = FREE_ZOOM_MINUTES

    def kinds(self, chosen: str) -> dict[str, str]:
        """What can be chosen in a row where ``chosen`` is: with a kind that was chosen before, and can't be now."""
        return {
            kind: label
            for kind, label in words.location_kinds().items()
            if kind not in made_links() or kind in self.able or kind == chosen
        }


def makers_for(event: EventType | None, page: BookingPage, values: c.Mapping[str, t.Any]) -> Makers:
    """Of an event type's hosts, or of the owner of the page a new one will be on; ``values`` are those of its form."""
    hosts = [host for host in (event.hosts if event is not None else [page.host]) if host.active]
    able = frozenset[str]().union(*makers(session(), hosts).values())
    others = [name for kind, name in made_links().items() if kind not in able and _connectable(kind)]
    typed = (values["duration"], *values["more_durations"].replace(";", ",").split(","))
    lengths = [minutes for text in typed if isinstance(minutes := length_of(text), int)]
    return Makers(able, others, list(made_links()), max(lengths, default=0))


def _connectable(kind: str) -> bool:
    if kind not in CALENDAR_LINKS:
        return any(service.name == kind for service in services.offered())
    provider: t.Any = calendars.find(_SERVICES[kind])
    if not isinstance(provider, OAuthProvider):
        return False
    try:
        provider.service(current_app.config)
    except Misconfigured:
        return False
    return True


# -- meetings without a link ------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Trouble:
    """A coming meeting whose link couldn't be made (yet): ``text`` says why, ``code`` is what its row keeps."""

    booking: Booking
    code: str

    @property
    def text(self) -> str:
        return words.link_problem(made_name(self.booking.location), self.code)

    @property
    def to_try(self) -> bool:
        """Whether somebody could make it now."""
        kind = self.booking.location["kind"]
        if self.code != NO_ACCOUNT:
            return True
        return kind not in CALENDAR_LINKS and any(kind in one for one in makers(session(), self.booking.hosts).values())


def trouble(booking: Booking) -> Trouble | None:
    """What stands in the way of a meeting's link; None while all is well, or it is just being made."""
    if (
        booking.status is not BookingStatus.CONFIRMED
        or booking.ends_at <= utcnow()
        or not link_missing(booking.location)
    ):
        return None
    code = _problem_of(booking)
    return Trouble(booking, code) if code else None


def troubles(host: Host) -> list[Trouble]:
    """The host's next meetings that have no link."""
    place = Booking.location
    found = session().scalars(
        sa.select(Booking)
        .join(BookingHost, BookingHost.booking_id == Booking.id)
        .where(
            BookingHost.host_id == host.id,
            Booking.status == BookingStatus.CONFIRMED,
            Booking.ends_at > utcnow(),
            place["kind"].as_string().in_(made_links()),
            sa.func.coalesce(place["url"].as_string(), "") == "",
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(4 * _MOST)
    )
    return [one for one in map(trouble, found) if one is not None][:_MOST]


def _problem_of(booking: Booking) -> str:
    db = session()
    if booking.location["kind"] not in CALENDAR_LINKS:
        link = db.scalar(sa.select(MeetingLink).where(MeetingLink.booking_id == booking.id))
        if link is None or link.connection_id is None:
            return NO_ACCOUNT
        return _told_as(link)
    making = sa.select(CalendarEvent).where(CalendarEvent.booking_id == booking.id, CalendarEvent.conference != "")
    event = db.scalar(making.order_by(CalendarEvent.id).limit(1))
    if event is None or event.calendar_id is None:
        return NO_ACCOUNT
    return _told_as(event) if event.problem != LinkPending.code else ""


def _told_as(row: MeetingLink | CalendarEvent) -> str:
    given_up = row.state is EventState.FAILED and words.passing(row.problem)
    return GIVEN_UP if given_up else row.problem


@blueprint.post("/bookings/<public_id>/link")
def make_link(public_id: str) -> ResponseReturnValue:
    """Have a meeting's link made now, or take the one that the host gives."""
    found = access.booking(public_id)
    booking_id = found.id
    problems: check.Problems = {}
    url = check.url(request.form.get("url"), "url", problems)
    if problems:
        notices.tell(problems["url"], kind="warning")
    elif url and trouble(found) is not None:
        set_link(booking_id, url, instead=True)
        notices.tell(_("The link is saved, and everybody gets a mail with it."))
    elif not url and try_again(booking_id):
        notices.tell(_("The link is being made. Everybody gets a mail with it."))
    else:
        notices.tell(_("Nobody can make this link. Please give one yourself."), kind="warning")
    return redirect(url_for("booking_settings.booking", public_id=public_id), 303)


def join_url(booking: Booking) -> t.Any:
    """Where a host joins a coming meeting; empty for places that aren't online."""
    online = booking.location.get("kind") == "link" or made_name(booking.location)
    return booking.location.get("url") or "" if online and booking.live else ""
