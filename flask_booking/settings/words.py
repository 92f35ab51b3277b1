"""What the screens call things: states, kinds and reasons in words, in one place for all templates."""

from __future__ import annotations

import datetime as dt
import typing as t

from babel.dates import get_day_names

from ..availability import Reason, Verdict
from ..connections.problems import ALL, Misconfigured
from ..i18n import (
    current_locale,
    duration_text,
    format_date,
    format_time,
    format_times,
    labelled,
    left_to_right,
    list_of,
    together,
)
from ..i18n import gettext as _
from ..models import (
    Anchor,
    Audience,
    BlockedTime,
    Booking,
    BookingStatus,
    EventType,
    HistoryEntry,
    HistoryKind,
    MessageRule,
    MessageState,
    OutboxMessage,
)
from ..models.columns import utcnow
from ..scheduling import intake
from ..scheduling.places import made_links, made_name
from ..scheduling.reasons import entry_reason, reason_text
from ..state import crm
from ..zones import zone


def status(state: BookingStatus) -> str:
    """A booking's state."""
    return {
        BookingStatus.PENDING: _("To be answered"),
        BookingStatus.CONFIRMED: _("Confirmed"),
        BookingStatus.CANCELLED: _("Cancelled"),
        BookingStatus.COMPLETED: _("Held"),
        BookingStatus.NO_SHOW: _("Didn't come"),
    }[state]


def standing(booking: Booking) -> str:
    """A booking's state, with how a request ended; reads its history."""
    if booking.status is BookingStatus.CANCELLED and not booking.agreed:
        return _("Withdrawn") if booking.withdrawn else _("Declined")
    return status(booking.status)


def hosts(booking: Booking) -> str:
    """Who holds a booking, in one line."""
    return list_of(crm().display_name(host.user) for host in booking.hosts) or _("No host any more")


def happened(entry: HistoryEntry) -> str:
    """An entry of a booking's history, with who did it."""
    who = {"guest": _("the guest"), "host": _("the host")}.get(entry.actor, _("the system"))
    if entry.kind is HistoryKind.CANCELLED and entry.booking.withdrawn:
        return _("Request withdrawn by %(who)s", who=who)
    return {
        HistoryKind.BOOKED: _("Booked by %(who)s", who=who),
        HistoryKind.REQUESTED: _("Requested by %(who)s", who=who),
        HistoryKind.ACCEPTED: _("Accepted by %(who)s", who=who),
        HistoryKind.DECLINED: _("Declined by %(who)s", who=who),
        HistoryKind.RESCHEDULED: _("Moved by %(who)s", who=who),
        HistoryKind.CANCELLED: _("Cancelled by %(who)s", who=who),
        HistoryKind.COMPLETED: _("Marked as held by %(who)s", who=who),
        HistoryKind.NO_SHOW: _("Marked as missed by %(who)s", who=who),
        HistoryKind.REASSIGNED: _("Given to another host by %(who)s", who=who),
    }[entry.kind]


def why(booking: Booking) -> str:
    """Why a booking was called off."""
    return reason_text(booking.reason, booking.cancelled_by)


def happened_why(entry: HistoryEntry) -> str:
    """Why an entry of a booking's history happened, as far as somebody said so."""
    return entry_reason(entry)


def answer(given: dict[str, t.Any]) -> str:
    """An answer of the guest's, as the host writes it."""
    return intake.answer_text(given)


def source(booking: Booking) -> str:
    """Where a booking came from."""
    names = {"page": _("Booking page"), "api": _("API"), "host": _("Booked by the host"), "embed": _("Embedded page")}
    return names.get(booking.source, booking.source)


def delivery(message: OutboxMessage) -> str:
    """Where a message stands."""
    if message.state is MessageState.WAITING:
        if message.attempts and message.last_error:
            return _("Will be tried again")
        return _("Planned") if message.due_at > utcnow() else _("On its way")
    return {
        MessageState.DONE: _("Sent") if mailed(message) else _("Done"),
        MessageState.FAILED: _("Failed"),
        MessageState.DROPPED: _("Not needed any more"),
    }[message.state]


def mailed(message: OutboxMessage) -> bool:
    """Whether a message goes to somebody, and not to a service or the CRM."""
    return message.topic not in ("calendar", "conference", "crm")


