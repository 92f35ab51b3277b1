"""The practice calendar from one start of the demo to the next."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient

from example_app.demo import start_calendars
from example_app.practice import connection
from example_app.practice.account import Account
from example_app.practice.server import NotStarted, Server
from example_app.seed import PEOPLE
from flask_booking import scheduling
from flask_booking.calendars import connecting, mirror, wishes
from flask_booking.models import Booking, ConnectionState
from flask_booking.state import session
from tests.example_app.conftest import ANNS_ZONE, Practice, log_in
from tests.example_app.practising import PAGE, closed, deliver, enter, follow, ours
from tests.public.guest import book, text_of


@pytest.fixture
def ann(practice: Practice) -> FlaskClient:
    return log_in(practice.app.test_client(), "ann")


def test_a_second_start_changes_nothing(practice: Practice) -> None:
    entries = practice.entries()
    practice.calendar.remove(entries[0].name, entries[0].occurrence)
    assert practice.begin()
    assert practice.entries() == entries[1:]
    with practice.app.app_context():
        assert len(connection.connections()) == 1


def test_at_rest_it_closes_no_time_and_is_taken_up_as_it_was(practice: Practice) -> None:
    entry = enter(practice)
    for _twice in range(2):  # the second time, as after a start without Radicale
        with practice.app.app_context():
            connection.rest()
            assert connection.read_ones() == []
    assert not closed(practice, entry)
    assert practice.begin()
    assert closed(practice, entry)


def test_what_ann_has_paused_stays_paused(practice: Practice) -> None:
    with practice.app.app_context():
        (calendar,) = ours(practice).calendars
        wishes.pause(calendar)
        connection.rest()
    assert practice.begin()
    with practice.app.app_context():
        assert ours(practice).calendars[0].paused
    page = text_of(log_in(practice.app.test_client(), "ann").get(PAGE))
    assert "it is paused in the settings" in page


def test_an_account_that_ann_has_disconnected_stays_so(practice: Practice, ann: FlaskClient) -> None:
    with practice.app.app_context():
        connecting.disconnect(ours(practice))
    assert practice.begin()
    with practice.app.app_context():
        assert connection.connections() == []
    assert "isn't connected any more" in text_of(ann.get(PAGE))
    assert "isn't connected any more" in follow(ann, ann.post(f"{PAGE}read"))


def test_at_another_port_its_account_is_the_same_and_is_read_on(practice: Practice) -> None:
    entry = enter(practice)
    book(practice.app.test_client(), "/book/ann/intro")
    deliver(practice)
    with practice.app.app_context():
        before = ours(practice).calendars[0].id
        # As if the server had been elsewhere until now.
        connection.move(ours(practice), replace(practice.account, port=1))
        assert ours(practice).account_id == "http://127.0.0.1:1/ann/"
        assert not mirror.sync(before)
    assert practice.begin()
    with practice.app.app_context():
        found = ours(practice)
        assert (found.account_id, found.settings["url"]) == (practice.account.home, practice.account.url)
        (calendar,) = found.calendars
        assert (calendar.id, calendar.remote_id, calendar.failures) == (before, practice.account.calendar, 0)
        connecting.refresh(found)
        assert len(ours(practice).calendars) == 1  # the server lists the very same
        booking = session().query(Booking).filter_by(guest_name="Sam Hill").one()
        scheduling.cancel(booking.id, actor="host")
    assert closed(practice, entry)
    deliver(practice)
    assert not any(one.booking for one in practice.entries())


def test_a_demo_that_was_killed_while_it_read_does_not_keep_the_next_one_from_reading(practice: Practice) -> None:
    with practice.app.app_context():
        found = ours(practice)
        found.reading_until = datetime.now(ANNS_ZONE) + timedelta(hours=1)
        found.reading_token = "of a process that is gone"
        found.state = ConnectionState.BROKEN
        session().commit()
    assert practice.begin()
    with practice.app.app_context():
        assert ours(practice).state is ConnectionState.ACTIVE


def test_a_server_that_is_gone_at_the_start_closes_no_time(practice: Practice) -> None:
    entry = enter(practice)
    assert not practice.begin(Account(1))
    assert not closed(practice, entry)
    assert practice.begin()
    assert closed(practice, entry)


def test_calendars_elsewhere_are_left_alone(practice: Practice) -> None:
    with practice.app.app_context():
        found = ours(practice)
        found.account_id = "https://cloud.example.com/dav/ann/"
        session().commit()
        connection.rest()
        assert connection.connections() == []
        assert connection.calendar_of(found.host.user_id) is None
        assert not found.calendars[0].paused
        assert found.host.user.email == PEOPLE[0].email


# -- the server -------------------------------------------------------------------------------------------------------


def test_a_server_that_does_not_start_says_where_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "radicale.py").write_text("raise SystemError('broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(NotStarted, match=r"its server doesn't start, see .*server\.log"):
        Server(tmp_path / "practice")
    assert "SystemError: broken" in (tmp_path / "practice" / "server.log").read_text()


def test_where_calendars_are_read_by_other_processes_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    calendars, why = start_calendars()
    assert calendars is None
    assert "REDIS_URL" in why


def test_only_who_knows_the_password_reads_the_calendar(practice: Practice) -> None:
    for credentials in (None, ("ann", "wrong"), ("ben", "demo")):
        assert requests.get(practice.account.calendar, auth=credentials, timeout=30).status_code in {401, 403}


def test_the_calendar_is_read_again_within_half_a_minute(practice: Practice) -> None:
    with practice.app.app_context():
        (calendar,) = ours(practice).calendars
        assert calendar.due_at is not None
        assert calendar.due_at < datetime.now(ANNS_ZONE) + timedelta(seconds=17)  # and a worker looks every 15 seconds
