"""The command itself: its status, its two forms, and that it leaves everything as it was."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from example_app.demo import prepare
from flask_booking.doctor import Check, as_text, examine
from flask_booking.doctor.finding import fail, ok, warn
from tests.fixtures.apps import CONFIG, dispose
from tests.fixtures.databases import MakeDatabase

from .conftest import MakePatient


def dump(url: str) -> str:
    """A hash of the rows in an SQLite file."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()


@pytest.fixture
def demo(fresh_database: MakeDatabase, tmp_path: Path) -> Flask:
    """The example CRM as `make demo` leaves it."""
    from example_app import create_app

    given = {"SQLALCHEMY_DATABASE_URI": fresh_database("sqlite"), "INSTANCE_PATH": str(tmp_path), "DEMO": True}
    app = create_app(
        CONFIG
        | given
        | {"TESTING": False, "SECRET_KEY": "k" * 32, "BOOKING_WORKER": True, "BASE_URL": "http://localhost"}
    )
    prepare(app)
    return app


def test_the_example_crm_is_sound_and_stays_as_it_was(demo: Flask) -> None:
    url = demo.config["SQLALCHEMY_DATABASE_URI"]
    before = dump(url)
    result = demo.test_cli_runner().invoke(args=["booking", "doctor", "--strict"])
    assert result.exit_code == 0, result.output
    assert "Nothing is broken, no warnings." in result.output
    assert dump(url) == before
    assert not demo.extensions["booking"].extras["worker_thread"].running
    assert demo.config["BOOKING_WORKER"] is True
    dispose(demo)


def test_what_is_broken_ends_with_status_1_and_programs_are_told_by_name(patient: MakePatient) -> None:
    app = patient(tables=False, BOOKING_MAIL_URL="smtp://ann:hush-hush@127.0.0.1:9").app
    with app.app_context():
        from example_app.extensions import db

        db.drop_all()
    result = app.test_cli_runner().invoke(args=["booking", "doctor", "--json", "--offline"])
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert told["ok"] is False
    levels = {one["check"]: one["level"] for one in told["findings"]}
    assert (levels["tables"], levels["public pages"], levels["mail server"]) == ("fail", "info", "info")
    for secret in ("hush-hush", app.config["SECRET_KEY"], app.config["BOOKING_ENCRYPTION_KEYS"][0]):
        assert secret not in result.output
    with app.app_context():
        db.create_all()


def test_warnings_break_nothing_unless_asked(patient: MakePatient) -> None:
    runner = patient().app.test_cli_runner()
    assert runner.invoke(args=["booking", "doctor"]).exit_code == 0
    assert runner.invoke(args=["booking", "doctor", "--strict"]).exit_code == 1


def test_a_check_that_crashes_is_one_broken_check_and_the_others_go_on(patient: MakePatient) -> None:
    def crash() -> list[object]:
        raise KeyError("sam@example.com")

    checks = [Check("first", crash), Check("second", lambda: [ok("fine")])]  # type: ignore[arg-type, return-value]
    with patient().app.app_context():
        first, second = examine(checks=checks)
    assert (first.level, second.level) == ("fail", "ok")
    assert "KeyError in doctor/test_command.py:" in first.text
    assert "sam@example.com" not in first.text + first.advice


def test_sentences_are_aligned_and_wrapped() -> None:
    checks = [
        Check("a", lambda: [warn("one " * 12, "Do this.\nThen that.")]),
        Check("long name", lambda: [fail("x", "y")]),
    ]
    found = [dataclasses.replace(one, check=check.name) for check in checks for one in check.look()]
    text = as_text(found, width=60, style=lambda words, **_style: words)
    assert text.splitlines() == [
        "warn  a          one one one one one one one one one one one",
        "                 one",
        "                 → Do this.",
        "                   Then that.",
        "fail  long name  x",
        "                 → y",
        "",
        "1 broken, 1 warning.",
    ]
