"""What connected calendars say decides about offers and bookings, and what they don't say isn't taken for free."""

from __future__ import annotations

import time

import pytest

from example_app.models import User
from flask_booking.availability import Reason
from flask_booking.errors import CalendarUnknown, SlotTaken
from flask_booking.models import Assignment, EventType, Host, StaleCalendars
from flask_booking.scheduling import book, explain_day, find_event, offers, place_hold, reschedule
from flask_booking.scheduling.asking import let_ask
from flask_booking.scheduling.hold import new_hold_token
from flask_booking.state import session, state
from tests.calendars.made import age, busy, changed, new_calendar, new_connection
from tests.scheduling.bookable import DAY, HOUR, instant, midnight, new_event, new_host, request
from tests.scheduling.test_offers import counted_queries

STALE = 121
NOON = 12 * HOUR


def starts(event: EventType, day: int = 3, *, now: int | None = None, days: int = 1) -> set[int]:
    """The offers of some days, as seconds after the first midnight."""
    address, first = find_event(event.page.slug, event.slug), midnight(day)
    return {one - first for one in offers(address, start=first, end=first + days * DAY, now=now).starts}


def why(event: EventType, at: int) -> tuple[Reason | None, str]:
    day = instant(at).date()
    verdicts = next(iter(explain_day(find_event(event.page.slug, event.slug), day, "UTC").values()))
    found = next(one for one in verdicts if one.start <= at < max(one.end, one.start + 1))
    return found.reason, found.label


def test_a_busy_time_closes_what_it_touches_and_no_more(event: EventType, host: Host) -> None:
    busy(new_calendar(host), (midnight() + NOON, midnight() + NOON + HOUR))
    open_ = starts(event)
    assert {NOON - 1800, NOON + HOUR} <= open_
    assert not {NOON, NOON + 1800} & open_
    with pytest.raises(SlotTaken):
        book(event.id, request(midnight() + NOON))
    assert book(event.id, request(midnight() + NOON + HOUR)).id


def test_the_host_is_told_which_event_is_in_the_way(event: EventType, host: Host) -> None:
    busy(new_calendar(host), (midnight() + NOON, midnight() + NOON + HOUR))
    assert why(event, midnight() + NOON) == (Reason.BUSY, "Dentist · Work")


def test_an_event_without_a_title_is_told_by_its_calendar(event: EventType, host: Host) -> None:
    busy(new_calendar(host), (midnight() + NOON, midnight() + NOON + HOUR), title="")
    assert why(event, midnight() + NOON) == (Reason.BUSY, "Work")


def test_a_long_event_reaches_over_stretches_that_are_remembered_apart(event: EventType, host: Host) -> None:
    event.window_days = 400
    session().commit()
    busy(new_calendar(host), (midnight(1), midnight(100)))
    assert not starts(event, 3, days=60)
    assert not starts(event, 62, days=38)
    assert starts(event, 100)


@pytest.mark.parametrize(
    ("column", "value", "closes"),
    [
        ("check_conflicts", False, False),
        ("paused", True, False),
        ("missing", True, False),
        ("tentative_blocks", False, True),
    ],
)
def test_only_calendars_that_shall_be_checked_close_time(
    event: EventType, host: Host, column: str, value: bool, closes: bool
) -> None:
    calendar = new_calendar(host)
    busy(calendar, (midnight() + NOON, midnight() + NOON + HOUR))
    setattr(calendar, column, value)
    changed(host)
    assert (NOON in starts(event)) is not closes


def test_what_is_not_agreed_on_closes_time_as_the_host_wishes(event: EventType, host: Host) -> None:
    calendar = new_calendar(host)
    busy(calendar, (midnight() + NOON, midnight() + NOON + HOUR), tentative=True)
    assert NOON not in starts(event)
    calendar.tentative_blocks = False
    changed(host)
    assert NOON in starts(event)


def test_a_calendar_that_was_not_read_lately_closes_everything(event: EventType, host: Host) -> None:
    calendar = new_calendar(host)
    assert starts(event)
    age(calendar, STALE)
    assert not starts(event)
    assert why(event, midnight() + NOON) == (Reason.UNKNOWN, "Work")
    with pytest.raises(CalendarUnknown):
        book(event.id, request(midnight() + NOON))


def test_a_calendar_that_was_never_read_closes_everything(event: EventType, host: Host) -> None:
    new_calendar(host, synced_at=None, window_end=0)
    assert not starts(event)


def test_one_stale_calendar_of_two_is_enough(event: EventType, host: Host) -> None:
    connection = new_connection(host)
    new_calendar(host, connection)
    age(new_calendar(host, connection, name="Private"), STALE)
    assert not starts(event)


