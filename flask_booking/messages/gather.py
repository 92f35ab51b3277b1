"""From rows of the database to the view of a meeting that mails and invitations are made of."""

from __future__ import annotations

import datetime as dt
import logging
import typing as t
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urljoin

from flask import current_app

from ..colour import house_accent
from ..errors import frames_of
from ..i18n import gettext as _
from ..i18n import labelled, left_to_right, use_locale
from ..links import base_url, booking_url, manage_url, page_url
from ..models import Booking, BookingStatus, Host
from ..models.booking import open_location
from ..scheduling.intake import answer_text
from ..scheduling.places import link_missing, made_name
from ..scheduling.reasons import reason_text
from ..state import crm
from .email import is_address
from .invitation import (
    Attendee,
    Invitation,
    Method,
    Partstat,
    Person,
    Status,
    guest_attends,
    host_attends,
)
from .plain import host_lines
from .view import Answer, MeetingView, Reader

_log = logging.getLogger(__name__)


def view_of(
    booking: Booking, reader: Reader, *, host: Host | None = None, said: Mapping[str, t.Any] | None = None
) -> MeetingView:
    """The meeting for one reader, in that reader's zone and language; ``host`` is the reader among the hosts.

    ``said`` is the payload of an outbox row: what was true when the message became necessary wins over what is now.
    """
    said = said or {}
    event, page = booking.event_type, booking.event_type.page
    hosts = booking.answering if host is None or host in booking.hosts else [host]
    base = str(said.get("base_url") or base_url())
    first = host or hosts[0]
    to_guest = reader is Reader.GUEST
    request = said.get("status") == BookingStatus.PENDING or not booking.agreed
    location = open_location(booking.location) if to_guest and request else booking.location
    token = booking.manage_token if to_guest else ""
    starts, ends = instant(said.get("starts")) or booking.starts_at, instant(said.get("ends")) or booking.ends_at
    view = MeetingView(
        uid=str(said.get("uid") or booking.uid),
        sequence=int(said.get("sequence", booking.sequence)),
        title=booking.title,
        starts=starts,
        ends=ends,
        reader_zone=booking.guest_time_zone if to_guest else first.time_zone,
        locale=booking.guest_locale if to_guest else first.language,
        host_names=tuple(crm().display_name(one.user) for one in hosts),
        host_emails=tuple(crm().email_of(one.user) for one in hosts),
        guest_name=booking.guest_name,
        guest_email=booking.guest_email,
        guest_phone=booking.guest_phone,
        guest_zone=booking.guest_time_zone,
        location_kind=str(location.get("kind") or ""),
        location_url=str(location.get("url") or ""),
        location_name=made_name(location) if link_missing(location) else "",
        location_password=str(location.get("password") or ""),
        description=event.description,
        notes=booking.notes,
        reason=str(said.get("reason") or ""),
        by=str(said.get("actor") or ""),
        request=request,
        policy=event.policy,
        previous_starts=instant(said.get("from")),
        manage_url=manage_url(token, page_slug=page.slug, base=base) if token else "",
        reschedule_url=manage_url(token, "reschedule", page_slug=page.slug, base=base)
        if token and event.may_reschedule and booking.hosts
        else "",
        cancel_url=manage_url(token, "cancel", page_slug=page.slug, base=base) if token and event.may_cancel else "",
        reminders_url=manage_url(token, "reminders", page_slug=page.slug, base=base) if token else "",
        booking_url=page_url(page.slug, event.slug, base=base),
        crm_url="" if to_guest else booking_url(booking.public_id, base=base),
        contact_url="" if to_guest else _contact_url(booking, base),
        accent=event.colour or page.accent or house_accent(),
        logo_url=absolute(page.logo_url, base) or house_logo(base),
        brand_name=current_app.config["BOOKING_BRAND_NAME"],
    )
    with use_locale(view.locale):
        answers = tuple(Answer(str(one.get("label", "")), answer_text(one)) for one in booking.answers)
        reason = reason_text(view.reason, view.by)
        text = made_name(location) or str(location.get("text") or "")
        return replace(view, answers=answers, reason=reason, location_text=_place(view, text, reader))


def instant(text: object) -> dt.datetime | None:
    """A time of an outbox payload (ISO 8601), None when there is none."""
    return dt.datetime.fromisoformat(str(text)) if text else None


def absolute(url: str | None, base: str) -> str:
    """With scheme and host: a CRM names its own pages by path."""
    return urljoin(base + "/", url) if url and base else url or ""


def house_logo(base: str) -> str:
    """The address of ``BOOKING_LOGO_URL`` for a mail; empty when there is none."""
    logo = str(current_app.config["BOOKING_LOGO_URL"] or "")
    if not logo or logo.startswith(("/", "https://")):
        return absolute(logo, base)
    return f"{base}{current_app.static_url_path}/{quote(logo)}"


def _contact_url(booking: Booking, base: str) -> str:
    """The guest's page in the CRM; empty when there is none, or when its address can't be known."""
    if booking.contact is None or not base:
        return ""
    try:
        return absolute(crm().contact_url(booking.contact), base)
    except Exception as error:
        name = type(error).__name__
        _log.error("the CRM's contact_url failed with %s; the mail goes without the link\n%s", name, frames_of(error))
        return ""


def _place(view: MeetingView, text: str, reader: Reader) -> str:
    """Where to be, as this reader must understand it."""
    names = {"guest": view.guest_name, "host": view.host_name, "number": left_to_right(text)}
    match (view.location_kind, reader):
        case ("phone_guest", Reader.GUEST):
            return _("%(host)s calls you: %(number)s", **names)
        case ("phone_guest", _):
            return _("You call %(guest)s: %(number)s", **names)
        case ("phone_host", Reader.GUEST) if view.request:
            return _("Phone call: you get the number once your request is accepted")
        case ("link", Reader.GUEST) if view.request:
            return _("%(place)s: you get the link once your request is accepted", place=text or _("Online"))
        case (_, Reader.GUEST) if view.location_name and view.request:
            return _("%(place)s: you get the link once your request is accepted", place=view.location_name)
        case (_, Reader.GUEST) if view.location_name:
            return _("%(place)s: you get the link by e-mail as soon as it is made", place=view.location_name)
        case (_, _) if view.location_name and not view.request:
            return _("%(place)s: the link is still to come", place=view.location_name)
        case ("phone_host", Reader.GUEST):
            return _("Please call %(number)s", **names)
        case ("phone_host", _):
            return _("%(guest)s calls you: %(number)s", **names)
        case ("link", _) if not text:
            return _("Online")
    return text


def invite(view: MeetingView, reader: Reader, method: Method, organizer_email: str, stamp: dt.datetime) -> Invitation:
    """The meeting as the reader's calendar keeps it.

    The guest sees the hosts and himself, never the other guests of a group.  Who has no address, or one that can't be
    written, isn't listed.
    """
    guest_answers = guest_attends if reader is Reader.GUEST else _guest_comes
    hosts = [Person(name, email) for name, email in zip(view.host_names, view.host_emails, strict=True)]
    attendees = (*map(host_attends, hosts), guest_answers(Person(view.guest_name, view.guest_email)))
    with use_locale(view.locale):
        summary = labelled(view.title, view.guest_name)
        if reader is Reader.GUEST:
            summary = _("%(title)s with %(host)s", title=view.title, host=view.host_name)
        description = _description(view, reader)
    return Invitation(
        method=method,
        uid=view.uid,
        sequence=view.sequence,
        starts=view.starts,
        ends=view.ends,
        stamp=stamp,
        status=Status.CANCELLED if method is Method.CANCEL else Status.CONFIRMED,
        summary=summary,
        organizer=Person(view.host_name, organizer_email),
        attendees=tuple(attendee for attendee in attendees if is_address(attendee.person.email)),
        description=description,
        location=view.location_url if view.online else view.location_name or view.location_text,
        url=view.manage_url or view.crm_url,
    )


def _guest_comes(person: Person) -> Attendee:
    # Who booked comes; a host's calendar shall not show the guest as undecided.
    return Attendee(person, Partstat.ACCEPTED, rsvp=False)


def _description(view: MeetingView, reader: Reader) -> str:
    paragraphs = [view.location_text, view.location_url]
    paragraphs += [labelled(_("Password"), view.location_password)] if view.location_password else []
    if reader is Reader.GUEST:
        paragraphs += [host_lines(view.description)]
        paragraphs += [_("Move or cancel: %(url)s", url=view.manage_url)] if view.manage_url else []
    else:
        paragraphs += [view.guest_email, view.guest_phone]
        paragraphs += [f"{answer.question}\n{answer.answer}" for answer in view.answers]
        paragraphs += [view.notes, view.crm_url]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
