"""The outbox, delivered in the process of the test: what would be sent is returned instead."""

from __future__ import annotations

import dataclasses
import typing as t
from email.message import EmailMessage
from unittest import mock

import sqlalchemy as sa
from flask import Flask, current_app
from icalendar import Calendar, Event

from .. import jobs
from ..models import MessageState, OutboxMessage
from ..state import crm, session


@dataclasses.dataclass(frozen=True)
class Delivered:
    """A mail as its reader gets it: ``message`` is the whole of it, ``calendar`` its invitation (None without one)."""

    message: EmailMessage
    calendar: Calendar | None

    @property
    def to(self) -> str:
        """The address it goes to."""
        return str(self.message["To"].addresses[0].addr_spec)

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """The plain text."""
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    @property
    def event(self) -> Event | None:
        """The meeting in the invitation."""
        return None if self.calendar is None else t.cast(Event, self.calendar.walk("VEVENT")[0])

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return "" if part is None else str(part.get_content())


def deliver(*, send: bool = False) -> list[Delivered]:
    """Do what is due in the outbox, here and now, and return the mails in the order in which they went out.

    Nothing leaves the process, unless ``send`` lets ``CRM.send_mail`` and ``BOOKING_MAIL_URL`` do their work as well.
    Reminders are due when their time has come: move the clock of the test for them.  Fails with the reason when
    something couldn't be delivered.  Commits what the test wrote before.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    adapter, mails = crm(), list[Delivered]()
    sender = adapter.send_mail

    def kept(message: EmailMessage) -> bool:
        taken = not send or sender(message)
        mails.append(Delivered(message, _calendar(message)))
        return taken

    session().commit()
    with mock.patch.object(adapter, "send_mail", kept):
        jobs.deliver_due(app)
    undelivered = (OutboxMessage.last_error != "") & OutboxMessage.state.in_(
        (MessageState.WAITING, MessageState.FAILED)
    )
    failed = session().scalars(sa.select(OutboxMessage).where(undelivered)).all()
    if failed:
        raise AssertionError("\n".join(f"{one.topic}/{one.kind} wasn't delivered: {one.last_error}" for one in failed))
    return mails


def _calendar(message: EmailMessage) -> Calendar | None:
    for part in message.walk():
        content = part.get_payload(decode=True)
        if part.get_content_type() == "text/calendar" and isinstance(content, bytes):
            return Calendar.from_ical(content)
    return None
