"""Bookings in the host's calendar: written, moved and removed once, whatever fails in between."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import delete

from flask_booking import jobs
from flask_booking.calendars import writing
from flask_booking.calendars.care import resume
from flask_booking.connections.lease import lease
from flask_booking.connections.problems import NotAllowed, Unreachable
from flask_booking.messages.delivery import compose_message
from flask_booking.models import (
    ConnectedCalendar,
    Connection,
    ConnectionState,
    EventState,
    HistoryKind,
    MessageState,
    OutboxMessage,
)
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import accept, cancel, reschedule
from flask_booking.state import session
from tests.calendars.conftest import Office
from tests.calendars.made import changed, new_calendar, new_connection


def invited(office: Office) -> dict[str, bool]:
    """Whether the mails of a booking carry an invitation, by kind and recipient."""
    found = {}
    for message in office.messages("mail"):
        if message.rule_id:
            continue
        mail = compose_message(message)
        assert mail is not None
        parts = [part.get_content_type() for part in mail.walk()]
        found[f"{message.kind} {message.recipient}"] = "text/calendar" in parts
    return found


def test_a_booking_is_an_event_that_moves_and_disappears_with_it(office: Office) -> None:
    booking = office.book(12)
    office.deliver()
    (event,) = office.service.calendars_by_id["work"].events.values()
    assert (event.starts, event.ends) == (office.epoch(booking.starts_at), office.epoch(booking.ends_at))
    assert (event.booking, event.uid) == (booking.public_id, booking.uid)
    assert event.title == "Intro: Sam Guest"
    draft = office.service.calendars_by_id["work"].drafts[event.id]
    assert "sam@example.com" in draft.description
    assert f"/bookings/{booking.public_id}" in draft.description

    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    office.deliver()
    (event,) = office.service.calendars_by_id["work"].events.values()
    assert event.starts == office.epoch(office.ann.tomorrow(15))

    cancel(booking.id, actor="guest")
    office.deliver()
    assert not office.service.calendars_by_id["work"].events
    assert office.event().state is EventState.REMOVED
    assert office.states("calendar") == [MessageState.DONE] * 3


def test_our_own_event_is_no_busy_time(office: Office) -> None:
    booking = office.book(12)
    office.deliver()
    for full in (False, True):
        office.sync(full=full)
        reschedule(booking.id, office.ann.tomorrow(12) + dt.timedelta(minutes=30 if not full else 0), actor="guest")
        office.deliver()


def test_the_same_mark_of_another_installation_is_busy_time(office: Office) -> None:
    noon = office.epoch(office.ann.tomorrow(12))
    office.service.add(noon, noon + 3600, booking="somebody-elses")
    office.sync()
    with pytest.raises(Exception, match="taken"):
        office.book(12)


def test_a_mailed_copy_of_the_invitation_is_no_busy_time(office: Office) -> None:
    booking = office.book(12)
    office.service.add(office.epoch(booking.starts_at), office.epoch(booking.ends_at), uid=booking.uid)
    office.sync()
    reschedule(booking.id, office.ann.tomorrow(12) + dt.timedelta(minutes=30), actor="guest")


def test_the_host_who_has_the_event_gets_no_second_invitation(office: Office) -> None:
    office.book(12)
    assert invited(office) == {"booked sam@example.com": True, "booked ann@example.com": False}


def test_a_host_without_a_calendar_for_events_is_invited_by_mail(office: Office) -> None:
    office.calendar.target = False
    changed(office.ann.host)
    office.book(12)
    assert invited(office) == {"booked sam@example.com": True, "booked ann@example.com": True}
    assert office.messages("calendar") == []


def test_a_meeting_that_was_invited_to_by_mail_goes_on_by_mail(office: Office) -> None:
    office.calendar.target = False
    changed(office.ann.host)
    booking = office.book(12)
    office.calendar.target = True
    changed(office.ann.host)
    cancel(booking.id, actor="guest")
    assert invited(office)["cancelled ann@example.com"]
    assert office.messages("calendar") == []


def test_an_event_that_invites_shows_the_guest_a_way_to_move_it_and_none_into_the_crm(office: Office) -> None:
    office.calendar.invites = True
    session().commit()
    booking = office.book(12)
    office.deliver()
    (draft,) = office.service.calendars_by_id["work"].drafts.values()
    assert draft.title == f"Intro: Sam Guest, {office.ann.user.name}"
    assert draft.url.endswith(f"/book/manage/{booking.manage_token}")
    assert draft.url in draft.description
    assert booking.public_id not in draft.description


def test_where_the_service_invites_we_do_not(office: Office) -> None:
    office.calendar.invites = True
    changed(office.ann.host)
    office.book(12)
    assert invited(office) == {"booked sam@example.com": False, "booked ann@example.com": False}
    office.deliver()
    (draft,) = office.service.calendars_by_id["work"].drafts.values()
    assert draft.invite


def test_a_request_is_in_no_calendar_until_it_is_accepted(office: Office) -> None:
    event = office.ann.event
    event.requires_approval = True
    session().commit()
    booking = office.book(12)
    office.deliver()
    assert not office.service.calendars_by_id["work"].events
    accept(booking.id)
    office.deliver()
    assert len(office.service.calendars_by_id["work"].events) == 1
    assert invited(office)["accepted ann@example.com"] is False


def test_a_request_that_was_moved_is_invited_to_by_the_service_once_it_is_accepted(office: Office) -> None:
    office.calendar.invites = True
    changed(office.ann.host)
    office.ann.event.requires_approval = True
    session().commit()
    booking = office.book(12)
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    accept(booking.id)
    assert not any(invited(office).values()), "what was mailed of a request is no invitation"
    office.deliver()
    (draft,) = office.service.calendars_by_id["work"].drafts.values()
    assert draft.invite


def test_an_outage_delays_and_leaves_one_event(office: Office) -> None:
    office.book(12)
    office.service.troubles.append(Unreachable("503"))
    office.deliver()
    assert office.event().problem == "unreachable"
    assert office.states("calendar") == [MessageState.WAITING]
    (message,) = office.messages("calendar")
    jobs.retry(message)
    office.deliver()
    assert len(office.service.calendars_by_id["work"].events) == 1
    assert (office.event().state, office.event().problem) == (EventState.WRITTEN, "")


def test_an_answer_that_is_lost_makes_no_second_event(office: Office) -> None:
    real = office.service.write

    def write(*args: object) -> object:
        real(*args)  # type: ignore[arg-type]
        raise Unreachable("dropped")

    office.service.write = write  # type: ignore[method-assign,assignment]
    office.book(12)
    office.deliver()
    assert len(office.service.calendars_by_id["work"].events) == 1
    office.service.write = real  # type: ignore[method-assign]
    jobs.retry(office.messages("calendar")[0])
    office.deliver()
    assert len(office.service.calendars_by_id["work"].events) == 1
    assert office.event().state is EventState.WRITTEN


def test_a_booking_that_is_cancelled_during_an_outage_leaves_no_event(office: Office) -> None:
    booking = office.book(12)
    office.service.troubles.append(Unreachable("503"))
    office.deliver()
    cancel(booking.id, actor="guest")
    for message in office.messages("calendar"):
        jobs.retry(message)
    office.deliver()
    assert not office.service.calendars_by_id["work"].events
    assert office.event().state is EventState.REMOVED


def test_what_the_calendar_does_not_allow_is_given_up_and_shown(office: Office) -> None:
    office.book(12)
    office.service.troubles.append(NotAllowed("403"))
    office.deliver()
    assert office.states("calendar") == [MessageState.FAILED]
    assert (office.event().state, office.event().problem) == (EventState.FAILED, "not_allowed")


def test_an_error_that_nobody_thought_of_is_given_up_and_shown(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_arguments: object) -> None:
        raise ZeroDivisionError

    office.book(12)
    monkeypatch.setattr(office.service, "write", write)
    (message,) = office.messages("calendar")
    message.attempts = office.app.config["BOOKING_MAX_ATTEMPTS"] - 1
    session().commit()
    office.deliver()
    assert office.states("calendar") == [MessageState.FAILED]
    assert (office.event().state, office.event().problem) == (EventState.FAILED, "provider")
    assert invited(office)["booked ann@example.com"], "nobody else tells her"


def test_a_broken_connection_waits_and_goes_on_once_it_is_mended(office: Office) -> None:
    connection = session().query(Connection).one()
    connection.state = ConnectionState.BROKEN
    session().commit()
    office.book(12)
    office.deliver()
    assert office.states("calendar") == [MessageState.WAITING]
    assert office.event().problem == "needs_reconnect"
    resume(connection.id)
    office.deliver()
    assert office.states("calendar") == [MessageState.DONE]
    assert len(office.service.calendars_by_id["work"].events) == 1


def test_another_writer_makes_a_message_wait_without_counting_a_try(office: Office) -> None:
    office.book(12)
    with lease(office.calendar.connection_id, "writing", 60):
        office.deliver()
    (message,) = office.messages("calendar")
    assert (message.state, message.attempts) == (MessageState.WAITING, 0)
    message.due_at = utcnow()
    session().commit()
    office.deliver()
    assert office.states("calendar") == [MessageState.DONE]


def test_a_deleted_event_is_written_anew_when_its_booking_changes(office: Office) -> None:
    booking = office.book(12)
    office.deliver()
    office.service.delete(office.event().remote_id)
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    office.deliver()
    assert len(office.service.calendars_by_id["work"].events) == 1


def test_a_calendar_that_was_disconnected_is_left_alone(office: Office) -> None:
    booking = office.book(12)
    office.deliver()
    session().execute(delete(ConnectedCalendar))
    session().commit()
    cancel(booking.id, actor="guest")
    office.deliver()
    assert office.states("calendar")[-1] is MessageState.DROPPED
    assert invited(office)["cancelled ann@example.com"]  # nobody else tells her calendar


def test_a_delivery_that_is_repeated_finds_nothing_to_do(office: Office) -> None:
    office.book(12)
    office.deliver()
    office.service.calls.clear()
    message = session().query(OutboxMessage).filter_by(topic="calendar").one()
    assert writing.deliver(message)
    assert office.service.calls == []


class TestLinks:
    """Meeting links that come with the event."""

    @pytest.fixture(autouse=True)
    def meet(self, office: Office) -> None:
        office.calendar.conferencing = ["google_meet"]
        remote = office.service.calendars_by_id["work"]
        remote.remote = remote.remote.__class__(**{**remote.remote.__dict__, "conferencing": ("google_meet",)})
        changed(office.ann.host)

    @staticmethod
    def book(office: Office) -> object:
        from flask_booking.scheduling import BookingRequest, book
        from tests.scheduling.bookable import guest

        intake = guest()
        intake = intake.__class__(intake.guest, [], {"id": "a", "kind": "google_meet", "text": "", "url": ""}, "")
        return book(office.ann.event.id, BookingRequest(office.ann.tomorrow(12), intake))

    @staticmethod
    def mails(office: Office) -> list[OutboxMessage]:
        return [mail for mail in office.messages("mail") if not mail.rule_id]

    def test_the_confirmation_waits_for_the_link_and_has_it(self, office: Office) -> None:
        self.book(office)
        mails = self.mails(office)
        assert all(mail.due_at > utcnow() + dt.timedelta(seconds=30) for mail in mails)
        office.deliver()
        mails = self.mails(office)
        assert all(mail.due_at <= utcnow() for mail in mails)
        mail = compose_message(mails[0])
        assert mail is not None
        assert "https://meet.example/" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert [mail.kind for mail in mails] == ["booked", "booked"]

    def test_a_link_that_comes_late_is_mailed_with_a_newer_invitation(self, office: Office) -> None:
        booking = self.book(office)
        office.service.troubles.append(Unreachable("503"))
        office.deliver()
        for mail in self.mails(office):
            mail.state = MessageState.DONE
        session().commit()
        jobs.retry(office.messages("calendar")[0])
        office.deliver()
        session().refresh(booking)
        assert booking.location["url"].startswith("https://meet.example/")  # type: ignore[attr-defined]
        mails = {(one.kind, one.recipient): one for one in office.messages("mail")}
        late = mails["linked", "sam@example.com"]
        assert late.payload["sequence"] == booking.sequence == 1  # type: ignore[attr-defined]
        assert invited(office)["linked sam@example.com"]
        assert not invited(office)["linked ann@example.com"]

    def test_no_link_is_no_failure(self, office: Office) -> None:
        remote = office.service.calendars_by_id["work"]
        remote.remote = remote.remote.__class__(**{**remote.remote.__dict__, "conferencing": ()})
        real = office.service.write

        def write(access: object, calendar: object, draft: object, known: object) -> object:
            return real(access, remote.remote, draft, known)  # type: ignore[arg-type]

        office.service.write = write  # type: ignore[method-assign,assignment]
        self.book(office)
        office.deliver()
        assert (office.event().state, office.event().problem) == (EventState.WRITTEN, "no_link")
        assert office.states("calendar") == [MessageState.DONE]


def test_each_of_several_hosts_gets_the_event(office: Office) -> None:
    from example_app.models import User
    from flask_booking.models import Assignment
    from tests.scheduling.bookable import new_host

    user = User(email="ben@example.com", name="Ben", password_hash="")
    session().add(user)
    ben = new_host(user)
    office.service.add_calendar("bens", "Ben's")
    new_calendar(ben, new_connection(ben), remote_id="bens", target=True)
    event = office.ann.event
    event.hosts, event.assignment = [office.ann.host, ben], Assignment.ALL
    session().commit()
    booking = office.book(12)
    office.deliver()
    for calendar in ("work", "bens"):
        (one,) = office.service.calendars_by_id[calendar].events.values()
        assert one.booking == booking.public_id
    assert [entry.kind for entry in booking.history] == [HistoryKind.BOOKED]
