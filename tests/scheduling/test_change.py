"""A booking that was made can be moved, cancelled, given to another host, answered and closed; each once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine

from example_app.extensions import db
from example_app.models import Activity
from flask_booking.errors import ChangeRefused, InvalidInput, NotBookable, SlotTaken, SlotUnavailable
from flask_booking.models import (
    Assignment,
    Booking,
    BookingHost,
    BookingStatus,
    EventType,
    HistoryEntry,
    HistoryKind,
    Host,
    MessageRule,
    OccupiedTime,
    OutboxMessage,
)
from flask_booking.scheduling import (
    accept,
    book,
    cancel,
    complete_past,
    decline,
    mark,
    place_hold,
    reschedule,
)
from flask_booking.scheduling import change as changes
from flask_booking.scheduling.hold import new_hold_token
from flask_booking.scheduling.offers import offers_for_move
from flask_booking.signals import booking_cancelled, booking_rescheduled
from flask_booking.state import state
from tests.scheduling.bookable import HOUR, MINUTE, instant, midnight, new_event, request
from tests.scheduling.test_reserve import rows


def kinds() -> list[str]:
    return [entry.kind.value for entry in rows(HistoryEntry)]


def mails(kind: str) -> list[OutboxMessage]:
    return [message for message in rows(OutboxMessage) if message.kind == kind]


def taken() -> list[tuple[int, int]]:
    return [(row.host_id, row.starts) for row in rows(OccupiedTime)]


class TestMoving:
    """Rescheduling."""

    def test_a_hold_that_ran_out_is_not_in_the_way_of_a_hosts_own_move(self, booking: Booking, host: Host) -> None:
        start = midnight(4)
        event = new_event(host)
        place_hold(event.id, new_hold_token(event.id), start, now=midnight(-1))
        changes.follow_calendar(booking.id, instant(start), instant(start + HOUR))
        assert taken() == [(host.id, start)]

    @pytest.mark.parametrize("longer", ["offered no more", "made longer by the host"])
    def test_a_meeting_longer_than_those_on_offer_is_in_nobodys_way_to_its_very_end(
        self, booking: Booking, event: EventType, host: Host, longer: str
    ) -> None:
        start, later = midnight(), midnight(4)
        if longer == "offered no more":
            event.durations = [30, 240]
            db.session.commit()
            long = book(event.id, request(start + 12 * HOUR, duration=240))
            event.durations = [30]
            db.session.commit()
        else:
            long = changes.follow_calendar(booking.id, instant(start), instant(start + 4 * HOUR))
        book(new_event(host).id, request(later + 3 * HOUR))
        for hour in (0, 2, 3):
            offered = offers_for_move(long, start=later + hour * HOUR, end=later + hour * HOUR + 1).starts
            assert offered == (), "the other meeting is in its way"
            with pytest.raises(SlotTaken):
                reschedule(long.id, instant(later + hour * HOUR), actor="guest")
        [free] = offers_for_move(long, start=later + 4 * HOUR, end=later + 4 * HOUR + 1).starts
        reschedule(long.id, instant(free), actor="guest")
        assert (host.id, free) in taken()

    def test_the_meeting_is_at_its_new_time_and_nowhere_else(self, booking: Booking, host: Host) -> None:
        start = midnight() + 5 * HOUR
        reschedule(booking.id, instant(start), actor="guest", reason="Train")
        assert (booking.starts_at, booking.ends_at) == (instant(start), instant(start + 30 * MINUTE))
        assert booking.starts_local == instant(start).replace(tzinfo=None)
        assert taken() == [(host.id, start)]
        assert booking.sequence == 1
        assert kinds() == ["booked", "rescheduled"]
        entry = rows(HistoryEntry)[-1]
        assert entry.detail == {"from": instant(midnight()).isoformat(), "reason": "Train"}
        assert rows(Activity)[-1].subject.startswith("Meeting rescheduled")
        assert "Train" in rows(Activity)[-1].body
        assert {mail.recipient for mail in mails("rescheduled")} == {"sam@example.com", "ann@example.com"}
        assert {mail.payload["sequence"] for mail in mails("rescheduled")} == {1}

    def test_its_own_time_is_not_in_its_way(self, event: EventType) -> None:
        event.interval, event.buffer_before, event.limit_day = 10, 10, 1
        db.session.commit()
        booking = book(event.id, request(midnight() + HOUR))
        later = instant(midnight() + HOUR + 10 * MINUTE)
        assert reschedule(booking.id, later, actor="guest").starts_at == later

    def test_to_the_same_time_changes_nothing(self, booking: Booking) -> None:
        reschedule(booking.id, booking.starts_at, actor="guest")
        assert (kinds(), booking.sequence) == (["booked"], 0)

    def test_to_a_taken_or_impossible_time_leaves_it_where_it_was(self, booking: Booking, event: EventType) -> None:
        book(event.id, request(midnight() + HOUR, "other@example.com"))
        before = taken()
        with pytest.raises(SlotTaken):
            reschedule(booking.id, instant(midnight() + HOUR), actor="guest")
        with pytest.raises(SlotUnavailable):
            reschedule(booking.id, instant(midnight() + 7 * MINUTE), actor="guest")
        db.session.expire_all()
        assert (taken(), booking.starts_at, booking.sequence) == (before, instant(midnight()), 0)
        assert kinds() == ["booked", "booked"]

    def test_keeps_its_duration_when_the_event_type_has_another_one_now(
        self, booking: Booking, event: EventType
    ) -> None:
        event.durations = [60]
        db.session.commit()
        reschedule(booking.id, instant(midnight() + HOUR), actor="guest")
        assert booking.ends_at - booking.starts_at == dt.timedelta(minutes=30)

    def test_asks_all_of_its_hosts_whatever_the_event_type_says_now(self, host: Host, other_host: Host) -> None:
        event = new_event(host, other_host)
        booking = book(event.id, request(midnight()))
        event.assignment = Assignment.ANY
        db.session.commit()
        book(new_event(other_host).id, request(midnight() + HOUR))
        with pytest.raises(SlotTaken):
            reschedule(booking.id, instant(midnight() + HOUR), actor="guest")
        reschedule(booking.id, instant(midnight() + 2 * HOUR), actor="guest")
        assert {row for row in taken() if row[1] == midnight() + 2 * HOUR} == {
            (one.id, midnight() + 2 * HOUR) for one in (host, other_host)
        }
        offered = offers_for_move(booking, start=midnight(), end=midnight() + 4 * HOUR).starts
        assert midnight() + HOUR not in offered
        assert midnight() + 2 * HOUR in offered

    def test_reminders_move_along_and_none_is_sent_twice(self, event: EventType, host: Host) -> None:
        db.session.add(MessageRule(host_id=host.id, minutes=-60))
        db.session.commit()
        booking = book(event.id, request(midnight()))
        reschedule(booking.id, instant(midnight() + 3 * HOUR), actor="guest")
        [reminder] = mails("reminder")
        assert reminder.due_at == instant(midnight() + 2 * HOUR)
        assert reminder.payload["starts"] == instant(midnight() + 3 * HOUR).isoformat()
        cancel(booking.id, actor="guest")
        assert mails("reminder") == []

    def test_a_reminder_that_was_sent_is_not_sent_again_for_the_same_time(self, event: EventType, host: Host) -> None:
        db.session.add(MessageRule(host_id=host.id, minutes=-60))
        db.session.commit()
        booking = book(event.id, request(midnight()))
        reassigned = [mail.dedupe_key for mail in mails("reminder")]
        reschedule(booking.id, instant(midnight() + HOUR), actor="host")
        reschedule(booking.id, instant(midnight()), actor="host")
        assert len(mails("reminder")) == 1
        assert mails("reminder")[0].dedupe_key not in reassigned

    def test_tells_what_happened(self, booking: Booking) -> None:
        heard: list[HistoryKind] = []

        def hear(_app: object, booking: Booking, entry: HistoryEntry) -> None:
            heard.append(entry.kind)

        with booking_rescheduled.connected_to(hear), booking_cancelled.connected_to(hear):
            reschedule(booking.id, instant(midnight() + HOUR), actor="guest")
            cancel(booking.id, actor="guest")
            cancel(booking.id, actor="guest")
        assert heard == [HistoryKind.RESCHEDULED, HistoryKind.CANCELLED]


class TestCancelling:
    """Cancelling, and declining a request."""

    def test_the_time_is_free_at_once(self, booking: Booking, event: EventType) -> None:
        cancel(booking.id, actor="guest", reason="Ill\r\nand tired")
        assert (booking.status, booking.cancelled_by, booking.reason) == (
            BookingStatus.CANCELLED,
            "guest",
            "Ill\nand tired",
        )
        assert taken() == []
        assert book(event.id, request(midnight(), "next@example.com")).live

    def test_again_changes_nothing(self, booking: Booking) -> None:
        cancel(booking.id, actor="guest")
        cancel(booking.id, actor="host", reason="Other")
        assert (booking.sequence, booking.reason, kinds()) == (1, "", ["booked", "cancelled"])

    def test_a_cancelled_meeting_cannot_be_moved(self, booking: Booking) -> None:
        cancel(booking.id, actor="guest")
        with pytest.raises(ChangeRefused):
            reschedule(booking.id, instant(midnight() + HOUR), actor="host")
        assert taken() == []

    def test_a_reason_is_asked_of_guests_where_the_host_wants_one(self, booking: Booking, event: EventType) -> None:
        event.reason_required = True
        db.session.commit()
        for reason in ("", " \n\x00"):
            with pytest.raises(InvalidInput) as refused:
                cancel(booking.id, actor="guest", reason=reason)
            assert set(refused.value.fields) == {"reason"}
        with pytest.raises(InvalidInput):
            cancel(booking.id, actor="guest", reason="x" * 10_000)
        assert cancel(booking.id, actor="host").status is BookingStatus.CANCELLED

    def test_it_is_too_late_for_the_guest_and_not_for_the_host(self, event: EventType) -> None:
        event.change_cutoff = 4 * 24 * 60
        db.session.commit()
        booking = book(event.id, request(midnight()))
        with pytest.raises(ChangeRefused):
            cancel(booking.id, actor="guest")
        with pytest.raises(ChangeRefused):
            reschedule(booking.id, instant(midnight() + HOUR), actor="guest")
        assert cancel(booking.id, actor="host").status is BookingStatus.CANCELLED

    @pytest.mark.parametrize("setting", ["may_cancel", "may_reschedule"])
    def test_guests_may_only_do_what_they_may(self, setting: str, booking: Booking, event: EventType) -> None:
        setattr(event, setting, False)
        db.session.commit()
        actions: dict[str, Callable[[], object]] = {
            "may_reschedule": lambda: reschedule(booking.id, instant(midnight() + HOUR), actor="guest"),
            "may_cancel": lambda: cancel(booking.id, actor="guest"),
        }
        with pytest.raises(ChangeRefused):
            actions[setting]()
        next(action for name, action in actions.items() if name != setting)()

    def test_a_meeting_that_began_stays(self, booking: Booking) -> None:
        began = midnight() + MINUTE
        with pytest.raises(ChangeRefused):
            cancel(booking.id, actor="guest", now=began)
        assert cancel(booking.id, actor="host", now=began).status is BookingStatus.CANCELLED

    def test_an_unknown_booking_is_not_there(self, booking: Booking) -> None:
        with pytest.raises(NotBookable):
            cancel(booking.id + 1, actor="host")


class TestAnswering:
    """Requests that a host accepts or declines, or lets lapse."""

    @pytest.fixture
    def asked(self, event: EventType, host: Host) -> Booking:
        event.requires_approval = True
        db.session.add(MessageRule(host_id=host.id, minutes=-60))
        db.session.commit()
        return book(event.id, request(midnight()))

    def test_an_accepted_one_is_a_meeting_with_reminders(self, asked: Booking) -> None:
        assert mails("reminder") == []
        accept(asked.id)
        assert (asked.status, asked.pending_until, asked.sequence) == (BookingStatus.CONFIRMED, None, 1)
        assert len(mails("reminder")) == 1
        assert len(mails("accepted")) == 2
        for again in (accept, decline):
            with pytest.raises(ChangeRefused):
                again(asked.id)

    def test_a_declined_one_frees_the_time(self, asked: Booking) -> None:
        decline(asked.id, reason="Holiday")
        assert (asked.status, asked.reason, taken()) == (BookingStatus.CANCELLED, "Holiday", [])
        assert mails("declined")[0].payload["reason"] == "Holiday"

    def test_one_that_was_moved_lapses_at_its_new_time(self, asked: Booking) -> None:
        reschedule(asked.id, instant(midnight() + HOUR), actor="guest")
        assert asked.pending_until == instant(midnight() + HOUR)

    def test_one_that_nobody_answers_lapses(self, asked: Booking) -> None:
        assert complete_past() == 0
        with time_machine.travel(midnight() + 1):
            assert complete_past() == 1
        assert asked.status is BookingStatus.CANCELLED
        assert rows(HistoryEntry)[-1].actor == "system"
        assert taken() == []


class TestClosing:
    """Completed meetings and guests who did not come."""

    def test_a_meeting_that_is_over_is_completed(self, booking: Booking) -> None:
        with time_machine.travel(midnight() + 31 * MINUTE):
            assert complete_past() == 1
            assert complete_past() == 0
        assert (booking.status, booking.sequence) == (BookingStatus.COMPLETED, 0)
        assert kinds() == ["booked", "completed"]
        assert mails("completed") == []
        assert rows(Activity)[-1].subject.startswith("Meeting completed")

    def test_it_can_be_corrected(self, booking: Booking) -> None:
        with time_machine.travel(midnight() + HOUR):
            mark(booking.id, BookingStatus.COMPLETED)
            mark(booking.id, BookingStatus.NO_SHOW)
            mark(booking.id, BookingStatus.NO_SHOW)
        assert kinds() == ["booked", "completed", "no_show"]

    def test_not_before_it_began(self, booking: Booking) -> None:
        with pytest.raises(ChangeRefused):
            mark(booking.id, BookingStatus.NO_SHOW)

    def test_not_when_it_was_cancelled(self, booking: Booking) -> None:
        cancel(booking.id, actor="host")
        with time_machine.travel(midnight() + HOUR), pytest.raises(ChangeRefused):
            mark(booking.id, BookingStatus.COMPLETED)

    def test_cancelling_is_not_marking(self, booking: Booking) -> None:
        with time_machine.travel(midnight() + HOUR), pytest.raises(ChangeRefused):
            mark(booking.id, BookingStatus.CANCELLED)


def test_a_failing_hook_loses_no_change(booking: Booking, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise LookupError("closed")

    monkeypatch.setattr(state().crm, "record_activity", fail)
    cancel(booking.id, actor="guest")
    assert booking.status is BookingStatus.CANCELLED
    assert booking.crm_error == "LookupError"  # its words may name people
    [later] = [message for message in rows(OutboxMessage) if message.topic == "crm"]
    assert later.payload == {"history_id": rows(HistoryEntry)[-1].id}


def test_a_booking_keeps_its_hosts_also_after_it_was_cancelled(booking: Booking, host: Host) -> None:
    cancel(booking.id, actor="guest")
    assert db.session.execute(sa.select(BookingHost.host_id)).scalars().all() == [host.id]
