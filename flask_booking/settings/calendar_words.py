"""What the screens say of connected accounts and their calendars: how it stands with them, and what that means."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t
import urllib.parse

from flask import current_app

from ..calendars.draft import wanted
from ..calendars.provider import Sign
from ..connections.problems import ALL, Gone, NeedsReconnect, NotAllowed, ProviderProblem, RateLimited, Unreachable
from ..i18n import format_ago, format_when, left_to_right, list_of, sentences
from ..i18n import gettext as _
from ..models import (
    CalendarEvent,
    ConnectedCalendar,
    Connection,
    ConnectionState,
    Difference,
    EventState,
    StaleCalendars,
)
from ..models.columns import utcnow
from ..scheduling.calendar_events import NO_LINK
from ..state import crm
from . import services
from .words import passing, tried_in_vain

Kind = t.Literal["", "waiting", "warning", "failed"]


@dataclasses.dataclass(frozen=True)
class Said:
    """A sentence, and how much it matters."""

    text: str
    kind: Kind = ""


def service(provider: str) -> str:
    """What a service is called."""
    found = services.find(provider)
    return found.label if found is not None else provider.replace("_", " ").capitalize()


def whereabouts(connection: Connection) -> str:
    """The service of an account, and the server where its owner named one."""
    server = urllib.parse.urlsplit(str(connection.settings.get("url") or "")).hostname or ""
    named = service(connection.provider)
    return list_of((named, left_to_right(server))) if server else named


def sign_of(connection: Connection) -> Sign | None:
    """How its account is connected; None when the CRM has no such service any more."""
    found = services.find(connection.provider)
    return found.sign if found is not None else None


def problem(code: str) -> str:
    """A problem's sentence, by the code that a row keeps; empty for none."""
    return ALL.get(code, ProviderProblem)().sentence if code else ""


def account(connection: Connection) -> Said:
    """How it stands with an account; an empty text while all is well."""
    named = service(connection.provider)
    if services.find(connection.provider) is None:
        return Said(_("This CRM isn't set up for %(service)s any more.", service=named), "failed")
    if connection.state is ConnectionState.ACTIVE:
        return Said("")
    if connection.problem != NeedsReconnect.code:
        return Said(problem(connection.problem), "failed")
    sign = sign_of(connection)
    if sign is Sign.PASSWORD:
        return Said(_("The server doesn't accept the password any more."), "failed")
    if sign is Sign.ADDRESS:
        return Said(_("This address isn't answered any more. Connect the calendar's new one."), "failed")
    return Said(_("%(service)s asks you to sign in again.", service=named), "failed")


def calendar(row: ConnectedCalendar) -> Said:
    """How fresh a calendar's busy times are, and what that means for what is offered."""
    if row.paused:
        return Said(_("Not read, and it closes no time."))
    if row.missing:
        return _missing(row)
    if not (row.check_conflicts or row.target):
        return Said("")
    if row.synced_at is None:
        return _not_read_yet(row)
    now = utcnow()
    ago = format_ago(row.synced_at, now)
    if not _stale(row):
        again = row.due_at is not None and row.due_at <= now and not row.problem
        text = _("Read %(ago)s, and being read again.", ago=ago) if again else _("Read %(ago)s.", ago=ago)
        said = Said(text, "waiting" if again else "")
    elif not row.check_conflicts:
        said = Said(_("Last read %(ago)s.", ago=ago), "warning")
    elif row.host.stale_calendars is StaleCalendars.CLOSE:
        text = _("Last read %(ago)s. Until it can be read again, no time is offered.", ago=ago)
        said = Said(text, "failed")
    else:
        text = _("Last read %(ago)s. It is asked again before each booking.", ago=ago)
        said = Said(text, "warning")
    return _with_problem(row, said)


def _stale(row: ConnectedCalendar) -> bool:
    kept = dt.timedelta(minutes=current_app.config["BOOKING_CALENDAR_STALE_MINUTES"])
    return row.synced_at is None or row.synced_at + kept <= utcnow()


def _missing(row: ConnectedCalendar) -> Said:
    """It may come back, and what was in it may still be true: so it goes on counting until its host says otherwise."""
    if not row.check_conflicts:
        return Said(_("Not in the account any more."), "warning")
    if _stale(row) and row.host.stale_calendars is StaleCalendars.CLOSE:
        text = _("Not in the account any more. As long as it is checked for conflicts, no time is offered.")
        return Said(text, "failed")
    return Said(_("Not in the account any more. Don't check it for conflicts if it won't come back."), "warning")


def _not_read_yet(row: ConnectedCalendar) -> Said:
    broken = row.connection.state is not ConnectionState.ACTIVE
    if broken or row.problem:
        text = _("Not read yet. Until it is, no time is offered.") if row.check_conflicts else _("Not read yet.")
        return _with_problem(row, Said(text, "failed" if row.check_conflicts else "warning"))
    if row.check_conflicts:
        return Said(_("Being read for the first time. Until then no time is offered."), "waiting")
    return Said(_("Being read for the first time."), "waiting")


def _with_problem(row: ConnectedCalendar, said: Said) -> Said:
    """A broken account says what is wrong by itself."""
    if not row.problem or row.connection.state is not ConnectionState.ACTIVE:
        return said
    return Said(sentences(said.text, problem(row.problem)), said.kind or "warning")


