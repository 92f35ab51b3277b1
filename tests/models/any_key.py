"""A CRM with keys of one type, and the life of a meeting in it: ``play("life", "uuid", "sqlite:///…", folder)``.

A process maps its models onto one CRM, so each gets a process of its own (:mod:`tests.fixtures.apart`).
"""

from __future__ import annotations

import pathlib
import uuid
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_booking import CRM, ActivityFields, FlaskBooking
from flask_booking.models import Booking, BookingStatus, HistoryEntry, OccupiedTime
from flask_booking.scheduling import book, cancel, reschedule
from tests.scheduling.bookable import HOUR, instant, midnight, new_event, new_host, request

KEYS: dict[str, tuple[Any, Any]] = {
    "int": (sa.Integer, None),
    "uuid": (sa.Uuid, uuid.uuid4),
    "string": (sa.String(36), lambda: str(uuid.uuid4())),
}


class Plain(DeclarativeBase):
    """No naming convention, as in most CRMs."""


class Renaming(DeclarativeBase):
    """A naming convention that renames constraints even when they have names."""

    metadata = sa.MetaData(
        naming_convention={kind: f"crm_{kind}_%(table_name)s_%(constraint_name)s" for kind in ("uq", "fk", "ck")}
        | {"ix": "crm_ix_%(column_0_label)s", "pk": "crm_pk_%(table_name)s"}
    )


def new_crm(db: SQLAlchemy, key: str, charset: str) -> CRM:
    """A CRM's users, contacts and activities; ``charset`` is that of its tables on MariaDB."""
    kind, default = KEYS[key]
    options = {"mysql_charset": charset, "mariadb_charset": charset}

    class User(db.Model):  # type: ignore[name-defined, misc]
        __tablename__ = "user"
        __table_args__ = (sa.PrimaryKeyConstraint("id", name="users"), options)
        id: Mapped[Any] = mapped_column(kind, default=default)
        email: Mapped[str] = mapped_column(sa.String(200))
        name: Mapped[str] = mapped_column(sa.String(200))

    class Contact(db.Model):  # type: ignore[name-defined, misc]
        __tablename__ = "person"
        __table_args__ = (sa.PrimaryKeyConstraint("id", name="persons"), options)
        id: Mapped[Any] = mapped_column(kind, default=default)
        email: Mapped[str | None] = mapped_column(sa.String(200))
        name: Mapped[str] = mapped_column(sa.String(200))

    class Activity(db.Model):  # type: ignore[name-defined, misc]
        __tablename__ = "log_entry"
        __table_args__ = (sa.PrimaryKeyConstraint("id", name="log_entries"), options)
        id: Mapped[Any] = mapped_column(kind, default=default)
        person_id: Mapped[Any] = mapped_column(kind, sa.ForeignKey("person.id", name="of_person"))
        author_id: Mapped[Any] = mapped_column(kind, sa.ForeignKey("user.id", name="by_user"))
        text: Mapped[str] = mapped_column(sa.String(200))

    return CRM(
        User, Contact, Activity, activity_fields=ActivityFields(contact="person_id", author="author_id", subject="text")
    )


def new_app(url: str, db: SQLAlchemy, crm: CRM, folder: pathlib.Path) -> Flask:
    """The CRM on the database at ``url``, with its migrations in ``folder``."""
    app = Flask(__name__, root_path=str(folder))
    app.config |= {"SQLALCHEMY_DATABASE_URI": url, "SECRET_KEY": "only for tests", "BOOKING_WORKER": False}
    db.init_app(app)
    Migrate(app, db, directory=str(folder / "migrations"), render_as_batch=True)
    FlaskBooking().init_app(app, db, crm=crm)
    if url.startswith("sqlite"):
        with app.app_context():
            sa.event.listen(db.engine, "connect", lambda raw, _record: raw.execute("PRAGMA foreign_keys = ON"))
    return app


