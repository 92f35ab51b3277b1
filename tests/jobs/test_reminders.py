"""Reminders and follow-ups: for the meeting as it is when their time comes."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from flask_booking import catalog, jobs
from flask_booking.jobs.relay import tidy
from flask_booking.models import BookingStatus, Host, MessageRule, MessageState
from flask_booking.scheduling import cancel, mark, reassign, reschedule
from flask_booking.state import session
from tests.fixtures.people import make_host
from tests.jobs.conftest import Office

DAY = dt.timedelta(days=1)


@pytest.fixture
def confirmed(office: Office) -> int:
    """A meeting in five days whose confirmations were sent."""
    booking_id = office.book(days=5)
    jobs.deliver_due(office.app)
    office.smtp.delivered.clear()
    return booking_id


def deliver_at(office: Office, moment: dt.datetime) -> list[str]:
    """The subjects of what is sent when a worker looks at that moment."""
    office.smtp.delivered.clear()
    with time_machine.travel(moment, tick=False):
        jobs.deliver_due(office.app)
    return [str(mail["Subject"]) for mail in office.smtp.messages]


def follow_up(office: Office, minutes: int = 60) -> None:
    host = session().query(Host).one()
    catalog.save_rule(host, {"minutes": minutes, "anchor": "end", "audience": "guest", "subject": "How was it?"})


def test_the_guest_is_reminded_a_day_before_and_only_once(office: Office, confirmed: int) -> None:
    starts = office.at(5)
    assert deliver_at(office, starts - DAY - dt.timedelta(seconds=1)) == []
    assert len(deliver_at(office, starts - DAY)) == 1
    assert office.smtp.delivered[0].recipients == ("sam@example.com",)
    assert deliver_at(office, starts) == []


def test_a_cancelled_meeting_reminds_nobody(office: Office, confirmed: int) -> None:
    cancel(confirmed, actor="guest")
    jobs.deliver_due(office.app)
    assert deliver_at(office, office.at(5) - DAY) == []


def test_a_meeting_cancelled_while_its_reminder_was_being_retried_reminds_nobody(
    office: Office, confirmed: int
) -> None:
    office.smtp.refuse("451 later")
    assert deliver_at(office, office.at(4)) == []
    with time_machine.travel(office.at(4) + dt.timedelta(seconds=1)):
        cancel(confirmed, actor="host")
        jobs.deliver_due(office.app)
    assert deliver_at(office, office.at(4) + dt.timedelta(minutes=5)) == []
    reminder = office.message(kind="reminder")
    assert (reminder.state, reminder.last_error) == (MessageState.DROPPED, "the meeting is cancelled")


def test_a_moved_meeting_reminds_of_its_new_time_only(office: Office, confirmed: int) -> None:
    reschedule(confirmed, office.at(9, 15), actor="guest")
    jobs.deliver_due(office.app)
    assert deliver_at(office, office.at(5) - DAY) == []
    assert deliver_at(office, office.at(9, 15) - DAY - dt.timedelta(seconds=1)) == []
    assert len(deliver_at(office, office.at(9, 15) - DAY)) == 1
    text = office.smtp.messages[0].get_body(("plain",)).get_content()
    assert "15:00" in text


def test_a_reminder_being_retried_when_the_meeting_moves_gives_way_to_the_right_one(
    office: Office, confirmed: int
) -> None:
    office.smtp.refuse("451 later")
    assert deliver_at(office, office.at(4)) == []
    moved_to = office.at(9)
    with time_machine.travel(office.at(4) + dt.timedelta(seconds=1)):
        reschedule(confirmed, moved_to, actor="host")
        jobs.deliver_due(office.app)
    assert deliver_at(office, office.at(4) + dt.timedelta(hours=1)) == []
    assert len(deliver_at(office, moved_to - DAY)) == 1


@pytest.mark.parametrize("audience", ["guest", "host"])
def test_a_reminder_being_retried_when_the_meeting_changes_hands_is_for_those_who_meet(
    office: Office, confirmed: int, audience: str
) -> None:
    host = session().query(Host).one()
    catalog.save_rule(host, {"minutes": -120, "anchor": "start", "audience": audience})
    before = office.at(5) - dt.timedelta(hours=2)
    deliver_at(office, office.at(4))
    office.smtp.refuse("451 later")
    assert deliver_at(office, before) == []
    _user, ben = make_host("Ben Cole")
    with time_machine.travel(before + dt.timedelta(seconds=1)):
        reassign(confirmed, ben.id)
        jobs.deliver_due(office.app)
    assert len(deliver_at(office, before + dt.timedelta(minutes=5))) == (audience == "guest")
    reminder = office.messages(kind="reminder")[-1]
    why = "" if audience == "guest" else "another host holds the meeting"
    assert (reminder.state is MessageState.DROPPED, reminder.last_error) == (bool(why), why or reminder.last_error)


def test_a_reminder_being_retried_survives_a_change_of_the_rules(office: Office, confirmed: int) -> None:
    office.smtp.refuse("451 later")
    assert deliver_at(office, office.at(4)) == []
    with time_machine.travel(office.at(4) + dt.timedelta(seconds=1)):
        follow_up(office)
    assert len(deliver_at(office, office.at(4) + dt.timedelta(minutes=5))) == 1


def test_a_reminder_is_sent_late_while_it_still_helps(office: Office, confirmed: int) -> None:
    assert len(deliver_at(office, office.at(5) - dt.timedelta(minutes=1))) == 1


def test_nobody_is_reminded_of_a_meeting_that_has_begun(office: Office, confirmed: int) -> None:
    assert deliver_at(office, office.at(5)) == []
    reminder = office.message(kind="reminder")
    assert (reminder.state, reminder.last_error) == (MessageState.DROPPED, "the meeting has begun")


@pytest.mark.parametrize(("minutes", "anchor"), [(0, "start"), (-10, "end")])
def test_what_is_due_within_the_meeting_is_sent_until_it_is_over(
    office: Office, confirmed: int, minutes: int, anchor: str
) -> None:
    rule, host = session().query(MessageRule).one(), session().query(Host).one()
    catalog.save_rule(host, {"minutes": minutes, "anchor": anchor, "audience": "guest"}, rule)
    assert deliver_at(office, office.at(5) - dt.timedelta(minutes=1)) == []
    office.smtp.refuse("451 later")
    assert deliver_at(office, office.at(5) + dt.timedelta(minutes=20)) == []
    assert len(deliver_at(office, office.at(5) + dt.timedelta(minutes=28))) == 1


def test_nobody_is_reminded_within_a_meeting_that_is_over(office: Office, confirmed: int) -> None:
    rule, host = session().query(MessageRule).one(), session().query(Host).one()
    catalog.save_rule(host, {"minutes": 0, "anchor": "start", "audience": "guest"}, rule)
    assert deliver_at(office, office.at(5) + dt.timedelta(hours=1)) == []
    reminder = office.message(kind="reminder")
    assert (reminder.state, reminder.last_error) == (MessageState.DROPPED, "the meeting is over")


def test_a_follow_up_is_sent_after_the_meeting_was_completed(office: Office, confirmed: int) -> None:
    follow_up(office)
    with time_machine.travel(office.at(5) + dt.timedelta(minutes=31)):
        tidy(office.app)
        assert office.booking(confirmed).status is BookingStatus.COMPLETED
    assert deliver_at(office, office.at(5) + dt.timedelta(minutes=89)) == []
    assert deliver_at(office, office.at(5) + dt.timedelta(minutes=90)) == ["How was it?"]


def test_a_guest_who_did_not_come_is_not_asked_how_it_was(office: Office, confirmed: int) -> None:
    follow_up(office)
    with time_machine.travel(office.at(5) + dt.timedelta(minutes=31)):
        mark(confirmed, BookingStatus.NO_SHOW)
    assert deliver_at(office, office.at(5) + dt.timedelta(hours=3)) == []
