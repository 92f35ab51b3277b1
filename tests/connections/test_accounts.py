"""Accounts are connected, mended and let go of, and never taken for another one."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_booking.aside import aside
from flask_booking.connections import accounts, token_rows
from flask_booking.connections.oauth import Granted
from flask_booking.models import (
    BusyTime,
    CalendarWatch,
    ConnectedCalendar,
    Connection,
    ConnectionState,
    Host,
)
from flask_booking.models.columns import utcnow
from flask_booking.state import session
from tests.connections.conftest import Connected, service_at
from tests.fixtures.people import make_host

ANN = ("ann", "ann@example.com")


def granted(value: str = "one", reconnect: str | None = None) -> Granted:
    return Granted(value, f"to renew {value}", utcnow() + dt.timedelta(hours=1), ("read", "write"), reconnect)


def with_calendar(account: Connected) -> ConnectedCalendar:
    """A calendar of the account, with something in its mirror."""
    host_id = account.row.host_id
    calendar = ConnectedCalendar(
        connection_id=account.id, host_id=host_id, remote_id="main", remote_key="0" * 64, name="Main"
    )
    session().add(calendar)
    session().flush()
    session().add(BusyTime(host_id=host_id, calendar_id=calendar.id, resource_key="1" * 64, starts=0, ends=3600))
    session().add(CalendarWatch(calendar_id=calendar.id, channel="c", token_hash="2" * 64, expires=0))
    session().commit()
    return calendar


def count(model: type[object]) -> int:
    return session().scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_an_account_is_connected_and_its_secret_encrypted(app: Flask) -> None:
    with app.app_context():
        host = make_host("Ann Meyer")[1]
        made = accounts.connect_granted(host, "stand-in", ANN, granted())
        assert (made.created, made.other) == (True, False)
        connection = made.connection
        assert (connection.account_id, connection.account_name, connection.scopes) == (*ANN, "read write")
        assert json.loads(connection.secret) == {"access_token": "one", "refresh_token": "to renew one"}
        kept = session().scalar(sa.select(sa.type_coerce(Connection.secret, sa.Text)))
        assert kept is not None
        assert "one" not in kept


def test_the_same_account_is_mended_and_keeps_its_calendars(account: Connected) -> None:
    calendar = with_calendar(account)
    before = account.row.public_id
    account.change(
        state=ConnectionState.BROKEN, problem="needs_reconnect", broken_at=utcnow(), failures=3,
        renewing_token="in doubt", settings={"address": "x"}, connected_at=utcnow() - dt.timedelta(days=9),
    )  # fmt: skip
    made = accounts.connect_granted(account.row.host, "stand-in", ANN, granted("new", reconnect=before))
    row = account.row
    assert (made.connection.id, made.created, made.other) == (row.id, False, False)
    assert (row.state, row.problem, row.broken_at, row.failures) == (ConnectionState.ACTIVE, "", None, 0)
    assert (row.renewing_token, row.settings) == (None, {"address": "x"})
    assert row.connected_at > utcnow() - dt.timedelta(minutes=5)
    assert [one.id for one in row.calendars] == [calendar.id]
    assert account.tokens.token() == "new"


def test_another_account_is_another_connection_and_that_is_told(account: Connected) -> None:
    calendar = with_calendar(account)
    row = account.row
    made = accounts.connect_granted(row.host, "stand-in", ("bob", "bob@example.com"), granted("b", row.public_id))
    assert made.created
    assert made.other
    assert account.secret["access_token"] == "access-of-yesterday"
    assert session().get(ConnectedCalendar, calendar.id, populate_existing=True).connection_id == account.id  # type: ignore[union-attr]
    assert made.connection.calendars == []


def test_the_same_account_of_another_host_or_service_is_another_connection(account: Connected) -> None:
    other = make_host("Bob Brown")[1]
    assert accounts.connect_granted(other, "stand-in", ANN, granted()).created
    assert accounts.connect_granted(account.row.host, "elsewhere", ANN, granted()).created
    assert count(Connection) == 3


def test_an_account_that_comes_in_twice_at_once_is_one_connection(
    each_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[bool] = []

    def late() -> dt.datetime:
        """Called between looking for the connection and writing it."""
        if not came:
            came.append(True)
            values = {
                "public_id": "first", "host_id": host.id, "provider": "stand-in", "account_id": ANN[0],
                "account_name": "", "state": ConnectionState.ACTIVE, "problem": "", "failures": 0, "settings": {},
                "secret": "{}", "scopes": "", "connected_at": utcnow(), "created_at": utcnow(),
            }  # fmt: skip
            aside(lambda database: database.execute(sa.insert(Connection.__table__).values(values)))
        return utcnow()

    with each_app.app_context():
        host = make_host("Ann Meyer")[1]
        monkeypatch.setattr(accounts, "utcnow", late)
        made = accounts.connect_granted(host, "stand-in", ANN, granted())
        assert (made.created, made.connection.public_id) == (False, "first")
        assert made.connection.account_name == ANN[1]
        assert count(Connection) == 1


def test_signing_in_again_wins_over_a_renewal_that_is_under_way(
    account: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = token_rows.store

    def late(*arguments: object) -> bool:
        accounts.connect_granted(account.row.host, "stand-in", ANN, granted("new"))
        return store(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(token_rows, "store", late)
    assert account.tokens.token() == "new"
    assert account.secret["refresh_token"] == "to renew new"


def test_a_disconnected_account_is_taken_back_and_forgotten(each_account: Connected) -> None:
    account = each_account
    with_calendar(account)
    token = account.grant.refresh_token
    accounts.disconnect(account.row, service_at(account.fake))
    assert token.encode() in account.fake.asked("POST", "/oauth/revoke")[0].body
    assert not account.grant.alive
    for model in (Connection, ConnectedCalendar, BusyTime, CalendarWatch):
        assert count(model) == 0
    assert count(Host) == 1


def test_calendars_go_where_sqlite_ignores_foreign_keys_too(account: Connected) -> None:
    with_calendar(account)
    connection = account.row
    session().commit()
    session().execute(sa.text("PRAGMA foreign_keys=OFF"))
    accounts.forget(connection.id)
    session().commit()
    session().execute(sa.text("PRAGMA foreign_keys=ON"))
    for model in (Connection, ConnectedCalendar, BusyTime, CalendarWatch):
        assert count(model) == 0


def test_a_service_that_takes_nothing_back_keeps_nobody(account: Connected) -> None:
    account.fake.drop(path="/oauth/revoke")
    accounts.disconnect(account.row, service_at(account.fake))
    assert count(Connection) == 0


def test_a_service_without_an_address_for_it_is_not_asked(account: Connected) -> None:
    assert not accounts.give_back(account.row, service_at(account.fake, revoke_url=""))
    assert not accounts.give_back(account.row, None)
    assert account.fake.journal == []


def test_an_account_that_somebody_else_uses_too_is_not_taken_back(account: Connected) -> None:
    other = make_host("Bob Brown")[1]
    accounts.connect_granted(other, "stand-in", ANN, granted())
    accounts.disconnect(account.row, service_at(account.fake))
    assert account.fake.journal == []
    assert account.grant.alive


def test_a_secret_that_no_key_opens_can_be_forgotten(account: Connected) -> None:
    account.app.config["BOOKING_ENCRYPTION_KEYS"] = ["W7l7jwcWe_aMg2Z0-m25UDVkqmiPvfJ5uJZS0xBFUYk="]
    accounts.disconnect(account.row, service_at(account.fake))
    assert count(Connection) == 0
