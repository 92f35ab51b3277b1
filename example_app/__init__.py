"""Rowan, a small but real CRM: users, contacts, activities and a mailbox, with migrations of its own.

It is here to show how an existing application takes up booking, and to try it out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from flask import Flask

from example_app import activities, auth, booking, cli, contacts, dashboard, mailbox, meetings, pages, practice, users
from example_app.config import instance_folder, settings
from example_app.extensions import csrf, db, login_manager, migrate


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """The CRM, configured from the environment and then by ``config``, which has the last word."""
    instance = instance_folder((config or {}).get("INSTANCE_PATH") or os.environ.get("INSTANCE_PATH"))
    app = Flask(__name__, instance_path=str(instance))
    app.config.from_mapping(settings(os.environ, instance))
    app.config.from_mapping(config or {})

    db.init_app(app)
    migrate.init_app(app, db)
    login_manager.init_app(app)
    csrf.init_app(app)
    pages.init_app(app)
    cli.init_app(app)
    booking.init_app(app)
    meetings.init_app(app)
    practice.init_app(app)
    for module in (auth, dashboard, contacts, activities, users, mailbox):
        app.register_blueprint(module.bp)
    return app
