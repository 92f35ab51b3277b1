"""CRMs of all kinds adopt the tables into their own history, live with them for releases, and let them go again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flask_booking import migrating
from tests.fixtures.databases import MakeDatabase
from tests.migrations.synthetic import Traits

SECOND_RELEASE = '''"""People say how they want to be spoken of."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None


def upgrade():
    op.add_column("booking_host", sa.Column("pronouns", sa.String(40)))


def downgrade():
    op.drop_column("booking_host", "pronouns")
'''


@pytest.fixture
def second_release(tmp_path: Path) -> str:
    """A folder with the package's revisions and one that isn't released yet."""
    folder = tmp_path / "second_release"
    shutil.copytree(migrating.FOLDER, folder)
    (folder / "versions" / "0002_pronouns.py").write_text(SECOND_RELEASE)
    return str(folder)


def test_a_crm_with_years_of_history_adopts_updates_and_removes(
    fresh_database: MakeDatabase, tmp_path: Path, second_release: str
) -> None:
    crm = Traits(fresh_database("sqlite"), str(tmp_path))
    before = crm.but(mounted=False)
    before.run("grow-old", "db check")

    said = crm.run("! booking migrate --check", "booking migrate", "booking migrate --check", "booking migrate")
    assert "run: flask booking migrate" in said
    assert "newest booking tables already" in said
    written = crm.revisions()
    crm.run("db upgrade", "db check", "db migrate -m nothing")
    assert crm.revisions() == written
    assert "pronouns" not in crm.columns("booking_host")

    later = crm.but(package=second_release)
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
    before.but(package=second_release).run("db upgrade", "db check", "db downgrade", "db upgrade")  # mounted no more
    later.run("booking migrate", "db upgrade", "db check")  # a change of mind


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
