"""The practice calendar of the demo: a real CalDAV calendar of Ann's, to see what booking makes of one.

Its server is started by the demo alone, which also tells the app where it is.  Any other app has nothing of all this.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app
from flask_login import current_user

from example_app.seed import PEOPLE

FOLDER = "practice-calendar"
"""Where the server has its files, beneath the instance folder."""
KEY = "PRACTICE_CALENDAR"
"""The :class:`~example_app.practice.account.Account`; None where there is no practice calendar."""


def is_owner(user: Any) -> bool:
    """Whether it is this user's calendar."""
    return bool(user.is_authenticated) and user.email == PEOPLE[0].email


def offered() -> bool:
    """Whether whoever is logged in has a practice calendar."""
    return current_app.config[KEY] is not None and is_owner(current_user)


def init_app(app: Flask) -> None:
    """Have a page for the practice calendar, where there is one."""
    app.add_template_global(offered, "practice_calendar_offered")
    if app.config.setdefault(KEY, None) is not None:
        # Its parts are in the extra `demo`.
        from example_app.practice.views import bp

        app.register_blueprint(bp)
