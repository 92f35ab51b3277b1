"""Runs the CRM's migrations with the app's own database connection and models."""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app

from example_app.models import UTCInstant

migrate = current_app.extensions["migrate"]
db = migrate.db


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | bool:
    """Write plain SQLAlchemy types into revisions, so that they outlive the classes of today."""
    if kind == "type" and isinstance(item, UTCInstant):
        return "sa.DateTime(timezone=True)"
    return False


def drop_empty_revision(migration_context: Any, revision: Any, directives: list[Any]) -> None:
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def settings() -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "target_metadata": db.metadata,
        "render_item": render_item,
        "process_revision_directives": drop_empty_revision,
    }
    return {**chosen, **migrate.configure_args}


def run_offline() -> None:
    """Print the SQL instead of running it (``flask db upgrade --sql``)."""
    url = db.engine.url.render_as_string(hide_password=False)
    context.configure(url=url, literal_binds=True, **settings())
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # A changed table is made anew; dropping the old one must not delete what refers to it.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()  # Alembic wants to begin the transaction itself
        context.configure(connection=connection, **settings())
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
