"""Connected accounts and their calendars: how it stands with each, and what the host wants with it."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import orm as so

from ..calendars import connecting, mirror, wishes
from ..calendars.provider import RemoteCalendar, Sign
from ..calendars.reach import reach, remote
from ..connections.access import Access
from ..connections.problems import ProviderProblem
from ..guards import check_rate
from ..i18n import gettext as _
from ..models import CalendarChanges, ConnectedCalendar, Connection, StaleCalendars
from ..state import crm, session
from . import access, calendar_words, notices, services
from .access import desk
from .blueprint import blueprint
from .calendar_places import PLACES
from .forms import ticked
from .screen import render

SIGNED_IN = ("google", "microsoft", "zoom")
"""Services that a CRM has to be registered with."""


@blueprint.get("/calendars")
def calendars() -> str:
    """All accounts, and what can be connected."""
    everything = _accounts(desk().host.id)
    accounts = [row for row in everything if not _makes_links(row)]
    rows = [row for account in accounts for row in account.calendars]
    return render(
        "calendars.html",
        said=calendar_words,
        accounts=accounts,
        target=next((row for row in rows if row.target), None),
        targets=[(account, found) for account in accounts if (found := _writable(account))],
        pending=calendar_words.pending(accounts),
        offered=services.with_calendars(),
        places=PLACES,
        link_accounts=[row for row in everything if _makes_links(row)],
        link_services=services.for_links(),
        unready=_unready() if crm().is_admin(desk().user) else [],
    )


def _accounts(host_id: int) -> list[Connection]:
    """A host's accounts with their calendars, those longest connected first."""
    found = session().scalars(
        sa.select(Connection)
        .where(Connection.host_id == host_id)
        .options(so.selectinload(Connection.calendars), so.joinedload(Connection.host))
        .order_by(Connection.id)
    )
    return list(found)


def _makes_links(account: Connection) -> bool:
    found = services.find(account.provider)
    return found is not None and found.links


def _writable(account: Connection) -> list[ConnectedCalendar]:
    return [row for row in account.calendars if row.target or (row.writable and not row.missing)]


def _unready() -> list[str]:
    """What hosts could connect if the CRM were registered there."""
    offered = {one.name for one in [*services.with_calendars(), *services.for_links()]}
    return [one.label for one in map(services.find, SIGNED_IN) if one is not None and one.name not in offered]


@blueprint.post("/calendars/target")
def choose_target() -> ResponseReturnValue:
    """Say where events of bookings go, and who invites guests."""
    chosen = request.form.get("calendar", "")[:40]
    row = access.calendar(chosen) if chosen else None
    host = desk().host
    if row is not None and not row.writable:
        notices.tell(_("Nothing can be written into %(name)s.", name=row.name), kind="warning")
        return back()
    invites = row is not None and request.form.get("invites") == "service"
    if row is not None and invites and not _can_invite(row):
        text = _("The server of %(name)s invites nobody, so invitations go by mail.", name=row.name)
        invites, kind = False, "warning"
    elif row is None:
        text, kind = _("New bookings go into no calendar. You get them by mail."), "success"
    else:
        text, kind = _("New bookings go into %(name)s.", name=row.name), "success"
    wishes.choose_target(host, row, invites=invites)
    notices.tell(text, kind=kind)
    return back()


def _can_invite(row: ConnectedCalendar) -> bool:
    """Whether the calendar's service mails invitations; some servers don't, and then it is asked."""
    try:
        provider, way = reach(row.connection)
        can: t.Callable[[Access, RemoteCalendar], bool] | None = getattr(provider, "can_invite", None)
        asked = remote(row)
        session().rollback()
        return can is None or can(way, asked)
    except ProviderProblem:
        return False


@blueprint.post("/calendars/wishes")
def calendar_wishes() -> ResponseReturnValue:
    """Say what is done while a calendar can't be read, and when an event is changed there."""
    stale, changes = request.form.get("stale", ""), request.form.get("changes", "")
    host = desk().host
    wishes.decide(
        host,
        StaleCalendars(stale) if stale in set(StaleCalendars) else host.stale_calendars,
        CalendarChanges(changes) if changes in set(CalendarChanges) else host.calendar_changes,
    )
    notices.tell(_("Saved."))
    return back()


