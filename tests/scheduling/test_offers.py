"""Offers are remembered while nothing can have changed, and never longer."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from example_app.extensions import db
from example_app.models import User
from flask_booking import catalog
from flask_booking.availability import Reason
from flask_booking.errors import InvalidInput, NoLongerOffered, NotBookable, SlotTaken, SlotUnavailable
from flask_booking.models import (
    Assignment,
    BlockedTime,
    BookingPage,
    DateOverride,
    EventType,
    Host,
    OldSlug,
    Schedule,
)
from flask_booking.scheduling import (
    Offers,
    book,
    cancel,
    explain_day,
    find_event,
    nearest,
    next_slot,
    offers,
    place_hold,
    release_hold,
    reschedule,
)
from flask_booking.scheduling.hold import ignoring_hold, new_hold_token
from flask_booking.scheduling.offers import Moved
from tests.scheduling.bookable import DAY, HOUR, MINUTE, instant, midnight, new_event, new_host, request


@contextlib.contextmanager
def counted_queries() -> Iterator[list[str]]:
    """The statements that reach the database."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def month(event: EventType, *, now: int | None = None, **more: Any) -> Offers:
    """What a page asks for: the event type at its address, and a month of its offers."""
    address = find_event(event.page.slug, event.slug)
    return offers(address, start=midnight(), end=midnight() + 31 * DAY, now=now, **more)


def is_offered(event: EventType, start: int, **more: Any) -> bool:
    return start in month(event, **more).starts


class TestQueries:
    """How often the database is asked."""

    @pytest.fixture
    def crowd(self, host: Host) -> EventType:
        """Many hosts with many bookings, overrides and blocked times."""
        hosts = [host]
        day = instant(midnight()).replace(tzinfo=None)
        for number in range(12):
            user = User(email=f"h{number}@example.com", name=f"H{number}", password_hash="")
            db.session.add(user)
            hosts.append(new_host(user, limit_week=500))
        for one in hosts:
            schedule = db.session.scalar(sa.select(Schedule).where(Schedule.host_id == one.id))
            assert schedule is not None
            schedule.overrides = [DateOverride(first=day.date(), last=day.date(), ranges=[]) for _ in range(5)]
            db.session.add_all(
                BlockedTime(host_id=one.id, starts_local=day, ends_local=day, time_zone="UTC", rrule=rule)
                for rule in ("", "FREQ=WEEKLY")
            )
        event = new_event(*hosts, assignment=Assignment.ANY)
        for number in range(40):
            book(event.id, request(midnight(5) + number * HOUR, f"g{number}@example.com"))
        return event

    def test_a_month_takes_six_at_most_whatever_there_is(self, crowd: EventType) -> None:
        page, slug = crowd.page.slug, crowd.slug
        db.session.rollback()
        with counted_queries() as seen:
            assert offers(find_event(page, slug), start=midnight(), end=midnight() + 31 * DAY).starts
        assert len(seen) <= 6

    def test_the_same_month_again_takes_two_at_most(self, crowd: EventType) -> None:
        page, slug = crowd.page.slug, crowd.slug
        month(crowd)
        db.session.rollback()
        with counted_queries() as seen:
            for _guest in range(3):
                assert offers(find_event(page, slug), start=midnight(), end=midnight() + 31 * DAY).starts
        assert len(seen) <= 2 * 3

    def test_a_booking_takes_as_many_with_forty_bookings_as_with_one(self, event: EventType) -> None:
        def count(start: int) -> int:
            with counted_queries() as seen:
                book(event.id, request(start, f"{start}@example.com"))
            return len(seen)

        count(midnight(3))  # remembers what the host has set
        counts = {count(midnight(4) + number * HOUR) for number in range(40)}
        assert len(counts) == 1


def first_date() -> dt.date:
    return instant(midnight()).date()


def schedule_of(host: Host) -> Schedule:
    return db.session.scalars(sa.select(Schedule).where(Schedule.host_id == host.id)).one()


def block(host: Host, **more: Any) -> object:
    day = instant(midnight()).replace(tzinfo=None)
    return catalog.block_time(host, starts=day, ends=day + dt.timedelta(days=1), **more)


CHANGES: dict[str, Callable[[Host, EventType], object]] = {
    "a blocked time": lambda host, event: block(host),
    "an override": lambda host, event: catalog.add_override(schedule_of(host), first_date(), first_date(), []),
    "other hours": lambda host, event: catalog.update_schedule(
        schedule_of(host), name="Closed", time_zone="UTC", weekly=[[]] * 7
    ),
    "another default": lambda host, event: catalog.make_default(
        catalog.create_schedule(host, "Closed", time_zone="UTC", weekly=[[]] * 7)
    ),
    "a host who left": lambda host, event: catalog.update_host(host, {"active": False}),
    "a longer notice": lambda host, event: catalog.update_event_type(event, {"notice": 14 * 24 * 60}),
}


class TestMemory:
    """What is remembered is what is true."""

    @pytest.fixture
    def start(self, event: EventType) -> int:
        """A time on offer, remembered."""
        assert is_offered(event, midnight())
        return midnight()

    def test_what_was_just_booked_is_gone_and_comes_back(self, event: EventType, start: int) -> None:
        booking = book(event.id, request(start))
        assert not is_offered(event, start)
        reschedule(booking.id, instant(start + HOUR), actor="guest")
        assert (is_offered(event, start), is_offered(event, start + HOUR)) == (True, False)
        cancel(booking.id, actor="guest")
        assert is_offered(event, start + HOUR)

    def test_also_when_it_was_booked_as_another_event_type_of_the_host(
        self, event: EventType, start: int, host: Host
    ) -> None:
        book(new_event(host).id, request(start))
        assert not is_offered(event, start)

    def test_a_hold_is_in_the_way_of_others_until_it_runs_out(self, event: EventType, start: int) -> None:
        token = new_hold_token(event.id)
        until = place_hold(event.id, token, start)
        assert not is_offered(event, start)
        assert is_offered(event, start, ignoring=ignoring_hold(token))
        assert not is_offered(event, start, now=until - 1)
        assert is_offered(event, start, now=until)
        release_hold(event.id, token)
        assert is_offered(event, start)

    def test_the_notice_and_the_window_pass_with_the_clock(self, event: EventType) -> None:
        event.notice, event.window_days = 60, 10
        event.version += 1
        db.session.commit()
        start, last = midnight(), midnight(13)
        assert is_offered(event, start, now=start - HOUR)
        assert not is_offered(event, start, now=start - HOUR + 1)
        assert is_offered(event, start, now=start - HOUR)
        assert not is_offered(event, last, now=midnight(3) - 1)
        assert is_offered(event, last, now=midnight(3))

    def test_a_refused_booking_changes_nothing(self, event: EventType, start: int) -> None:
        book(event.id, request(start))
        taken = month(event).starts
        with pytest.raises(SlotTaken):
            book(event.id, request(start, "late@example.com"))
        assert month(event).starts == taken

    @pytest.mark.parametrize("change", CHANGES)
    def test_what_the_host_changes_counts_at_once(self, change: str, event: EventType, host: Host, start: int) -> None:
        CHANGES[change](host, event)
        assert not is_offered(event, start)


def test_everything_offered_can_be_booked_and_nothing_else(event: EventType, host: Host) -> None:
    event.interval, event.buffer_before, event.limit_day = 20, 10, 6
    event.version += 1
    db.session.commit()
    other = new_event(host, interval=15, buffer_after=25)
    for number in range(3):
        book(other.id, request(midnight() + number * 7 * HOUR + 15 * MINUTE, f"{number}@example.com"))
    for start in range(midnight(), midnight() + 8 * HOUR, 10 * MINUTE):
        offered = is_offered(event, start)
        with contextlib.ExitStack() as refused:
            if not offered:
                refused.enter_context(pytest.raises((SlotTaken, SlotUnavailable)))
            cancel(book(event.id, request(start)).id, actor="host")


class TestFinding:
    """Event types by their address."""

    def test_an_unknown_one_is_not_there(self, event: EventType) -> None:
        for page, slug in (("nobody", event.slug), (event.page.slug, "nothing"), ("", "")):
            with pytest.raises(NotBookable):
                find_event(page, slug)

    def test_one_that_was_switched_off_says_so(self, event: EventType) -> None:
        event.active = False
        db.session.commit()
        with pytest.raises(NoLongerOffered):
            find_event(event.page.slug, event.slug)

    def test_one_on_a_page_that_was_switched_off_says_so(self, event: EventType) -> None:
        event.page.active = False
        db.session.commit()
        with pytest.raises(NoLongerOffered):
            find_event(event.page.slug, event.slug)

    def test_an_old_slug_leads_to_the_new_one(self, event: EventType) -> None:
        db.session.add(OldSlug(page_id=event.page_id, slug="before", event_type_id=event.id))
        db.session.commit()
        with pytest.raises(Moved) as moved:
            find_event(event.page.slug, "before")
        assert moved.value.slug == event.slug


class TestAsking:
    """Other questions about offers."""

    def test_two_months_at_most(self, event: EventType) -> None:
        address = find_event(event.page.slug, event.slug)
        with pytest.raises(InvalidInput):
            offers(address, start=midnight(), end=midnight() + 63 * DAY)

    def test_only_durations_that_there_are(self, event: EventType) -> None:
        with pytest.raises(InvalidInput):
            month(event, duration=31)

    def test_the_next_free_time(self, event: EventType) -> None:
        address = find_event(event.page.slug, event.slug)
        assert next_slot(address, after=midnight()) == midnight()
        assert next_slot(address, after=midnight(300)) is None

    def test_the_nearest_free_times_are_in_order(self, event: EventType) -> None:
        book(event.id, request(midnight()))
        address = find_event(event.page.slug, event.slug)
        half = 30 * MINUTE
        assert nearest(address, at=midnight()) == [midnight() + step * half for step in (-2, -1, 1, 2)]

    def test_a_day_is_explained_by_what_offers_it(self, event: EventType, host: Host) -> None:
        booking = book(event.id, request(midnight() + HOUR))
        address = find_event(event.page.slug, event.slug)
        day = dt.datetime.fromtimestamp(midnight(), dt.UTC).date()
        verdicts = explain_day(address, day, "UTC")[host.id]
        free = [verdict.start for verdict in verdicts if verdict.reason is None]
        assert free == [start for start in month(event).starts if start < midnight() + DAY]
        [taken] = [verdict for verdict in verdicts if verdict.reason is not None]
        assert (taken.start, taken.booking_id) == (midnight() + HOUR, booking.id)
        assert taken.reason is not Reason.BUFFER


def test_two_pages_never_answer_for_each_other(event: EventType, other_host: Host) -> None:
    theirs = new_event(other_host, slug=event.slug)
    book(event.id, request(midnight()))
    assert db.session.scalar(sa.select(sa.func.count()).select_from(BookingPage)) == 2
    assert (is_offered(event, midnight()), is_offered(theirs, midnight())) == (False, True)