def test_offers_that_are_remembered_end_when_the_calendar_gets_stale(event: EventType, host: Host) -> None:
    new_calendar(host)
    now = int(time.time())
    assert starts(event, now=now)
    assert starts(event, now=now + 119 * 60)
    assert not starts(event, now=now + STALE * 60)


def test_nothing_is_offered_beyond_what_was_read(event: EventType, host: Host) -> None:
    new_calendar(host, window_end=midnight() + NOON)
    assert NOON - 1800 in starts(event)
    assert NOON not in starts(event)
    assert why(event, midnight() + NOON) == (Reason.UNKNOWN, "Work")


class TestAsking:
    """Hosts who want their calendars asked when somebody books."""

    @pytest.fixture(autouse=True)
    def stale(self, host: Host) -> None:
        host.stale_calendars = StaleCalendars.ASK
        self.calendar = new_calendar(host)
        age(self.calendar, STALE)

    def test_offers_go_on_and_a_booking_that_nobody_can_check_is_refused(self, event: EventType) -> None:
        assert NOON in starts(event)
        token = new_hold_token(event.id)
        assert place_hold(event.id, token, midnight() + NOON)
        with pytest.raises(CalendarUnknown):
            book(event.id, request(midnight() + NOON, hold=token))

    def test_the_calendar_is_asked_and_decides(self, event: EventType, host: Host) -> None:
        asked: list[list[int]] = []

        def ask(host_ids: list[int]) -> bool:
            asked.append(host_ids)
            busy(self.calendar, (midnight() + NOON, midnight() + NOON + HOUR))
            age(self.calendar, 0)
            return True

        let_ask(state().extras, ask)
        with pytest.raises(SlotTaken):
            book(event.id, request(midnight() + NOON))
        assert asked == [[host.id]]
        assert book(event.id, request(midnight() + NOON + HOUR)).id
        assert len(asked) == 1

    def test_a_meeting_is_moved_only_where_the_calendar_is_known_to_be_free(self, event: EventType, host: Host) -> None:
        age(self.calendar, 0)
        booking = book(event.id, request(midnight() + NOON))
        age(self.calendar, STALE)
        with pytest.raises(CalendarUnknown):
            reschedule(booking.id, instant(midnight() + NOON + HOUR), actor="guest")

        def ask(_host_ids: list[int]) -> bool:
            age(self.calendar, 0)
            return True

        let_ask(state().extras, ask)
        moved = reschedule(booking.id, instant(midnight() + NOON + HOUR), actor="guest")
        assert moved.starts_at == instant(midnight() + NOON + HOUR)

    def test_of_several_hosts_whoever_may_be_free_is_asked(self, event: EventType, host: Host) -> None:
        user = User(email="ben@example.com", name="Ben", password_hash="")
        session().add(user)
        ben = new_host(user)
        busy(new_calendar(ben), (midnight() + NOON, midnight() + NOON + HOUR))
        pool = new_event(ben, host, assignment=Assignment.ANY)
        assert NOON in starts(pool)
        with pytest.raises(CalendarUnknown):
            book(pool.id, request(midnight() + NOON))

        def ask(_host_ids: list[int]) -> bool:
            age(self.calendar, 0)
            return True

        let_ask(state().extras, ask)
        assert [one.id for one in book(pool.id, request(midnight() + NOON)).hosts] == [host.id]

    def test_a_calendar_that_can_not_be_asked_is_not_taken_for_free(self, event: EventType) -> None:
        let_ask(state().extras, lambda host_ids: False)
        with pytest.raises(CalendarUnknown):
            book(event.id, request(midnight() + NOON))


def test_of_several_hosts_the_one_whose_calendar_is_known_is_booked(host: Host) -> None:
    user = User(email="ben@example.com", name="Ben", password_hash="")
    session().add(user)
    ben = new_host(user)
    event = new_event(host, ben, assignment=Assignment.ANY)
    age(new_calendar(host), STALE)
    new_calendar(ben)
    booking = book(event.id, request(midnight() + NOON))
    assert [one.id for one in booking.hosts] == [ben.id]


def test_a_page_takes_as_many_queries_with_ten_calendars_as_with_none(event: EventType, host: Host) -> None:
    def cold(day: int) -> int:
        changed(host)
        session().rollback()
        page, slug = event.page.slug, event.slug
        session().rollback()
        with counted_queries() as seen:
            offers(find_event(page, slug), start=midnight(day), end=midnight(day) + 31 * DAY)
        return len(seen)

    cold(1)
    without = cold(1)
    for number in range(10):
        calendar = new_calendar(host)
        busy(calendar, *((midnight(day) + number * HOUR, midnight(day) + number * HOUR + HOUR) for day in range(3)))
    assert cold(1) == without
