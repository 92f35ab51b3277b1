"""The package's tables in the CRM's own Alembic history.

``flask booking migrate`` writes a revision into the CRM's history that calls :func:`upgrade` and :func:`downgrade`
here; from then on ``flask db upgrade`` does everything.  There is one history and one version table, the CRM's.

A history must mean the same for ever.  So the written revision also names the keys of the CRM that the tables refer
to: it runs the same when the CRM has got other models since, or doesn't mount booking any more.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import contextvars
import pathlib
import typing as t

import sqlalchemy as sa
from alembic import op
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError, rev_id
from flask import current_app
from sqlalchemy.dialects import mysql

from .errors import BookingConfigError
from .orm import bound, key_of, table_names

_PACKAGED = pathlib.Path(__file__).parent / "migrations"
FOLDER = _PACKAGED if _PACKAGED.is_dir() else pathlib.Path(__file__).parents[1] / "migrations"
"""The package's own revisions: in the wheel beside this module, in a checkout at its top."""

_TEMPLATE = '''"""{title}"""

from flask_booking import migrating

revision = {revision!r}
down_revision = {down!r}
branch_labels = None
depends_on = None
booking_revision = {to!r}
crm = {crm!r}


def upgrade({parameter}) -> None:
    {condition}migrating.{upgrade}


def downgrade({parameter}) -> None:
    {condition}migrating.{downgrade}
'''

_crm: contextvars.ContextVar[c.Mapping[str, str]] = contextvars.ContextVar("crm")


def script() -> ScriptDirectory:
    """The package's own revisions."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def upgrade(
    to: str, *, since: str | None = None, crm: c.Mapping[str, str] | None = None, schema: str | None = None
) -> None:
    """Run the package's revisions after ``since`` (None: from nothing) up to ``to``, within an Alembic revision.

    ``crm`` has the columns of the CRM that the tables refer to, such as ``{"user": "users.id"}``; without it they, and
    the ``schema`` for the tables, are those of the CRM that booking is mounted in.
    """
    with _within(crm, schema):
        for revision in reversed(_between(since, to)):
            revision.module.upgrade()


def downgrade(
    since: str, *, to: str | None = None, crm: c.Mapping[str, str] | None = None, schema: str | None = None
) -> None:
    """Undo the package's revisions from ``since`` down to ``to`` (None: remove every table); as :func:`upgrade`."""
    with _within(crm, schema):
        for revision in _between(to, since):
            revision.module.downgrade()


def _between(lower: str | None, upper: str) -> list[Script]:
    _require(upper)
    return list(script().iterate_revisions(upper, lower or "base"))  # newest first


def _require(revision: str) -> None:
    try:
        script().get_revision(revision)
    except CommandError:
        raise BookingConfigError(
            f"The flask_booking that is installed is older than your migrations: it lacks the tables {revision}. "
            "Install the release that they were written with, or a newer one"
        ) from None


@contextlib.contextmanager
def _within(crm: c.Mapping[str, str] | None, schema: str | None) -> c.Iterator[None]:
    """Let the package's revisions, which name no schema, find the CRM's keys and make their tables in ``schema``."""
    if crm is None:
        crm, schema = _keys(), bound().metadata.schema
    token = _crm.set(crm)
    try:
        schema = _translated(schema)
        if schema is None:
            yield
            return
        context = op.get_context()
        if context.dialect.name != "postgresql":
            raise BookingConfigError(
                f"MetaData(schema={schema!r}): migrations make the tables of booking in a schema on PostgreSQL only"
            )
        before = "public" if context.as_sql else op.get_bind().scalar(sa.text("SHOW search_path"))
        op.execute(f"SET search_path TO {context.dialect.identifier_preparer.quote(schema)}, {before}")
        yield
        op.execute(f"SET search_path TO {'DEFAULT' if context.as_sql else before}")
    finally:
        _crm.reset(token)


def _translated(schema: str | None) -> str | None:
    """The schema that the CRM's migrations put in the place of the one its models name."""
    if schema is None or op.get_context().as_sql:
        return schema
    names = op.get_bind().get_execution_options().get("schema_translate_map") or {}
    return t.cast("str | None", names.get(schema, schema))


def _keys() -> dict[str, str]:
    """The keys of the models that the CRM of this process has."""
    keys = {name: key_of(model) for name, model in vars(bound().models).items() if model is not None}
    return {name: f"{key.table.fullname}.{key.name}" for name, key in keys.items()}


def crm_has(model: str) -> bool:
    """Whether the CRM whose revision runs has the ``model``: every one has users."""
    return model in _crm.get()


def crm_column(name: str, model: str, table: str, *, ondelete: str, nullable: bool) -> list[sa.Column[t.Any]]:
    """The column that refers to the CRM's ``model``, of whatever type its key is; none when the CRM lacks the model."""
    if not crm_has(model):
        return []
    target, _, key = _crm.get()[model].rpartition(".")
    schema, _, target = target.rpartition(".")
    place = _translated(schema or None)
    name_of_reference = sa.schema.conv(f"fk_{table}_{name}")  # the CRM's naming convention must leave it alone
    column = f"{place}.{target}.{key}" if place else f"{target}.{key}"
    reference = sa.ForeignKey(column, ondelete=ondelete, name=name_of_reference)
    kind = _stored_type(place, target, key) or _declared_type(model)
    return [sa.Column(name, kind, reference, nullable=nullable)]