def delivery_error(message: OutboxMessage) -> str:
    """Why the last try failed; a service's problem in words."""
    code = message.last_error.partition(" ")[0]
    if message.topic in ("calendar", "conference") and message.state is MessageState.FAILED and passing(code):
        return tried_in_vain()
    if message.topic == "conference" and code in ALL and message.booking is not None:
        return link_problem(made_name(message.booking.location), code)
    if message.topic == "calendar" and code in ALL:
        return ALL[code]().sentence
    return message.last_error


def passing(code: str) -> bool:
    """Whether a service's problem, by the code that is kept of it, may pass without anybody doing anything."""
    return code in ALL and not ALL[code].permanent and ALL[code] is not Misconfigured


def tried_in_vain() -> str:
    """What there is to say of a problem that might have passed, once it was waited for long enough."""
    return _("It failed again and again, and isn't tried by itself any more.")


def message_kind(message: OutboxMessage) -> str:
    """What a message is about."""
    if not mailed(message):
        kinds = {"crm": _("Entry in the CRM"), "calendar": _("Event in the calendar")}
        return kinds.get(message.topic, _("Meeting link"))
    names = {
        "linked": _("Meeting link"),
        "invited": _("Invitation"),
        "booked": _("Confirmation"),
        "requested": _("Request"),
        "accepted": _("Acceptance"),
        "declined": _("Refusal"),
        "rescheduled": _("New time"),
        "cancelled": _("Cancellation"),
        "reassigned": _("Change of host"),
        "reminder": _("Reminder"),
        "follow_up": _("Follow-up"),
    }
    return names.get(message.kind, message.kind)


def location_kinds() -> dict[str, str]:
    """Each kind of place, as a host chooses it."""
    return {
        "phone_guest": _("Phone: I call the guest"),
        "phone_host": _("Phone: the guest calls me"),
        "in_person": _("In person"),
        **made_links(),
        "link": _("Online, by a link of mine"),
        "custom": _("Something else"),
    }


def place(location: dict[str, t.Any]) -> str:
    """A place in one line."""
    kind, text = location.get("kind", ""), location.get("text", "")
    text = left_to_right(text) if kind.startswith("phone") else text
    name = {
        "phone_guest": _("Phone, you call the guest"),
        "phone_host": _("Phone, the guest calls you"),
        "link": _("Online"),
    }.get(kind, "")
    return labelled(name or made_name(location), text)


def unmade_place(kind: str, others: bool) -> str:
    """What it means for guests that nobody can make the link of a place; ``others`` says that there are places to
    choose besides."""
    name = made_links().get(kind, kind)
    if others:
        return _("No connected account makes links for %(place)s: guests aren't offered it.", place=name)
    return _("No connected account makes links for %(place)s: guests are promised one by e-mail.", place=name)


def link_problem(name: str, code: str) -> str:
    """Why a meeting has no link for the place called ``name``, by what the row of it keeps."""
    if code in ("needs_reconnect", "lost_answer"):
        return _("%(place)s asks you to sign in again. Until then this meeting has no link.", place=name)
    if code == "missing_scope":
        return _(
            "A permission for %(place)s is missing. Connect the account again, and leave all boxes ticked.", place=name
        )
    if code in ("unreachable", "rate_limited", "provider", "changed"):
        return _("%(place)s couldn't make the link yet. It is tried again by itself.", place=name)
    if code == "misconfigured":
        return _("The CRM's access to %(place)s is set up wrongly. Your administrator has to mend it.", place=name)
    if code == "no_account":
        return _("No connected account makes links for %(place)s, so this meeting has none.", place=name)
    return _("%(place)s made no link for this meeting.", place=name)


def question_kinds() -> dict[str, str]:
    """Each kind of question."""
    return {
        "short": _("Short text"),
        "long": _("Long text"),
        "choice": _("One of several"),
        "multiple": _("Any of several"),
        "checkbox": _("Tick box"),
        "number": _("Number"),
        "phone": _("Phone number"),
        "email": _("E-mail address"),
        "date": _("Date"),
    }


def durations(event: EventType) -> str:
    """How long the meetings are."""
    return list_of((duration_text(minutes) for minutes in event.durations), style="or")


