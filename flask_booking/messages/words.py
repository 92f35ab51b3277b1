"""What each mail says in its subject, its headline and its first sentence.

Kept apart from the layout, so that the words of a kind stand in one place for the HTML and the text, and a translator
meets each sentence once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..i18n import gettext as _
from ..i18n import sentences
from .plain import NAME_LENGTH, one_line
from .view import Kind, MeetingView, Reader


@dataclass(frozen=True)
class Words:
    """The words of one mail; ``lead`` may be empty."""

    subject: str
    headline: str
    lead: str


def words_for(kind: Kind, reader: Reader, view: MeetingView) -> Words:
    """The words in the language in use, with names cut and cleaned."""
    names = {
        "title": one_line(view.title, NAME_LENGTH),
        "host": one_line(view.host_name, NAME_LENGTH),
        "guest": one_line(view.guest_name, NAME_LENGTH),
        "when": view.brief,
    }
    words = _to_guest(kind, view, names) if reader is Reader.GUEST else _to_host(kind, view, names)
    if not view.attached:
        return words
    attached = (
        _("The invitation for your calendar is attached.")
        if kind in (Kind.BOOKED, Kind.ACCEPTED, Kind.INVITED)
        else _("The update for your calendar is attached.")
    )
    return replace(words, lead=sentences(words.lead, attached))


def _to_guest(kind: Kind, view: MeetingView, names: dict[str, str]) -> Words:
    match kind:
        case Kind.BOOKED:
            return Words(
                _("Confirmed: %(title)s with %(host)s, %(when)s", **names),
                _("Your meeting is booked"),
                _("You are meeting %(host)s.", **names),
            )
        case Kind.REQUESTED:
            return Words(
                _("Request sent: %(title)s with %(host)s, %(when)s", **names),
                _("Your request is with %(host)s", **names),
                _("The time is kept for you. You will hear from us as soon as %(host)s has answered.", **names),
            )
        case Kind.ACCEPTED:
            return Words(
                _("Confirmed: %(title)s with %(host)s, %(when)s", **names),
                _("%(host)s has confirmed", **names),
                _("Your meeting is booked."),
            )
        case Kind.DECLINED:
            return Words(
                _("Not possible: %(title)s with %(host)s, %(when)s", **names),
                _("This time doesn't work out"),
                _("%(host)s can't take your request. Nothing has been booked.", **names),
            )
        case Kind.RESCHEDULED:
            lead = (
                _("You moved your meeting with %(host)s.", **names)
                if view.by == "guest"
                else _("%(host)s moved your meeting.", **names)
            )
            return Words(
                _("New time: %(title)s with %(host)s, %(when)s", **names), _("Your meeting has a new time"), lead
            )
        case Kind.REASSIGNED:
            return Words(
                _("New host: %(title)s with %(host)s, %(when)s", **names),
                _("You are meeting %(host)s", **names),
                _("The time stays the same, but %(host)s meets you now.", **names),
            )
        case Kind.CANCELLED if view.request and view.by == "guest":
            return Words(
                _("Withdrawn: %(title)s with %(host)s, %(when)s", **names),
                _("Your request is withdrawn"),
                _("You took back your request to %(host)s. Nothing has been booked.", **names),
            )
        case Kind.CANCELLED if view.request:
            return _to_guest(Kind.DECLINED, view, names)
        case Kind.CANCELLED:
            lead = (
                _("You cancelled your meeting with %(host)s.", **names)
                if view.by == "guest"
                else _("%(host)s can't keep this meeting.", **names)
            )
            return Words(
                _("Cancelled: %(title)s with %(host)s, %(when)s", **names), _("Your meeting is cancelled"), lead
            )
        case Kind.REMINDER:
            return Words(
                _("Reminder: %(title)s with %(host)s, %(when)s", **names),
                _("Your meeting is coming up"),
                _("You are meeting %(host)s. If you can't come, please move or cancel it now.", **names)
                if view.manage_url
                else _("You are meeting %(host)s.", **names),
            )
        case Kind.FOLLOW_UP:
            return Words(
                _("Thank you for your time: %(title)s with %(host)s", **names),
                _("Thank you for your time"),
                _("%(host)s enjoyed meeting you. Just reply if anything is left open.", **names),
            )
        case Kind.LINKED:
            return Words(
                _("The link for %(title)s with %(host)s, %(when)s", **names),
                _("Here is the link for your meeting"),
                _("Open it when the meeting with %(host)s begins.", **names),
            )
        case Kind.INVITED:
            return Words(
                _("Invitation: %(title)s with %(host)s, %(when)s", **names),
                _("Here is the invitation for your calendar"),
                "",
            )


def _to_host(kind: Kind, view: MeetingView, names: dict[str, str]) -> Words:
    match kind:
        case Kind.BOOKED:
            return Words(
                _("New meeting: %(guest)s, %(title)s, %(when)s", **names),
                _("%(guest)s booked a meeting", **names),
                _("Replies go to %(guest)s.", **names),
            )
        case Kind.REQUESTED:
            return Words(
                _("Please answer: %(guest)s asks for %(title)s, %(when)s", **names),
                _("%(guest)s would like to meet", **names),
                _("The time is kept until you accept or decline."),
            )
        case Kind.ACCEPTED:
            return Words(
                _("Confirmed: %(guest)s, %(title)s, %(when)s", **names),
                _("The meeting with %(guest)s is confirmed", **names),
                _("%(guest)s has been told.", **names),
            )
        case Kind.DECLINED:
            return Words(
                _("Declined: %(guest)s, %(title)s, %(when)s", **names),
                _("The request of %(guest)s is declined", **names),
                _("The time can be booked again. %(guest)s has been told.", **names),
            )
        case Kind.RESCHEDULED:
            lead = (
                _("%(guest)s chose another time.", **names)
                if view.by == "guest"
                else _("%(guest)s has been told.", **names)
            )
            return Words(
                _("New time: %(guest)s, %(title)s, %(when)s", **names),
                _("The meeting with %(guest)s has a new time", **names),
                lead,
            )
        case Kind.REASSIGNED:
            return Words(
                _("Handed to you: %(guest)s, %(title)s, %(when)s", **names),
                _("You hold the meeting with %(guest)s now", **names),
                _("%(guest)s has been told.", **names),
            )
        case Kind.CANCELLED if view.request and view.by == "guest":
            return Words(
                _("Withdrawn: %(guest)s, %(title)s, %(when)s", **names),
                _("%(guest)s withdrew the request", **names),
                _("The time can be booked again."),
            )
        case Kind.CANCELLED:
            lead = (
                _("%(guest)s cancelled. The time can be booked again.", **names)
                if view.by == "guest"
                else _("%(guest)s has been told. The time can be booked again.", **names)
            )
            return Words(
                _("Cancelled: %(guest)s, %(title)s, %(when)s", **names),
                _("The meeting with %(guest)s is cancelled", **names),
                lead,
            )
        case Kind.REMINDER:
            return Words(
                _("Reminder: %(guest)s, %(title)s, %(when)s", **names),
                _("Your meeting with %(guest)s is coming up", **names),
                "",
            )
        case Kind.FOLLOW_UP:
            return Words(
                _("After your meeting with %(guest)s: %(title)s", **names),
                _("You met %(guest)s", **names),
                _("A good moment to note what was said and what comes next."),
            )
        case Kind.LINKED:
            return Words(
                _("The link for %(guest)s, %(title)s, %(when)s", **names),
                _("Here is the link for your meeting"),
                _("%(guest)s has been told.", **names),
            )
        case Kind.INVITED:
            return Words(
                _("Invitation: %(guest)s, %(title)s, %(when)s", **names),
                _("Here is the meeting for your calendar"),
                _("The calendar that you connected didn't take it."),
            )
