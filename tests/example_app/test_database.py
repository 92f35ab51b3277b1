"""The CRM's own migrations and its settings, on each kind of database."""

from __future__ import annotations

import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade

from example_app import create_app
from example_app.config import database_url, kept_secret, settings
from example_app.demo import reset
from example_app.extensions import MIGRATIONS, db
from example_app.models import Mail, User
from flask_booking.calendars import registry
from flask_booking.config import defaults
from tests.fixtures.apps import CONFIG, dispose


def test_migrations_make_what_the_models_say_and_leave_nothing_behind(
    each_fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # they are found from anywhere
    app = create_app(CONFIG | {"SQLALCHEMY_DATABASE_URI": each_fresh_database, "INSTANCE_PATH": str(tmp_path)})
    with app.app_context():
        for _ in range(2):
            upgrade(directory=str(MIGRATIONS))
            with db.engine.connect() as connection:
                context = MigrationContext.configure(connection, opts={"compare_type": True})
                assert compare_metadata(context, db.metadata) == []
            downgrade(directory=str(MIGRATIONS), revision="base")
            assert sa.inspect(db.engine).get_table_names() == ["alembic_version"]
    dispose(app)


def test_rows_read_back_as_they_were_written(each_app: Flask) -> None:
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    with each_app.app_context():
        user = User(name="Zoë 🦊", email="zoe@example.com", time_zone="Europe/Paris")
        user.set_password("secret")
        mail = Mail(sent_at=at, sender="a", recipient="b", subject="🦊", raw=bytes(range(256)) * 1000)
        db.session.add_all([user, mail])
        db.session.commit()
        db.session.expire_all()
        assert (user.name, user.is_admin, user.has_password("secret")) == ("Zoë 🦊", False, True)
        assert (mail.sent_at, mail.sent_at.tzinfo, len(mail.raw)) == (at, UTC, 256_000)


def test_a_time_without_a_zone_is_refused(app: Flask) -> None:
    with app.app_context():
        db.session.add(Mail(sent_at=datetime(2026, 1, 1), sender="a", recipient="b", subject="c", raw=b""))  # noqa: DTZ001
        with pytest.raises(sa.exc.StatementError, match="without a zone"):
            db.session.commit()


def test_sqlite_obeys_foreign_keys_and_lets_readers_read_while_somebody_writes(app: Flask) -> None:
    with app.app_context():
        assert db.session.execute(sa.text("PRAGMA foreign_keys")).scalar() == 1
        assert db.session.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
        assert db.session.execute(sa.text("PRAGMA busy_timeout")).scalar() == 5000


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://u:p@db/crm", "postgresql+psycopg://u:p@db/crm"),
        ("postgresql://db/crm", "postgresql+psycopg://db/crm"),
        ("postgresql+psycopg://db/crm", "postgresql+psycopg://db/crm"),
        ("mysql://root@db/crm", "mysql+pymysql://root@db/crm?charset=utf8mb4"),
        ("mariadb://root@db/crm?charset=utf8", "mysql+pymysql://root@db/crm?charset=utf8"),
        ("sqlite:////tmp/x.sqlite", "sqlite:////tmp/x.sqlite"),
    ],
)
def test_database_addresses_get_the_driver_that_is_installed(given: str, used: str) -> None:
    assert database_url(given).render_as_string(hide_password=False) == used


def test_secrets_nobody_has_set_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    first, second = settings({}, tmp_path / "new"), settings({}, tmp_path / "new")
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert first["BOOKING_ENCRYPTION_KEYS"] == second["BOOKING_ENCRYPTION_KEYS"]
    assert first["SECRET_KEY"] != settings({}, tmp_path / "other")["SECRET_KEY"]
    for name in ("secret-key", "encryption-keys"):
        assert stat.S_IMODE((tmp_path / "new" / name).stat().st_mode) == 0o600
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_each_setting_of_a_service_comes_from_the_environment_by_its_own_name(tmp_path: Path) -> None:
    given = {
        "BOOKING_GOOGLE_API_URL": "http://127.0.0.1:1/google",
        "BOOKING_MICROSOFT_TENANT": "organizations",
        "BOOKING_ZOOM_CLIENT_ID": "zoom",
        "BOOKING_PUBLIC_URL": "https://crm.example",
    }
    more = {"BOOKING_GOOGLE_CLIENT_ID": "", "BOOKING_GOOGLE_NOTHING": "x"}
    found = settings(given | more, tmp_path)
    assert {key: found[key] for key in given} == given
    assert not more.keys() & found.keys()


def test_a_secret_another_process_made_first_is_the_one_used(tmp_path: Path) -> None:
    place = tmp_path / "key"

    def slow() -> str:
        place.write_text("theirs")
        return "ours"

    assert kept_secret(place, slow) == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_resetting_deletes_the_file_and_its_journals_and_no_real_database(tmp_path: Path) -> None:
    place = tmp_path / "demo.sqlite"
    sqlite3.connect(place).close()
    place.with_name("demo.sqlite-wal").touch()
    (tmp_path / "other").touch()
    reset(database_url(f"sqlite:///{place}"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
    with pytest.raises(click.ClickException, match="not an SQLite file"):
        reset(database_url("postgresql://db/crm"), tmp_path)


def test_only_services_that_the_environment_registers_are_offered_and_none_of_the_demo(tmp_path: Path) -> None:
    environ = {
        "BOOKING_GOOGLE_CLIENT_ID": "crm",
        "BOOKING_GOOGLE_CLIENT_SECRET": "between us",
        "BOOKING_GOOGLE_API_URL": "https://proxy.example.com/google",
        "BOOKING_MICROSOFT_CLIENT_ID": "",
    }
    for registered in ({}, environ):
        app = create_app({**settings(registered, tmp_path), "BOOKING_WORKER": False, "INSTANCE_PATH": str(tmp_path)})
        with app.app_context():
            offered = {provider.name for provider in registry.offered()}
        assert offered == ({"google", "caldav", "ical"} if registered else {"caldav", "ical"})
        assert app.config["BOOKING_GOOGLE_API_URL"] == registered.get(
            "BOOKING_GOOGLE_API_URL", defaults()["BOOKING_GOOGLE_API_URL"]
        )
        assert app.config["PRACTICE_CALENDAR"] is None
        assert app.config["BOOKING_PRIVATE_ADDRESSES"] is False
        assert not [rule for rule in app.url_map.iter_rules() if "practice" in rule.rule]
        dispose(app)
    given = {"BOOKING_PRIVATE_ADDRESSES": "off"}
    assert settings(given, tmp_path).items() >= given.items(), "the package reads what is meant"


@pytest.mark.parametrize(
    ("given", "meant"), [("1", True), ("yes", True), ("", False), ("0", False), ("False", False), (" off ", False)]
)
def test_the_demo_is_on_or_off_in_words(given: str, meant: bool, tmp_path: Path) -> None:
    assert settings({"DEMO": given}, tmp_path)["DEMO"] is meant
