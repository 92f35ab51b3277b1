"""The code blocks of docs/adapting.md, each in a CRM that has the columns it names, and what they promise."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import pytest

from tests.docs.snippets import DOCS, captioned, snippets
from tests.fixtures.apart import apart

PAGE = DOCS / "adapting.md"
MODELS = """
from datetime import datetime

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Team(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    firm_id: Mapped[int]


class User(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200), default="")
    full_name: Mapped[str] = mapped_column(String(200))
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    is_admin: Mapped[bool] = mapped_column(default=False)
    team_id: Mapped[int | None] = mapped_column(ForeignKey(Team.id))
    team: Mapped[Team | None] = relationship(Team)


class Contact(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    firm_id: Mapped[int | None]
    email: Mapped[str | None] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(40))
    company: Mapped[str | None] = mapped_column(String(200))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    archived_at: Mapped[datetime | None]
    addresses: Mapped[list["Address"]] = relationship("Address")


class Address(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id))
    email: Mapped[str] = mapped_column(String(254))


class Person(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    first_name: Mapped[str] = mapped_column(String(100))
    last_name: Mapped[str] = mapped_column(String(100))
    company: Mapped[str] = mapped_column(String(100))
    owner_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    owner: Mapped[User] = relationship(User)


class Notice(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    text: Mapped[str] = mapped_column(Text)


class Activity(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id))
    author_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    kind: Mapped[str | None] = mapped_column(String(20))
    title: Mapped[str | None] = mapped_column(String(200))
    text: Mapped[str | None] = mapped_column(Text)
    happened_at: Mapped[datetime | None]
"""
PACKAGE = '''
from flask import Flask
from flask_booking import CRM, FlaskBooking, catalog
from flask_booking.models import BookingPage, Schedule
from .models import Activity, Contact, Team, User, db


def create_app(crm=None):
    """This CRM with Ann, who can be booked day and night."""
    app = Flask(__name__, template_folder="../templates")
    app.config |= {"SECRET_KEY": "x", "SQLALCHEMY_DATABASE_URI": "sqlite://", "TESTING": True}
    app.config |= {"BOOKING_PUBLIC_URL": "https://crm.example.com", "BOOKING_MIN_FORM_SECONDS": 0}
    db.init_app(app)
    FlaskBooking().init_app(app, db, crm=crm or CRM(User, Contact, Activity))
    with app.app_context():
        db.create_all()
        if db.session.query(User).first() is None:
            user = User(email="ann@example.com", name="Ann", full_name="Ann Meyer", team=Team(firm_id=7))
            db.session.add(user)
            db.session.commit()
            host = catalog.ensure_host(user, slug="ann")
            schedule = db.session.query(Schedule).one()
            catalog.update_schedule(schedule, name="Always", time_zone="UTC", weekly=[[[0, 1440]]] * 7)
            page = db.session.query(BookingPage).one()
            catalog.create_event_type(page, {"title": "Introduction", "durations": [30], "notice": 0})
    return app


def book(app, email="sam@example.com", name="Sam"):
    """Book what is free next, as a program does."""
    import datetime as dt

    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    root, client = "/api/booking/v1/public/ann/introduction", app.test_client()
    query = {"start": str(day), "end": str(day)}
    start = client.get(f"{root}/slots", query_string=query).json["slots"][0]["start"]
    return client.post(
        f"{root}/bookings", json={"start": start, "name": name, "email": email, "phone": "+1 555", "time_zone": "UTC"}
    )
'''
BASE = "".join(f"{{% block {name} %}}{{% endblock %}}" for name in ("title", "head", "content", "scripts"))
# What each block promises, said after it in the same file.
PROMISES = {
    "naming.py": """
from crm import book, create_app
from crm.models import db

app = create_app(crm)
assert book(app).status_code == 201
with app.app_context():
    activity = db.session.query(Activity).one()
    assert (activity.kind, activity.title, activity.author_id) == ("meeting", "Meeting booked: Introduction", 1)
    assert crm.display_name(db.session.get(User, 1)) == "Ann Meyer"
""",
    "two_names.py": """
from crm import book, create_app
from crm.models import db

app = create_app(crm)
assert book(app, name="Sam van Dyk").status_code == 201
with app.app_context():
    person = db.session.query(Person).one()
    assert (person.first_name, person.last_name) == ("Sam van", "Dyk")
    assert (person.company, person.owner.full_name) == ("example.com", "Ann Meyer")
""",
    "overriding.py": """
from crm import book, create_app
from crm.models import db

app = create_app(crm)
refused = book(app, "x@competitor.example.com")
assert (refused.status_code, refused.json["code"]) == (403, "refused")
assert refused.json["detail"] == "Please write to us instead."
assert book(app).status_code == 201
assert book(app, "SAM@example.com").status_code == 201
with app.app_context():
    contact = db.session.query(Contact).one()
    assert (contact.company, contact.owner_id) == ("example.com", 1)
""",
    "addresses.py": """
from crm import book, create_app
from crm.models import db

app = create_app(crm)
assert book(app).status_code == 201
assert book(app, "SAM@example.com").status_code == 201
with app.app_context():
    contact = db.session.query(Contact).one()
    assert contact.email is None
    assert crm.contact_details(contact) == Guest("Sam", "sam@example.com", "+1 555")
""",
    "may_be_host.py": """
from crm import create_app

create_app(crm)
assert crm.may_be_host(User(email="ann@example.com")) and not crm.may_be_host(User(email="x@customer.example"))
""",
    "logged_in.py": """
from crm import create_app
from crm.models import Activity, Contact

app = create_app(OurCRM(User, Contact, Activity))
client = app.test_client()
assert client.get("/settings/booking/").location == "/auth/login"
with client.session_transaction() as kept:
    kept["user_id"] = 1
page = client.get("/settings/booking/")
assert page.status_code == 200, page.text
""",
    "tenants.py": """
from crm import book, create_app
from crm.models import db

app = create_app(crm)
with app.app_context():
    db.session.add(Contact(firm_id=8, email="sam@example.com", name="Sam of another firm"))
    db.session.commit()
assert book(app).status_code == 201
with app.app_context():
    assert [(one.firm_id, one.name) for one in db.session.query(Contact)] == [(8, "Sam of another firm"), (7, "Sam")]
""",
    "bell.py": """
from crm import book, create_app

app = create_app(crm)
assert book(app).status_code == 201
with app.app_context():
    assert [(one.user_id, one.text) for one in db.session.query(Notice)] == [(1, "Meeting booked: Introduction (Sam)")]
""",
    "mailer.py": """
from crm import book, create_app
from crm.models import Activity, Contact, User
from flask_booking import jobs


class Mailer:
    sent = []

    def send(self, data, to):
        self.sent.append((to, data))


app = create_app(OurCRM(User, Contact, Activity))
app.extensions["our_mailer"] = Mailer()
assert book(app).status_code == 201
jobs.deliver_due(app)
assert sorted(to for to, data in Mailer.sent) == ["Ann <ann@example.com>", "Sam <sam@example.com>"]
assert all(b"method=REQUEST" in data or b'method="REQUEST"' in data for to, data in Mailer.sent)
""",
    "signals.py": """
from crm import book, create_app

app = create_app()
token = book(app).json["manage_url"].rpartition("/")[2]
app.test_client().post(f"/api/booking/v1/public/bookings/{token}/cancel", json={"reason": "Ill"})
assert heard == [("booked", "Introduction", "sam@example.com"), ("cancelled", "Introduction", "Ill")]
""",
    "from_code.py": "",
}


def run(folder: Path, script: str) -> None:
    """Run a file in the CRM's folder, in a process of its own."""
    (folder / "script.py").write_text(script)
    apart(play, folder)


def play(folder: Path) -> None:
    """What ``python script.py`` does there, with nothing of the tests in its environment."""
    os.chdir(folder)
    os.environ.clear()
    os.environ["HOME"] = str(folder)
    sys.path.insert(0, str(folder))
    runpy.run_path("script.py", run_name="__main__")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with that CRM."""
    (tmp_path / "crm").mkdir()
    (tmp_path / "crm" / "models.py").write_text(MODELS)
    (tmp_path / "crm" / "__init__.py").write_text(PACKAGE)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "base.html").write_text(BASE)
    return tmp_path


@pytest.mark.parametrize("caption", PROMISES)
def test_a_block_keeps_its_promise(caption: str, folder: Path) -> None:
    run(folder, captioned(PAGE, caption) + PROMISES[caption])


def test_each_block_of_code_is_tried() -> None:
    assert [one.caption for one in snippets(PAGE) if one.language == "python"] == list(PROMISES)


def test_the_screens_are_tied_to_a_base_template_with_other_names(folder: Path) -> None:
    bridge = folder / "templates" / "booking" / "bridge.html"
    bridge.parent.mkdir()
    bridge.write_text(captioned(PAGE, "templates/booking/bridge.html"))
    (folder / "templates" / "base.html").unlink()
    (folder / "templates" / "layout").mkdir()
    blocks = "".join(
        f"<{one}>{{% block {one} %}}{{% endblock %}}</{one}>" for one in ("page_title", "styles", "body", "js")
    )
    (folder / "templates" / "layout" / "main.html").write_text(blocks)
    look = """
assert page.text.index("<page_title>") < page.text.index("settings.css") < page.text.index("settings.js")
"""
    run(folder, captioned(PAGE, "logged_in.py") + PROMISES["logged_in.py"] + look)


def test_templates_of_the_crm_are_found_before_those_of_the_package(folder: Path) -> None:
    for ending in ("html", "txt"):
        name = f"templates/booking/mail/guest/booked.{ending}"
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(captioned(PAGE, name))
    mails = """
mails = {to: message_from_bytes(data, policy=policy.default) for to, data in Mailer.sent}
for to, parking in {"Sam <sam@example.com>": True, "Ann <ann@example.com>": False}.items():
    for kind in ("plain", "html"):
        assert ("Parking is behind the house." in mails[to].get_body((kind,)).get_content()) is parking
"""
    imports = "from email import message_from_bytes, policy\n"
    run(folder, imports + captioned(PAGE, "mailer.py") + PROMISES["mailer.py"] + mails)
