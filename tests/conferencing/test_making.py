"""Meetings at a service for links: made, moved and taken back once, whatever fails in between."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import sqlalchemy as sa

from example_app.models import User
from flask_booking import catalog, jobs
from flask_booking.calendars.care import resume
from flask_booking.conferencing.making import deliver
from flask_booking.conferencing.provider import Meeting, MeetingDraft
from flask_booking.conferencing.zoom import Zoom
from flask_booking.connections.access import Access
from flask_booking.connections.accounts import disconnect
from flask_booking.connections.lease import lease
from flask_booking.models import (
    Booking,
    CalendarEvent,
    Connection,
    ConnectionState,
    EventState,
    Host,
    MeetingLink,
    MessageState,
    OutboxMessage,
)
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import accept, cancel, reassign, reschedule
from flask_booking.scheduling.links import set_link
from flask_booking.state import session
from tests.conferencing.conftest import Office, connect_zoom
from tests.scheduling.bookable import new_host


def url_of(office: Office, booking: Booking) -> str:
    return str(office.fresh(booking).location.get("url"))


def changes(office: Office) -> list[str]:
    """The requests that made, changed or removed something."""
    return [asked.method for asked in office.zoom.journal if asked.method != "GET" and "/meetings" in asked.path]


def connection() -> Connection:
    session().rollback()
    return session().scalars(sa.select(Connection).execution_options(populate_existing=True)).one()


def test_a_booking_is_a_meeting_that_moves_and_disappears_with_it(office: Office) -> None:
    booking = office.book(12)
    office.deliver()
    [meeting] = office.zoom.of("ann")
    assert meeting["start_time"] == f"{office.ann.tomorrow(12):%Y-%m-%dT%H:%M:%SZ}"
    assert (meeting["duration"], meeting["topic"]) == (30, "Intro: Grace Hopper")
    assert url_of(office, booking) == meeting["join_url"]
    assert (office.link().state, office.link().remote_id) == (EventState.WRITTEN, str(meeting["id"]))

    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    office.deliver()
    assert [one["start_time"] for one in office.zoom.of("ann")] == [f"{office.ann.tomorrow(15):%Y-%m-%dT%H:%M:%SZ}"]
    assert url_of(office, booking) == meeting["join_url"]

    cancel(booking.id, actor="guest")
    office.deliver()
    assert office.zoom.of("ann") == []
    assert office.link().state is EventState.REMOVED
    assert office.states() == [MessageState.DONE] * 3
    assert changes(office) == ["POST", "PATCH", "DELETE"]


def test_a_request_has_no_meeting_until_it_is_accepted(office: Office) -> None:
    catalog.update_event_type(office.ann.event, {"requires_approval": True})
    booking = office.book()
    office.deliver()
    assert office.zoom.of("ann") == []
    accept(booking.id)
    office.deliver()
    assert url_of(office, booking) == office.zoom.of("ann")[0]["join_url"]


def test_a_password_that_the_link_lacks_is_kept_beside_it(office: Office) -> None:
    booking = office.book()
    office.deliver()
    assert "password" not in office.fresh(booking).location, "the link brings it along"
    other = office.book(15, email="hedy@example.com")
    office.zoom.bare_links = True
    office.deliver()
    assert office.fresh(other).location["password"] == office.zoom.of("ann")[1]["password"]


def test_an_answer_that_is_lost_makes_no_second_meeting(office: Office) -> None:
    booking = office.book()
    office.zoom.drop(after_effect=True, method="POST", path="/v2/")
    office.deliver()
    assert len(office.zoom.of("ann")) == 1
    assert (office.link().problem, office.states()) == ("unreachable", [MessageState.WAITING])
    assert office.fresh(booking).location["url"] == ""
    office.go_on("conference")
    [meeting] = office.zoom.of("ann")
    assert url_of(office, booking) == meeting["join_url"]
    assert (office.link().state, office.link().problem) == (EventState.WRITTEN, "")
    assert changes(office) == ["POST"]


def test_a_worker_that_died_before_it_wrote_the_link_is_followed_by_one_that_finds_it(office: Office) -> None:
    booking = office.book()
    office.deliver()
    row = office.fresh(booking)
    row.location = {**row.location, "url": ""}  # recorded, and no further
    session().commit()
    [message] = office.rows(OutboxMessage.topic == "conference")
    assert deliver(message)
    assert url_of(office, booking) == office.zoom.of("ann")[0]["join_url"]
    assert changes(office) == ["POST"]


def test_a_delivery_that_is_repeated_finds_nothing_to_do(office: Office) -> None:
    office.book()
    office.deliver()
    office.zoom.journal.clear()
    [message] = office.rows(OutboxMessage.topic == "conference")
    assert deliver(message)
    assert office.zoom.journal == []


def test_a_booking_that_is_cancelled_during_an_outage_leaves_no_meeting(office: Office) -> None:
    booking = office.book()
    office.zoom.drop(after_effect=True, method="POST", path="/v2/")
    office.deliver()
    assert len(office.zoom.of("ann")) == 1
    cancel(booking.id, actor="guest")
    office.go_on("conference")
    assert office.zoom.of("ann") == []
    assert office.link().state is EventState.REMOVED
    assert office.states() == [MessageState.DONE] * 2


def test_a_booking_that_is_cancelled_before_zoom_was_asked_makes_none(office: Office) -> None:
    booking = office.book()
    cancel(booking.id, actor="guest")
    office.deliver()
    assert office.zoom.of("ann") == []
    assert "POST" not in changes(office)


def test_a_meeting_that_was_deleted_at_zoom_is_made_anew_when_its_booking_moves(office: Office) -> None:
    booking = office.book()
    office.deliver()
    before = url_of(office, booking)
    office.zoom.meetings.clear()
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    office.deliver()
    [meeting] = office.zoom.of("ann")
    assert url_of(office, booking) == meeting["join_url"] != before


@pytest.mark.parametrize(("status", "code"), [(400, 3161), (403, 200)])
def test_what_zoom_refuses_for_good_is_given_up_and_tried_again_with_the_next_change(
    office: Office, status: int, code: int
) -> None:
    booking = office.book()
    office.zoom.fail(status, {"code": code, "message": "You cannot host meetings."}, method="POST", path="/v2/")
    office.deliver()
    assert office.states() == [MessageState.FAILED]
    assert (office.link().state, office.link().problem) == (EventState.FAILED, "not_allowed")
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    office.deliver()
    assert office.link().state is EventState.WRITTEN


def test_the_limit_of_a_day_is_waited_for(office: Office) -> None:
    office.zoom.most_a_day = 0
    office.book()
    office.deliver()
    [row] = office.rows(OutboxMessage.topic == "conference")
    assert (row.state, office.link().problem) == (MessageState.WAITING, "rate_limited")
    midnight = (utcnow() + dt.timedelta(days=1)).replace(hour=0, minute=0, second=0)
    assert row.due_at >= midnight - dt.timedelta(seconds=5)


def test_a_broken_account_waits_and_goes_on_once_it_is_mended(office: Office) -> None:
    [grant] = office.zoom.grants
    grant.alive = False
    booking = office.book()
    office.deliver()
    assert (connection().state, office.link().problem) == (ConnectionState.BROKEN, "needs_reconnect")
    assert office.states() == [MessageState.WAITING]
    connect_zoom(office.zoom, office.ann.host)
    resume(connection().id)
    office.deliver()
    assert office.states() == [MessageState.DONE]
    assert url_of(office, booking) == office.zoom.of("ann")[0]["join_url"]


def test_a_missing_permission_breaks_the_account_and_not_the_link(office: Office) -> None:
    office.zoom.grants[0].scopes = ("meeting:read:list_meetings",)
    office.book()
    office.deliver()
    assert (connection().state, office.link().state) == (ConnectionState.BROKEN, EventState.WANTED)
    assert office.link().problem == "missing_scope"


def test_another_writer_makes_a_message_wait_without_counting_a_try(office: Office) -> None:
    office.book()
    with lease(connection().id, "writing", 60):
        office.deliver()
    [message] = office.rows(OutboxMessage.topic == "conference")
    assert (message.state, message.attempts, office.link().problem) == (MessageState.WAITING, 0, "")
    office.go_on("conference")
    assert office.states() == [MessageState.DONE]


def test_a_writer_who_is_so_late_that_another_wrote_has_it_made_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = office.book(12)
    office.deliver()
    real, late = Zoom.write, []

    def write(self: Zoom, access: Access, draft: MeetingDraft, known: Meeting | None) -> Meeting:
        if not late:  # this one stands still until its lease is over, and another worker has done the next move
            late.append(draft)
            reschedule(booking.id, office.ann.tomorrow(16), actor="guest")
            session().execute(sa.update(Connection).values(writing_until=utcnow() - dt.timedelta(seconds=1)))
            session().commit()
            jobs.deliver_due(office.app)
        return real(self, access, draft, known)

    monkeypatch.setattr(Zoom, "write", write)
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    office.deliver()
    office.go_on("conference")
    assert late
    assert [one["start_time"][11:16] for one in office.zoom.of("ann")] == ["16:00"]
    assert set(office.states()) == {MessageState.DONE}


def test_two_accounts_of_one_host_make_one_meeting(office: Office) -> None:
    connect_zoom(office.zoom, office.ann.host, "ann.private")
    office.book()
    office.deliver()
    assert len(office.zoom.meetings) == 1


class TestWithoutAccount:
    """Nobody can make the link."""

    @pytest.fixture(autouse=True)
    def gone(self, office: Office) -> None:
        disconnect(connection())

    def test_the_booking_works_and_its_mails_do_not_wait(self, office: Office) -> None:
        office.book()
        office.deliver()
        assert (office.states(), office.link().problem) == ([MessageState.FAILED], "no_account")
        assert office.link().state is EventState.WANTED, "mails wait for it once there is an account"
        assert office.kinds() == ["booked"]
        assert len(office.entries()) == 1
        assert "as soon as it is made" in office.client().inbox[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]

    def test_an_account_that_is_connected_later_makes_it(self, office: Office) -> None:
        booking = office.book()
        office.deliver()
        resume(connect_zoom(office.zoom, office.ann.host).id)
        office.deliver()
        assert url_of(office, booking) == office.zoom.of("ann")[0]["join_url"]
        assert office.kinds() == ["booked", "linked"]
        assert [entry.sequence for entry in office.entries()] == [1]

    def test_a_change_finds_an_account_by_itself(self, office: Office) -> None:
        booking = office.book()
        office.deliver()
        connect_zoom(office.zoom, office.ann.host)
        reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
        office.deliver()
        assert url_of(office, booking) == office.zoom.of("ann")[0]["join_url"]

    def test_what_is_cancelled_meanwhile_is_not_made(self, office: Office) -> None:
        booking = office.book()
        office.deliver()
        cancel(booking.id, actor="guest")
        resume(connect_zoom(office.zoom, office.ann.host).id)
        office.deliver()
        assert office.zoom.meetings == {}


def test_a_meeting_stays_when_its_account_is_disconnected(office: Office) -> None:
    booking = office.book()
    office.deliver()
    url = url_of(office, booking)
    disconnect(connection())
    assert url_of(office, booking) == url
    cancel(booking.id, actor="guest")
    office.deliver()
    assert office.states()[-1] is MessageState.DROPPED


class TestAnotherHost:
    """A meeting that is given to another host, who alone can begin one in the own account."""

    @pytest.fixture
    def ben(self, office: Office) -> Host:
        user = User(email="ben@example.com", name="Ben", password_hash="")
        session().add(user)
        return new_host(user)

    def test_is_made_there_and_taken_back_here(self, office: Office, ben: Host) -> None:
        connect_zoom(office.zoom, ben, "ben")
        booking = office.book()
        office.deliver()
        before = url_of(office, booking)
        reassign(booking.id, ben.id)
        assert office.fresh(booking).location["url"] == ""
        office.deliver()
        assert office.zoom.of("ann") == []
        [meeting] = office.zoom.of("ben")
        assert url_of(office, booking) == meeting["join_url"] != before
        assert office.kinds() == ["booked", "reassigned"], "the mail waited for the link"
        assert meeting["join_url"] in office.client().inbox[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert len(office.entries()) == 1

    def test_is_taken_back_though_nobody_knows_whether_it_was_made(self, office: Office, ben: Host) -> None:
        connect_zoom(office.zoom, ben, "ben")
        booking = office.book()
        office.zoom.drop(after_effect=True, method="POST", path="/v2/")
        office.deliver()
        assert len(office.zoom.of("ann")) == 1
        reassign(booking.id, ben.id)
        office.go_on("conference")
        assert (office.zoom.of("ann"), len(office.zoom.of("ben"))) == ([], 1)

    def test_waits_for_an_account_when_there_is_none(self, office: Office, ben: Host) -> None:
        booking = office.book()
        office.deliver()
        reassign(booking.id, ben.id)
        office.deliver()
        assert office.zoom.meetings == {}
        assert office.link().problem == "no_account"
        resume(connect_zoom(office.zoom, ben, "ben").id)
        office.deliver()
        assert url_of(office, booking) == office.zoom.of("ben")[0]["join_url"]

    def test_is_taken_back_once_a_broken_account_is_mended(self, office: Office, ben: Host) -> None:
        booking = office.book()
        office.deliver()
        [grant] = office.zoom.grants
        grant.alive = False
        reassign(booking.id, ben.id)
        office.deliver()
        assert len(office.zoom.of("ann")) == 1
        resume(connect_zoom(office.zoom, office.ann.host).id)
        office.deliver()
        assert office.zoom.of("ann") == []

    def test_ignores_a_link_that_the_former_host_s_account_made_too_late(self, office: Office, ben: Host) -> None:
        booking = office.book()
        office.deliver()
        reassign(booking.id, ben.id)
        assert not set_link(booking.id, "https://zoom.example/late", by=office.ann.host.id)


def test_an_event_type_that_is_deleted_takes_what_was_made_for_its_bookings_along(office: Office) -> None:
    office.add_calendar()
    booking = office.book()
    office.deliver()
    cancel(booking.id, actor="guest")
    office.deliver()
    catalog.delete_event_type(office.ann.event)
    assert session().query(MeetingLink).count() == session().query(CalendarEvent).count() == 0


def test_a_retry_by_hand_starts_anew(office: Office) -> None:
    office.book()
    office.zoom.fail(400, {"code": 300, "message": "Validation Failed."}, method="POST", path="/v2/")
    office.deliver()
    [message] = office.rows(OutboxMessage.topic == "conference")
    assert jobs.retry(message)
    office.deliver()
    assert office.link().state is EventState.WRITTEN


def test_nothing_of_the_account_is_kept_with_the_booking_or_its_messages(office: Office) -> None:
    booking = office.book()
    office.deliver()
    told = json.dumps([office.fresh(booking).location, *(row.payload for row in office.rows())])
    assert "zak" not in told
    assert "access" not in told