@blueprint.post("/calendars/<public_id>/switches")
def calendar_switches(public_id: str) -> ResponseReturnValue:
    """Let a calendar close time or not, and which of its events."""
    row = access.calendar(public_id)
    name, checked, tentative = row.name, ticked(request.form, "check"), ticked(request.form, "tentative")
    text = ""
    if tentative is not row.tentative_blocks:
        wishes.tentative_blocks(row, tentative)
        text = (
            _("Events in %(name)s that aren't agreed on yet close your time too.", name=name)
            if tentative
            else _("Events in %(name)s that aren't agreed on yet don't close your time.", name=name)
        )
    if checked is not row.check_conflicts:
        wishes.check_conflicts(row, checked)
        text = (
            _("What is in %(name)s closes your time.", name=name)
            if checked
            else _("%(name)s doesn't close your time any more.", name=name)
        )
    if text:
        notices.tell(text)
    return back(row)


@blueprint.post("/calendars/<public_id>/pause")
def pause_calendar(public_id: str) -> ResponseReturnValue:
    """Leave a calendar alone for a while."""
    row = access.calendar(public_id)
    name, undo = row.name, ("calendar_paused", {"id": public_id, "paused": False})
    wishes.pause(row)
    notices.tell(_("%(name)s is paused: it isn't read, and closes no time.", name=name), undo=undo)
    return back(row)


@blueprint.post("/calendars/<public_id>/unpause")
def unpause_calendar(public_id: str) -> ResponseReturnValue:
    """Take it up again."""
    row = access.calendar(public_id)
    wishes.unpause(row)
    notices.tell(_("%(name)s is being read.", name=row.name))
    return back(row)


@blueprint.post("/calendars/<public_id>/read")
def read_calendar(public_id: str) -> ResponseReturnValue:
    """Have all of it read again."""
    row = access.calendar(public_id)
    check_rate("connect")
    calendar_id, name = row.id, row.name
    mirror.request([calendar_id], whole=True)
    notices.tell(_("%(name)s is being read.", name=name))
    return back(row)


@blueprint.post("/calendars/accounts/<public_id>/test")
def test_account(public_id: str) -> ResponseReturnValue:
    """Ask the service now."""
    row = access.connection(public_id)
    check_rate("connect")
    label, sign = calendar_words.service(row.provider), calendar_words.sign_of(row)
    try:
        found = services.test(row)
    except ProviderProblem as problem:
        notices.tell(calendar_words.refused(problem, label, sign), kind="warning")
    else:
        name = found or access.connection(public_id).account_name
        notices.tell(_("%(service)s answers, and knows %(account)s.", service=label, account=name))
    return back()


@blueprint.post("/calendars/accounts/<public_id>/refresh")
def refresh_account(public_id: str) -> ResponseReturnValue:
    """Look for new, renamed and deleted calendars."""
    row = access.connection(public_id)
    check_rate("connect")
    label, sign = calendar_words.service(row.provider), calendar_words.sign_of(row)
    try:
        connecting.refresh(row)
    except ProviderProblem as problem:
        notices.tell(calendar_words.refused(problem, label, sign), kind="warning")
    else:
        notices.tell(_("The list of calendars is as in the account."))
    return back()


@blueprint.route("/calendars/accounts/<public_id>/disconnect", methods=["GET", "POST"])
def disconnect_account(public_id: str) -> ResponseReturnValue:
    """Say what disconnecting means, and do it."""
    row = access.connection(public_id)
    if request.method == "GET":
        return render("calendar_disconnect.html", said=calendar_words, account=row)
    label, name = calendar_words.service(row.provider), row.account_name
    signed_in = calendar_words.sign_of(row) is Sign.OAUTH
    given_back = services.disconnect(row)
    text = _("%(account)s is disconnected. Your bookings stay.", account=name)
    if signed_in and not given_back:
        text = _(
            "%(account)s is disconnected here. Your bookings stay. To take back the access at %(service)s too, remove "
            "this application in your account's settings there.",
            account=name,
            service=label,
        )
    notices.tell(text)
    return back()


def back(row: ConnectedCalendar | None = None) -> ResponseReturnValue:
    """To the screen, at the calendar that was changed."""
    anchor = f"bk-c-{row.public_id}" if row is not None else None
    return redirect(url_for("booking_settings.calendars", _anchor=anchor), 303)
