"""What guest and host learn of a link, whenever it comes, and what their calendars show in the end: one right entry."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage

import pytest
import sqlalchemy as sa

from flask_booking import catalog, jobs
from flask_booking.connections.problems import NotAllowed
from flask_booking.models import Booking, CalendarEvent, EventState, MessageRule, MessageState, OutboxMessage
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import accept, cancel, reschedule
from flask_booking.state import session
from tests.conferencing.conftest import GUEST, HOST, Office
from tests.messages.mail_client import calendar_part, read_calendar


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    return str(body.get_content()).replace("\r\n", "\n")


def link_of(office: Office, booking: Booking) -> str:
    return str(office.fresh(booking).location["url"])


def invited_to(mail: EmailMessage) -> str:
    """The place that the mail's invitation says; empty without an invitation."""
    part = calendar_part(mail)
    return "" if part is None else str(read_calendar(part)[1]["LOCATION"])


def outage(office: Office) -> None:
    office.zoom.fail(503, method="POST", path="/v2/")


def hold_back(office: Office, topic: str) -> None:
    """Let what waits of ``topic`` not be due."""
    for row in office.rows(OutboxMessage.topic == topic, OutboxMessage.state == MessageState.WAITING):
        row.due_at = utcnow() + dt.timedelta(hours=1)
    session().commit()


def check(office: Office, booking: Booking) -> None:
    """Both sides have the meeting once, as it is now, with the link that it has."""
    booking = office.fresh(booking)
    for reader in (GUEST, HOST):
        [entry] = office.entries(reader)
        assert (entry.starts, entry.uid, entry.sequence) == (booking.starts_at, booking.uid, booking.sequence)
        assert link_of(office, booking) in text(office.client(reader).inbox[-1])
        assert invited_to(office.client(reader).inbox[-1]) == link_of(office, booking)


def test_a_link_that_is_made_in_time_is_in_the_confirmation(office: Office) -> None:
    booking = office.book()
    assert all(
        row.due_at > utcnow() + dt.timedelta(seconds=30) for row in office.rows(OutboxMessage.kind == "booked")[1:]
    )
    office.deliver()
    check(office, booking)
    assert office.kinds() == office.kinds(HOST) == ["booked"]
    assert "Where: Zoom\nJoin: https://zoom.example" in text(office.client().inbox[0])


def test_a_link_that_comes_late_is_mailed_and_the_invitation_renewed(office: Office) -> None:
    booking = office.book()
    outage(office)
    office.deliver()
    office.go_on("mail")
    [mail] = office.client().inbox
    assert "Where: Zoom: you get the link by e-mail as soon as it is made" in text(mail)
    assert "Join:" not in text(mail)
    assert invited_to(mail) == "Zoom"
    assert "Where: Zoom: the link is still to come" in text(office.client(HOST).inbox[0])
    office.go_on("conference")
    check(office, booking)
    assert office.kinds() == office.kinds(HOST) == ["booked", "linked"]


def test_a_meeting_that_moves_before_its_link_came_is_told_of_in_order(office: Office) -> None:
    booking = office.book()
    outage(office)
    office.deliver()
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    office.go_on("conference")
    check(office, booking)
    assert office.kinds() == ["booked", "rescheduled"]
    assert [one["start_time"][11:16] for one in office.zoom.of("ann")] == ["15:00"]


def test_a_meeting_that_moved_after_a_mail_without_link_gets_it_once(office: Office) -> None:
    booking = office.book()
    outage(office)
    office.deliver()
    office.go_on("mail")
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    office.go_on("conference")
    check(office, booking)
    assert office.kinds() == ["booked", "rescheduled"]


def test_a_meeting_that_is_cancelled_before_its_link_came_is_in_no_calendar(office: Office) -> None:
    booking = office.book()
    outage(office)
    office.deliver()
    cancel(booking.id, actor="guest")
    office.deliver()
    assert office.kinds() == ["cancelled"], "that it is off waits for nothing"
    office.go_on("mail")
    office.go_on("conference")
    assert (office.entries(), office.entries(HOST), office.zoom.meetings) == ([], [], {})
    assert office.kinds() == ["cancelled"]


def test_a_meeting_that_is_cancelled_after_a_mail_without_link_leaves_the_calendars(office: Office) -> None:
    booking = office.book()
    outage(office)
    office.deliver()
    office.go_on("mail")
    cancel(booking.id, actor="guest")
    office.go_on("conference")
    assert (office.entries(), office.entries(HOST), office.zoom.meetings) == ([], [], {})
    assert office.kinds() == ["booked", "cancelled"]


def test_another_link_than_before_is_mailed(office: Office) -> None:
    booking = office.book()
    office.deliver()
    before = link_of(office, booking)
    office.zoom.meetings.clear()
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    office.deliver()
    check(office, booking)
    assert link_of(office, booking) != before
    assert office.kinds() == ["booked", "rescheduled"]


