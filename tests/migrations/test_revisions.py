"""A CRM's own history adopts our tables and removes them again, and the newest revision is what the models say.

When the last test fails after a change of a model, its message is the operations that the revision lacks, ready to be
polished into it: plain types, every constraint named with ``op.f``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask import Flask
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.pool import NullPool

from flask_booking import migrating
from flask_booking.orm import bound
from tests.fixtures.apart import apart
from tests.models.any_key import play


@pytest.mark.parametrize("key", ["int", "uuid", "string"])
def test_a_history_adopts_the_tables_and_removes_them_again(key: str, each_fresh_database: str, tmp_path: Path) -> None:
    """The CRM has text keys of an old character set, or a naming convention that renames what has names."""
    apart(play, "history", key, each_fresh_database, tmp_path)


def test_there_is_one_line_of_revisions() -> None:
    revisions = list(migrating.script().walk_revisions())
    assert [revision.revision for revision in reversed(revisions)] == [
        f"{number:04}" for number in range(1, len(revisions) + 1)
    ]


def test_the_newest_revision_is_what_the_models_say(app: Flask, each_fresh_database: str) -> None:
    engine = sa.create_engine(each_fresh_database, poolclass=NullPool)
    metadata = bound().metadata
    with app.app_context(), engine.begin() as connection:
        ours = {table for table in metadata.tables if table.startswith("booking_")}
        metadata.create_all(connection, [table for name, table in metadata.tables.items() if name not in ours])
        newest = migrating.script().get_current_head()
        assert newest is not None
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": metadata})
        with Operations.context(context):
            migrating.upgrade(newest)
            missing = produce_migrations(context, metadata).upgrade_ops
            assert missing is not None
            assert missing.is_empty(), render_python_code(missing)
            assert named(connection, ours) == names(metadata, ours, connection.dialect.name)
            migrating.downgrade(newest)
        assert ours.isdisjoint(sa.inspect(connection).get_table_names())


def names(metadata: sa.MetaData, tables: set[str], dialect: str) -> set[str]:
    """What the models call their constraints and indexes."""
    exclusion = (ExcludeConstraint,) if dialect == "postgresql" else ()
    kept = (sa.UniqueConstraint, sa.ForeignKeyConstraint, *exclusion)
    found = [item for name in tables for item in metadata.tables[name].constraints if isinstance(item, kept)]
    return {str(item.name) for item in found} | {
        str(item.name) for name in tables for item in metadata.tables[name].indexes
    }


def named(connection: sa.Connection, tables: set[str]) -> set[str]:
    """What they are called in the database."""
    look = sa.inspect(connection)
    found: set[str] = set()
    for table in tables:
        for items in (look.get_foreign_keys(table), look.get_unique_constraints(table), look.get_indexes(table)):
            found |= {str(item["name"]) for item in items}
    return found
