"""The tables: whether they are there, are what the models say, and refer to the CRM's keys by their real types."""

from __future__ import annotations

import collections
import collections.abc as c
import typing as t
import warnings

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import current_app
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from .. import migrating
from ..errors import BookingConfigError
from ..models import Booking
from ..orm import bound
from ..state import session
from .finding import Finding, counted, fail, info, ok, some, warn

_ADD_SQLITE_PRAGMA = (
    'Add: @event.listens_for(Engine, "connect") … connection.execute("PRAGMA foreign_keys=ON"), as Flask-SQLAlchemy\'s '
    "engines need for each connection."
)

_NAMED_LATER = (
    "What refers to contacts or activities that your CRM has named since it got the tables comes by a revision of its "
    "own: run `flask db migrate`, look the revision over, then run `flask db upgrade`."
)


def connection() -> sa.Connection:
    """The database of our tables, also where the CRM has several."""
    return session().connection(bind_arguments={"mapper": Booking.__mapper__})


def our_tables() -> dict[str, sa.Table]:
    """Our tables by their full names."""
    metadata = bound().metadata
    return {key: table for key, table in metadata.tables.items() if table.name.startswith("booking_") and _ours(table)}


def _ours(table: sa.Table) -> bool:
    return any(model.__table__ is table for model in Booking._declared if hasattr(model, "__table__"))


def missing_tables() -> list[str]:
    """Names of our tables that the database lacks."""
    look = sa.inspect(connection())
    return [key for key, table in our_tables().items() if not look.has_table(table.name, schema=table.schema)]


def how_to_make() -> str:
    """The commands that bring the tables."""
    if "migrate" in current_app.extensions:
        return "Run `flask booking migrate`, then `flask db upgrade`."
    return "Set up Flask-Migrate (`Migrate(app, db)`), run `flask booking migrate`, then `flask db upgrade`."


def like_the_models() -> c.Iterator[Finding]:
    """Whether all tables and columns are there and equal the models."""
    try:
        missing = missing_tables()
    except sa.exc.DBAPIError as error:
        text = f"the database doesn't answer ({type(error).__name__}), so nothing can be booked"
        yield fail(text, "Check SQLALCHEMY_DATABASE_URI, and that the server runs and lets this user in.")
        return
    if missing:
        yield fail(f"{len(missing)} of {len(our_tables())} tables are missing: {some(missing)}", how_to_make())
        return
    changes = _changes()
    columns = [_place(change) for change in changes if change[0] == "add_column"]
    kinds: dict[str, list[str]] = collections.defaultdict(list)
    for change in changes:
        if change[0] != "add_column" and not _comes_with(change, columns):
            kinds[change[0]].append(_place(change))
    constraints = _pop(kinds, "add_constraint", "add_fk") + _exclusions()
    if columns:
        text = f"{counted(len(columns), 'column')} missing: {some(columns)}; pages that read them fail"
        yield fail(text, _NAMED_LATER if _named_later(columns) else how_to_make())
    if constraints:
        text = f"{counted(len(constraints), 'constraint')} missing: {some(constraints)}; "
        yield fail(text + "they keep a time from being booked twice and rows from being orphaned", how_to_make())
    rest = [place for places in kinds.values() for place in places]
    if rest:
        text = f"{counted(len(rest), 'difference')} from the models: {some(rest)}"
        yield warn(text, "See `flask db migrate` for what differs; change it back in a revision of your own.")
    if not (columns or constraints or rest):
        yield ok(f"{len(our_tables())} tables, as the models say")


def _comes_with(change: tuple[t.Any, ...], columns: c.Collection[str]) -> bool:
    """Whether an index or a constraint is missing only because its column is."""
    kind, item, *_rest = change
    if kind not in {"add_index", "add_fk", "add_constraint"}:
        return False
    return {f"{item.table.name}.{column.name}" for column in item.columns} <= set(columns)


def _named_later(columns: c.Collection[str]) -> bool:
    """Whether these columns refer to contacts or activities that the CRM has named since it adopted the tables: our
    revisions know nothing of them."""
    links = {
        f"{table.name}.{column.name}"
        for table in our_tables().values()
        for column in table.columns
        if "crm_model" in column.info
    }
    if not links.issuperset(columns) or "migrate" not in current_app.extensions:
        return False
    try:
        return migrating.adopted(migrating.crm_history()) == migrating.script().get_current_head()
    except BookingConfigError:
        return False


