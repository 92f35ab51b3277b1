"""Booking: checked again under the hosts' locks, written with all that must follow, and committed at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import time
import typing as t

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value

from ..crm.columns import key_of
from ..encryption import new_public_id, new_token, token_hash
from ..errors import (
    BookedAlready,
    CalendarUnknown,
    GuestLimitReached,
    HoldExpired,
    KeyReused,
    NoLongerOffered,
    SlotTaken,
    SlotUnavailable,
)
from ..models import Booking, BookingStatus, EventType, EventTypeHost, HistoryKind, Host
from ..models.booking import LIVE
from ..models.columns import utcnow
from ..state import Session, session
from ..zones import zone
from . import snapshot as snapshots
from .asking import ask_calendars
from .calendar_events import choose_uid
from .choose import Ignoring, choose
from .hold import check_hold_token, own_hold
from .hooks import Hooks, link_contact, with_hooks
from .insert import insert_booking
from .intake import Intake, check_email
from .load import load_of
from .occupy import forget_expired, release_hold_rows, times_of
from .tell import Told, new_entry, tell_all


@dataclasses.dataclass(frozen=True)
class BookingRequest:
    """What a guest asks for: ``start`` is an aware instant, ``duration`` in minutes (None: the default).

    ``hold`` is the form's token; ``idempotency_key`` makes a guest's repeated request answer with the first booking.
    ``form`` does so for a form of ours, which is one guest's whatever address is typed into it; it begins with a name
    that :func:`booked_by_form` knows.
    """

    start: dt.datetime
    intake: Intake
    duration: int | None = None
    hold: str | None = None
    idempotency_key: str | None = None
    form: str | None = None
    source: str = "page"
    utm: dict[str, str] = dataclasses.field(default_factory=dict)
    actor: str = "guest"
    contact: t.Any | None = None


def book(event_type_id: int, request: BookingRequest, *, now: int | None = None) -> Booking:
    """Book a meeting and return it, committed.

    The mails and reminders are in the outbox; signals were sent.  Raises :class:`SlotTaken`,
    :class:`SlotUnavailable`, :class:`CalendarUnknown` (a connected calendar wasn't read lately, and can't be now),
    :class:`HoldExpired` (the hold ran out and the time is gone), :class:`InvalidHold`,
    :class:`GuestLimitReached`, :class:`KeyReused`, :class:`BookedAlready`, :class:`NoLongerOffered`,
    :class:`Refused` (by the CRM's hook), :class:`Contention`.
    """
    if request.hold:
        check_hold_token(request.hold, event_type_id)
    db = session()
    moment = int(time.time()) if now is None else now
    try:
        booking, told = with_hooks(db, lambda hooks: _book(db, event_type_id, request, moment, hooks))
    except CalendarUnknown:
        hosts = sa.select(EventTypeHost.host_id).where(EventTypeHost.event_type_id == event_type_id)
        if not ask_calendars(db, hosts):
            raise
        booking, told = with_hooks(db, lambda hooks: _book(db, event_type_id, request, moment, hooks))
    if told is not None:
        told.spread(booking)
    return booking


def _book(
    db: Session, event_type_id: int, request: BookingRequest, now: int, hooks: Hooks
) -> tuple[Booking, Told | None]:
    event, hosts = snapshots.event_to_book(db, event_type_id)
    if event is None or not event.active or event.archived_at is not None:
        raise NoLongerOffered
    start = int(request.start.timestamp())
    minutes = event.duration if request.duration is None else request.duration
    earlier = _same(_with_key(db, event_type_id, _own_key(request)), request.start, request.duration)
    if earlier is not None:
        if earlier.guest_email_key != request.intake.guest.email.lower():
            raise BookedAlready(earlier.guest_email, earlier.manage_token)
        hold = own_hold(db, request.hold)
        if hold is not None:  # for this very request, which has its booking
            release_hold_rows(db, hold.id)
        return earlier, None
    chosen = _choose(db, event, hosts, start, minutes, request.hold, now)
    _check_guest_limit(db, event, request.intake.guest.email)
    attending = [host for host in hosts if host.id in chosen]
    booking = _new_booking(event, attending[0].time_zone, request, minutes)
    set_committed_value(booking, "event_type", event)
    set_committed_value(booking, "hosts", attending)
    choose_uid(db, booking, attending)
    linked = link_contact(db, booking, hooks)
    if booking.contact is not None:
        db.add(booking.contact)
        db.flush()
        booking.contact_id = key_of(booking.contact)
    insert_booking(db, booking, times_of(db, event, chosen, start, start + minutes * 60))
    kind = HistoryKind.REQUESTED if event.requires_approval else HistoryKind.BOOKED
    return booking, tell_all(db, booking, new_entry(booking, kind, request.actor), hooks, linked=linked, new=True)


def asked_before(event_type_id: int, request: BookingRequest) -> bool:
    """Whether the request is one that booked before: then it costs its guest nothing to ask again."""
    return _with_key(session(), event_type_id, _own_key(request)) is not None


def booked_before(
    event_type_id: int, *, email: str, key: str, start: dt.datetime, duration: int | None
) -> Booking | None:
    """The booking that a guest made by this idempotency key, whatever became of it and whatever is asked of guests now.

    Raises :class:`KeyReused` when it was for another start (aware) or duration (minutes).
    """
    booking = _with_key(session(), event_type_id, _bound(check_email(email, {}), key))
    return _same(booking, start, duration)


def booking_of_form(event_type_id: int, form: str) -> Booking | None:
    """The booking that was made by the very form of this key, whatever is asked of guests now."""
    return _with_key(session(), event_type_id, form)


def booked_by_form(event_type_id: int, name: str, start: dt.datetime) -> bool:
    """Whether a form of this name has booked the time ``start`` (aware), and the meeting is still to be held."""
    found = sa.select(Booking.id).where(
        Booking.event_type_id == event_type_id,
        Booking.starts_at == start,
        Booking.status.in_(LIVE),
        Booking.idempotency_key.startswith(name),
    )
    return session().scalar(found) is not None


def _with_key(db: Session, event_type_id: int, key: str | None) -> Booking | None:
    if key is None:
        return None
    query = sa.select(Booking).where(Booking.event_type_id == event_type_id, Booking.idempotency_key == key)
    booking: Booking | None = db.scalar(query)
    return booking


def _same(booking: Booking | None, start: dt.datetime, duration: int | None) -> Booking | None:
    if booking is None:
        return None
    moves = [entry.detail for entry in booking.history if entry.kind is HistoryKind.RESCHEDULED]
    started = dt.datetime.fromisoformat(moves[0]["from"]) if moves else booking.starts_at
    minutes = next((detail["minutes"] for detail in moves if "minutes" in detail), booking.minutes)
    if started != start or duration not in (None, minutes):
        raise KeyReused
    return booking


def _own_key(request: BookingRequest) -> str | None:
    """The guest's key as it is kept: bound to the guest, since the answer to it opens the booking."""
    key = request.idempotency_key
    if request.form:
        return request.form
    return _bound(request.intake.guest.email, key) if key else None


def _bound(email: str, key: str) -> str:
    return hashlib.sha256(f"{email.lower()} {key}".encode()).hexdigest()


def _choose(
    db: Session, event: EventType, hosts: list[Host], start: int, minutes: int, token: str | None, now: int
) -> list[int]:
    """The hosts who take the meeting; the form's own hold gives way to it."""
    if minutes not in event.durations:
        raise SlotUnavailable
    hold = own_hold(db, token)
    snapshot = snapshots.load(db, event, hosts, start, start + 1, now=now, locked=True, final=True)
    forget_expired(db, snapshot.calendars, now)
    load = load_of(db, event, hosts)
    try:
        chosen = choose(
            snapshot, minutes, start, now=now, ignoring=Ignoring(hold_id=hold.id if hold else None), load=load
        )
    except SlotTaken:
        if hold is not None and hold.expires <= now:
            raise HoldExpired from None
        raise
    if hold is not None:
        release_hold_rows(db, hold.id)
    return chosen


def _check_guest_limit(db: Session, event: EventType, email: str) -> None:
    if not event.limit_guest:
        return
    live = db.scalar(
        sa.select(sa.func.count())
        .select_from(Booking)
        .where(
            Booking.event_type_id == event.id,
            Booking.guest_email_key == email.lower(),
            Booking.status.in_(LIVE),
            Booking.ends_at > utcnow(),
        )
    )
    if (live or 0) >= event.limit_guest:
        raise GuestLimitReached


def _new_booking(event: EventType, time_zone: str, request: BookingRequest, minutes: int) -> Booking:
    intake, guest = request.intake, request.intake.guest
    token, public_id = new_token(), new_public_id()
    starts_at = request.start.astimezone(dt.UTC)
    return Booking(
        public_id=public_id,
        event_type_id=event.id,
        title=event.title,
        status=BookingStatus.PENDING if event.requires_approval else BookingStatus.CONFIRMED,
        starts_at=starts_at,
        ends_at=starts_at + dt.timedelta(minutes=minutes),
        host_time_zone=time_zone,
        starts_local=starts_at.astimezone(zone(time_zone)).replace(tzinfo=None),
        guest_name=guest.name,
        guest_email=guest.email,
        guest_email_key=guest.email.lower(),
        guest_phone=guest.phone,
        guest_time_zone=guest.time_zone,
        guest_locale=guest.locale,
        notes=intake.notes,
        answers=intake.answers,
        location=intake.location,
        contact=request.contact,
        uid=f"booking-{public_id}@flask-booking",
        manage_token=token,
        manage_token_hash=token_hash(token),
        idempotency_key=_own_key(request),
        source=request.source,
        utm=request.utm,
        crm_error="",
        pending_until=starts_at if event.requires_approval else None,
    )
