"""What a topic does about a message that is given up: in the transaction that says so, and whatever fails."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from flask_booking import jobs
from flask_booking.jobs import outbox, topics
from flask_booking.models import MessageState, OutboxMessage
from flask_booking.scheduling.outbox import message as new_message
from flask_booking.scheduling.outbox import write
from flask_booking.signals import outbox_filled
from flask_booking.state import session
from tests.jobs.conftest import Office

Follow = Callable[[OutboxMessage], None]


class Refused(topics.Failure):
    """Another try is useless."""


class Fax:
    """A topic whose line is dead; ``told`` are the errors of what was given up, ``then`` is what it does about it."""

    def __init__(self) -> None:
        self.error: Exception = topics.Failure("the line is dead")
        self.told: list[str] = []
        self.then: list[Follow] = []

    def send(self, message: OutboxMessage) -> bool:
        raise self.error

    def give_up(self, message: OutboxMessage, error: Exception | None) -> list[int]:
        self.told.append(str(error))
        assert session().scalar(sa.select(OutboxMessage.state).where(OutboxMessage.id == message.id)) == "failed"
        there = session().scalar(sa.select(OutboxMessage.id).where(OutboxMessage.topic == "letter"))
        letter = new_message(topic="letter", kind="instead", dedupe_key=f"letter:{message.dedupe_key}")
        ids = write(session(), [letter]) if there is None else []
        for follow in self.then[:1]:
            self.then.remove(follow)
            follow(message)
        return ids


@pytest.fixture
def fax(monkeypatch: pytest.MonkeyPatch) -> Fax:
    fax = Fax()
    monkeypatch.setitem(topics._topics, "fax", topics.Topic(fax.send, (Refused,), fax.give_up))
    monkeypatch.setitem(topics._topics, "letter", topics.Topic(lambda message: True))
    return fax


@pytest.fixture
def message(each_office: Office, fax: Fax) -> int:
    """The key of a message on its last try."""
    last = each_office.app.config["BOOKING_MAX_ATTEMPTS"] - 1
    session().add(OutboxMessage(topic="fax", kind="x", dedupe_key="fax:1", attempts=last, recipient="sam@example.com"))
    session().commit()
    return each_office.message(topic="fax").id


def states(office: Office, topic: str) -> list[MessageState]:
    return [message.state for message in office.messages(topic=topic)]


def fails(message: OutboxMessage) -> None:
    raise KeyError(message.recipient)


def breaks_a_constraint(message: OutboxMessage) -> None:
    write(session(), [new_message(topic="letter", kind="twice", dedupe_key=message.dedupe_key)])


def leaves_a_broken_constraint(message: OutboxMessage) -> None:
    session().add(OutboxMessage(topic="letter", kind="twice", dedupe_key=message.dedupe_key))


def test_the_last_try_that_fails_is_followed_by_what_its_topic_does(
    each_office: Office, fax: Fax, message: int
) -> None:
    assert jobs.deliver_due(each_office.app) == 2, "what was written in its place is due"
    assert states(each_office, "fax") == [MessageState.FAILED]
    assert states(each_office, "letter") == [MessageState.DONE]
    assert fax.told == ["the line is dead"]


def test_what_was_written_in_its_place_wakes_a_worker(each_office: Office, fax: Fax, message: int) -> None:
    woken: list[int] = []

    def wake(_app: object, ids: list[int]) -> None:
        session().rollback()
        woken.extend(each_office.message(id=one).id for one in ids)

    with outbox_filled.connected_to(wake):
        jobs.deliver(message)
    assert woken == [each_office.message(topic="letter").id], "once it is committed"


def test_a_try_that_has_another_after_it_is_not(each_office: Office, fax: Fax, message: int) -> None:
    each_office.message(topic="fax").attempts -= 1
    session().commit()
    jobs.deliver_due(each_office.app)
    assert states(each_office, "fax") == [MessageState.WAITING]
    assert fax.told == states(each_office, "letter") == []


def test_what_is_refused_for_good_is_given_up_at_the_first_try(each_office: Office, fax: Fax, message: int) -> None:
    each_office.message(topic="fax").attempts = 0
    session().commit()
    fax.error = Refused("no such number")
    jobs.deliver_due(each_office.app)
    assert (states(each_office, "fax"), fax.told) == ([MessageState.FAILED], ["no such number"])


def test_a_worker_that_died_on_the_last_try_is_followed_by_one_that_gives_up(
    each_office: Office, fax: Fax, message: int
) -> None:
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False) as clock:
        assert outbox.claim(message)
        clock.shift(each_office.app.config["BOOKING_CLAIM_SECONDS"])
        jobs.deliver_due(each_office.app)
    assert states(each_office, "fax") == [MessageState.FAILED]
    assert (fax.told, len(states(each_office, "letter"))) == (["None"], 1)


def test_who_lost_the_claim_gives_up_nothing(each_office: Office, fax: Fax, message: int) -> None:
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False) as clock:
        late = outbox.claim(message)
        assert late
        clock.shift(each_office.app.config["BOOKING_CLAIM_SECONDS"])
        assert outbox.claim(message)
        assert not outbox._record(late, outbox.Verdict(MessageState.FAILED, "late"))
    assert fax.told == states(each_office, "letter") == []
    assert states(each_office, "fax") == [MessageState.WAITING]


@pytest.mark.parametrize("follow", [fails, breaks_a_constraint, leaves_a_broken_constraint])
def test_what_fails_once_is_tried_again_as_a_whole(each_office: Office, fax: Fax, message: int, follow: Follow) -> None:
    fax.then = [follow]
    jobs.deliver_due(each_office.app)
    assert states(each_office, "fax") == [MessageState.FAILED]
    assert states(each_office, "letter") == [MessageState.DONE], "the one of the first time was undone"


@pytest.mark.parametrize("follow", [fails, breaks_a_constraint, leaves_a_broken_constraint])
def test_what_always_fails_keeps_no_message_from_having_failed(
    each_office: Office, fax: Fax, message: int, follow: Follow, caplog: pytest.LogCaptureFixture
) -> None:
    fax.then = [follow] * 99
    with caplog.at_level(logging.ERROR, "flask_booking"):
        jobs.deliver_due(each_office.app)
    row = each_office.message(topic="fax")
    assert (row.state, row.claim_token, row.last_error) == (MessageState.FAILED, None, "the line is dead")
    assert states(each_office, "letter") == []
    assert "what follows from giving up message" in caplog.text
    assert "sam@example.com" not in caplog.text


def test_what_a_person_has_tried_again_in_vain_is_given_up_again(each_office: Office, fax: Fax, message: int) -> None:
    jobs.deliver_due(each_office.app)
    fax.error = Refused("no such number")
    assert jobs.retry(each_office.message(topic="fax"))
    jobs.deliver_due(each_office.app)
    assert fax.told == ["the line is dead", "no such number"]
    assert states(each_office, "fax") == [MessageState.FAILED]
    assert states(each_office, "letter") == [MessageState.DONE]


def test_a_topic_may_do_nothing_about_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "_topics", dict(topics._topics))

    def dead(_message: OutboxMessage) -> Any:
        raise Refused

    topics.register("pigeon", dead, gives_up_on=(Refused,))
    session().add(OutboxMessage(topic="pigeon", kind="x", dedupe_key="pigeon:1"))
    session().commit()
    jobs.deliver_due(office.app)
    assert states(office, "pigeon") == [MessageState.FAILED]