def test_another_link_than_before_is_mailed_also_after_the_new_time_was(office: Office) -> None:
    booking = office.book()
    office.deliver()
    office.zoom.meetings.clear()
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    hold_back(office, "conference")
    office.deliver()
    office.go_on("conference")
    check(office, booking)
    assert office.kinds() == office.kinds(HOST) == ["booked", "rescheduled", "linked"]


def test_a_reminder_carries_the_newest_link(office: Office) -> None:
    catalog.save_rule(office.ann.host, {"minutes": -60, "anchor": "start", "audience": "guest"})
    booking = office.book()
    office.deliver()
    before = link_of(office, booking)
    office.zoom.meetings.clear()
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    office.deliver()
    for row in office.rows(OutboxMessage.kind == "reminder"):
        row.due_at = utcnow()
    session().commit()
    office.deliver()
    reminder = office.client().inbox[-1]
    assert reminder["Subject"].startswith("Reminder")
    assert link_of(office, booking) in text(reminder)
    assert before not in text(reminder)


def test_a_link_that_comes_late_leaves_the_reminders_and_the_follow_up(office: Office) -> None:
    # The first in place of the one a day before, which a meeting of tomorrow has before noon alone.
    first: MessageRule | None = session().scalars(sa.select(MessageRule)).one()
    for minutes, anchor, audience in ((-60, "start", "guest"), (-30, "start", "host"), (60, "end", "guest")):
        catalog.save_rule(office.ann.host, {"minutes": minutes, "anchor": anchor, "audience": audience}, first)
        first = None
    booking = office.book()
    outage(office)
    office.deliver()
    office.go_on("mail")
    [reminder, *_rest] = office.rows(OutboxMessage.kind == "reminder")
    reminder.attempts = 1  # it is being tried again
    session().commit()
    office.go_on("conference")
    assert office.kinds() == ["booked", "linked"]
    for row in office.rows(OutboxMessage.rule_id.is_not(None)):
        row.due_at = utcnow()
    session().commit()
    office.deliver()
    sent = office.rows(OutboxMessage.rule_id.is_not(None))
    assert [(row.kind, row.state) for row in sent] == [
        ("reminder", MessageState.DONE), ("reminder", MessageState.DONE), ("follow_up", MessageState.DONE)
    ]  # fmt: skip
    assert link_of(office, booking) in text(office.client(HOST).inbox[-1])


def test_a_guest_whose_request_is_not_accepted_learns_that_the_link_comes_with_the_acceptance(office: Office) -> None:
    catalog.update_event_type(office.ann.event, {"requires_approval": True})
    booking = office.book()
    office.deliver()
    assert "Zoom: you get the link once your request is accepted" in text(office.client().inbox[0])
    assert "Where: Zoom\n" in text(office.client(HOST).inbox[0])
    accept(booking.id)
    office.deliver()
    check(office, booking)
    assert office.kinds() == ["requested", "accepted"]


def test_a_password_apart_from_the_link_is_told_with_it(office: Office) -> None:
    office.zoom.bare_links = True
    booking = office.book()
    office.deliver()
    password = office.fresh(booking).location["password"]
    for reader in (GUEST, HOST):
        [mail] = office.client(reader).inbox
        assert f"Password: {password}" in text(mail)
        part = calendar_part(mail)
        assert part is not None
        assert f"Password: {password}" in str(read_calendar(part)[1]["DESCRIPTION"])


class TestCalendar:
    """The host's events are in a calendar, which has to show the link too."""

    @pytest.fixture(autouse=True)
    def calendar(self, office: Office) -> None:
        office.add_calendar()

    @staticmethod
    def draft(office: Office) -> object:
        [event] = office.memory.calendars_by_id["work"].events.values()
        return office.memory.calendars_by_id["work"].drafts[event.id]

    def test_the_event_shows_a_link_that_was_made_before_it(self, office: Office) -> None:
        booking = office.book()
        office.deliver()
        assert self.draft(office).location == link_of(office, booking)  # type: ignore[attr-defined]
        assert office.kinds() == office.kinds(HOST) == ["booked"]

    def test_the_event_shows_a_link_that_was_made_after_it_and_before_any_mail(self, office: Office) -> None:
        booking = office.book()
        outage(office)
        office.deliver()
        assert self.draft(office).location == "Zoom"  # type: ignore[attr-defined]
        office.go_on("conference")
        assert self.draft(office).location == link_of(office, booking)  # type: ignore[attr-defined]
        assert office.kinds() == office.kinds(HOST) == ["booked"]
        assert len(office.entries()) == 1

    def test_the_event_shows_a_link_that_came_late(self, office: Office) -> None:
        booking = office.book()
        outage(office)
        office.deliver()
        office.go_on("mail")
        office.go_on("conference")
        assert self.draft(office).location == link_of(office, booking)  # type: ignore[attr-defined]
        assert self.draft(office).sequence == 1  # type: ignore[attr-defined]
        assert office.entries(HOST) == [], "the calendar tells the host"


