"""Links that every try failed to make: what waited for them is sent without, and they are mailed when they come."""

from __future__ import annotations

import datetime as dt

import pytest

from flask_booking import catalog, jobs
from flask_booking.models import (
    EventState,
    MessageState,
    OutboxMessage,
)
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import cancel, reschedule
from flask_booking.state import session
from tests.conferencing.conftest import HOST, Office
from tests.conferencing.test_told import hold_back, invited_to
from tests.conferencing.trying import TELLING, check, down, event, last_try, try_again


class TestLinkOfCalendar:
    """A link that was to come with the event."""

    @pytest.fixture(autouse=True)
    def meet(self, office: Office) -> None:
        office.add_calendar(conferencing=["google_meet"])
        remote = office.memory.calendars_by_id["work"]
        remote.remote = remote.remote.__class__(**{**remote.remote.__dict__, "conferencing": ("google_meet",)})
        catalog.update_event_type(office.ann.event, {"locations": [{"id": "m", "kind": "google_meet"}]})

    def test_is_waited_for_no_more(self, office: Office) -> None:
        booking = office.book()
        assert all(row.due_at > utcnow() + dt.timedelta(seconds=30) for row in office.rows(*TELLING))
        down(office)
        last_try(office)
        assert office.kinds() == office.kinds(HOST) == ["booked"]
        check(office, booking)
        assert invited_to(office.client().inbox[-1]) == "Google Meet"

    def test_is_mailed_when_it_comes_after_all(self, office: Office) -> None:
        booking = office.book()
        down(office)
        last_try(office)
        try_again(office)
        assert office.kinds() == office.kinds(HOST) == ["booked", "linked"]
        check(office, booking)
        assert invited_to(office.client().inbox[-1]) == office.fresh(booking).location["url"]

    def test_is_given_up_alone_when_the_event_is_there(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        booking = office.book()
        real = office.memory.write

        def write(*arguments: object) -> object:
            written = real(*arguments)  # type: ignore[arg-type]
            return written.__class__(**{**written.__dict__, "join_url": "", "join_pending": True})

        monkeypatch.setattr(office.memory, "write", write)
        office.deliver()
        assert (event().state, event().problem) == (EventState.WRITTEN, "link_pending")
        down(office)
        last_try(office)
        assert office.states("calendar") == [MessageState.FAILED]
        assert (event().state, event().problem) == (EventState.WRITTEN, "no_link")
        assert office.kinds() == office.kinds(HOST) == ["booked"]
        assert len(office.entries()) == 1
        assert office.entries(HOST) == [], "it is in the host's calendar"
        assert office.fresh(booking).location["url"] == ""


class TestLinkOfService:
    """A link that was to come from Zoom."""

    def test_is_waited_for_no_more(self, office: Office) -> None:
        booking = office.book()
        office.zoom.fail(503, method="POST", path="/v2/")
        last_try(office, "conference")
        assert (office.link().state, office.link().problem) == (EventState.FAILED, "unreachable")
        assert office.kinds() == office.kinds(HOST) == ["booked"]
        check(office, booking)

    def test_is_waited_for_no_more_when_it_is_refused(self, office: Office) -> None:
        office.book()
        office.zoom.fail(400, {"code": 3161, "message": "No."}, method="POST", path="/v2/")
        office.deliver()
        assert (office.link().state, office.link().problem) == (EventState.FAILED, "not_allowed")
        assert office.kinds() == office.kinds(HOST) == ["booked"]

    def test_is_mailed_when_it_comes_after_all(self, office: Office) -> None:
        booking = office.book()
        office.zoom.fail(503, method="POST", path="/v2/")
        last_try(office, "conference")
        assert jobs.retry(office.rows(OutboxMessage.topic == "conference")[0])
        office.deliver()
        assert office.link().state is EventState.WRITTEN
        assert office.kinds() == office.kinds(HOST) == ["booked", "linked"]
        check(office, booking)

    def test_is_nothing_to_give_up_once_its_meeting_is_off_or_another_message_made_it(self, office: Office) -> None:
        booking = office.book()
        hold_back(office, "conference")
        reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
        office.deliver()
        assert office.link().state is EventState.WRITTEN
        [old, _new] = office.rows(OutboxMessage.topic == "conference")
        old.attempts, old.due_at = 99, utcnow()
        session().commit()
        office.deliver()
        assert office.states()[0] is MessageState.FAILED
        assert (office.link().state, office.link().problem) == (EventState.WRITTEN, "")

    def test_a_meeting_that_could_not_be_taken_back_is_noted(self, office: Office) -> None:
        booking = office.book()
        office.deliver()
        cancel(booking.id, actor="guest")
        office.zoom.fail(503, method="DELETE", path="/v2/")
        last_try(office, "conference")
        assert (office.link().state, office.link().problem) == (EventState.FAILED, "unreachable")
        assert office.kinds() == ["booked", "cancelled"]