def _changes() -> list[tuple[t.Any, ...]]:
    """What Alembic would change in our tables."""
    ours = our_tables()
    names = {table.name for table in ours.values()}

    def in_database(name: str | None, kind: str, _parents: t.Any) -> bool:
        return kind != "table" or name in names

    def in_models(thing: t.Any, _name: str | None, kind: str, _reflected: bool, _other: t.Any) -> bool:
        table = thing if kind == "table" else getattr(thing, "table", None)
        return table is None or table.name in names

    options = {
        "compare_type": True,
        "include_name": in_database,
        "include_object": in_models,
        "include_schemas": any(table.schema for table in ours.values()),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about columns of the CRM's that Alembic can't read
        found = compare_metadata(MigrationContext.configure(connection(), opts=options), bound().metadata)
    return [one for change in found for one in (change if isinstance(change, list) else [change])]


def _place(change: tuple[t.Any, ...]) -> str:
    kind, *rest = change
    if kind.endswith("_column"):
        return f"{rest[1]}.{rest[2].name}"
    if kind.startswith("modify_"):
        return f"{rest[1]}.{rest[2]} ({kind.removeprefix('modify_')})"
    return str(getattr(rest[0], "name", "") or getattr(getattr(rest[0], "table", None), "name", kind))


def _pop(kinds: dict[str, list[str]], *names: str) -> list[str]:
    return [place for name in names for place in kinds.pop(name, [])]


def _exclusions() -> list[str]:
    """Exclusion constraints that PostgreSQL lacks; Alembic doesn't compare them."""
    if connection().dialect.name != "postgresql":
        return []
    look = sa.inspect(connection())
    lacking: list[str] = []
    for table in our_tables().values():
        wanted = {str(one.name) for one in table.constraints if isinstance(one, ExcludeConstraint)}
        if wanted:
            lacking += wanted - {str(one["name"]) for one in look.get_indexes(table.name, schema=table.schema)}
    return lacking


def of_the_same_type() -> c.Iterator[Finding]:
    """Whether columns that refer to the CRM's rows have the type of its keys, and whether references are obeyed."""
    look, wrong = sa.inspect(connection()), []
    count = 0
    for table in our_tables().values():
        for column in table.columns:
            if "crm_model" not in column.info:
                continue
            count += 1
            (reference,) = column.foreign_keys
            ours = _stored(look, table, column.name)
            theirs = _stored(look, reference.column.table, reference.column.name)
            if ours is not None and theirs is not None and _differ(ours, theirs):
                wrong.append((f"{table.name}.{column.name}", ours, reference.column, theirs))
    for name, our_type, key, their_type in wrong:
        text = (
            f"{name} is {_named(our_type)}, {key.table.name}.{key.name} is {_named(their_type)}: they can't be joined"
        )
        yield fail(text, f"Change {name} to {_named(their_type)} in a revision of your own migrations.")
    if not wrong:
        yield ok(f"{counted(count, 'column')} with the types of your keys")
    if connection().dialect.name == "sqlite" and not connection().exec_driver_sql("PRAGMA foreign_keys").scalar():
        yield info("SQLite ignores foreign keys here: what belongs to a deleted user stays behind", _ADD_SQLITE_PRAGMA)


def _stored(look: sa.Inspector, table: t.Any, name: str) -> sa.types.TypeEngine[t.Any] | None:
    if not look.has_table(table.name, schema=table.schema):
        return None
    found = look.get_columns(table.name, schema=table.schema)
    return next((column["type"] for column in found if column["name"] == name), None)


def _differ(ours: sa.types.TypeEngine[t.Any], theirs: sa.types.TypeEngine[t.Any]) -> bool:
    if ours._type_affinity is not theirs._type_affinity:
        return True
    # MariaDB and MySQL want the same size and sign as well; text of another length will do.
    exact = connection().dialect.name in {"mysql", "mariadb"} and not isinstance(ours, sa.String)
    return exact and _named(ours).partition("(")[0] != _named(theirs).partition("(")[0]


def _named(kind: sa.types.TypeEngine[t.Any]) -> str:
    return kind.compile(connection().dialect)
