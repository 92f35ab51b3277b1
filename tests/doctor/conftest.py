"""Small CRMs with one thing wrong each, and what the doctor says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import pytest
from flask import Flask

from flask_booking import CRM, FlaskBooking
from flask_booking.doctor import CHECKS, Finding, examine
from tests.fixtures.apps import CONFIG, dispose

BASE = "".join("{% block " + name + " %}{% endblock %}" for name in ("title", "head", "content", "scripts"))


@dataclass(frozen=True)
class Patient:
    """A CRM, and what each check says of it."""

    app: Flask

    def says(self, *checks: str) -> str:
        """Levels, sentences and advice of the named checks; they look at nothing else."""
        return "\n".join(f"{one.level} {one.text} → {one.advice}" for one in self.findings(*checks))

    def findings(self, *checks: str) -> Sequence[Finding]:
        chosen = [check for check in CHECKS if check.name in checks]
        assert len(chosen) == len(checks)
        with self.app.app_context():
            return examine(checks=chosen)


MakePatient = Callable[..., Patient]


@pytest.fixture
def patient(database_url: str) -> Iterator[MakePatient]:
    """``patient(before=…, crm=…, tables=False, KEY=value)`` mounts booking on a bare CRM with the example's models.

    ``before`` is called with the app before booking is mounted.
    """
    from example_app.booking import RowanCRM
    from example_app.extensions import db

    class Quiet(RowanCRM):
        """Nobody is ever logged in."""

        def current_user(self) -> None:
            return None

    made: list[Flask] = []

    def make(
        before: Callable[[Flask], Any] = lambda _app: None,
        *,
        crm: CRM | None = None,
        url: str = database_url,
        tables: bool = True,
        templates: dict[str, str] | None = None,
        **config: Any,
    ) -> Patient:
        app = Flask("bare")
        # A CRM as it runs in production, not as in tests: errors are answered, workers would start.
        app.config |= CONFIG | {"TESTING": False, "SECRET_KEY": "k" * 32, "SQLALCHEMY_DATABASE_URI": url} | config
        app.jinja_env.loader = jinja2.DictLoader({"base.html": BASE} if templates is None else templates)
        db.init_app(app)
        before(app)
        FlaskBooking().init_app(app, db, crm=crm or Quiet())
        made.append(app)
        if tables:
            with app.app_context():
                db.create_all()
        return Patient(app)

    yield make
    for app in made:
        dispose(app)
