"""Choosing: what can be booked on a page, then a day and a time."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

import sqlalchemy as sa
from flask import redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import orm as so

from ..errors import HoldExpired, InvalidHold, NoLongerOffered, NotBookable, SlotTaken, SlotUnavailable
from ..i18n import gettext as _
from ..i18n import list_of, sentences, zone_label
from ..links import canonical_url
from ..markdown import plain
from ..models import BookingPage, EventType, Host
from ..scheduling import find_event, page_by_slug, place_hold, places, release_hold
from ..scheduling.choose import NOTHING
from ..scheduling.hold import check_hold_token, ignoring_hold, new_hold_token
from ..scheduling.offers import EventAddress, Moved
from ..state import session
from ..zones import zone as read_zone
from . import asked
from .addresses import address
from .blueprint import blueprint, guarded
from .language import speak_of_host
from .lookup import NewTimes, nearest_to
from .month import month_shown, time_of
from .people import face, faces
from .shell import render, shell_for
from .zones import zone_choice


@dataclasses.dataclass(frozen=True)
class Choosing:
    """An event type somebody looks at: in which zone, for how long, and with which parameters along the way.

    ``owner`` and ``hosts`` are kept beside ``event``, whose relationships are read anew with its offers.
    """

    found: EventAddress
    page: str
    event: EventType
    owner: BookingPage
    hosts: tuple[Host, ...]
    zone: str
    zone_was_asked: bool
    duration: int
    along: dict[str, str]

    def url(self, endpoint: str = "event", **changes: t.Any) -> str:
        """The address of a step for what was chosen so far; ``None`` leaves a parameter out."""
        given: dict[str, t.Any] = self.carried
        if self.duration != self.event.duration:
            given["duration"] = self.duration
        given |= changes
        return address(endpoint, given, page=self.page, event=self.event.slug)

    @property
    def carried(self) -> dict[str, str]:
        """The parameters that go along wherever the guest goes."""
        return {**self.along, "tz": self.zone} if self.zone_was_asked else {**self.along}

    def times(self, hold: str | None = None) -> NewTimes:
        """The times on offer; those of the form's own hold among them."""
        if not hold:
            return NewTimes(self.found, self.duration, NOTHING)
        ignoring = ignoring_hold(hold)
        # Looked up after the hold: one that is given back in between would be nobody's and still in the way.
        return NewTimes(find_event(self.page, self.event.slug), self.duration, ignoring)


def choosing(page: str, event: str, problems: list[str]) -> Choosing:
    """What is looked at.  Raises :class:`NotBookable`, :class:`NoLongerOffered` and :class:`Moved`."""
    found = find_event(page, event)
    row = session().scalar(
        sa.select(EventType)
        .where(EventType.id == found.event_type_id)
        .options(so.joinedload(EventType.page), so.selectinload(EventType.hosts).joinedload(Host.user))
    )
    if row is None or not found.hosts:
        raise NoLongerOffered
    speak_of_host(row.hosts[0].language)
    zone, was_asked = asked.zone_asked(row.hosts[0].time_zone, problems)
    return Choosing(
        found=found,
        page=page,
        event=row,
        owner=row.page,
        hosts=tuple(row.hosts),
        zone=zone,
        zone_was_asked=was_asked,
        duration=asked.duration_asked(row, problems),
        along=asked.carried(row),
    )


def renamed(moved: Moved) -> ResponseReturnValue:
    """On to an event type's new address, with everything that was asked for; a form's guest chooses again."""
    if request.method == "POST":
        return redirect(address("event", page=moved.page, event=moved.slug), 303)
    endpoint = (request.endpoint or "").rpartition(".")[2]
    return redirect(address(endpoint, request.args, page=moved.page, event=moved.slug), 301)


@blueprint.get("/<page>", strict_slashes=False)
@guarded("page")
def page(page: str) -> ResponseReturnValue:
    """Everything that can be booked with a host."""
    found = session().scalar(
        sa.select(BookingPage)
        .where(BookingPage.slug == page)
        .options(so.joinedload(BookingPage.host).joinedload(Host.user), so.selectinload(BookingPage.event_types))
    )
    if found is None:
        former = page_by_slug(page)
        if former is None:
            raise NotBookable
        return redirect(address("page", request.args, page=former.slug), 301)
    speak_of_host(found.host.language)
    if not found.active or not found.host.active:
        raise NoLongerOffered(_("This page takes no bookings at the moment."))
    owner = face(found.host)
    zone = {"tz": request.args["tz"][:64]} if request.args.get("tz") else {}
    offered = [
        (
            event,
            plain(event.description),
            address("event", {**asked.carried(event), **zone}, page=page, event=event.slug),
        )
        for event in found.event_types
        if event.active and event.archived_at is None
    ]
    title = found.title or owner.name
    shell = shell_for(
        _("Book a meeting with %(name)s", name=title),
        found,
        description=plain(found.welcome),
        indexed=True,
        canonical=canonical_url(page),
    )
    return render("page.html", shell, page=found, title=title, face=owner, offered=offered)


@blueprint.get("/<page>/<event>", strict_slashes=False)
@guarded("slots")
def event(page: str, event: str) -> ResponseReturnValue:
    """A month of days, and the times of one of them."""
    problems: list[str] = []
    try:
        chosen = choosing(page, event, problems)
    except Moved as moved:
        return renamed(moved)
    if "zones" in request.args:
        return _zones(chosen)
    hold = _own_token(chosen)
    return _calendar(chosen, problems, hold), 400 if problems else 200