def rule_time(rule: MessageRule) -> str:
    """When a message rule sends."""
    anchor = _("the meeting") if rule.anchor is Anchor.START else _("the end of the meeting")
    if rule.minutes == 0:
        return _("When the meeting starts") if rule.anchor is Anchor.START else _("When the meeting ends")
    length = duration_text(abs(rule.minutes))
    if rule.minutes < 0:
        return _("%(length)s before %(what)s", length=length, what=anchor)
    if rule.anchor is Anchor.START:
        return _("%(length)s after the meeting's start", length=length)
    return _("%(length)s after the meeting", length=length)


def audience(value: Audience) -> str:
    """Who reads a message."""
    return _("the guest") if value is Audience.GUEST else _("you")


def weekdays(width: t.Literal["wide", "abbreviated"] = "wide") -> list[str]:
    """The names of the days, Monday first."""
    names = get_day_names(width, context="stand-alone", locale=current_locale())
    return [names[day] for day in range(7)]


def blocked(row: BlockedTime) -> str:
    """When a blocked time is, as its own clock shows."""
    first, last = row.starts_local, row.ends_local
    if row.all_day:
        final = last.date() - dt.timedelta(days=1)
        if final == first.date():
            return format_date(first.date(), style="full")
        return f"{format_date(first.date(), style='medium')} – {format_date(final, style='medium')}"
    if first.date() == last.date():
        day = format_date(first.date(), style="full")
        return together(day, f"{format_time(first.time())} – {format_time(last.time())}")
    begin = together(format_date(first.date(), style="medium"), format_time(first.time()))
    end = together(format_date(last.date(), style="medium"), format_time(last.time()))
    return f"{begin} – {end}"


def verdict(one: Verdict) -> str:
    """Why a time isn't offered, or that it is."""
    return _("Offered to guests") if one.reason is None else reason(one.reason)


def reason(why: Reason) -> str:
    """A reason of the rules of availability, as a host understands it."""
    return {
        Reason.NO_HOST: _("No active host is left for this event type"),
        Reason.PAST: _("Already past"),
        Reason.NOTICE: _("Too soon: the event type asks for more notice"),
        Reason.WINDOW: _("Outside the dates that can be booked"),
        Reason.FULL: _("All seats of this meeting are taken"),
        Reason.OVERRIDE: _("Outside the hours you set for this date"),
        Reason.CLOSED: _("Outside your hours, or the meeting would end after them"),
        Reason.OFF_GRID: _("Between two start times"),
        Reason.BOOKED: _("Another meeting, with the time around it"),
        Reason.HELD: _("A guest is filling in the form for it right now"),
        Reason.BUSY: _("Taken in a connected calendar"),
        Reason.BLOCKED: _("You blocked this time"),
        Reason.BUFFER: _("Free, but the time kept around the meeting isn't"),
        Reason.UNKNOWN: _("A calendar that should be checked couldn't be read"),
        Reason.LIMIT_DAY: _("The event type's limit for this day is reached"),
        Reason.LIMIT_WEEK: _("The event type's limit for this week is reached"),
        Reason.LIMIT_MONTH: _("The event type's limit for this month is reached"),
        Reason.HOST_LIMIT_DAY: _("Your own limit for this day is reached"),
        Reason.HOST_LIMIT_WEEK: _("Your own limit for this week is reached"),
        Reason.HOST_LIMIT_MONTH: _("Your own limit for this month is reached"),
    }[why]


def day_of(instant: dt.datetime, zone_key: str) -> str:
    """Today, tomorrow, yesterday, or the date, as the clock of the zone says."""
    there = zone(zone_key)
    days = (instant.astimezone(there).date() - utcnow().astimezone(there).date()).days
    return {0: _("Today"), 1: _("Tomorrow"), -1: _("Yesterday")}.get(days) or format_date(
        instant, zone_key, style="day"
    )


def when(booking: Booking, zone_key: str) -> str:
    """A booking's day and times in one line."""
    times = format_times(booking.starts_at, booking.ends_at, zone_key)
    return together(day_of(booking.starts_at, zone_key), times)


def instant(value: dt.datetime, zone_key: str) -> str:
    """A date and a time."""
    return together(format_date(value, zone_key, style="medium"), format_time(value, zone_key))


def parsed(text: str) -> dt.datetime:
    """An instant as history entries keep it (ISO 8601)."""
    return dt.datetime.fromisoformat(text)


def days_after(day: dt.date, count: int) -> dt.date:
    """The date so many days later."""
    return day + dt.timedelta(days=count)
