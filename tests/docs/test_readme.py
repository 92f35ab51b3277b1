"""The lines of README.md that people copy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.snippets import ROOT, snippets

PAGE = ROOT / "README.md"
# A CRM with the columns that the README names, before booking.
MODELS = """
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class User(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200))
    time_zone: Mapped[str] = mapped_column(String(64))


class Contact(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200))
    owner_id: Mapped[int] = mapped_column(ForeignKey(User.id))


class Activity(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id))
"""
BEFORE = """
from flask import Flask
from crm.models import db

app = Flask(__name__)
app.config |= {"SECRET_KEY": "change me", "SQLALCHEMY_DATABASE_URI": "sqlite://"}
db.init_app(app)
"""
AFTER = """
from flask_booking import catalog

with app.app_context():
    db.create_all()
    user = User(email="ann@example.com", name="Ann Meyer", time_zone="America/New_York")
    db.session.add(user)
    db.session.commit()
    assert catalog.ensure_host(user, slug="ann").time_zone == "America/New_York"
    assert app.test_client().get("/book/ann").status_code == 200
"""


def test_the_ten_lines_mount_it(tmp_path: Path) -> None:
    (lines,) = [one.text for one in snippets(PAGE) if one.language == "python"]
    (tmp_path / "crm").mkdir()
    (tmp_path / "crm" / "models.py").write_text(MODELS)
    (tmp_path / "app.py").write_text("\n".join([BEFORE, lines, AFTER]))
    result = subprocess.run(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text())
    assert len(targets) > 5
    assert [target for target in targets if not (ROOT / target).is_file()] == []


def test_each_make_target_of_the_page_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"\bmake ([a-z-]+)", PAGE.read_text()))
    assert {"demo", "demo-reset", "test"} <= targets
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []
