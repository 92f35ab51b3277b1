"""Tables, migrations, keys, columns, keys at rest, promises and clocks: what the database tells."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import time_machine
from flask_migrate import Migrate

from example_app.booking import RowanCRM
from example_app.extensions import db
from example_app.models import User
from flask_booking import ContactFields, UserFields
from flask_booking.models import Booking, OutboxMessage
from flask_booking.scheduling import book
from tests.fixtures.databases import MakeDatabase
from tests.scheduling.bookable import midnight, new_event, new_host, request

from .conftest import MakePatient, Patient

MIGRATIONS = Path(__file__).parents[2] / "example_app" / "migrations"


def run(patient: Patient, *statements: str) -> None:
    with patient.app.app_context(), db.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def booked(patient: Patient) -> None:
    """One meeting in three days."""
    with patient.app.app_context():
        user = User(email="ann@example.com", name="Ann", time_zone="UTC", password_hash="-")
        db.session.add(user)
        db.session.flush()
        book(new_event(new_host(user)).id, request(midnight()))


def test_a_missing_column_table_and_constraint_are_named(patient: MakePatient, fresh_database: MakeDatabase) -> None:
    broken = patient(url=fresh_database("sqlite"))
    assert broken.says("tables").startswith("ok ")
    run(
        broken,
        "ALTER TABLE booking_booking DROP COLUMN reason",
        "ALTER TABLE booking_host ADD COLUMN shoe_size INTEGER",
    )
    said = broken.says("tables")
    assert "fail 1 column missing: booking_booking.reason; pages that read them fail" in said
    assert "warn 1 difference from the models: booking_host.shoe_size" in said
    run(broken, "DROP TABLE booking_used_challenge")
    assert "tables are missing: booking_used_challenge → Set up Flask-Migrate" in broken.says("tables")


def test_contacts_and_activities_that_are_named_later_come_by_a_revision_of_the_crms_own(
    patient: MakePatient, fresh_database: MakeDatabase
) -> None:
    later = patient(
        lambda app: Migrate(app, db, directory=str(MIGRATIONS)), url=fresh_database("postgresql"), tables=False
    )
    later.app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert later.says("tables").startswith("ok ")
    run(later, "ALTER TABLE booking_history DROP COLUMN activity_id")
    (missing,) = later.findings("tables")
    assert missing.text == "1 column missing: booking_history.activity_id; pages that read them fail"
    assert "run `flask db migrate`, look the revision over, then run `flask db upgrade`." in missing.advice
    run(later, "ALTER TABLE booking_booking DROP COLUMN reason")
    assert "→ Run `flask booking migrate`, then `flask db upgrade`." in later.says("tables")


def test_postgresqls_guard_against_double_booking_is_missed(patient: MakePatient, fresh_database: MakeDatabase) -> None:
    broken = patient(url=fresh_database("postgresql"))
    assert broken.says("tables").startswith("ok ")
    with broken.app.app_context():
        inspector = sa.inspect(db.engine)
        (exclusion,) = [
            one["name"]
            for one in inspector.get_indexes("booking_occupied_time")
            if one["name"] and one["name"].startswith("ex")
        ]
    run(broken, f"ALTER TABLE booking_occupied_time DROP CONSTRAINT {exclusion}")
    assert f"fail 1 constraint missing: {exclusion}; they keep a time from being booked twice" in broken.says("tables")


def test_a_database_that_does_not_answer_is_said_without_its_password(patient: MakePatient) -> None:
    gone = patient(url="postgresql+psycopg://ann:hush-hush@127.0.0.1:9/crm", tables=False)
    said = gone.says("tables", "encryption", "clock")
    assert said.count("fail") == 1
    assert "fail the database doesn't answer (OperationalError)" in said
    assert "info not looked at until the tables are there" in said
    assert "hush-hush" not in said


def test_each_state_of_the_history_has_its_command(
    patient: MakePatient, fresh_database: MakeDatabase, tmp_path: Path
) -> None:
    url = fresh_database("sqlite")
    assert "warn Flask-Migrate isn't set up" in patient(url=url, tables=False).says("migrations")

    def with_history(folder: Path) -> Patient:
        return patient(lambda app: Migrate(app, db, directory=str(folder)), url=url, tables=False)

    own, empty = with_history(MIGRATIONS), with_history(tmp_path / "migrations")
    assert "warn there is no folder of migrations" in empty.says("migrations")
    assert "fail the database has had no migration yet → Run `flask db upgrade`." in own.says("migrations")
    own.app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert own.says("migrations").startswith("ok the database is at ")
    run(own, "UPDATE alembic_version SET version_num = '0001'")
    assert "behind your migrations → Run `flask db upgrade`." in own.says("migrations")
    run(own, "UPDATE alembic_version SET version_num = 'f00'")
    assert "fail the database is at f00, which your migrations don't know" in own.says("migrations")
    run(own, "DELETE FROM alembic_version")
    assert "warn the database doesn't say which revision it is at" in own.says("migrations")

    runner = empty.app.test_cli_runner()
    runner.invoke(args=["db", "init"])
    runner.invoke(args=["db", "revision", "--rev-id", "a1"])
    assert "warn your migrations don't contain the booking tables" in empty.says("migrations")
    runner.invoke(args=["booking", "migrate"])
    adopted = next((tmp_path / "migrations" / "versions").glob("*_flask_booking_*.py"))
    assert "behind your migrations" in _stamped(empty, "a1")
    adopted.write_text(adopted.read_text().replace("booking_revision = ", "booking_revision = '0000'  # "))
    assert "fail your migrations have the booking tables of 0000, the package is at" in empty.says("migrations")
    runner.invoke(args=["db", "revision", "--rev-id", "b1", "--head", "a1", "--splice"])
    assert "fail your migrations have 2 heads (" in empty.says("migrations")


def _stamped(patient: Patient, revision: str) -> str:
    run(patient, f"INSERT INTO alembic_version VALUES ('{revision}')")
    return patient.says("migrations")


def test_a_reference_of_another_type_than_the_key_is_found(patient: MakePatient, fresh_database: MakeDatabase) -> None:
    broken = patient(url=fresh_database("sqlite"))
    assert broken.says("foreign keys").startswith("ok ")
    run(
        broken,
        "PRAGMA foreign_keys = OFF",
        "DROP TABLE contact",
        "CREATE TABLE contact (id VARCHAR(36) PRIMARY KEY)",
    )
    said = broken.says("foreign keys")
    assert "fail booking_booking.contact_id is INTEGER, contact.id is VARCHAR(36): they can't be joined" in said


def test_a_search_that_finds_anybody_and_a_hook_that_failed_are_named(patient: MakePatient) -> None:
    class Generous(RowanCRM):
        def find_contact(self, session: Any, email: str, host_user: Any) -> Any:
            return session.scalars(sa.select(self.models.contact)).first()

        def create_contact(self, session: Any, guest: Any, host_user: Any) -> Any:
            raise LookupError(guest.name)

    sick = patient(crm=Generous())
    booked(sick)
    assert "warn 1 booking without contact or activity so far" in sick.says("columns")
    run(sick, "INSERT INTO contact (name, owner_id, created_at) SELECT 'Sam', id, '2026-01-01' FROM \"user\"")
    assert "fail Generous.find_contact finds a contact for an address that nobody has" in sick.says("columns")
    Generous.find_contact = lambda *_all: {}["sam"]  # type: ignore[method-assign]
    said = sick.says("columns")
    assert "fail Generous.find_contact broke with KeyError in doctor/test_database.py:" in said


def test_what_the_mapping_says_of_itself_is_told_line_by_line(patient: MakePatient) -> None:
    crm = RowanCRM()
    app = patient(crm=crm)
    assert app.says("columns").startswith("ok User: email, name, time_zone")
    crm.contact_fields = ContactFields(phone="telephone")
    phone, owner = app.findings("columns")
    assert "crm.contact_fields.phone: Contact has no attribute 'telephone'" in phone.text
    assert "Contact.owner_id must not be NULL" in owner.text


def test_hosts_without_addresses_are_told_of(patient: MakePatient) -> None:
    crm = RowanCRM()
    app = patient(crm=crm)
    crm.user_fields = UserFields(email="", time_zone="time_zone")
    assert "warn users have no address: no mail tells hosts of their bookings" in app.says("columns")


def test_hosts_whose_address_no_mail_can_be_written_to_are_counted(patient: MakePatient) -> None:
    app = patient()
    booked(app)
    assert app.says("hosts").startswith("ok 1 host")
    with app.app.app_context():
        db.session.query(User).one().email = "Ann Meyer <ann@example.com>"
        db.session.commit()
    said = app.says("hosts")
    assert "warn 1 host with an address that no mail can be written to: no mail tells of bookings" in said
    assert "Meyer" not in said


def test_meetings_whose_hosts_were_deleted_are_counted(patient: MakePatient) -> None:
    app = patient()
    booked(app)
    run(app, "DELETE FROM booking_booking_host")
    said = app.says("hosts")
    assert "warn 1 meeting without a host any more: the users who were to hold them are deleted" in said
    run(app, "UPDATE booking_booking SET status = 'cancelled'")
    assert app.says("hosts").startswith("ok 1 host")


def test_keys_that_are_missing_derived_or_wrong_are_told_apart(patient: MakePatient) -> None:
    derived = patient(BOOKING_ENCRYPTION_KEYS=None)
    assert "warn secrets are encrypted with a key derived from SECRET_KEY" in derived.says("encryption")
    booked(derived)
    assert "encryption_keys(None, app.secret_key)" in derived.says("encryption")
    said = patient().says("encryption")
    assert "fail 1 of 1 guests' links can't be read with these keys" in said
    assert "warn SECRET_KEY has 3 characters" in patient(SECRET_KEY="dev").says("encryption")
    assert "info SECRET_KEY has 3 characters" in patient(SECRET_KEY="dev", DEBUG=True).says("encryption")
    broken = patient()
    broken.app.config["BOOKING_ENCRYPTION_KEYS"] = "short"
    assert "fail BOOKING_ENCRYPTION_KEYS: 32 bytes" in broken.says("encryption")


def test_meetings_whose_promised_local_time_moved_are_listed(patient: MakePatient) -> None:
    moved = patient()
    booked(moved)
    assert moved.says("promises").startswith("ok 1 coming meeting at the local time that was promised")
    with moved.app.app_context():
        booking = db.session.query(Booking).one()
        booking.starts_local += dt.timedelta(hours=1)
        db.session.commit()
        path = f"/settings/booking/bookings/{booking.public_id}: promised {booking.starts_local:%Y-%m-%d %H:%M} in UTC"
    said = moved.says("promises")
    assert "warn 1 of 1 coming meeting would begin at another local time than promised" in said
    assert path in said
    assert "sam" not in said.lower()


def test_work_that_nobody_does_is_counted(patient: MakePatient) -> None:
    idle = patient()
    assert idle.says("worker").startswith("info nothing is late; neither Redis nor a thread")
    with idle.app.app_context():
        old = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        for number, state in enumerate(("waiting", "failed")):
            db.session.add(OutboxMessage(topic="mail", kind="x", dedupe_key=str(number), due_at=old, state=state))
        db.session.commit()
    said = idle.says("worker")
    assert "warn 1 message should have gone out, the first at 2026-01-01 00:00 UTC → Run `flask booking work`" in said
    assert "warn 1 message given up" in said


def test_a_clock_that_differs_from_the_databases_is_noticed(patient: MakePatient, databases: Any) -> None:
    server = patient(url=databases.clean("postgresql"), tables=False)
    assert server.says("clock").startswith("ok ")
    with time_machine.travel(time.time() + 60):
        assert "warn the database's clock is 60 s behind" in server.says("clock")


def test_rules_of_time_zones_that_are_old_are_named(patient: MakePatient) -> None:
    app = patient()
    assert app.says("time zones").startswith("ok 20")
    with time_machine.travel(dt.datetime(2100, 1, 1, tzinfo=dt.UTC)):
        assert "the tzdata package" in app.says("time zones")
        assert "pip install --upgrade tzdata" in app.says("time zones")
