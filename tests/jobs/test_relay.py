"""What is looked at each minute: meetings that are over, requests nobody answered, rows that have expired."""

from __future__ import annotations

import datetime as dt
import time

import pytest
import sqlalchemy as sa
import time_machine

from flask_booking import jobs
from flask_booking.jobs.relay import HOLD_KEPT, purge, sweep, tidy
from flask_booking.models import BookingStatus, Hold, MessageState, OccupiedTime, UsedChallenge
from flask_booking.scheduling import place_hold
from flask_booking.scheduling.hold import new_hold_token
from flask_booking.scheduling.reminders import plan
from flask_booking.state import crm, session
from tests.jobs.conftest import Office


def count(model: type) -> int:
    return session().scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_a_meeting_that_is_over_is_completed_and_written_into_the_timeline(office: Office) -> None:
    from example_app.models import Activity

    booking_id = office.book()
    with time_machine.travel(office.at(5) + dt.timedelta(minutes=29)):
        tidy(office.app)
        assert office.booking(booking_id).status is BookingStatus.CONFIRMED
    with time_machine.travel(office.at(5) + dt.timedelta(minutes=30)):
        tidy(office.app)
        tidy(office.app)
    assert office.booking(booking_id).status is BookingStatus.COMPLETED
    subjects = [activity.subject for activity in session().query(Activity)]
    assert len([subject for subject in subjects if "completed" in subject]) == 1


def test_expired_rows_are_swept_and_others_kept(each_office: Office) -> None:
    each_office.book()
    now = int(time.time())
    expires = place_hold(each_office.event_id, new_hold_token(each_office.event_id), int(each_office.at(6).timestamp()))
    session().add_all(
        [UsedChallenge(signature_hash="old", expires=now), UsedChallenge(signature_hash="new", expires=now + 99)]
    )
    session().commit()
    assert sweep(now) == 1
    assert (count(Hold), count(OccupiedTime), count(UsedChallenge)) == (1, 2, 1)
    sweep(expires)
    assert (count(Hold), count(OccupiedTime)) == (1, 1), "its time is free, and its guest can still be told why"
    sweep(expires + HOLD_KEPT)
    assert (count(Hold), count(OccupiedTime), count(UsedChallenge)) == (0, 1, 0)


def test_a_hook_that_failed_is_tried_until_contact_and_activity_are_there(
    each_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from example_app.models import Activity, Contact

    def fail(*_: object) -> None:
        raise RuntimeError("no contacts today")

    adapter = type(crm())
    with monkeypatch.context() as broken:
        broken.setattr(adapter, "create_contact", fail)
        booking_id = each_office.book()
        jobs.deliver_due(each_office.app)
        assert each_office.booking(booking_id).crm_error
        waiting = each_office.message(topic="crm")
        assert (waiting.state, waiting.attempts) == (MessageState.WAITING, 1)
        assert waiting.last_error == "the CRM could not take the contact or the activity"
        each_office.smtp.wait_for(2)

    assert jobs.retry(waiting)
    jobs.deliver_due(each_office.app)
    booking = each_office.booking(booking_id)
    assert booking.crm_error == ""
    assert booking.contact.email == "sam@example.com"
    assert (count(Contact), count(Activity)) == (1, 1)
    assert each_office.message(topic="crm").state is MessageState.DONE


def test_looking_once_is_a_command_for_cron(office: Office) -> None:
    office.book()
    answer = office.app.test_cli_runner().invoke(args=["booking", "relay", "--once"])
    assert answer.exit_code == 0, answer.output
    assert len(office.smtp.messages) == 2
    assert office.all_done()


def test_a_relay_goes_on_after_trouble_and_says_so_once(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    relay = jobs.Relay(office.app)
    session().execute(sa.text("ALTER TABLE booking_outbox_message RENAME TO elsewhere"))
    session().commit()
    assert relay.look() == relay.look() == 0
    session().execute(sa.text("ALTER TABLE elsewhere RENAME TO booking_outbox_message"))
    session().commit()
    assert len([record for record in caplog.records if "relay failed" in record.message]) == 1
    office.book()
    assert relay.look() == 2


def test_messages_are_kept_for_a_while_after_their_meeting(each_office: Office) -> None:
    """What was sent long ago about a coming meeting stays: else it would be planned and sent once more."""
    office, days = each_office, each_office.app.config["BOOKING_KEEP_DELIVERED_DAYS"]
    past, coming, waiting = (office.book(f"{name}@example.com", hour=hour) for hour, name in enumerate("abc", 10))
    old = office.at(-days - 1)
    for message in office.messages():
        message.state, message.due_at, message.done_at = MessageState.DONE, old, old
    session().commit()
    for booking_id in (past, waiting):
        booking = office.booking(booking_id)
        booking.starts_at, booking.ends_at = old - dt.timedelta(days=1), old
        session().commit()
    last = office.messages(booking_id=waiting)[-1]
    last.state, last.done_at = MessageState.WAITING, None
    session().commit()
    kept = {message.dedupe_key for message in office.messages() if message.booking_id != past}

    office.app.config["BOOKING_KEEP_DELIVERED_DAYS"] = 0
    assert purge() == 0
    office.app.config["BOOKING_KEEP_DELIVERED_DAYS"] = days
    assert purge() > 0
    assert {message.dedupe_key for message in office.messages()} == kept
    plan(session(), office.booking(coming))
    session().commit()
    assert {message.dedupe_key for message in office.messages()} == kept, "nothing is planned twice"


@pytest.mark.parametrize(("late", "exit_code"), [(3, 0), (15, 1)])
def test_a_monitor_learns_from_the_exit_status_that_nothing_is_delivered(
    office: Office, late: int, exit_code: int
) -> None:
    office.book()
    office.to_guest().due_at -= dt.timedelta(minutes=late)
    session().commit()
    runner = office.app.test_cli_runner()
    answer = runner.invoke(args=["booking", "status", "--check", "10"])
    assert answer.exit_code == exit_code
    assert ("does a worker run?" in answer.output) == bool(exit_code)
    assert "due now" in answer.output
    assert runner.invoke(args=["booking", "status"]).exit_code == 0
