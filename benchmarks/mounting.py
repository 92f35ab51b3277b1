"""What it costs a CRM that booking is there: time to import it, and time of the CRM's own pages.

The page asks the database once and renders a template, as pages of CRMs do at least.  Two apps with the same page, one
of them with booking, are asked by turns; the fastest of many answers of each are compared, since whatever else the
machine does can only add to them.  Where an app happens to lie in memory makes it a percent faster or slower for as
long as it lives, so that several pairs are made, and the one with the middle ratio is shown.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import sqlalchemy as sa
from flask import Flask, render_template_string
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.test import EnvironBuilder

from benchmarks.table import Row
from flask_booking import CRM, FlaskBooking

PROCESSES, PAIRS, ANSWERS, WARM = 7, 9, 1500, 50
HOST = "https://crm.example"
BARE = "import flask, flask_sqlalchemy, flask_login, flask_migrate, flask_wtf"
ROOMS = "import flask_booking; from flask_booking import api, cli, domains, jobs, public, settings"


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class User(db.Model):  # type: ignore[misc, name-defined]
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(254))
    name: Mapped[str] = mapped_column(sa.String(200))


def seconds_to_import(statement: str) -> float:
    """What a statement takes in a new process that has imported what a CRM imports anyway; the fastest of several."""
    code = f"{BARE}; import time; begun = time.perf_counter(); {statement}; print(time.perf_counter() - begun)"
    command, environ = [sys.executable, "-c", code], {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    said = (subprocess.run(command, check=True, capture_output=True, env=environ).stdout for _ in range(PROCESSES))
    return min(map(float, said))


def crm(*, booking: bool, **config: Any) -> Flask:
    """A CRM with one page."""
    app = Flask("crm")
    app.config.from_mapping(SECRET_KEY="only for measuring", SQLALCHEMY_DATABASE_URI="sqlite://", **config)
    db.init_app(app)
    login = LoginManager(app)
    login.user_loader(lambda key: db.session.get(User, int(key)))
    CSRFProtect(app)

    @app.get("/users")
    def users() -> str:
        found = db.session.scalars(sa.select(User).limit(10)).all()
        return render_template_string("{% for one in users %}<p>{{ one.name }}</p>{% endfor %}", users=found)

    if booking:
        FlaskBooking().init_app(app, db, crm=CRM(User))
    with app.app_context():
        db.create_all()
        db.session.add_all(User(email=f"{number}@example.com", name=f"User {number}") for number in range(10))
        db.session.commit()
    return app


def ask(app: Flask) -> float:
    """Seconds for one answer."""
    environ = EnvironBuilder("/users", base_url=HOST).get_environ()
    begun = time.perf_counter()
    answer = app(environ, lambda status, headers, exc_info=None: lambda data: None)
    b"".join(answer)
    taken = time.perf_counter() - begun
    getattr(answer, "close", lambda: None)()
    return taken


def by_turns(first: Flask, second: Flask) -> tuple[float, float]:
    """The fastest answer of each, in milliseconds; who is asked first changes from turn to turn."""
    taken: dict[Flask, list[float]] = {first: [], second: []}
    for turn in range(WARM + ANSWERS):
        for app in (first, second) if turn % 2 else (second, first):
            figure = ask(app)
            if turn >= WARM:
                taken[app].append(figure)
    return min(taken[first]) * 1000, min(taken[second]) * 1000


def middle(config: dict[str, Any]) -> tuple[float, float]:
    """What an answer takes without and with booking, in milliseconds: of the pair with the middle ratio."""
    pairs = [by_turns(crm(booking=False), crm(booking=True, **config)) for _ in range(PAIRS)]
    return sorted(pairs, key=lambda pair: pair[1] / pair[0])[PAIRS // 2]


def calls(app: Flask) -> int:
    """How many functions one answer calls: no other work of the machine changes that."""
    import cProfile
    import pstats

    for _ in range(WARM):
        ask(app)
    profile = cProfile.Profile()
    profile.runcall(ask, app)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def rows() -> list[Row]:
    """The times to import, and each page of the CRM with booking next to the one without."""
    found = [
        Row.at_most_goal("importing flask_booking", seconds_to_import("import flask_booking"), 0.5, "s"),
        Row.at_most_goal("importing all that mounting needs", seconds_to_import(ROOMS), 0, "s"),
    ]
    names = {"BOOKING_DOMAIN_TARGET": "pages.crm.example", "BOOKING_PUBLIC_URL": HOST}
    # The thread that delivers mails is for another measurement: here it would take its turns between the answers.
    ways: list[tuple[str, dict[str, Any]]] = [("a page of the CRM", {}), ("the same, pages having domains", names)]
    for what, config in ways:
        config |= {"BOOKING_WORKER": False}
        without, mounted = crm(booking=False), crm(booking=True, **config)
        bare, with_booking = middle(config)
        found += [
            Row(what, with_booking, "ms", bare, "without booking", goal=1.01, at_most=True),
            Row(f"{what}: calls", calls(mounted), "calls", calls(without), "without booking", goal=1.01, at_most=True),
        ]
    return found
