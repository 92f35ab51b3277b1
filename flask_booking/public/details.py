"""The form: who the guest is and what the host asks; then the booking."""

from __future__ import annotations

import datetime as dt
import hashlib
import urllib.parse

import idna
from flask import Response, current_app, make_response, redirect, request
from flask.typing import ResponseReturnValue

from .. import guards
from ..errors import BookedAlready, BookingError, HoldExpired, InvalidInput, SlotTaken, SlotUnavailable
from ..i18n import current_locale, format_date, format_time, format_times, list_of, zone_label
from ..i18n import gettext as _
from ..scheduling import BookingRequest, asked_before, book, booked_by_form, booking_of_form
from ..scheduling.hold import check_hold_token, new_hold_token, own_hold
from ..scheduling.intake import check, utm_of
from ..scheduling.offers import Moved
from ..scheduling.places import offered
from ..state import session
from ..zones import zone as read_zone
from . import asked
from .addresses import address
from .blueprint import blueprint, guarded, sorry
from .choose import Choosing, choosing, renamed, taken_page, taken_words
from .form import Entry, fields_of
from .language import choices_at
from .lookup import nearest_to
from .month import time_of
from .people import faces
from .shell import render, shell_for

TRAP = "website"
"""A field that people don't see; programs fill in whatever looks like one."""

AGAIN = "again"
"""What a language is chosen by: the form comes again in it, with what was typed."""


@blueprint.get("/<page>/<event>/details")
@guarded("page")
def details(page: str, event: str) -> ResponseReturnValue:
    """The form for a chosen time, filled with what the address brings along."""
    problems: list[str] = []
    try:
        chosen = choosing(page, event, problems)
    except Moved as moved:
        return renamed(moved)
    start = asked.start_asked(request.args.get("start", ""))
    if problems:
        raise asked.Unreadable(problems[0])
    token = _token(chosen)
    if not _free(chosen, start, token):
        if token and booked_by_form(chosen.event.id, _form_name(token, start), start):
            way_on = chosen.url(**_day_of(start, chosen.zone), tz=chosen.zone), _("Choose another time")
            return sorry(409, _("You have booked this time already."), _("The confirmation was mailed to you."), way_on)
        gone = SlotTaken() if start > dt.datetime.now(dt.UTC) else SlotUnavailable()
        return taken_page(chosen, gone, start, token), 409
    return _form(chosen, start, token, Entry.prefilled(chosen.event, request.args))


@blueprint.post("/<page>/<event>/details")
@guarded("page", posting="book")
def book_details(page: str, event: str) -> ResponseReturnValue:
    """Book, and go on to the confirmation; or show the form again with what was typed and what is amiss."""
    unread: list[str] = []
    try:
        chosen = choosing(page, event, unread)
    except Moved as moved:
        return renamed(moved)
    form = request.form
    start = asked.start_asked(form.get("start") or form.get("was", ""))
    if unread:
        raise asked.Unreadable(unread[0])
    token, entry = _token(chosen), Entry.typed(chosen.event, form)
    if form.get(AGAIN):
        return _form(chosen, start, token, entry, near=_near(chosen, start, token) if form.get("was") else None)
    if not form.get("start"):  # the form offered other times, and none was chosen
        return _form(chosen, start, token, entry, _("Please choose a time."), near=_near(chosen, start, token)), 422
    try:
        _check_person(chosen, entry)
        intake = check(
            chosen.event,
            name=entry.name,
            email=entry.email,
            phone=entry.phone,
            time_zone=chosen.zone,
            locale=current_locale(),
            answers=entry.answers,
            location=entry.location or None,
            notes=entry.notes,
        )
        wanted = BookingRequest(
            start,
            intake,
            duration=chosen.duration,
            hold=token,
            form=_once(token, form["stamp"], start),
            utm=utm_of(chosen.along),
        )
        guards.check_work(form.get("altcha", ""), known=lambda: asked_before(chosen.event.id, wanted))
        booking = book(chosen.event.id, wanted)
    except InvalidInput as error:
        key = _once(token, form.get("stamp", ""), start)
        earlier = booking_of_form(chosen.event.id, key) if key else None
        # Sent again when the answer was lost, and the host asks for more since.
        if earlier is None or earlier.guest_email_key != entry.email.strip().lower():
            return _form(chosen, start, token, entry, error.description, error.fields), 422
        booking = earlier
    except (SlotTaken, SlotUnavailable, HoldExpired) as error:
        near = _near(chosen, start, token)
        return _form(chosen, start, token, entry, taken_words(error, bool(near)), near=near), 409
    except BookedAlready as error:
        text = _("It is booked for %(email)s. If that is wrong, cancel that meeting and book again.", email=error.email)
        way_on = address("manage", token=error.manage_token), _("See your booking")
        return sorry(409, error.description, text, way_on)
    except BookingError as error:
        if error.status == 404 or error.status == 410:
            raise
        return _form(chosen, start, token, entry, error.description), error.status
    target = redirect_target(chosen.event.redirect_url)
    return redirect(target or address("manage", {"new": 1}, token=booking.manage_token), 303)


def _check_person(chosen: Choosing, entry: Entry) -> None:
    """Raise :class:`InvalidInput` for what programs do: fill in every field, answer at once, make up forms."""
    form = request.form
    if form.get(TRAP):
        raise InvalidInput(_("That looked like a program. If you are a person, please press the button again."))
    seconds = guards.seconds_open(form.get("stamp", ""), chosen.event.public_id)
    if seconds is None:
        raise InvalidInput(_("This form was open for too long. Please check it and press the button again."))
    if seconds < current_app.config["BOOKING_MIN_FORM_SECONDS"]:
        raise InvalidInput(_("That was quick! Please check what you entered and press the button again."))


