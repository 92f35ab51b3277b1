"""Commands say in a line what keeps them from their work, and end with 1: for cron, and whoever reads its mails."""

from __future__ import annotations

import pytest
from flask import Flask

from example_app.extensions import db
from flask_booking import aside


def run(app: Flask, *args: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["booking", *args])
    return result.exit_code, result.output


@pytest.mark.parametrize("command", ["status", "status --json", "sync", "sync nobody", "rotate-keys", "relay --once"])
def test_without_tables_a_command_names_the_doctor_and_fails(
    each_app: Flask, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(aside.time, "sleep", lambda _seconds: None)
    with each_app.app_context():
        db.drop_all()
        try:
            status, said = run(each_app, *command.split())
        finally:
            db.session.rollback()
            db.create_all()
    assert status == 1
    assert said.startswith("Error: ")
    assert "`flask booking doctor` tells whether the database has all it needs" in said
    assert len(said.splitlines()) == 1


def test_a_relay_that_fails_otherwise_fails_too(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> int:
        raise ValueError("sam@example.com")

    monkeypatch.setattr("flask_booking.jobs.outbox.deliver_due", fail)
    assert run(app, "relay", "--once") == (1, "Error: the relay failed with ValueError\n")
