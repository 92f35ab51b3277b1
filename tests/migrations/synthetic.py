"""A CRM that lives for one test.

``Traits(url, folder).run("booking migrate", "db upgrade")`` runs commands as ``flask`` does, in a process of its own
that has nothing mapped yet (:mod:`tests.fixtures.apart`): one deployment.
"""

from __future__ import annotations

import dataclasses
import pathlib
import traceback
import uuid
from multiprocessing.connection import Connection
from typing import Any

import flask_migrate
import sqlalchemy as sa
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, mapped_column

from flask_booking import CRM, ActivityFields, FlaskBooking, migrating
from flask_booking.models import Host
from tests.fixtures.apart import PROCESSES
from tests.models.any_key import Renaming, live
from tests.scheduling.bookable import new_host

KEYS: dict[str, tuple[Any, ...]] = {
    "int": (sa.Integer,),
    "sequence": (sa.Integer, sa.Sequence("user_key_seq")),
    "uuid": (sa.Uuid,),
    "string": (sa.String(64),),
}
NEW = {"uuid": uuid.uuid4, "string": lambda: str(uuid.uuid4())}
# Of what a CRM did before: it can't run from an empty database.
OLD_REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "old", None, None, None


def upgrade():
    op.add_column("user", sa.Column("email", sa.String(200)))


def downgrade():
    op.drop_column("user", "email")
