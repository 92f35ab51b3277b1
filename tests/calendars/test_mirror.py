"""Reading calendars: what is kept, when it is read again, and what a failing service does."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from flask_booking.calendars import mirror
from flask_booking.connections.lease import Engaged, lease
from flask_booking.connections.problems import CursorExpired, Gone, NeedsReconnect, RateLimited, Unreachable
from flask_booking.models import BusyTime, ConnectedCalendar, Connection, ConnectionState
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import find_event, offers
from flask_booking.state import session
from tests.calendars.conftest import Office
from tests.calendars.made import age, new_calendar
from tests.scheduling.bookable import DAY, HOUR, midnight


def rows() -> list[tuple[int, int, str]]:
    session().expire_all()
    return [
        (row.starts, row.ends, row.title)
        for row in session().scalars(sa.select(BusyTime).order_by(BusyTime.starts, BusyTime.ends))
    ]


def test_an_event_closes_slots_and_a_deleted_one_opens_them(office: Office) -> None:
    def offered() -> set[int]:
        address = find_event("ann", "intro")
        found = offers(address, start=midnight(2), end=midnight(3)).starts
        session().rollback()
        return {one - midnight(2) for one in found}

    assert 12 * HOUR in offered()
    event = office.service.add(midnight(2) + 12 * HOUR, midnight(2) + 13 * HOUR, "Lunch")
    assert office.sync()
    assert 12 * HOUR not in offered()
    office.service.move(event, midnight(2) + 15 * HOUR, midnight(2) + 16 * HOUR)
    assert office.sync()
    assert 12 * HOUR in offered()
    assert 15 * HOUR not in offered()
    office.service.delete(event)
    assert office.sync()
    assert 15 * HOUR in offered()


@pytest.mark.parametrize("state", ["fresh", "stale", "never read", "broken"])
def test_a_guests_pages_ask_no_calendar_whatever_its_state(office: Office, state: str) -> None:
    match state:
        case "stale":
            age(office.calendar, 500)
        case "never read":
            office.calendar.synced_at, office.calendar.cursor = None, ""
        case "broken":
            office.calendar.connection.state = ConnectionState.BROKEN
    session().commit()
    office.service.calls.clear()
    client = office.app.test_client()
    day = office.ann.tomorrow().date().isoformat()
    for path in ("/book/ann", "/book/ann/intro", f"/book/ann/intro?date={day}"):
        assert client.get(path).status_code == 200
    slots = f"/api/booking/v1/public/ann/intro/slots?start={day}&end={day}"
    assert bool(client.get(slots).json["slots"]) is (state in ("fresh", "broken"))
    assert office.service.calls == []


def test_only_what_changed_is_read_and_all_of_it_when_asked(office: Office) -> None:
    first = office.service.add(midnight(2), midnight(2) + HOUR, "First")
    office.sync()
    assert rows() == [(midnight(2), midnight(2) + HOUR, "First")]
    # What the service fails to tell:
    office.service.calendars_by_id["work"].events.pop(first)
    office.service.add(midnight(3), midnight(3) + HOUR, "Second")
    office.sync()
    assert [row[2] for row in rows()] == ["First", "Second"]
    office.sync(full=True)
    assert [row[2] for row in rows()] == ["Second"]
    session().refresh(office.calendar)
    assert office.calendar.drift == 1


def test_what_changed_since_the_last_reading_is_no_drift(office: Office) -> None:
    office.service.add(midnight(2), midnight(2) + HOUR, "First")
    office.sync(full=True)
    session().refresh(office.calendar)
    assert office.calendar.drift == 0


def test_all_of_it_is_read_once_a_day(office: Office) -> None:
    office.service.calls.clear()
    office.sync()
    assert office.service.calls == ["changes"]
    office.calendar.reconciled_at = utcnow() - dt.timedelta(hours=25)
    session().commit()
    office.service.calls.clear()
    office.sync()
    assert office.service.calls == ["changes", "changes"]
    session().refresh(office.calendar)
    assert office.calendar.reconciled_at > utcnow() - dt.timedelta(minutes=5)


def test_a_forgotten_cursor_means_reading_all(office: Office) -> None:
    office.service.add(midnight(2), midnight(2) + HOUR, "First")
    office.service.troubles.append(CursorExpired("410"))
    assert office.sync()
    assert [row[2] for row in rows()] == ["First"]


def test_events_outside_of_the_window_are_left_out(office: Office) -> None:
    office.service.add(midnight(-30), midnight(-29), "Past")
    office.service.add(midnight(400), midnight(401), "Far")
    office.service.add(midnight(-30), midnight(30), "Long")
    office.service.add(midnight(2), midnight(2), "Nothing")
    office.sync()
    assert [row[2] for row in rows()] == ["Long"]


def test_titles_are_one_short_line(office: Office) -> None:
    office.service.add(midnight(2), midnight(3), "A\r\nB " + "x" * 500)
    office.sync()
    ((_, _, title),) = rows()
    assert title.startswith("A B xx")
    assert len(title) == 200


def test_a_title_that_was_cut_within_a_character_is_read_without_it(office: Office) -> None:
    office.service.add(midnight(2), midnight(2) + HOUR, "Lunch \ud83d")
    office.service.add(midnight(2) + HOUR, midnight(2) + 2 * HOUR, "\0 and \ude00 coffee \N{HOT BEVERAGE}")
    assert office.sync()
    assert [title for _starts, _ends, title in rows()] == ["Lunch", "and coffee \N{HOT BEVERAGE}"]
    assert office.sync(full=True)
    assert (office.calendar.problem, office.calendar.drift) == ("", 0)


@pytest.mark.parametrize(
    ("problem", "code"), [(Unreachable("500"), "unreachable"), (RateLimited("429"), "rate_limited")]
)
def test_a_failing_service_leaves_what_was_read_and_is_asked_again(
    office: Office, problem: Exception, code: str
) -> None:
    office.service.add(midnight(2), midnight(3), "Kept")
    office.sync()
    office.service.troubles.append(problem)  # type: ignore[arg-type]
    assert not office.sync()
    assert [row[2] for row in rows()] == ["Kept"]
    session().refresh(office.calendar)
    assert (office.calendar.problem, office.calendar.failures) == (code, 1)
    assert utcnow() < office.calendar.due_at <= utcnow() + dt.timedelta(minutes=2)
    assert office.sync()
    session().refresh(office.calendar)
    assert (office.calendar.problem, office.calendar.failures) == ("", 0)


def test_the_pause_that_a_service_asks_for_is_kept(office: Office) -> None:
    office.service.troubles.append(RateLimited("429", retry_after=7200))
    office.sync()
    session().refresh(office.calendar)
    assert office.calendar.due_at >= utcnow() + dt.timedelta(minutes=119)


def test_a_calendar_that_is_gone_from_the_accounts_list_closes_nothing(office: Office) -> None:
    office.service.add(midnight(2), midnight(3), "Kept")
    office.sync()
    del office.service.calendars_by_id["work"]
    office.sync()
    session().refresh(office.calendar)
    assert office.calendar.missing
    assert midnight(2) + HOUR in offers(find_event("ann", "intro"), start=midnight(2), end=midnight(3)).starts


def test_a_calendar_that_was_not_found_once_goes_on_counting(office: Office) -> None:
    office.service.add(midnight(2), midnight(3), "Kept")
    office.sync()
    office.service.troubles.append(Gone("404"))
    office.sync()
    session().refresh(office.calendar)
    assert (office.calendar.missing, office.calendar.problem) == (False, "gone")
    address = find_event("ann", "intro")
    assert midnight(2) + HOUR not in offers(address, start=midnight(2), end=midnight(3)).starts
    age(office.calendar, 121)  # and after a while nobody knows anything of it any more
    assert not offers(find_event("ann", "intro"), start=midnight(4), end=midnight(5)).starts


def test_a_slow_reader_does_not_undo_what_a_quick_one_kept(office: Office) -> None:
    real, begun = office.service.changes, time.time()

    def changes(access: Any, calendar: Any, cursor: str, window: Any) -> Any:
        old = real(access, calendar, cursor, window)
        office.service.changes = real  # type: ignore[method-assign]
        office.service.add(midnight(2), midnight(3), "New")
        session().execute(sa.update(Connection).values(reading_until=None))  # as if the lease had run out
        session().commit()
        with time_machine.travel(begun + 60, tick=False):
            assert mirror.sync(office.calendar.id, full=True)
        return old

    office.service.changes = changes  # type: ignore[method-assign,assignment]
    office.sync(full=True)
    assert [row[2] for row in rows()] == ["New"]


def test_a_providers_mistake_is_recorded_and_bothers_nobody_else(office: Office) -> None:
    def changes(*_args: object) -> object:
        raise KeyError("start")

    office.service.changes = changes  # type: ignore[method-assign,assignment]
    assert not office.sync()
    session().refresh(office.calendar)
    assert (office.calendar.problem, office.calendar.failures) == ("provider", 1)


def test_only_what_is_due_is_read_by_workers_who_come_late(office: Office) -> None:
    office.calendar.due_at = utcnow()
    session().commit()
    assert mirror.sync(office.calendar.id, only_due=True)
    office.service.calls.clear()
    assert not mirror.sync(office.calendar.id, only_due=True)
    assert office.service.calls == []


def test_ten_requests_make_one_reading(office: Office) -> None:
    later = utcnow() + dt.timedelta(minutes=5)
    office.calendar.due_at = later
    session().commit()
    assert mirror.due() == []
    for _notification in range(10):
        mirror.request([office.calendar.id])
    assert mirror.due() == [office.calendar.id]
    office.sync()
    assert mirror.due() == []


def test_a_request_can_be_for_all_of_a_calendar(office: Office) -> None:
    office.service.calls.clear()
    mirror.request([office.calendar.id], whole=True)
    assert mirror.due() == [office.calendar.id]
    office.sync()
    assert office.service.calls == ["changes", "changes"]


def test_what_changes_while_a_calendar_is_read_is_read_again(office: Office) -> None:
    real = office.service.changes

    def changes(*args: object) -> object:
        found = real(*args)  # type: ignore[arg-type]
        mirror.request([office.calendar.id])
        return found

    office.service.changes = changes  # type: ignore[method-assign,assignment]
    office.sync()
    assert mirror.due() == [office.calendar.id]


def test_one_worker_reads_an_account_at_a_time(office: Office) -> None:
    connection_id = office.calendar.connection_id
    with lease(connection_id, "reading", 60):
        assert not office.sync()
        assert mirror.due() == []
        with pytest.raises(Engaged), lease(connection_id, "reading", 60):
            pass
    assert office.sync()


def test_a_dead_readers_lease_ends(office: Office) -> None:
    connection = office.calendar.connection
    connection.reading_until, connection.reading_token = utcnow() - dt.timedelta(seconds=1), "dead"
    session().commit()
    assert office.sync()


def test_a_paused_calendar_is_not_read(office: Office) -> None:
    office.calendar.paused = True
    session().commit()
    office.service.calls.clear()
    assert not office.sync()
    assert office.service.calls == []


def test_a_refused_password_breaks_the_connection_at_the_third_time_and_tells_the_host_once(office: Office) -> None:
    for attempt in range(1, 6):
        for _at_once in range(3):  # which is one bad moment
            office.service.troubles.append(NeedsReconnect("401"))
            office.sync()
        session().execute(sa.update(Connection).values(refused_at=utcnow() - dt.timedelta(minutes=5)))
        session().commit()
        office.service.troubles.clear()
        state = session().scalar(sa.select(Connection.state))
        assert (state is ConnectionState.BROKEN) is (attempt >= 3)
    told = [one for one in office.messages("mail") if one.kind == "connection_broken"]
    assert len(told) == 1
    assert mirror.due() == []


def test_refusals_between_which_the_account_worked_do_not_add_up(office: Office) -> None:
    for _bad_day in range(4):
        for _time in range(2):
            office.service.troubles.append(NeedsReconnect("401"))
            office.sync()
            session().execute(sa.update(Connection).values(refused_at=None))
            session().commit()
        assert office.sync()
    assert session().scalar(sa.select(Connection.state)) is ConnectionState.ACTIVE


@pytest.mark.parametrize(
    ("checked", "target", "read"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_calendars_that_matter_to_nobody_are_not_read(office: Office, checked: bool, target: bool, read: bool) -> None:
    office.calendar.check_conflicts, office.calendar.target, office.calendar.due_at = checked, target, utcnow()
    session().commit()
    assert bool(mirror.due()) is read


def test_every_row_of_a_service_is_kept_once(office: Office) -> None:
    office.service.add(midnight(2), midnight(3), "Twice")
    office.sync()
    office.sync(full=True)
    office.calendar.cursor = ""
    session().commit()
    office.sync()
    assert len(rows()) == 1


def test_two_calendars_are_kept_apart(office: Office) -> None:
    office.service.add_calendar("private", "Private")
    other = new_calendar(office.ann.host, office.calendar.connection, remote_id="private", synced_at=None)
    office.service.add(midnight(2), midnight(3), "Work")
    office.service.add(midnight(4), midnight(5), "Private", calendar="private")
    office.sync()
    mirror.sync(other.id)
    assert [row[2] for row in rows()] == ["Work", "Private"]
    office.service.delete("event-1")
    office.sync(full=True)
    assert [row[2] for row in rows()] == ["Private"]
    assert session().query(ConnectedCalendar).count() == 2


def test_a_day_later_the_window_has_moved(office: Office) -> None:
    now = midnight(0) + HOUR
    today, tomorrow = mirror.mirrored_window(now), mirror.mirrored_window(now + DAY)
    assert (tomorrow.start, tomorrow.end) == (today.start + DAY, today.end + DAY)
    assert today.start < now - DAY + HOUR + 1