@dataclasses.dataclass(frozen=True)
class Entered:
    """How it stands with a booking's event in a host's calendar, and what its host may decide about it.

    ``differs`` says what somebody changed there.  ``may`` names what can be done: ``follow``, ``cancel``, ``write``.
    """

    row: CalendarEvent
    host: str
    text: str
    problem: str
    differs: str
    may: frozenset[str]

    @property
    def page_url(self) -> str:
        """Where the host can look at it; empty when the service gave no web address."""
        shown = self.row.state is EventState.WRITTEN and self.row.page_url.startswith(("https://", "http://"))
        return self.row.page_url if shown else ""


def entered(row: CalendarEvent, zone_key: str, *, manageable: bool) -> Entered:
    """What to say of an event, with times in the zone of whoever reads it."""
    name = row.calendar.name if row.calendar is not None else ""
    differs = _difference(row, zone_key)
    live = row.booking.live and row.booking.ends_at > utcnow()
    may = set()
    if differs and live:
        may.add("cancel")
        if row.difference is Difference.MOVED and len(row.booking.hosts) == 1:
            may.add("follow")
    wrong = live and row.difference in (Difference.MOVED, Difference.DELETED)
    if manageable and row.calendar is not None and (wrong or row.state is EventState.FAILED):
        may.add("write")
    given_up = row.state is EventState.FAILED
    problem = event_problem(row.problem, given_up=given_up) if row.problem and (live or given_up) else ""
    return Entered(row, crm().display_name(row.host.user), _standing(row, name), problem, differs, frozenset(may))


def _standing(row: CalendarEvent, name: str) -> str:
    if row.state is EventState.REMOVED:
        return _("Taken out of %(calendar)s", calendar=name) if name else _("Taken out of the calendar")
    if not name:
        return _("Not followed any more: its calendar was disconnected")
    if row.state is EventState.FAILED and not wanted(row):
        return _("Couldn't be taken out of %(calendar)s", calendar=name)
    if row.state is EventState.FAILED:
        return _("Couldn't be entered into %(calendar)s", calendar=name)
    if row.state is EventState.WANTED:
        if not row.booking.live and row.remote_id:
            return _("Being taken out of %(calendar)s", calendar=name)
        return _("On its way into %(calendar)s", calendar=name)
    return _("In %(calendar)s", calendar=name)


def _difference(row: CalendarEvent, zone_key: str) -> str:
    if row.difference is Difference.DELETED:
        return _("The event was deleted from the calendar, but the meeting is still booked.")
    if row.difference is Difference.DECLINED:
        return _(
            "The event was declined in the calendar, but the meeting is still booked. To keep it, accept it there."
        )
    if row.difference is Difference.MOVED:
        starts, ends = (dt.datetime.fromtimestamp(epoch, dt.UTC) for epoch in (row.seen_starts, row.seen_ends))
        return _(
            "The event was moved in the calendar, to %(when)s. The meeting is still booked for the time before.",
            when=format_when(starts, ends, zone_key),
        )
    return ""


def differing(row: CalendarEvent) -> str:
    """In a few words, what is to be decided about an event."""
    guest = row.booking.guest_name
    if row.difference is Difference.MOVED:
        return _("The event with %(guest)s was moved in your calendar", guest=guest)
    if row.difference is Difference.DELETED:
        return _("The event with %(guest)s was deleted from your calendar", guest=guest)
    if row.difference is Difference.DECLINED:
        return _("The event with %(guest)s was declined in your calendar", guest=guest)
    if not wanted(row):
        return _("The cancelled meeting with %(guest)s couldn't be taken out of your calendar", guest=guest)
    return _("The meeting with %(guest)s couldn't be entered into your calendar", guest=guest)


def event_problem(code: str, *, given_up: bool = False) -> str:
    """Why a booking's event couldn't be written; that it has no link is told with the place.

    What might have passed by itself has been waited for long enough once the event is ``given_up``.
    """
    if code == NO_LINK:
        return ""
    if code == NotAllowed.code:
        return _("The calendar doesn't allow it.")
    if given_up and passing(code):
        return tried_in_vain()
    return problem(code)


def refused(found: ProviderProblem, label: str, sign: Sign | None) -> str:
    """What to tell a host who just tried to connect to a service, or to test that."""
    if isinstance(found, Unreachable | RateLimited):
        return _("%(service)s doesn't answer at the moment. Please try again in a few minutes.", service=label)
    if isinstance(found, Gone) and sign is not Sign.OAUTH:
        return _("There is no calendar at this address.")
    if not isinstance(found, NeedsReconnect):
        return found.sentence
    if sign is Sign.PASSWORD:
        return _("The server doesn't accept this user name and password. Many servers want an app password here.")
    if sign is Sign.ADDRESS:
        return _("The server wants a password for this address. Give the secret address that it publishes.")
    return _("%(service)s asks you to sign in again.", service=label)


def pending(rows: t.Iterable[Connection]) -> bool:
    """Whether a calendar is being read that somebody waits for."""
    return any(calendar(row).kind == "waiting" for connection in rows for row in connection.calendars)
