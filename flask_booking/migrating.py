"""The package's tables in the CRM's own Alembic history.

``flask booking migrate`` writes a revision into the CRM's history that calls :func:`upgrade` and :func:`downgrade`
here; from then on ``flask db upgrade`` does everything.  There is one history and one version table, the CRM's.
"""

from __future__ import annotations

import pathlib
import typing as t

import sqlalchemy as sa
from alembic import op
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import rev_id
from flask import current_app
from sqlalchemy.dialects import mysql

from .errors import BookingConfigError
from .orm import bound

_TEMPLATE = '''"""flask_booking {to}"""

from flask_booking import migrating

revision = {revision!r}
down_revision = {down!r}
branch_labels = None
depends_on = None
booking_revision = {to!r}


def upgrade() -> None:
    migrating.upgrade({to!r}, since={since!r})


def downgrade() -> None:
    migrating.downgrade({to!r}, to={since!r})
'''


def script() -> ScriptDirectory:
    """The package's own revisions: in the wheel beside this module, in a checkout at its top."""
    packaged = pathlib.Path(__file__).parent / "migrations"
    place = packaged if packaged.is_dir() else pathlib.Path(__file__).parents[1] / "migrations"
    config = Config()
    config.set_main_option("script_location", str(place).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def upgrade(to: str, *, since: str | None = None) -> None:
    """Run the package's revisions after ``since`` (None: from nothing) up to ``to``, within an Alembic revision."""
    for revision in reversed(_between(since, to)):
        revision.module.upgrade()


def downgrade(since: str, *, to: str | None = None) -> None:
    """Undo the package's revisions from ``since`` down to ``to`` (None: remove every table)."""
    for revision in _between(to, since):
        revision.module.downgrade()


def _between(lower: str | None, upper: str) -> list[Script]:
    return list(script().iterate_revisions(upper, lower or "base"))  # newest first


def crm_column(name: str, model: str, table: str, *, ondelete: str, nullable: bool) -> list[sa.Column[t.Any]]:
    """The column that refers to the CRM's ``model``, of whatever type its key is; none when the CRM lacks the model."""
    target = getattr(bound().models, model)
    if target is None:
        return []
    (key,) = sa.inspect(target).primary_key
    name_of_reference = sa.schema.conv(f"fk_{table}_{name}")  # the CRM's naming convention must leave it alone
    reference = sa.ForeignKey(f"{key.table.fullname}.{key.name}", ondelete=ondelete, name=name_of_reference)
    return [sa.Column(name, _stored_type(key), reference, nullable=nullable)]


def _stored_type(key: sa.Column[t.Any]) -> sa.types.TypeEngine[t.Any]:
    """The type of the CRM's key.  MariaDB and MySQL want the character set and collation of its text as well, which
    a table may have from the day it was made, whatever the database's default is now."""
    context = op.get_context()
    if context.dialect.name not in {"mysql", "mariadb"} or context.as_sql:
        return key.type
    stored = (
        op.get_bind()
        .execute(
            sa.text(
                "SELECT character_set_name, collation_name, data_type, character_maximum_length"
                " FROM information_schema.columns"
                " WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :table AND column_name = :name"
            ),
            {"schema": key.table.schema, "table": key.table.name, "name": key.name},
        )
        .one_or_none()
    )
    if stored is None or stored[0] is None:
        return key.type
    charset, collation, kind, length = stored
    return (mysql.CHAR if kind == "char" else mysql.VARCHAR)(length, charset=charset, collation=collation)


def write_crm_revision() -> pathlib.Path | None:
    """Write the revision that brings the CRM's history to the newest tables; None when it is there already.

    Raises :class:`BookingConfigError` when the CRM has no Flask-Migrate history, or one with several heads.
    """
    if "migrate" not in current_app.extensions:
        raise BookingConfigError("Set up Flask-Migrate first: Migrate(app, db) and `flask db init`")
    history = ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
    heads = history.get_heads()
    if len(heads) > 1:
        raise BookingConfigError("Your migrations have several heads; join them with `flask db merge heads` first")
    since = adopted(history)
    to = script().get_current_head()
    if since == to or to is None:
        return None
    new = rev_id()
    path = pathlib.Path(history.versions) / f"{new}_flask_booking_{to}.py"
    path.write_text(_TEMPLATE.format(to=to, since=since, revision=new, down=heads[0] if heads else None))
    return path


def adopted(history: ScriptDirectory) -> str | None:
    """The newest of our revisions that the CRM's history contains."""
    found = (getattr(revision.module, "booking_revision", None) for revision in history.walk_revisions())
    return next((revision for revision in found if revision), None)
