"""What old keys encrypted is encrypted anew, beside everything else, so that the keys can be thrown away."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask

from flask_booking import rotation
from flask_booking.encryption import encrypt
from flask_booking.models import Booking, Connection
from flask_booking.orm import EncryptedText, Model
from flask_booking.scheduling import book
from flask_booking.state import changed_config, session
from tests.fixtures.people import make_bookable, make_host
from tests.jobs.conftest import Office

NEW = "W7l7jwcWe_aMg2Z0-m25UDVkqmiPvfJ5uJZS0xBFUYk="


def connections(app: Flask, secrets: list[str]) -> None:
    host = make_host("Bob Brown")[1]
    for number, secret in enumerate(secrets):
        session().add(
            Connection(host_id=host.id, provider="x", account_id=str(number), account_name="x", secret=secret)
        )
    session().commit()


def secrets() -> list[str | None]:
    session().rollback()
    return list(session().scalars(sa.select(Connection.secret).order_by(Connection.id)))


def rotate_with(app: Flask, *keys: str, batch: int = 3) -> dict[str, rotation.Rotated]:
    with changed_config(app, {"BOOKING_ENCRYPTION_KEYS": list(keys)}):
        return {found.column: found for found in rotation.rotate(batch)}


def test_after_a_rotation_the_old_key_is_needed_no_more(each_app: Flask) -> None:
    app = each_app
    [old] = app.config["BOOKING_ENCRYPTION_KEYS"]
    with app.app_context():
        bookable = make_bookable(app)
        book(bookable.event.id, Office.request())
        token = session().scalar(sa.select(Booking.manage_token))
        given = [json.dumps({"refresh_token": str(n)}) for n in range(7)]
        connections(app, given)
        first = rotate_with(app, NEW, old)
        assert (first["booking_connection.secret"].anew, first["booking_booking.manage_token"].anew) == (7, 1)
        again = rotate_with(app, NEW, old)
        assert (again["booking_connection.secret"].anew, again["booking_connection.secret"].current) == (0, 7)
        with changed_config(app, {"BOOKING_ENCRYPTION_KEYS": [NEW]}):
            assert secrets() == given
            assert session().scalar(sa.select(Booking.manage_token)) == token


def test_what_no_key_opens_is_counted_and_left(app: Flask) -> None:
    [old] = app.config["BOOKING_ENCRYPTION_KEYS"]
    with app.app_context():
        connections(app, ["a", "b"])
        found = rotate_with(app, NEW)["booking_connection.secret"]
        assert (found.anew, found.current, found.unreadable) == (0, 0, 2)
        assert secrets() == ["a", "b"]
        assert rotate_with(app, NEW, old)["booking_connection.secret"].anew == 2


def test_what_somebody_writes_meanwhile_stays(each_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    [old] = each_app.config["BOOKING_ENCRYPTION_KEYS"]
    change = rotation._change

    def late(key: Any, column: Any, changes: dict[int, tuple[str, str]]) -> int:
        if column.table.name == "booking_connection":
            written = sa.literal(encrypt("written meanwhile"), sa.Text)
            session().execute(sa.update(Connection).where(Connection.account_id == "1").values(secret=written))
            session().commit()
        return change(key, column, changes)

    with each_app.app_context():
        connections(each_app, ["a", "b", "c"])
        monkeypatch.setattr(rotation, "_change", late)
        assert rotate_with(each_app, NEW, old)["booking_connection.secret"].anew == 2
        with changed_config(each_app, {"BOOKING_ENCRYPTION_KEYS": [NEW]}):
            assert secrets() == ["a", "written meanwhile", "c"]


def test_every_encrypted_column_is_found(app: Flask) -> None:
    found = {f"{column.table.name}.{column.name}" for column in rotation.encrypted_columns()}
    assert {"booking_booking.manage_token", "booking_connection.secret"} <= found
    declared = [column for model in Model._declared for column in model.__table__.columns]
    assert len(found) == sum(isinstance(column.type, EncryptedText) for column in declared)


def test_the_command_says_what_it_did(app: Flask) -> None:
    [old] = app.config["BOOKING_ENCRYPTION_KEYS"]
    with app.app_context():
        connections(app, ["a", "b"])
    run = app.test_cli_runner().invoke
    with changed_config(app, {"BOOKING_ENCRYPTION_KEYS": f"{NEW},{old}"}):
        done = run(args=["booking", "rotate-keys"])
        assert done.exit_code == 0, done.output
        assert "booking_connection.secret: 2 encrypted anew, 0 had the newest key already" in done.output
    with changed_config(app, {"BOOKING_ENCRYPTION_KEYS": Fernet.generate_key().decode()}):
        failed = run(args=["booking", "rotate-keys"])
        assert failed.exit_code == 1
        assert "2 are opened by none of the keys" in failed.output