def _token(chosen: Choosing) -> str | None:
    """The form's token.  Raises :class:`~flask_booking.errors.InvalidHold` for one that isn't ours."""
    token = request.values.get("hold", "")
    return check_hold_token(token, chosen.event.id) if token else None


def _once(token: str | None, stamp: str, start: dt.datetime) -> str | None:
    """What makes a form that is sent twice book once; a new form for the same time, after cancelling, books again."""
    if not token:
        return None
    return _form_name(token, start) + hashlib.sha256(f"{token} {stamp} {asked.written(start)}".encode()).hexdigest()


def _form_name(token: str, start: dt.datetime) -> str:
    """What the keys of all forms for one time begin with that one guest was shown."""
    return f"form-{hashlib.sha256(f'{token} {asked.written(start)}'.encode()).hexdigest()}-"


def _near(chosen: Choosing, start: dt.datetime, token: str | None) -> list[int]:
    return nearest_to(chosen.times(token), int(start.timestamp()))


def _free(chosen: Choosing, start: dt.datetime, token: str | None) -> bool:
    at = int(start.timestamp())
    return at in chosen.times(token).between(at, at + 1)


def _form(
    chosen: Choosing,
    start: dt.datetime,
    token: str | None,
    entry: Entry,
    problem: str = "",
    problems: dict[str, str] | None = None,
    near: list[int] | None = None,
) -> Response:
    event, ends = chosen.event, start + dt.timedelta(minutes=chosen.duration)
    who = faces(chosen.hosts)
    name = list_of(one.name for one in who)
    held = own_hold(session(), token)
    places = offered(event, chosen.hosts)
    shell = shell_for(_("Your details: %(title)s with %(name)s", title=event.title, name=name), chosen.owner, event)
    response = make_response(
        render(
            "details.html",
            shell,
            event=event,
            faces=who,
            duration=chosen.duration,
            when={
                "day": format_date(start, chosen.zone),
                "times": format_times(start, ends, chosen.zone),
                "zone": zone_label(chosen.zone, start),
                "zone_key": chosen.zone,
            },
            kept_until=format_time(dt.datetime.fromtimestamp(held.expires, dt.UTC), chosen.zone)
            if held and held.starts == int(start.timestamp()) and held.expires > dt.datetime.now(dt.UTC).timestamp()
            else "",
            entry=entry,
            places_offered=places,
            fields=fields_of(event, entry, problems or {}, places),
            problem=problem,
            near=None if near is None else [time_of(one, chosen.zone) for one in near],
            action=chosen.url("details"),
            hidden={
                "was" if near else "start": asked.written(start),
                "tz": chosen.zone,
                "duration": chosen.duration,
                # Also without a hold: it is what makes a form that is sent twice book once.
                "hold": token or new_hold_token(event.id),
                "stamp": _stamp(chosen),
            },
            trap=TRAP,
            again=AGAIN,
            languages_of_form=choices_at(chosen.url("details")),
            challenge=guards.new_challenge(),
            release_url=address("release", page=chosen.page, event=event.slug) if held else "",
            keep_url=chosen.url("hold") if held else "",
            back_url=chosen.url(**_day_of(start, chosen.zone), hold=token, tz=chosen.zone),
        )
    )
    return _may_leave_to(response, redirect_target(event.redirect_url))


def _day_of(start: dt.datetime, zone: str) -> dict[str, str]:
    day = start.astimezone(read_zone(zone)).date()
    return {"month": f"{day:%Y-%m}", "date": day.isoformat()}


def _stamp(chosen: Choosing) -> str:
    """The form's stamp: the first one when it is shown again, so that nobody has to wait twice."""
    given = request.form.get("stamp", "")
    name = chosen.event.public_id
    return given if given and guards.seconds_open(given, name) is not None else guards.form_stamp(name)


def redirect_target(url: str) -> str | None:
    """Where the event type sends guests who have booked: an http or https address, None for anything else."""
    try:
        parts = urllib.parse.urlsplit(url or "")
    except ValueError:
        return None
    origin = _origin(parts) if parts.scheme in ("http", "https") else ""
    if not origin or set(url) & set(' \t\r\n\\"<>;,'):
        return None
    # Whoever writes headers would name a host in another script by older rules.
    return url if parts.netloc.isascii() else parts._replace(netloc=origin.partition("//")[2]).geturl()


def _origin(parts: urllib.parse.SplitResult) -> str:
    """Scheme, host and port as headers have them: with the host as DNS has it; empty when it can't be one."""
    host, colon, port = parts.netloc.rpartition("@")[2].partition(":")
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except UnicodeError:
        return ""
    return f"{parts.scheme}://{name}{colon}{port}" if name else ""


def _may_leave_to(response: Response, target: str | None) -> Response:
    """Browsers hold a form's redirect against ``form-action`` too: let it go where the event type sends guests."""
    policy = current_app.config["BOOKING_CSP"]
    if target and policy:
        widened = policy.replace("form-action 'self'", f"form-action 'self' {_origin(urllib.parse.urlsplit(target))}")
        response.headers["Content-Security-Policy"] = widened
    return response