def _zones(chosen: Choosing) -> str:
    """All time zones to choose from, on a page of their own: the calendar stays light."""
    shell = shell_for(_("Choose your time zone"), chosen.owner, chosen.event)
    keep = {name: value for name, value in request.args.items() if name in ("month", "date", "duration", "hold")}
    return render(
        "zones.html",
        shell,
        action=address("event", page=chosen.page, event=chosen.event.slug),
        keep={**chosen.along, **keep},
        regions=zone_choice(dt.datetime.now(dt.UTC)),
        zone=chosen.zone,
    )


def _own_token(chosen: Choosing) -> str | None:
    """The token of the form somebody comes back from, when it is one of ours for this event type."""
    token = request.values.get("hold", "")
    try:
        return check_hold_token(token, chosen.event.id) if token else None
    except InvalidHold:
        return None


def _calendar(
    chosen: Choosing,
    problems: list[str],
    hold: str | None,
    taken: tuple[str, list[int]] | None = None,
    day: dt.date | None = None,
) -> str:
    event, now = chosen.event, dt.datetime.now(dt.UTC)
    carry_hold = {"hold": hold} if hold else {}
    month = month_shown(
        chosen.times(hold),
        zone=chosen.zone,
        month=asked.month_asked(problems),
        date=asked.date_asked(problems) or day,
        now=now,
        url=lambda **changes: chosen.url(**carry_hold, **changes),
    )
    who = faces(chosen.hosts)
    shell = shell_for(
        _("%(title)s with %(name)s", title=event.title, name=list_of(one.name for one in who)),
        chosen.owner,
        event,
        description=plain(event.description),
        indexed=not set(request.args) - {"lang"},
        canonical=canonical_url(chosen.page, event.slug),
    )
    same_view = {name: request.args[name] for name in ("month", "date") if name in request.args}
    return render(
        "event.html",
        shell,
        event=event,
        places_offered=places.offered(event, chosen.hosts),
        faces=who,
        month=month,
        problems=problems,
        taken=(taken[0], [time_of(start, chosen.zone) for start in taken[1]]) if taken else None,
        form={
            "action": chosen.url("hold"),
            "method": "post",
            "hidden": {"hold": hold or new_hold_token(event.id), "tz": chosen.zone, "duration": chosen.duration},
        },
        durations=[
            (minutes, chosen.url(duration=minutes, **same_view, **carry_hold), minutes == chosen.duration)
            for minutes in event.durations
        ],
        duration=chosen.duration,
        zone={
            "key": chosen.zone,
            "asked": chosen.zone_was_asked,
            "label": zone_label(chosen.zone, month.at),
            "url": chosen.url(zones=1, **same_view, **carry_hold),
        },
        back_url=address("page", chosen.carried, page=chosen.page),
    )


@blueprint.get("/<page>/<event>/hold")
@guarded("page")
def back_to_times(page: str, event: str) -> ResponseReturnValue:
    """The address of a form, opened as a page: back to the times."""
    return redirect(address("event", request.args, page=page, event=event), 303)


@blueprint.post("/<page>/<event>/hold")
@guarded("slots", posting="hold")
def hold(page: str, event: str) -> ResponseReturnValue:
    """Keep a time for the form that comes next; when it was taken meanwhile, offer the nearest others."""
    problems: list[str] = []
    try:
        chosen = choosing(page, event, problems)
    except Moved as moved:
        return renamed(moved)
    start = asked.start_asked(request.form.get("start", ""))
    if "duration" in request.form and problems:
        raise asked.Unreadable(problems[-1])
    token = check_hold_token(request.form.get("hold", ""), chosen.event.id)
    if chosen.event.hold_minutes:
        try:
            shown = asked.shown_asked() or 0
            place_hold(chosen.event.id, token, int(start.timestamp()), chosen.duration, shown=shown)
        except (SlotTaken, SlotUnavailable) as error:
            return taken_page(chosen, error, start, token), 409
    return redirect(
        chosen.url("details", start=asked.written(start), tz=chosen.zone, duration=chosen.duration, hold=token), 303
    )


def taken_page(
    chosen: Choosing, error: SlotTaken | SlotUnavailable | HoldExpired, start: dt.datetime, token: str | None
) -> str:
    """The calendar again, saying that a time is gone and which ones are nearest to it."""
    wanted = int(start.timestamp())
    near = nearest_to(chosen.times(token), wanted)
    # The day that was looked at, or the next best: not all the way back to the first free one.
    closest = min(near, key=lambda time: abs(time - wanted), default=None)
    day = None if closest is None else dt.datetime.fromtimestamp(closest, read_zone(chosen.zone)).date()
    return _calendar(chosen, [], token, (taken_words(error, bool(near)), near), day)


def taken_words(error: SlotTaken | SlotUnavailable | HoldExpired, others: bool) -> str:
    """That a time can't be had, and what is offered instead."""
    what = {
        SlotTaken: _("That time was just taken."),
        HoldExpired: _("Your time was kept for a while, and is taken now."),
    }.get(type(error), _("That time isn't offered."))
    return sentences(what, _("These are the nearest free ones.") if others else _("Nothing else is free near it."))


@blueprint.post("/<page>/<event>/release")
@guarded("slots", posting="hold")
def release(page: str, event: str) -> ResponseReturnValue:
    """Give back what a form holds: the script says so when a guest leaves it."""
    release_hold(find_event(page, event).event_type_id, request.form.get("hold", ""), asked.shown_asked())
    return "", 204
