"""CRMs of all kinds adopt the tables into their own history, live with them for releases, and let them go again."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import mapped_column

from flask_booking import BookingConfigError, migrating
from flask_booking.orm import CRMModels, check_keys
from tests.docs.snippets import DOCS, captioned
from tests.fixtures.databases import KINDS, MakeDatabase, connected
from tests.migrations.synthetic import Traits

NEXT_RELEASE = '''"""People say how they want to be spoken of."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "next", "{newest}", None, None


def upgrade():
    op.add_column("booking_host", sa.Column("pronouns", sa.String(40)))


def downgrade():
    op.drop_column("booking_host", "pronouns")
'''

# A change of the CRM's own table, which SQLite can't make in place.
MADE_ANEW = """
from alembic import op

revision, down_revision, branch_labels, depends_on = "anew", None, None, None


def upgrade():
    with op.batch_alter_table("user") as users:
        users.alter_column("name", nullable=False)
"""


@pytest.fixture
def next_release(tmp_path: Path) -> str:
    """A folder with the package's revisions and one that isn't released yet."""
    folder = tmp_path / "next_release"
    shutil.copytree(migrating.FOLDER, folder)
    newest = str(migrating.script().get_current_head())
    (folder / "versions" / "next_pronouns.py").write_text(NEXT_RELEASE.replace("{newest}", newest))
    return str(folder)


def test_a_crm_with_years_of_history_adopts_updates_and_removes(
    fresh_database: MakeDatabase, tmp_path: Path, next_release: str
) -> None:
    crm = Traits(fresh_database("sqlite"), str(tmp_path))
    before = crm.but(mounted=False)
    before.run("grow-old", "db check")

    said = crm.run("! booking migrate --check", "booking migrate", "booking migrate --check", "booking migrate")
    assert "run: flask booking migrate" in said
    assert "newest booking tables already" in said
    assert "again, empty" not in said
    written = crm.revisions()
    crm.run("db upgrade", "db check", "db migrate -m nothing")
    assert crm.revisions() == written
    assert "pronouns" not in crm.columns("booking_host")

    later = crm.but(package=next_release)
    later.run("! booking migrate --check", "booking migrate", "db upgrade", "db check")
    assert "pronouns" in crm.columns("booking_host")
    assert "installed is older than your migrations" in crm.run(
        "! booking migrate", "! db downgrade"
    )  # the older release is installed
    later.run("db downgrade")
    assert "pronouns" not in crm.columns("booking_host")

    assert "make a backup" in later.run("db upgrade", "booking migrate --remove", "db upgrade")
    assert crm.tables() == set()
    assert "no booking tables" in later.run("booking migrate --remove", "db downgrade")
    assert "pronouns" in crm.columns("booking_host")
    before.but(package=next_release).run("db upgrade", "db check", "db downgrade", "db upgrade")  # mounted no more
    assert "again, empty" in later.run("booking migrate", "db upgrade", "db check"), "a change of mind"


@pytest.mark.parametrize(
    ("kind", "traits"),
    [
        ("sqlite", {"other": "audit.sqlite"}),
        ("postgresql", {"key": "uuid", "default_schema": "crm", "convention": True}),
        ("postgresql", {"key": "sequence", "schema": "crm"}),
        ("mariadb", {"key": "string"}),
    ],
    ids=["several databases", "all in a schema", "users in a schema", "text keys"],
)
def test_a_fresh_database_gets_the_whole_history_even_where_booking_is_not_mounted(
    kind: str, traits: dict[str, str], fresh_database: MakeDatabase, tmp_path: Path
) -> None:
    crm = Traits(fresh_database(kind), str(tmp_path), **traits)
    before = crm.but(mounted=False)
    init = "db init --multidb" if crm.other else "db init"
    before.run(*(["create-schema"] if kind == "postgresql" else []), init, "db migrate -m crm", "db upgrade")
    crm.run("booking migrate", "db upgrade", "db check", "book")
    tables = crm.tables()
    assert "booking_booking" in tables

    fresh = crm.but(url=fresh_database(kind), mounted=False)
    fresh.run(*(["create-schema"] if kind == "postgresql" else []), "db upgrade")
    assert fresh.tables() == tables
    fresh.but(mounted=True).run("db check")


def test_autogenerate_where_booking_is_not_mounted_would_drop_the_tables_unless_told(
    fresh_database: MakeDatabase, tmp_path: Path
) -> None:
    crm = Traits(fresh_database("sqlite"), str(tmp_path))
    guarded = crm.but(guarded=True)
    crm.but(mounted=False).run("grow-old")
    before = crm.revisions()
    guarded.run("db check", "db migrate -m nothing")  # mounted, and not adopted yet
    assert crm.revisions() == before

    crm.run("booking migrate", "db upgrade")
    assert "remove_table" in crm.but(mounted=False).run("! db check")
    guarded.but(mounted=False).run("db check")
    guarded.run("db check", "drop-column", "! db check")  # differences are still seen


def test_tables_that_were_made_without_migrations_are_stamped(fresh_database: MakeDatabase, tmp_path: Path) -> None:
    crm = Traits(fresh_database("sqlite"), str(tmp_path))
    assert "`flask db init` first" in crm.run("create-all", "! booking migrate")
    crm.run("db init", "booking migrate", "db stamp head", "db check", "book", "db downgrade")
    assert crm.tables() == set()


@pytest.mark.parametrize(
    ("kind", "traits"), [("sqlite", {}), ("postgresql", {"default_schema": "crm"}), ("mariadb", {})], ids=KINDS
)
def test_sql_is_written_for_who_runs_it_by_hand(
    kind: str, traits: dict[str, str], fresh_database: MakeDatabase, tmp_path: Path
) -> None:
    crm = Traits(fresh_database(kind), str(tmp_path), **traits)
    schema = ["create-schema"] if traits else []
    crm.but(mounted=False).run(*schema, "db init", "db migrate -m crm --rev-id before", "db upgrade")
    crm.run("booking migrate")
    run_sql(crm.url, crm.run("db upgrade before:head --sql"))
    crm.run("db check", "book")
    run_sql(crm.url, crm.run("db downgrade head:before --sql"))
    assert crm.tables() == set()
    assert "Mount booking in the app" in crm.but(mounted=False).run("! db upgrade before:head --sql")


def run_sql(url: str, output: str) -> None:
    """Run what Alembic printed, without the lines of its log."""
    statements = re.sub(r"^(INFO|--) .*$", "", output, flags=re.MULTILINE)
    with connected(url) as connection:
        for statement in statements.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement.replace("%", "%%"))


def test_a_crm_that_gets_contacts_later_adds_them_by_its_own_revision(
    fresh_database: MakeDatabase, tmp_path: Path
) -> None:
    crm = Traits(fresh_database("sqlite"), str(tmp_path))
    young = crm.but(contacts=False)
    young.but(mounted=False).run("db init", "db migrate -m users", "db upgrade")
    young.run("booking migrate", "db upgrade", "db check", "book")
    assert "contact_id" not in crm.columns("booking_booking")
    crm.run("db migrate -m contacts", "db upgrade", "db check", "book")
    fresh = crm.but(url=fresh_database("sqlite"))
    fresh.run("db upgrade", "db check", "book")


def test_users_may_be_models_of_a_plain_base(fresh_database: MakeDatabase, tmp_path: Path) -> None:
    crm = Traits(fresh_database("sqlite"), str(tmp_path), plain=True)
    crm.but(mounted=False).run("create-all", "db init")
    crm.run("booking migrate", "db upgrade", "book")


def test_several_heads_are_to_be_merged_first(fresh_database: MakeDatabase, tmp_path: Path) -> None:
    crm = Traits(fresh_database("sqlite"), str(tmp_path), mounted=False)
    crm.run("db init", "db revision --rev-id a", "db revision --rev-id b --head base --splice")
    said = crm.but(mounted=True).run("! booking migrate", "db merge heads", "booking migrate", "db heads")
    assert "join them with `flask db merge heads`" in said


def test_models_that_foreign_keys_cannot_lead_to_are_refused() -> None:
    db, other = SQLAlchemy(), SQLAlchemy()

    class Elsewhere(db.Model):  # type: ignore[name-defined, misc]
        __bind_key__ = "accounts"
        id = mapped_column(sa.Integer, primary_key=True)

    class Stranger(other.Model):  # type: ignore[name-defined, misc]
        id = mapped_column(sa.Integer, primary_key=True)

    class Pair(db.Model):  # type: ignore[name-defined, misc]
        one = mapped_column(sa.Integer, primary_key=True)
        two = mapped_column(sa.Integer, primary_key=True)

    class User(db.Model):  # type: ignore[name-defined, misc]
        id = mapped_column(sa.Integer, primary_key=True)

    for models, words in (
        (CRMModels(Elsewhere), "Make that database SQLALCHEMY_DATABASE_URI"),
        (CRMModels(User, Elsewhere), "crm.contact: .* or leave Elsewhere out"),
        (CRMModels(Stranger), "another SQLAlchemy"),
        (CRMModels(User, Pair), r"several columns \(one, two\)"),
        (CRMModels(int), "no mapped model"),
    ):
        with pytest.raises(BookingConfigError, match=words):
            check_keys(db, models)


def test_a_schema_that_the_connection_translates_away_is_left_out(fresh_database: MakeDatabase, tmp_path: Path) -> None:
    crm = Traits(fresh_database("sqlite"), str(tmp_path), default_schema="crm")
    assert "on PostgreSQL only" in crm.run("db init", "booking migrate", "! db upgrade")
    translated = crm.but(translated=True)
    translated.but(mounted=False).run("create-all")
    translated.run("db upgrade", "book")


def test_a_table_of_the_crm_that_is_made_anew_on_sqlite_keeps_what_refers_to_it(
    fresh_database: MakeDatabase, tmp_path: Path
) -> None:
    crm = Traits(fresh_database("sqlite"), str(tmp_path))
    crm.run("create-all", "make-host", "db init")
    env = tmp_path / "migrations" / "env.py"
    block = captioned(DOCS / "migrations.md", "migrations/env.py, in run_migrations_online")
    before, line, after = env.read_text().partition(block.splitlines(keepends=True)[0])
    assert line
    env.write_text(before + block + after)
    (tmp_path / "migrations" / "versions" / "anew.py").write_text(MADE_ANEW)
    crm.run("db upgrade")
    with connected(crm.url) as connection:
        name = next(column for column in sa.inspect(connection).get_columns("user") if column["name"] == "name")
        assert not name["nullable"]
        assert connection.exec_driver_sql("SELECT count(*) FROM booking_host").scalar() == 1
