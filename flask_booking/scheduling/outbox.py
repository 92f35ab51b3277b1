"""What a change of a booking has to reach, written with the change.

``payload`` of a mail keeps what was true when it became necessary (time, sequence, reason): a retry weeks later still
says the same, and a mail that overtakes another cannot mislead a calendar.
"""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import typing as t

import sqlalchemy as sa
from flask import current_app

from ..i18n import gettext as _
from ..i18n import use_locale
from ..links import base_url
from ..models import Audience, Booking, HistoryEntry, HistoryKind, Host, OutboxMessage
from ..models.columns import utcnow
from ..state import Session, crm
from .insert import insert_messages

if t.TYPE_CHECKING:
    from .calendar_events import Planned

TO_GUEST = set(HistoryKind) - {HistoryKind.COMPLETED, HistoryKind.NO_SHOW}
_CHANGING = frozenset({HistoryKind.RESCHEDULED, HistoryKind.CANCELLED})

Message: t.TypeAlias = "dict[str, t.Any]"
"""A message of the outbox, to be written by :func:`write`: its columns."""


def message(
    *,
    topic: str,
    kind: str,
    dedupe_key: str,
    booking: Booking | None = None,
    recipient: str = "",
    payload: dict[str, t.Any] | None = None,
    due_at: dt.datetime | None = None,
    rule_id: int | None = None,
) -> Message:
    """A message that is delivered after the transaction commits, at ``due_at`` or at once."""
    return {
        "topic": topic,
        "kind": kind,
        "dedupe_key": dedupe_key[:200],
        "booking_id": booking.id if booking else None,
        "recipient": recipient[:254],
        "payload": payload or {},
        "due_at": due_at or utcnow(),
        "rule_id": rule_id,
    }


def write(session: Session, messages: c.Sequence[Message], entry: HistoryEntry | None = None) -> list[int]:
    """Write messages in one statement; their ids are in the same order, and rise.

    With them goes an ``entry`` that isn't written yet, and that none of them names.
    """
    return insert_messages(session, messages, entry)


def change_key(booking: Booking, entry: HistoryEntry) -> str:
    """What tells a change that somebody learns of from the booking's others: each has a sequence of its own."""
    return f"{entry.kind}:{booking.sequence}"


def mail_payload(booking: Booking, audience: Audience, host: Host | None, **more: t.Any) -> dict[str, t.Any]:
    """What a mail about ``booking`` must say, as JSON: the times are ISO 8601 in UTC.

    ``uid`` is the booking's name for calendars as it is now: another host can give it another one.
    """
    return {
        "audience": audience.value,
        "host_id": host.id if host else None,
        "starts": booking.starts_at.isoformat(),
        "ends": booking.ends_at.isoformat(),
        "uid": booking.uid,
        "sequence": booking.sequence,
        "status": booking.status.value,
        "base_url": base_url(),
        **more,
    }


def tell(session: Session, booking: Booking, entry: HistoryEntry, planned: Planned) -> list[Message]:
    """The mails by which the guest and the hosts learn of ``entry``; they wait for a link that is to come.

    Hosts who want no mails get none, unless an earlier one put the meeting into their calendar.  Who has the meeting
    from a calendar's service, as ``planned`` says, gets no invitation besides.
    """
    if entry.kind not in TO_GUEST:
        return []
    more = {"actor": entry.actor, **entry.detail}
    if entry.id is not None:
        more["history_id"] = entry.id
    due_at = link_wait() if planned.link_to_come else None
    key = f"{booking.uid}:{change_key(booking, entry)}"
    to_guest = message(
        topic="mail",
        kind=entry.kind.value,
        dedupe_key=f"{key}:guest",
        booking=booking,
        recipient=booking.guest_email,
        payload=mail_payload(booking, Audience.GUEST, None, **more, **planned.elsewhere.said(None)),
        due_at=due_at,
    )
    silent = entry.kind in _CHANGING and not all(host.notify_by_email for host in booking.hosts)
    told = _told_hosts(session, booking) if silent else frozenset()
    to_hosts = [
        message(
            topic="mail",
            kind=entry.kind.value,
            dedupe_key=f"{key}:host:{host.id}",
            booking=booking,
            recipient=crm().email_of(host.user),
            payload=mail_payload(booking, Audience.HOST, host, **more, **planned.elsewhere.said(host)),
            due_at=due_at,
        )
        for host in booking.hosts
        if host.notify_by_email or host.id in told
    ]
    return [to_guest, *to_hosts]


def link_wait() -> dt.datetime:
    """Until when a mail waits for the meeting link."""
    return utcnow() + dt.timedelta(seconds=current_app.config["BOOKING_LINK_WAIT_SECONDS"])


def tell_left(session: Session, booking: Booking, entry: HistoryEntry, host_id: int, planned: Planned) -> list[Message]:
    """The cancellation for a host who holds the meeting no more."""
    host = session.get(Host, host_id)
    if host is None or not (host.notify_by_email or host.id in _told_hosts(session, booking)):
        return []
    with use_locale(host.language):
        reason = _("Another host holds this meeting now.")
    left = message(
        topic="mail",
        kind=HistoryKind.CANCELLED.value,
        dedupe_key=f"{booking.uid}:{change_key(booking, entry)}:left:{host.id}",
        booking=booking,
        recipient=crm().email_of(host.user),
        payload=mail_payload(booking, Audience.HOST, host, actor="host", reason=reason, **planned.elsewhere.said(host)),
    )
    return [left]


def _told_hosts(session: Session, booking: Booking) -> frozenset[int | None]:
    """The hosts who got mails about the meeting, perhaps before switching them off: a calendar may hold it."""
    told = sa.select(OutboxMessage.payload).where(
        OutboxMessage.booking_id == booking.id, OutboxMessage.topic == "mail", OutboxMessage.rule_id.is_(None)
    )
    return frozenset(said.get("host_id") for said in session.scalars(told))