class TestRefusedEvents:
    """A calendar that will never have the event: the invitations that its service should have brought are mailed."""

    @pytest.fixture(autouse=True)
    def place(self, office: Office) -> None:
        catalog.update_event_type(
            office.ann.event, {"locations": [{"id": "c", "kind": "custom", "text": "By the sea"}]}
        )

    @pytest.fixture
    def refusing(self, office: Office) -> None:
        office.memory.troubles.append(NotAllowed("403"))

    @staticmethod
    def state(office: Office) -> EventState:
        session().rollback()
        return session().query(CalendarEvent).populate_existing().one().state

    def test_a_host_whose_mail_is_sent_gets_the_invitation_by_itself(self, office: Office, refusing: None) -> None:
        office.add_calendar()
        booking = office.book()
        hold_back(office, "calendar")
        office.deliver()
        assert (office.kinds(HOST), office.entries(HOST)) == (["booked"], [])
        office.go_on("calendar")
        assert self.state(office) is EventState.FAILED
        assert office.kinds(HOST) == ["booked", "invited"]
        [entry] = office.entries(HOST)
        assert (entry.uid, entry.sequence, entry.starts) == (booking.uid, 0, booking.starts_at)
        assert office.kinds() == ["booked"], "the guest was invited by mail anyway"
        assert len(office.entries()) == 1

    def test_a_host_whose_mail_waits_gets_it_with_the_invitation(self, office: Office, refusing: None) -> None:
        office.add_calendar()
        office.book()
        office.deliver()  # the event comes first
        assert office.kinds(HOST) == ["booked"]
        assert len(office.entries(HOST)) == 1

    def test_a_guest_whom_the_service_should_have_invited_is_invited_by_mail(
        self, office: Office, refusing: None
    ) -> None:
        office.add_calendar(invites=True)
        booking = office.book()
        hold_back(office, "calendar")
        office.deliver()
        assert (office.kinds(), office.entries()) == (["booked"], [])
        office.go_on("calendar")
        for reader in (GUEST, HOST):
            assert office.kinds(reader) == ["booked", "invited"]
            [entry] = office.entries(reader)
            assert (entry.uid, entry.sequence) == (booking.uid, 0)
        assert "The invitation for your calendar is attached." in text(office.client().inbox[-1])

    def test_later_changes_go_by_mail(self, office: Office, refusing: None) -> None:
        office.add_calendar(invites=True)
        booking = office.book()
        office.deliver()
        office.memory.troubles += [NotAllowed("403")] * 2
        reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
        office.deliver()
        for reader in (GUEST, HOST):
            [entry] = office.entries(reader)
            assert (entry.sequence, entry.starts) == (1, office.ann.tomorrow(15))
        cancel(booking.id, actor="guest")
        office.deliver()
        assert office.entries() == office.entries(HOST) == []

    def test_a_move_that_the_calendar_refuses_is_mailed_by_the_name_that_the_calendars_know(
        self, office: Office
    ) -> None:
        office.add_calendar(invites=True)
        office.memory.own_uids = True
        booking = office.book()
        office.deliver()
        [event] = office.memory.calendars_by_id["work"].events.values()
        assert event.uid != booking.uid
        office.memory.troubles.append(NotAllowed("403"))
        reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
        office.deliver()
        for reader in (GUEST, HOST):
            [entry] = office.entries(reader)
            assert (entry.uid, entry.sequence, entry.starts) == (event.uid, 1, office.ann.tomorrow(15))
        office.memory.troubles.append(NotAllowed("403"))
        cancel(booking.id, actor="guest")
        office.deliver()
        assert office.entries() == office.entries(HOST) == []

    def test_a_cancelled_meeting_invites_nobody(self, office: Office, refusing: None) -> None:
        office.add_calendar(invites=True)
        booking = office.book()
        hold_back(office, "calendar")
        office.deliver()
        cancel(booking.id, actor="guest")
        office.go_on("calendar")
        assert "invited" not in office.kinds() + office.kinds(HOST)
        assert office.entries() == office.entries(HOST) == []

    def test_a_host_who_wants_no_mails_gets_none(self, office: Office, refusing: None) -> None:
        office.ann.host.notify_by_email = False
        session().commit()
        office.add_calendar()
        office.book()
        office.deliver()
        assert office.client(HOST).inbox == []
        assert self.state(office) is EventState.FAILED

    def test_a_second_refusal_repeats_nothing(self, office: Office, refusing: None) -> None:
        office.add_calendar(invites=True)
        office.book()
        hold_back(office, "calendar")
        office.deliver()
        office.go_on("calendar")
        office.memory.troubles.append(NotAllowed("403"))
        jobs.retry(office.rows(OutboxMessage.topic == "calendar")[0])
        office.deliver()
        assert office.kinds() == office.kinds(HOST) == ["booked", "invited"]
