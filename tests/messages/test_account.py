"""A host learns by mail that a connected account stopped working, and what that means."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from flask_booking.calendars import care
from flask_booking.connections.problems import LostAnswer, MissingScope, NeedsReconnect, ProviderProblem
from flask_booking.jobs.outbox import deliver_due
from flask_booking.messages.delivery import compose_message
from flask_booking.models import Connection, ConnectionState, Host, MessageState, OutboxMessage, StaleCalendars
from flask_booking.state import session
from tests.calendars.made import new_calendar, new_connection
from tests.fixtures.mail import MailServer
from tests.fixtures.people import make_bookable

TOKEN = "ya29.a-token-that-nobody-sees"


@pytest.fixture
def app(make_app: Callable[..., Flask], database_url: str, smtp: MailServer) -> Flask:
    return make_app(
        database_url,
        BOOKING_MAIL_URL=smtp.url,
        BOOKING_MAIL_FROM="Rowan CRM <bookings@example.com>",
        BOOKING_PUBLIC_URL="https://crm.example.com/app",
        BOOKING_BRAND_NAME="Rowan",
    )


@pytest.fixture
def host(app: Flask) -> Iterator[Host]:
    with app.app_context():
        yield make_bookable(app).host


def account(host: Host, provider: str = "google", **columns: Any) -> Connection:
    """An account with a calendar that closes time and gets bookings, and one that does neither."""
    made = new_connection(
        host, provider, account_name="ann@gmail.example", secret=json.dumps({"access_token": TOKEN}), **columns
    )
    new_calendar(host, made, name="Work", target=True)
    new_calendar(host, made, name="Public holidays", check_conflicts=False)
    return made


def told(app: Flask, smtp: MailServer) -> list[Any]:
    """The mails that were delivered; what was written with the host isn't waited for."""
    with app.app_context():
        deliver_due(app)
    return [one.message for one in smtp.delivered]


def body(mail: Any, kind: str) -> str:
    return str(mail.get_body((kind,)).get_content())


def test_the_service_is_called_as_its_reader_calls_it(app: Flask, host: Host, smtp: MailServer) -> None:
    host.locale = "de"
    care.break_off(account(host, "ical").id, NeedsReconnect("404"))
    (mail,) = told(app, smtp)
    assert "Kalenderadresse (iCal)" in body(mail, "plain") + mail["Subject"]


def test_the_mail_says_which_account_what_stops_and_where_to_mend_it(app: Flask, host: Host, smtp: MailServer) -> None:
    care.break_off(account(host).id, NeedsReconnect("400 invalid_grant"))
    (mail,) = told(app, smtp)
    assert mail["To"] == "Ann Meyer <ann@example.com>"
    assert mail["From"] == "Rowan CRM <bookings@example.com>"
    assert mail["Subject"] == "Google Calendar asks you to sign in again: ann@gmail.example"
    for kind in ("plain", "html"):
        text = body(mail, kind)
        assert "Google Calendar asks you to sign in again" in text
        assert "Work can't be read, so soon no time is offered to guests." in text.replace("&#39;", "'")
        assert "New bookings aren't entered into Work until then." in text.replace("&#39;", "'")
        assert "Your bookings stay as they are" in text
        assert text.count("https://crm.example.com/app/settings/booking/calendars") == 1
        assert "Public holidays" not in text
        assert TOKEN not in text
        assert "invalid_grant" not in text
    assert not [part for part in mail.walk() if part.get_content_type() == "text/calendar"]


def test_it_is_sent_once_for_each_time_that_an_account_breaks(app: Flask, host: Host, smtp: MailServer) -> None:
    connection_id = account(host).id
    for _ in range(3):
        care.break_off(connection_id, NeedsReconnect())
    assert len(told(app, smtp)) == 1
    care.resume(connection_id)
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)):
        care.break_off(connection_id, NeedsReconnect())
        assert len(told(app, smtp)) == 2


def test_a_moment_of_being_mended_is_no_reason_for_another_mail(app: Flask, host: Host, smtp: MailServer) -> None:
    connection_id = account(host).id
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False):
        care.break_off(connection_id, NeedsReconnect())
        care.resume(connection_id)
        care.break_off(connection_id, NeedsReconnect())
    assert session().get(Connection, connection_id).state is ConnectionState.BROKEN  # type: ignore[union-attr]
    assert len(told(app, smtp)) == 1


@pytest.mark.parametrize("mended", [True, False], ids=["mended", "disconnected"])
def test_who_has_mended_it_already_gets_no_mail(app: Flask, host: Host, smtp: MailServer, mended: bool) -> None:
    connection = account(host)
    care.break_off(connection.id, NeedsReconnect())
    if mended:
        connection.state = ConnectionState.ACTIVE
        session().commit()
    else:
        from flask_booking.connections import accounts

        accounts.disconnect(connection)
    assert told(app, smtp) == []
    with app.app_context():
        row = session().scalars(sa.select(OutboxMessage).where(OutboxMessage.kind == care.BROKEN)).one()
        assert row.state is MessageState.DROPPED


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (MissingScope(), "A permission is missing. Connect the account again, and leave all boxes ticked."),
        (LostAnswer(), "its answer was lost on the way"),
    ],
)
def test_other_reasons_are_told_in_their_own_words(
    app: Flask, host: Host, smtp: MailServer, problem: ProviderProblem, sentence: str
) -> None:
    care.break_off(account(host).id, problem)
    (mail,) = told(app, smtp)
    assert mail["Subject"] == "Google Calendar can't be used any more: ann@gmail.example"
    assert sentence in body(mail, "plain")


def test_it_says_what_the_host_has_chosen_for_that_case(app: Flask, host: Host, smtp: MailServer) -> None:
    host.stale_calendars = StaleCalendars.ASK
    session().commit()
    care.break_off(account(host).id, NeedsReconnect())
    (mail,) = told(app, smtp)
    assert "times are still offered, but can't be booked" in body(mail, "plain")


def test_an_account_for_meeting_links_says_so(app: Flask, host: Host, smtp: MailServer) -> None:
    made = new_connection(host, "zoom", account_name="ann@zoom.example")
    care.break_off(made.id, NeedsReconnect())
    (mail,) = told(app, smtp)
    assert "New meetings get no link of Zoom until then." in body(mail, "plain")
    assert "is offered to guests" not in body(mail, "plain")


def test_it_is_written_in_the_hosts_language_and_without_trusting_names(app: Flask, host: Host) -> None:
    made = account(host)
    made.account_name = 'ann\r\nBcc: all@example.com<script>alert("1")</script>'
    session().commit()
    care.break_off(made.id, NeedsReconnect())
    row = session().scalars(sa.select(OutboxMessage).where(OutboxMessage.kind == care.BROKEN)).one()
    mail = compose_message(row)
    assert mail is not None
    assert mail["Bcc"] is None
    assert "<script" not in body(mail, "html")
    assert mail["Message-ID"] == compose_message(row)["Message-ID"]  # type: ignore[index]