def _stored_type(schema: str | None, table: str, column: str) -> sa.types.TypeEngine[t.Any] | None:
    """The type of a key as the database has it: a reference must fit that, whatever models say."""
    if op.get_context().as_sql:
        return None
    connection = op.get_bind()
    try:
        columns = sa.inspect(connection).get_columns(table, schema=schema)
    except sa.exc.NoSuchTableError:
        return None
    kind = next((found["type"] for found in columns if found["name"] == column), None)
    if connection.dialect.name in {"mysql", "mariadb"} and isinstance(kind, sa.String):
        # They want the character set and collation of a text as well, which a table may have from the day it was
        # made, whatever the database's default is now.
        text = connection.execute(
            sa.text(
                "SELECT character_set_name, collation_name, character_maximum_length FROM information_schema.columns"
                " WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :table AND column_name = :name"
            ),
            {"schema": schema, "table": table, "name": column},
        ).one_or_none()
        if text is not None:
            same = mysql.CHAR if isinstance(kind, sa.CHAR) else mysql.VARCHAR
            return same(text[2], charset=text[0], collation=text[1])
    return None if isinstance(kind, sa.types.NullType) else kind


def _declared_type(model: str) -> sa.types.TypeEngine[t.Any]:
    """The type of a key as the CRM's model has it, where there is no table to ask."""
    key = _crm.get()[model]
    with contextlib.suppress(BookingConfigError):
        if _keys().get(model) == key:
            return key_of(getattr(bound().models, model)).type
    raise BookingConfigError(
        f"The type of {key}, which the tables of booking refer to, can't be told: the table isn't there, or SQL is "
        "written without a database. Mount booking in the app that runs this, or make the CRM's own tables first"
    )


def write_crm_revision(*, remove: bool = False) -> pathlib.Path | None:
    """Write the revision that brings the CRM's history to the newest tables, or that removes them.

    None when there is nothing to be done.  Raises :class:`BookingConfigError` when the CRM has no Flask-Migrate
    history, or one with several heads, or one that was written with a newer release.
    """
    history = crm_history()
    heads = history.get_heads()
    if len(heads) > 1:
        raise BookingConfigError("Your migrations have several heads; join them with `flask db merge heads` first")
    since, to = adopted(history), None if remove else script().get_current_head()
    if since == to:
        return None
    if since is not None:
        _require(since)
    schema = bound().metadata.schema
    more = ", crm=crm" + (f", schema={schema!r}" if schema else "")
    forth, back = f"upgrade({to!r}, since={since!r}{more})", f"downgrade({to!r}, to={since!r}{more})"
    if to is None:
        back, forth = f"upgrade({since!r}, since=None{more})", f"downgrade({since!r}, to=None{more})"
    several = "engine_name" in pathlib.Path(history.env_py_location).read_text(encoding="utf-8")
    text = _TEMPLATE.format(
        title=f"flask_booking {to}" if to else "remove flask_booking",
        revision=(new := rev_id()),
        down=heads[0] if heads else None,
        to=to,
        crm=_keys(),
        parameter="engine_name: str" if several else "",
        condition='if engine_name == "":  # the default database\n        ' if several else "",
        upgrade=forth,
        downgrade=back,
    )
    name = f"{new}_flask_booking_{to}.py" if to else f"{new}_remove_flask_booking.py"
    path = pathlib.Path(history.versions) / name
    path.write_text(text, encoding="utf-8")
    return path


def crm_history() -> ScriptDirectory:
    """The CRM's own revisions.  Raises :class:`BookingConfigError` when there are none to write into."""
    if "migrate" not in current_app.extensions:
        raise BookingConfigError("Set up Flask-Migrate first: Migrate(app, db) and `flask db init`")
    try:
        return ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
    except CommandError:
        raise BookingConfigError("There is no folder of migrations yet; make it with `flask db init` first") from None


def adopted(history: ScriptDirectory) -> str | None:
    """The newest of our revisions that the CRM's history contains; None when there is none, or all were removed."""
    return next(_ours(history), None)


def removed(history: ScriptDirectory) -> bool:
    """Whether the CRM's history had our tables once, and removed them."""
    return next(_ours(history), "never") is None


def _ours(history: ScriptDirectory) -> c.Iterator[str | None]:
    modules = (vars(revision.module) for revision in history.walk_revisions())
    return (names["booking_revision"] for names in modules if "booking_revision" in names)


def include_object(item: t.Any, name: str | None, kind: str, reflected: bool, compare_to: t.Any) -> bool:
    """For Alembic's option of this name: autogenerate neither makes nor drops the tables of booking.

    ``Migrate(app, db, include_object=include_object)`` is for CRMs that don't mount booking in every process.
    """
    return not (kind == "table" and compare_to is None and name in table_names())
