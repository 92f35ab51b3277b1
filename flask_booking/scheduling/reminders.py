"""Reminders and follow-ups are outbox rows with a due time, derived anew whenever a booking or a rule changes."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from ..models import Anchor, Audience, Booking, BookingStatus, Host, MessageRule, MessageState, OutboxMessage
from ..models.booking import LIVE
from ..models.columns import utcnow
from ..state import Session, crm
from .host_settings import Rule, stamps_of
from .host_settings import rules as host_rules
from .outbox import Message, mail_payload, message, write


def due_at(rule: MessageRule | Rule, booking: Booking) -> dt.datetime:
    """When ``rule`` wants its message for ``booking``, in UTC."""
    anchor = booking.starts_at if rule.anchor is Anchor.START else booking.ends_at
    return anchor + dt.timedelta(minutes=rule.minutes)


def plan(session: Session, booking: Booking, *, new: bool = False) -> list[Message]:
    """What has to be written so that the booking's waiting reminders are what its rules say now; those that wait are
    deleted.  ``new`` means that there can't be any yet."""
    if not new:
        forget(session, booking)
    if booking.status not in (BookingStatus.CONFIRMED, BookingStatus.COMPLETED):
        return []  # a meeting that was held still has its follow-ups before it
    rules = _rules(session, booking)
    keys = [] if new else _kept_keys(session, booking)
    now = utcnow()
    wanted = []
    for rule in rules:
        if due_at(rule, booking) <= now or (booking.no_reminders and rule.audience is Audience.GUEST):
            continue
        for host in booking.hosts if rule.audience is Audience.HOST else [None]:
            if host is not None and host.id != rule.host_id:
                continue
            key = f"{booking.uid}:rule:{rule.id}:{booking.sequence}:{host.id if host else 'guest'}"
            if key not in keys:
                wanted.append(_message(rule, booking, host, key))
    return wanted


def _message(rule: Rule, booking: Booking, host: Host | None, key: str) -> Message:
    before = rule.minutes < 0 or (rule.minutes == 0 and rule.anchor is Anchor.START)
    return message(
        topic="mail",
        kind="reminder" if before else "follow_up",
        dedupe_key=key,
        booking=booking,
        recipient=crm().email_of(host.user) if host else booking.guest_email,
        payload=mail_payload(booking, rule.audience, host, rule_id=rule.id),
        due_at=due_at(rule, booking),
        rule_id=rule.id,
    )


def forget(session: Session, booking: Booking) -> None:
    """Delete the booking's reminders and follow-ups whose time hasn't come.

    What is due, or is tried again after a failure, stays: it would be lost, since nothing plans what is past.
    Delivery drops it when it isn't wanted any more.
    """
    session.execute(
        sa.delete(OutboxMessage).where(
            OutboxMessage.booking_id == booking.id,
            OutboxMessage.kind.in_(("reminder", "follow_up")),
            OutboxMessage.state == MessageState.WAITING,
            OutboxMessage.attempts == 0,
            OutboxMessage.due_at > utcnow(),
        ),
        execution_options={"synchronize_session": False},
    )


def plan_again(session: Session, host: Host) -> None:
    """Derive the reminders of all the host's coming meetings again, after a rule was changed."""
    coming = session.scalars(
        sa.select(Booking)
        .where(Booking.hosts.any(Host.id == host.id), Booking.status.in_(LIVE), Booking.ends_at > utcnow())
        .order_by(Booking.id)
    ).all()
    for booking in coming:
        write(session, plan(session, booking))


def _rules(session: Session, booking: Booking) -> list[Rule]:
    """The rules that apply: those for guests are the page owner's, those for hosts each host's own."""
    stamps, owner = stamps_of(booking.hosts), booking.event_type.page.host_id
    if owner not in stamps:
        stamps[owner] = session.scalars(sa.select(Host.settings_stamp).where(Host.id == owner)).one()
    applying = [
        rule
        for host_id, found in host_rules(session, stamps).items()
        for rule in found
        if rule.event_type_id in (None, booking.event_type_id)
        and (rule.audience is Audience.HOST or host_id == owner)
        and (rule.audience is Audience.GUEST or host_id in [host.id for host in booking.hosts])
    ]
    return sorted(applying, key=lambda rule: rule.id)


def _kept_keys(session: Session, booking: Booking) -> set[str]:
    return set(session.scalars(sa.select(OutboxMessage.dedupe_key).where(OutboxMessage.booking_id == booking.id)))


def guest_is_reminded(session: Session, booking: Booking) -> bool:
    """Whether a reminder or follow-up for the guest is still to come."""
    waiting = sa.select(OutboxMessage.payload).where(
        OutboxMessage.booking_id == booking.id,
        OutboxMessage.rule_id.is_not(None),
        OutboxMessage.state == MessageState.WAITING,
    )
    return any(said.get("audience") == Audience.GUEST for said in session.scalars(waiting))
