"""The CRM's Alembic history: whether it contains our newest revision, and whether the database has got there."""

from __future__ import annotations

import collections.abc as c

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from flask import current_app

from .. import migrating
from . import tables
from .finding import Finding, counted, fail, ok, warn

_ADOPT = "Run `flask booking migrate`, then `flask db upgrade`."


def adopted_and_applied() -> c.Iterator[Finding]:
    """Whether `flask booking migrate` and `flask db upgrade` have been run since the last update."""
    if "migrate" not in current_app.extensions:
        text = "Flask-Migrate isn't set up, so nothing changes the tables after an update of the package"
        yield warn(text, "Add Migrate(app, db) to your factory, then run `flask db init` and `flask booking migrate`.")
        return
    try:
        history = ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
        heads = history.get_heads()
    except (CommandError, OSError):
        text = "there is no folder of migrations, so nothing changes the tables after an update of the package"
        yield warn(text, "Run `flask db init`, make your first revision, then run `flask booking migrate`.")
        return
    if len(heads) > 1:
        text = f"your migrations have {len(heads)} heads ({', '.join(sorted(heads))}): `flask db upgrade` refuses them"
        yield fail(text, "Run `flask db merge heads`.")
        return
    newest, adopted = migrating.script().get_current_head(), migrating.adopted(history)
    if adopted != newest:
        yield _behind(adopted, newest)
        return
    yield _stamp(history, heads)


def _behind(adopted: str | None, newest: str | None) -> Finding:
    if adopted is not None:
        text = f"your migrations have the booking tables of {adopted}, the package is at {newest}"
        return fail(text, _ADOPT)
    text = "your migrations don't contain the booking tables, so no other machine will have them"
    if tables.missing_tables():
        return fail(text, _ADOPT)
    advice = "Run `flask booking migrate`. As the tables are here already, run `flask db stamp head` on this database."
    return warn(text, advice)


def _stamp(history: ScriptDirectory, heads: c.Sequence[str]) -> Finding:
    """What the database says of itself."""
    given = getattr(current_app.extensions["migrate"], "configure_args", None) or {}
    options = {key: value for key, value in given.items() if key in {"version_table", "version_table_schema"}}
    context = MigrationContext.configure(tables.connection(), opts=options)
    stamped = context.get_current_heads()
    if not stamped:
        if tables.missing_tables():
            return fail("the database has had no migration yet", "Run `flask db upgrade`.")
        text = "the database doesn't say which revision it is at: the next `flask db upgrade` begins from nothing"
        return warn(text, "If its tables are up to date, run `flask db stamp head`.")
    try:
        applied = [one for start in stamped for one in history.iterate_revisions(start, "base")]
    except (CommandError, RevisionError):
        text = f"the database is at {', '.join(stamped)}, which your migrations don't know: nothing can be upgraded"
        return fail(text, "Bring back the file of that revision; it may be on another branch.")
    if set(stamped) == set(heads):
        return ok(f"the database is at {heads[0]}, with the newest booking tables")
    behind = len({one.revision for one in history.walk_revisions()} - {one.revision for one in applied})
    booking = any(getattr(one.module, "booking_revision", None) == migrating.adopted(history) for one in applied)
    text = f"the database is {counted(behind, 'revision')} behind your migrations"
    return warn(text, "Run `flask db upgrade`.") if booking else fail(text, "Run `flask db upgrade`.")
