"""What becomes of one message: claimed once, sent once, tried again, given up, or dropped."""

from __future__ import annotations

import datetime as dt
import smtplib
import socket
import threading
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from flask_booking import jobs
from flask_booking.jobs import outbox, topics
from flask_booking.models import MessageState, OutboxMessage
from flask_booking.scheduling import cancel
from flask_booking.state import session
from tests.jobs.conftest import MakeOffice, Office


def deliver(office: Office) -> int:
    return jobs.deliver_due(office.app)


def make_due(**columns: Any) -> None:
    """As if the time of these messages had come."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    session().execute(sa.update(OutboxMessage).filter_by(**columns).values(due_at=now, claimed_until=None))
    session().commit()


def test_guest_and_host_get_one_mail_each(each_office: Office) -> None:
    each_office.book()
    assert deliver(each_office) == 2
    assert deliver(each_office) == 0
    assert [mail["To"].addresses[0].addr_spec for mail in each_office.smtp.messages] == [
        "sam@example.com",
        "ann@example.com",
    ]
    assert each_office.states() == ["done", "done"]
    assert each_office.message(kind="reminder").state is MessageState.WAITING


def test_of_fifty_workers_one_gets_the_message(each_office: Office) -> None:
    each_office.book()
    message_id = each_office.to_guest().id
    together, claims = threading.Barrier(50), []

    def worker() -> None:
        with each_office.app.app_context():
            together.wait()
            claims.append(outbox.claim(message_id))

    threads = [threading.Thread(target=worker) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claims) == 50
    [winner] = [claim for claim in claims if claim]
    message = each_office.to_guest()
    assert (message.attempts, message.claim_token) == (1, winner.token)


def test_a_claim_ends_with_its_lease(each_office: Office) -> None:
    each_office.book()
    message_id = each_office.to_guest().id
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False) as clock:
        first = outbox.claim(message_id)
        assert first
        clock.shift(each_office.app.config["BOOKING_CLAIM_SECONDS"] - 1)
        assert outbox.claim(message_id) is None
        clock.shift(1)
        second = outbox.claim(message_id)
        assert second
        assert not outbox._record(first, outbox.Verdict(MessageState.DONE)), "who lost the claim may not record"
        assert outbox._record(second, outbox.Verdict(MessageState.DONE))
    assert outbox.claim(message_id) is None


def test_what_is_not_due_is_left_alone(office: Office) -> None:
    office.book()
    assert outbox.claim(office.message(kind="reminder").id) is None


def test_a_busy_mail_server_is_asked_again_later(office: Office) -> None:
    office.book()
    office.smtp.refuse("451 4.7.1 sam@example.com is greylisted")
    before = dt.datetime.now(dt.UTC)
    deliver(office)
    guest = office.to_guest()
    assert (guest.state, guest.attempts) == (MessageState.WAITING, 1)
    assert before + dt.timedelta(seconds=20) < guest.due_at < dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    assert "451" in guest.last_error
    assert "sam" not in guest.last_error
    assert deliver(office) == 0
    make_due(id=guest.id)
    deliver(office)
    assert office.states() == ["done", "done"]
    assert len(office.smtp.to("sam@example.com")) == 1
    assert office.to_guest().last_error == ""


def test_a_mail_refused_for_good_is_given_up_at_once_and_can_be_retried(office: Office) -> None:
    office.book()
    office.smtp.refuse("554 5.7.1 no")
    deliver(office)
    guest = office.to_guest()
    assert (guest.state, guest.attempts) == (MessageState.FAILED, 1)
    assert guest.done_at
    assert "554" in guest.last_error
    assert jobs.retry(guest)
    deliver(office)
    assert office.states() == ["done", "done"]
    assert not jobs.retry(office.to_guest()), "what was delivered is not sent again"


def test_with_no_mail_server_at_all_a_message_is_given_up_after_its_attempts(
    make_office: MakeOffice, database_url: str
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, and nobody listens
        office = make_office(
            database_url, BOOKING_MAIL_URL=f"smtp://127.0.0.1:{closed.getsockname()[1]}", BOOKING_MAX_ATTEMPTS=3
        )
        office.book()
        for attempt in (1, 2, 3):
            deliver(office)
            assert {message.attempts for message in office.messages(kind="booked")} == {attempt}
            make_due(kind="booked", state=MessageState.WAITING)
    assert office.states() == ["failed", "failed"]
    assert "can't be reached" in office.to_guest().last_error
    assert deliver(office) == 0


def test_a_message_that_kills_each_worker_is_given_up(make_office: MakeOffice, database_url: str) -> None:
    office = make_office(database_url, BOOKING_MAX_ATTEMPTS=2)
    office.book()
    message_id = office.to_guest().id
    for _ in range(2):
        assert outbox.claim(message_id)
        make_due(id=message_id)
    deliver(office)
    assert office.states() == ["failed", "done"]
    assert office.smtp.to("sam@example.com") == []


def test_pauses_grow_to_two_days_in_all_and_are_spread() -> None:
    pauses = [outbox.backoff(attempt).total_seconds() for attempt in range(1, 12)]
    assert all(0.8 * base <= pause <= 1.2 * base for pause, base in zip(pauses, outbox.BACKOFF, strict=True))
    assert list(outbox.BACKOFF) == sorted(outbox.BACKOFF)
    assert 40 < sum(outbox.BACKOFF) / 3600 < 56
    assert outbox.backoff(99).total_seconds() >= 0.8 * outbox.BACKOFF[-1]
    assert len({outbox.backoff(1) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (smtplib.SMTPRecipientsRefused({"sam@example.com": (550, b"no such user")}), True),
        (smtplib.SMTPRecipientsRefused({"sam@example.com": (450, b"later")}), False),
        (smtplib.SMTPRecipientsRefused({"a@example.com": (550, b"no"), "b@example.com": (450, b"later")}), False),
        (smtplib.SMTPDataError(554, b"spam"), True),
        (smtplib.SMTPDataError(451, b"later"), False),
        (smtplib.SMTPAuthenticationError(535, b"password"), False),
        (smtplib.SMTPSenderRefused(553, b"who?", "crm@example.com"), False),
        (ConnectionRefusedError(), False),
        (KeyError("x"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_a_crms_own_mailer_raises_is_understood(error: Exception, permanent: bool) -> None:
    assert topics.is_permanent(error, topics.Topic(lambda message: True)) is permanent


def test_an_error_is_kept_without_what_it_says_about_people(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(message: OutboxMessage) -> bool:
        raise ValueError(f"could not reach {message.recipient} with password hunter2")

    monkeypatch.setitem(topics._topics, "mail", topics.Topic(fail))
    office.book()
    deliver(office)
    assert {message.last_error for message in office.messages(kind="booked")} == {"ValueError"}


def test_a_topic_of_a_newer_version_waits_for_a_worker_that_knows_it(office: Office) -> None:
    session().add(OutboxMessage(topic="fax", kind="x", dedupe_key="fax:1"))
    session().commit()
    deliver(office)
    fax = office.message(topic="fax")
    assert fax.state is MessageState.WAITING
    assert fax.last_error == "nobody here knows the topic fax"


def test_nothing_is_read_or_locked_while_the_mail_server_is_spoken_to(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_transaction = []
    monkeypatch.setattr(
        "flask_booking.jobs.handlers.send", lambda mail: in_transaction.append(session()().in_transaction())
    )
    office.book()
    deliver(office)
    assert in_transaction == [False, False]


def test_a_later_mail_waits_for_an_earlier_one_to_the_same_reader(office: Office) -> None:
    booking_id = office.book()
    invitation = office.messages(recipient="sam@example.com", kind="booked")[0]
    slow = outbox.claim(invitation.id)
    assert slow
    cancel(booking_id, actor="guest")
    cancellation = office.message(recipient="sam@example.com", kind="cancelled")
    assert jobs.deliver(cancellation.id) is None, "a worker is still busy with the invitation"
    make_due(id=invitation.id)
    outbox.deliver_in_line(office.app, invitation.id)
    assert [calendar_method(mail) for mail in office.smtp.to("sam@example.com")] == ["REQUEST", "CANCEL"]


def test_an_invitation_that_was_overtaken_is_not_sent_any_more(office: Office) -> None:
    booking_id = office.book()
    office.smtp.refuse("451 later")
    deliver(office)
    cancel(booking_id, actor="guest")
    deliver(office)
    make_due(state=MessageState.WAITING, kind="booked")
    deliver(office)
    assert [calendar_method(mail) for mail in office.smtp.to("sam@example.com")] == ["CANCEL"]
    invitation = office.messages(recipient="sam@example.com", kind="booked")[0]
    assert invitation.state is MessageState.DROPPED
    assert not jobs.retry(invitation)


def calendar_method(mail: Any) -> str:
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    return str(part.get_param("method"))
