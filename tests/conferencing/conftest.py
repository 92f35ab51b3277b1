"""A host with an account at the stand-in for Zoom, and a guest and a host whose mails and calendars are modelled."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_booking import catalog, jobs
from flask_booking.calendars.memory import Memory
from flask_booking.connections.accounts import connect
from flask_booking.models import Booking, Connection, Host, MeetingLink, MessageState, OutboxMessage
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import BookingRequest, book, intake
from flask_booking.state import session
from tests.calendars.made import new_calendar
from tests.fakes.base import served
from tests.fakes.zoom import Zoom
from tests.fixtures.apps import MakeApp
from tests.fixtures.mail import MailServer
from tests.fixtures.people import Bookable, make_bookable
from tests.messages.mail_client import Entry, MailClient

GUEST, HOST = "grace@example.com", "ann@example.com"
ZOOM = {"id": "z", "kind": "zoom"}


def config_of(fake: Zoom) -> dict[str, Any]:
    return {
        "BOOKING_ZOOM_CLIENT_ID": fake.client_id,
        "BOOKING_ZOOM_CLIENT_SECRET": fake.client_secret,
        "BOOKING_ZOOM_OAUTH_URL": f"{fake.url}/oauth",
        "BOOKING_ZOOM_API_URL": f"{fake.url}/v2",
    }


def connect_zoom(fake: Zoom, host: Host, account: str = "ann") -> Connection:
    """An account at the stand-in, as the way through the browser leaves it."""
    grant = fake.allow(account)
    secret = {"access_token": fake.token_of(grant), "refresh_token": grant.refresh_token}
    expires = utcnow() + dt.timedelta(hours=1)
    name = f"{account}@example.com"
    return connect(host, "zoom", (account, name), secret=secret, expires_at=expires, scopes=grant.scopes).connection


@dataclasses.dataclass
class Office:
    """Ann, whose ``intro`` is held over Zoom, and what happens in time."""

    app: Flask
    ann: Bookable
    zoom: Zoom
    smtp: MailServer
    memory: Memory

    def book(self, hour: int = 12, *, email: str = GUEST, **more: Any) -> Booking:
        """A meeting tomorrow at that hour; committed, and nothing delivered yet."""
        details = {"name": "Grace Hopper", "email": email, "time_zone": "Europe/Paris", **more}
        checked = intake.check(self.ann.event, **details)
        return book(self.ann.event.id, BookingRequest(self.ann.tomorrow(hour), checked))

    def add_calendar(self, **columns: Any) -> None:
        """Let Ann's events go to a calendar in memory."""
        new_calendar(self.ann.host, remote_id="work", target=True, **columns)

    def deliver(self) -> None:
        """Have done what is due."""
        session().rollback()
        jobs.deliver_due(self.app)
        session().rollback()

    def go_on(self, topic: str) -> None:
        """Let everything of ``topic`` that waits be due, and have it done: mails go without a link, tries are made."""
        for row in self.rows(OutboxMessage.topic == topic, OutboxMessage.rule_id.is_(None)):
            if row.state is MessageState.WAITING:
                row.due_at = min(row.due_at, utcnow())
        session().commit()
        self.deliver()

    @staticmethod
    def rows(*where: Any) -> list[OutboxMessage]:
        session().rollback()
        query = sa.select(OutboxMessage).where(*where).order_by(OutboxMessage.id)
        return list(session().scalars(query.execution_options(populate_existing=True)))

    def states(self, topic: str = "conference") -> list[MessageState]:
        return [row.state for row in self.rows(OutboxMessage.topic == topic)]

    @staticmethod
    def link() -> MeetingLink:
        """The row of the only booking's link."""
        session().rollback()
        return session().scalars(sa.select(MeetingLink).execution_options(populate_existing=True)).one()

    @staticmethod
    def fresh(booking: Booking) -> Booking:
        session().rollback()
        session().refresh(booking)
        return booking

    def client(self, address: str = GUEST) -> MailClient:
        """What a reader's client has made of everything that was mailed, in order."""
        client = MailClient(address)
        for delivered in self.smtp.delivered:
            if address in delivered.recipients:
                client.receive(delivered.raw)
        return client

    def entries(self, address: str = GUEST) -> list[Entry]:
        """What is in a reader's calendar in the end."""
        return list(self.client(address).calendar.values())

    def kinds(self, address: str = GUEST) -> list[str]:
        """The kinds of mails that were sent to a reader, reminders left out."""
        done = OutboxMessage.state == MessageState.DONE
        rows = self.rows(OutboxMessage.topic == "mail", done, OutboxMessage.rule_id.is_(None))
        return [row.kind for row in rows if row.recipient == address]


@pytest.fixture
def zoom() -> Iterator[Zoom]:
    with served(Zoom()) as fake:
        yield fake


@pytest.fixture
def office(make_app: MakeApp, database_url: str, zoom: Zoom, smtp: MailServer) -> Iterator[Office]:
    """The office on SQLite; Ann's account at Zoom is connected."""
    memory = Memory()
    app = make_app(
        database_url,
        BOOKING_MAIL_URL=smtp.url,
        BOOKING_MAIL_FROM="Rowan CRM <bookings@example.com>",
        BOOKING_PUBLIC_URL="https://crm.example.com",
        BOOKING_CALENDAR_PROVIDERS={"memory": memory},
        BOOKING_WORKER=False,
        **config_of(zoom),
    )
    with app.app_context():
        ann = make_bookable(app)
        catalog.update_event_type(ann.event, {"locations": [ZOOM]})
        connect_zoom(zoom, ann.host)
        yield Office(app, ann, zoom, smtp, memory)


@pytest.fixture
def inviting(office: Office) -> Memory:
    """Ann's calendar invites guests by itself, and names events as it likes."""
    catalog.update_event_type(office.ann.event, {"locations": [{"id": "c", "kind": "custom", "text": "By the sea"}]})
    office.add_calendar(invites=True)
    office.memory.own_uids = True
    return office.memory
