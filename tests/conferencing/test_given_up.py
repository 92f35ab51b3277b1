"""Events and links that every try failed to make: who should have been invited by a service is invited by mail."""

from __future__ import annotations

import datetime as dt
import secrets

import pytest

from example_app.models import User
from flask_booking import jobs
from flask_booking.calendars import differences
from flask_booking.calendars.care import resume
from flask_booking.calendars.memory import Memory
from flask_booking.connections.problems import NotAllowed
from flask_booking.jobs import outbox
from flask_booking.models import (
    Booking,
    CalendarEvent,
    Connection,
    ConnectionState,
    EventState,
    Host,
    MessageState,
    OutboxMessage,
)
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import cancel, reassign, reschedule
from flask_booking.scheduling.calendar_events import calendar_message
from flask_booking.scheduling.invited import guests_uid
from flask_booking.scheduling.outbox import write
from flask_booking.state import session
from tests.calendars.made import new_calendar, new_connection
from tests.conferencing.conftest import HOST, Office
from tests.conferencing.test_told import hold_back, text
from tests.conferencing.trying import BOTH, check, down, event, last_try, try_again
from tests.scheduling.bookable import new_host


class TestEvent:
    """A calendar that invites guests by itself was away until nobody tried any more."""

    @pytest.fixture(autouse=True)
    def calendar(self, inviting: Memory) -> None: ...

    def unwritten(self, office: Office) -> Booking:
        """A booking whose mails were sent without an invitation, and whose event is on its last try."""
        booking = office.book()
        down(office)
        office.deliver()
        assert (office.kinds(), office.entries(), office.entries(HOST)) == (["booked"], [], [])
        return booking

    def given_up(self, office: Office) -> Booking:
        booking = self.unwritten(office)
        down(office)
        last_try(office)
        return booking

    def test_the_invitation_is_mailed(self, office: Office) -> None:
        booking = self.given_up(office)
        assert office.states("calendar") == [MessageState.FAILED]
        assert (event().state, event().problem) == (EventState.FAILED, "unreachable")
        for reader in BOTH:
            assert office.kinds(reader) == ["booked", "invited"]
        check(office, booking)
        assert "The invitation for your calendar is attached." in text(office.client().inbox[-1])

    def test_also_after_an_error_that_nobody_thought_of(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        booking = self.unwritten(office)

        def write(*_arguments: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(office.memory, "write", write)
        last_try(office)
        assert event().state is EventState.FAILED
        check(office, booking)

    def test_also_when_a_worker_died_on_the_last_try(self, office: Office) -> None:
        booking = self.unwritten(office)
        [row] = office.rows(OutboxMessage.topic == "calendar")
        row.attempts, row.due_at = office.app.config["BOOKING_MAX_ATTEMPTS"] - 1, utcnow()
        session().commit()
        assert outbox.claim(row.id)
        [row] = office.rows(OutboxMessage.topic == "calendar")
        row.claimed_until = utcnow() - dt.timedelta(seconds=1)
        session().commit()
        office.deliver()
        assert office.states("calendar") == [MessageState.FAILED]
        assert (event().state, event().problem) == (EventState.FAILED, "unreachable")
        check(office, booking)

    def test_nothing_is_mailed_when_that_worker_had_written_it(self, office: Office) -> None:
        self.unwritten(office)
        office.go_on("calendar")
        [row] = office.rows(OutboxMessage.topic == "calendar")
        row.state, row.attempts = MessageState.WAITING, 99  # it came no further than to the calendar
        session().commit()
        office.deliver()
        assert office.states("calendar") == [MessageState.FAILED]
        assert event().state is EventState.WRITTEN
        assert office.kinds() == office.kinds(HOST) == ["booked"]

    def test_an_account_that_nobody_mends_is_given_up_and_goes_on_once_it_is_mended(self, office: Office) -> None:
        booking = self.unwritten(office)
        account = event().calendar
        assert account is not None
        connection_id = account.connection_id
        connection = session().get(Connection, connection_id)
        assert connection is not None
        connection.state = ConnectionState.BROKEN
        session().commit()
        last_try(office)
        assert (event().state, event().problem) == (EventState.FAILED, "needs_reconnect")
        check(office, booking)
        resume(connection_id)
        office.deliver()
        assert event().state is EventState.WRITTEN
        check(office, booking)

    def test_the_meeting_moves_by_mail_while_it_is_down(self, office: Office) -> None:
        booking = self.given_up(office)
        down(office)
        reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
        office.deliver()
        check(office, booking)
        down(office)
        last_try(office)
        check(office, booking)
        for reader in BOTH:
            assert office.kinds(reader) == ["booked", "invited", "rescheduled"]
        cancel(booking.id, actor="guest")
        down(office)
        last_try(office)
        assert office.entries() == office.entries(HOST) == []
        assert office.kinds() == ["booked", "invited", "rescheduled", "cancelled"]

    def test_a_meeting_that_moved_before_is_invited_to_as_it_is_now(self, office: Office) -> None:
        booking = self.unwritten(office)
        reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
        down(office, 2)
        hold_back(office, "calendar")
        office.deliver()
        last_try(office)
        check(office, booking)
        for reader in BOTH:
            assert office.kinds(reader) == ["booked", "rescheduled", "invited"], "two messages failed, one mail goes"

    def test_a_meeting_that_was_cancelled_before_invites_nobody(self, office: Office) -> None:
        booking = self.unwritten(office)
        hold_back(office, "calendar")
        cancel(booking.id, actor="guest")
        hold_back(office, "calendar")
        office.deliver()
        down(office, 2)
        last_try(office)
        assert office.states("calendar") == [MessageState.FAILED] * 2
        assert office.kinds() == office.kinds(HOST) == ["booked", "cancelled"]
        assert office.entries() == office.entries(HOST) == []

    def test_a_meeting_that_is_over_invites_nobody(self, office: Office) -> None:
        booking = self.unwritten(office)
        row = office.fresh(booking)
        row.starts_at, row.ends_at = utcnow() - dt.timedelta(hours=2), utcnow() - dt.timedelta(hours=1)
        session().commit()
        [message] = office.rows(OutboxMessage.topic == "calendar")
        message.attempts, message.due_at = 99, utcnow()  # each worker died over it
        session().commit()
        office.deliver()
        assert office.states("calendar") == [MessageState.FAILED]
        assert office.kinds() == ["booked"]

    @pytest.mark.parametrize("how", ["message", "event"])
    def test_what_is_written_after_all_invites_nobody_twice(self, office: Office, how: str) -> None:
        booking = self.given_up(office)
        if how == "event":
            try_again(office)
        else:
            assert jobs.retry(office.rows(OutboxMessage.topic == "calendar")[0])
            office.deliver()
        assert event().state is EventState.WRITTEN
        [draft] = office.memory.calendars_by_id["work"].drafts.values()
        assert not draft.invite, "the guest has the invitation by mail"
        check(office, booking)
        assert guests_uid(office.fresh(booking)) == ""
        for reader in BOTH:
            assert office.kinds(reader) == ["booked", "invited"]

    def test_what_is_written_after_all_moves_on_both_ways(self, office: Office) -> None:
        booking = self.given_up(office)
        try_again(office)
        reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
        office.deliver()
        check(office, booking)
        [entry] = office.memory.calendars_by_id["work"].events.values()
        assert entry.starts == int(office.ann.tomorrow(15).timestamp())
        cancel(booking.id, actor="guest")
        office.deliver()
        assert office.entries() == office.entries(HOST) == []
        assert office.memory.calendars_by_id["work"].events == {}
        assert office.kinds() == ["booked", "invited", "rescheduled", "cancelled"]

    def test_trying_again_in_vain_repeats_nothing(self, office: Office) -> None:
        booking = self.given_up(office)
        for _ in range(2):
            down(office)
            try_again(office)
            down(office)
            last_try(office)
        assert event().state is EventState.FAILED
        check(office, booking)
        assert office.kinds() == office.kinds(HOST) == ["booked", "invited"]

    def test_who_moves_it_between_two_tries_is_told_of_it_once(self, office: Office) -> None:
        booking = self.given_up(office)
        assert differences.put_back(event())
        hold_back(office, "calendar")
        reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
        hold_back(office, "calendar")
        office.deliver()
        check(office, booking)
        down(office, 2)
        last_try(office)
        check(office, booking)
        assert office.kinds() == ["booked", "invited", "rescheduled"]

    def test_an_older_message_gives_up_nothing_that_a_newer_one_had_written(self, office: Office) -> None:
        booking = self.unwritten(office)
        hold_back(office, "calendar")
        reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
        office.deliver()
        assert event().state is EventState.WRITTEN
        [old, _new] = office.rows(OutboxMessage.topic == "calendar")
        old.attempts, old.due_at = 99, utcnow()
        session().commit()
        office.deliver()
        assert office.states("calendar") == [MessageState.FAILED, MessageState.DONE]
        assert event().state is EventState.WRITTEN
        assert "invited" not in office.kinds() + office.kinds(HOST)

    def test_a_move_is_mailed_by_the_name_that_the_calendars_know(self, office: Office) -> None:
        booking = office.book()
        office.deliver()
        uid = event().remote_uid
        assert uid != booking.uid
        down(office)
        reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
        office.deliver()
        assert office.entries() == []
        down(office)
        last_try(office)
        assert office.kinds() == office.kinds(HOST) == ["booked", "rescheduled", "invited"]
        check(office, booking, uid=uid)
        try_again(office)
        [draft] = office.memory.calendars_by_id["work"].drafts.values()
        assert draft.invite, "the service had invited the guest, and goes on"
        cancel(booking.id, actor="guest")
        office.deliver()
        assert office.entries(HOST) == []
        assert office.memory.calendars_by_id["work"].events == {}, "the service tells the guest"

    def test_a_cancellation_takes_the_meeting_out_of_the_guest_s_calendar_by_mail(self, office: Office) -> None:
        booking = office.book()
        office.deliver()
        uid = event().remote_uid
        down(office)
        cancel(booking.id, actor="host", reason="I am ill.")
        office.deliver()
        assert office.kinds() == office.kinds(HOST) == ["booked", "cancelled"]
        assert "text/calendar" not in [part.get_content_type() for part in office.client().inbox[-1].walk()]
        down(office)
        last_try(office)
        assert event().state is EventState.FAILED
        assert office.kinds() == ["booked", "cancelled", "cancelled"]
        assert office.client().known[uid][0] == office.fresh(booking).sequence == 1
        assert "I am ill." in text(office.client().inbox[-1])
        assert office.kinds(HOST) == ["booked", "cancelled"], "the host sees on the page that it is there still"
        try_again(office)
        assert office.memory.calendars_by_id["work"].events == {}
        assert (event().state, office.kinds()) == (EventState.REMOVED, ["booked", "cancelled", "cancelled"])

    def test_a_host_who_wants_no_mails_gets_none(self, office: Office) -> None:
        office.ann.host.notify_by_email = False
        session().commit()
        self.given_up(office)
        assert office.client(HOST).inbox == []
        assert len(office.entries()) == 1

    def test_a_mail_that_waits_still_is_sent_with_the_invitation(self, office: Office) -> None:
        booking = office.book()
        hold_back(office, "mail")
        down(office)
        last_try(office)
        office.go_on("mail")
        check(office, booking)
        assert office.kinds() == office.kinds(HOST) == ["booked"]

    def test_another_host_s_calendar_does_not_invite_whom_we_invited(self, office: Office) -> None:
        ben = self.ben(office)
        booking = self.given_up(office)
        uid = booking.uid
        reassign(booking.id, ben.id)
        office.deliver()
        [entry] = office.entries()
        assert (entry.uid, entry.sequence) == (uid, office.fresh(booking).sequence)
        [draft] = office.memory.calendars_by_id["bens"].drafts.values()
        assert not draft.invite
        assert office.entries(HOST) == [], "she holds the meeting no more"

    @staticmethod
    def ben(office: Office, *, invites: bool = True) -> Host:
        user = User(email="ben@example.com", name="Ben", password_hash="")
        session().add(user)
        ben = new_host(user)
        office.memory.add_calendar("bens", "Ben's")
        new_calendar(ben, new_connection(ben), remote_id="bens", target=True, invites=invites)
        return ben

    def test_what_a_former_host_s_calendar_keeps_gives_the_guest_no_other_name(self, office: Office) -> None:
        ben = self.ben(office, invites=False)
        booking = office.book()
        office.deliver()
        reassign(booking.id, ben.id)
        hold_back(office, "calendar")
        office.deliver()
        [row] = office.rows(OutboxMessage.topic == "calendar", OutboxMessage.recipient == HOST)[1:]
        row.attempts, row.due_at = office.app.config["BOOKING_MAX_ATTEMPTS"] - 1, utcnow()
        session().commit()
        down(office)
        office.deliver()
        assert session().query(CalendarEvent).filter_by(host_id=office.ann.host.id).one().state is EventState.FAILED
        office.go_on("calendar")
        reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
        office.deliver()
        [entry] = office.entries()
        assert (entry.uid, entry.starts) == (office.fresh(booking).uid, office.ann.tomorrow(15))
        assert office.kinds() == ["booked", "reassigned", "rescheduled"]

    def test_a_host_who_gets_the_meeting_back_has_it_in_the_calendar_alone(self, office: Office) -> None:
        ben = self.ben(office)
        booking = self.given_up(office)
        assert len(office.entries(HOST)) == 1
        reassign(booking.id, ben.id)
        office.deliver()
        reassign(booking.id, office.ann.host.id)
        office.deliver()
        assert office.kinds(HOST) == ["booked", "invited", "cancelled", "reassigned"]
        assert office.entries(HOST) == [], "what the mail had put there was taken out by mail"
        assert len(office.memory.calendars_by_id["work"].events) == 1
        assert len(office.entries()) == 1


def test_what_is_refused_and_then_written_invites_nobody_twice(office: Office, inviting: Memory) -> None:
    booking = office.book()
    hold_back(office, "calendar")
    office.deliver()
    inviting.troubles.append(NotAllowed("403"))
    office.go_on("calendar")
    check(office, booking)
    messages = [calendar_message(office.fresh(booking), office.ann.host.id, f"again:{secrets.token_hex(4)}")]
    write(session(), messages)
    session().commit()
    office.deliver()
    assert event().state is EventState.WRITTEN
    [draft] = inviting.calendars_by_id["work"].drafts.values()
    assert not draft.invite
    check(office, booking)