"""


@dataclasses.dataclass(frozen=True)
class Traits:
    """What is special about this CRM."""

    url: str
    folder: str
    mounted: bool = True
    guarded: bool = False  # autogenerate is told to leave booking alone
    key: str = "int"
    convention: bool = False  # constraints are renamed
    schema: str | None = None  # of the users, contacts and activities
    default_schema: str | None = None  # of the metadata, so of all tables
    translated: bool = False  # the connection leaves that schema out
    plain: bool = False  # users are no db.Model
    contacts: bool = True
    other: str = ""  # the file of a second database, with a table of its own
    package: str = ""  # the folder with a later release of the package's revisions

    def but(self, **changes: Any) -> Traits:
        return dataclasses.replace(self, **changes)

    def run(self, *commands: str) -> str:
        """What the commands print, run one after the other; one that begins with ``!`` must fail."""
        here, there = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=play, args=(self, commands, there))
        process.start()
        there.close()
        done, output = here.recv() if here.poll(100) else (False, "It hangs.")
        process.kill()
        process.join()
        assert done, output
        return str(output)

    def tables(self) -> set[str]:
        """The tables of booking that are there."""
        engine = sa.create_engine(self.url)
        names = set(sa.inspect(engine).get_table_names(schema=self.default_schema))
        engine.dispose()
        return {name for name in names if name.startswith("booking_")}

    def columns(self, table: str) -> set[str]:
        engine = sa.create_engine(self.url)
        found = {column["name"] for column in sa.inspect(engine).get_columns(table, schema=self.default_schema)}
        engine.dispose()
        return found

    def revisions(self) -> set[pathlib.Path]:
        return set((pathlib.Path(self.folder) / "migrations" / "versions").glob("*.py"))


def new_crm(db: SQLAlchemy, traits: Traits) -> CRM:
    class Plain(DeclarativeBase):
        pass

    base: Any = Plain if traits.plain else db.Model
    place = {"schema": traits.schema} if traits.schema else {}
    schema = traits.schema or traits.default_schema
    prefix = f"{schema}." if schema else ""
    kind, key = KEYS[traits.key][0], {"primary_key": True, "default": NEW.get(traits.key)}
    if key["default"] is None:
        del key["default"]

    class User(base):  # type: ignore[misc]
        __tablename__ = "user"
        __table_args__ = place
        id = mapped_column(*KEYS[traits.key], **key)
        name = mapped_column(sa.String(200))
        email = mapped_column(sa.String(200))

    if not traits.contacts:
        return CRM(User)

    class Contact(db.Model):  # type: ignore[name-defined, misc]
        __tablename__ = "person"
        __table_args__ = place
        id = mapped_column(kind, **key)
        email = mapped_column(sa.String(200))
        name = mapped_column(sa.String(200))

    class Activity(db.Model):  # type: ignore[name-defined, misc]
        __tablename__ = "log_entry"
        __table_args__ = place
        id = mapped_column(kind, **key)
        person_id = mapped_column(kind, sa.ForeignKey(f"{prefix}person.id", name="of_person"))
        text = mapped_column(sa.String(200))

    return CRM(User, Contact, Activity, activity_fields=ActivityFields(contact="person_id", subject="text"))


def create_app(traits: Traits) -> Flask:
    class Base(DeclarativeBase):
        metadata = sa.MetaData(
            schema=traits.default_schema,
            naming_convention=Renaming.metadata.naming_convention if traits.convention else None,
        )

    db = SQLAlchemy(model_class=Base)
    app = Flask(__name__, root_path=traits.folder)
    app.config |= {"SQLALCHEMY_DATABASE_URI": traits.url, "SECRET_KEY": "only for tests", "BOOKING_WORKER": False}
    if traits.other:
        app.config["SQLALCHEMY_BINDS"] = {"audit": f"sqlite:///{traits.folder}/{traits.other}"}
    if traits.translated:
        translation = {traits.default_schema: None}
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"execution_options": {"schema_translate_map": translation}}
    db.init_app(app)
    if traits.url.startswith("sqlite"):
        with app.app_context():
            sa.event.listen(db.engine, "connect", lambda raw, _record: raw.execute("PRAGMA foreign_keys = ON"))
    crm = new_crm(db, traits)
    if traits.other:

        class Entry(db.Model):  # type: ignore[name-defined, misc]
            __bind_key__ = "audit"
            id = mapped_column(sa.Integer, primary_key=True)

    options: dict[str, Any] = {"include_object": migrating.include_object} if traits.guarded else {}
    if traits.schema or traits.default_schema:
        options["include_schemas"] = True
    Migrate(app, db, directory=f"{traits.folder}/migrations", **options)
    if traits.package:
        migrating.FOLDER = pathlib.Path(traits.package)
        Host.pronouns = mapped_column(sa.String(40))  # type: ignore[attr-defined]
    if traits.mounted:
        FlaskBooking().init_app(app, db, crm=crm)

    @app.cli.command("create-schema")
    def create_schema() -> None:
        """Have the schema, and the sequence, that the CRM's tables need."""
        with db.engine.begin() as connection:
            connection.execute(sa.schema.CreateSchema("crm"))
            if traits.key == "sequence":
                connection.execute(sa.schema.CreateSequence(sa.Sequence("user_key_seq")))

    @app.cli.command("create-all")
    def create_all() -> None:
        """What CRMs do that have no migrations."""
        for metadata in {crm.models.user.metadata, db.metadata}:
            metadata.create_all(db.engine)

    @app.cli.command("grow-old")
    def grow_old() -> None:
        """Have tables, and a history that began after them."""
        db.create_all()
        flask_migrate.init()
        (pathlib.Path(traits.folder) / "migrations" / "versions" / "old.py").write_text(OLD_REVISION)
        flask_migrate.stamp()

    @app.cli.command("make-host")
    def make_host() -> None:
        """Have a user who can be booked."""
        new_host(crm.models.user(name="Ann", email="ann@example.com"))

    @app.cli.command("drop-column")
    def drop_column() -> None:
        """Tamper with a table of booking."""
        with db.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE booking_host DROP COLUMN week_start")

    @app.cli.command("book")
    def book() -> None:
        """Book, move and cancel a meeting."""
        live(db, crm)

    return app


def play(traits: Traits, commands: tuple[str, ...], to: Connection) -> None:
    """Be a deployment of the CRM; tells whether all went as it should, and what was said."""
    said = ""
    try:
        app = create_app(traits)
        options = app.extensions["migrate"].configure_args
        fresh = dict(options)
        for command in commands:
            options.clear()  # Flask-Migrate's env.py leaves a function there that is of the first command
            options.update(fresh)
            result = app.test_cli_runner().invoke(args=command.removeprefix("! ").split())
            said += result.output
            if bool(result.exit_code) != command.startswith("! "):
                raise RuntimeError(f"{command}: {result.exit_code}") from result.exception
    except Exception:
        to.send((False, said + traceback.format_exc()))
    else:
        to.send((True, said))