def live(db: SQLAlchemy, crm: CRM) -> None:
    """Book, move and cancel a meeting, and find it with its guest in one query."""
    user = crm.models.user(email="ann@example.com", name="Ann")
    db.session.add(user)
    db.session.flush()
    host = new_host(user)
    event = new_event(host)
    start = midnight()
    booking = book(event.id, request(start))
    contact_model, activity_model = crm.models.contact, crm.models.activity
    assert contact_model is None or booking.contact.email == "sam@example.com"
    if contact_model is not None:
        both = sa.select(Booking.title, contact_model.email).join(contact_model, contact_model.id == Booking.contact_id)
        assert db.session.execute(both).all() == [("Intro", "sam@example.com")]
        assert type(booking.contact_id) is type(booking.contact.id)
    reschedule(booking.id, instant(start + HOUR), actor="guest")
    assert db.session.scalars(sa.select(OccupiedTime.starts)).all() == [start + HOUR]
    cancel(booking.id, actor="guest")
    assert db.session.scalars(sa.select(OccupiedTime.starts)).all() == []
    assert db.session.get(Booking, booking.id).status is BookingStatus.CANCELLED
    if activity_model is not None:
        told = sa.select(activity_model.text).join(HistoryEntry, HistoryEntry.activity_id == activity_model.id)
        texts = db.session.scalars(told.order_by(HistoryEntry.id)).all()
        assert [text.partition(":")[0] for text in texts] == [
            "Meeting booked", "Meeting rescheduled", "Meeting cancelled",
        ]  # fmt: skip
    if activity_model is not None:
        db.session.execute(sa.delete(activity_model))
    db.session.delete(user)  # and with the user all that was the host's
    db.session.commit()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Booking.__table__)) == 0


def difference(db: SQLAlchemy) -> list[Any]:
    """What Alembic would still change."""
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, db.metadata))


def tables(db: SQLAlchemy) -> set[str]:
    return {name for name in sa.inspect(db.engine).get_table_names() if name.startswith("booking_")}


def migrate(app: Flask, db: SQLAlchemy, crm: CRM, folder: pathlib.Path) -> None:
    """Adopt the tables into the CRM's own history by the commands its developer uses, and remove them again."""

    def run(*command: str) -> str:
        result = app.test_cli_runner().invoke(args=command)
        if result.exit_code:
            raise RuntimeError(f"{' '.join(command)}: {result.output}") from result.exception
        return result.output

    run("db", "init")
    ours = [table for table in db.metadata.tables.values() if table.name.startswith("booking_")]
    for table in ours:  # the CRM's first revision is older than its booking
        db.metadata.remove(table)
    run("db", "migrate", "-m", "crm")
    for table in ours:
        db.metadata._add_table(table.name, table.schema, table)
    with app.app_context():
        run("db", "upgrade")
        assert tables(db) == set()
    assert "Wrote" in run("booking", "migrate")
    assert "newest" in run("booking", "migrate")
    for _round in range(2):
        run("db", "upgrade")
        with app.app_context():
            assert tables(db) == {table.name for table in ours}
            assert difference(db) == []
            live(db, crm)
            db.session.remove()
            db.engine.dispose()
        revisions = sorted((folder / "migrations" / "versions").glob("*.py"))
        run("db", "migrate", "-m", "nothing")
        assert sorted((folder / "migrations" / "versions").glob("*.py")) == revisions
        run("db", "downgrade")
        with app.app_context():
            assert tables(db) == set()


def play(scenario: str, key: str, url: str, folder: pathlib.Path) -> None:
    """The ``life`` of a meeting, the same in a ``bare`` CRM, or the whole ``history`` of its tables."""
    db = SQLAlchemy(model_class=Renaming if key == "string" else Plain)
    # Migrations are for CRMs whose tables may be old: then text keys have the character set of their day.
    crm = new_crm(db, key, "latin1" if scenario == "history" else "utf8mb4")
    if scenario == "bare":  # a CRM that has users and nothing else
        crm = CRM(crm.models.user)
    app = new_app(url, db, crm, folder)
    if scenario == "history":
        migrate(app, db, crm, folder)
    else:
        with app.app_context():
            db.create_all()
            live(db, crm)
            db.session.remove()
            db.drop_all()
            db.engine.dispose()
