"""The CRM of docs/mounting.md, built in an empty folder by the files and commands of that page.

The package is the wheel as it is given out: whatever it lacks is missed here.
"""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import pytest

from tests.docs.mounted import run, write
from tests.docs.snippets import DOCS, captioned, snippets

PAGE = DOCS / "mounting.md"
MISSING = "what is missing"
GLUE = (
    "crm/booking.py",
    "crm/__init__.py, in create_app",
    "crm/templates/base.html, in the navigation",
    "crm/templates/contact.html",
)
# What a developer would see after mounting, once there is a host; run in a process of its own, as a process has one
# CRM.
LOOK = """
import datetime as dt
import runpy
import sys

runpy.run_path("make_host.py", run_name="__main__")

from crm import create_app
from crm.models import Activity, Contact, User, db
from flask_booking.models import Booking

app = create_app()
client = app.test_client()
day = dt.datetime.now(dt.UTC).date()
slots = client.get(
    "/api/booking/v1/public/ann/introduction/slots",
    query_string={"start": day.isoformat(), "end": (day + dt.timedelta(days=14)).isoformat(), "tz": "Europe/Paris"},
).json["slots"]
answer = client.post(
    "/api/booking/v1/public/ann/introduction/bookings",
    json={"start": slots[0]["start"], "name": "Sam Guest", "email": "Sam@example.com", "time_zone": "Europe/Paris"},
)
assert answer.status_code == 201, answer.text
assert client.get("/book/ann").status_code == 200
assert client.get("/settings/booking/").status_code == 401  # this CRM has no login page
with app.app_context():
    contact, activity = db.session.query(Contact).one(), db.session.query(Activity).one()
    user = db.session.query(User).one()
    assert (contact.name, contact.email.lower(), contact.owner_id) == ("Sam Guest", "sam@example.com", user.id)
    assert (activity.contact_id, activity.author_id) == (contact.id, user.id)
    assert db.session.query(Booking).one().crm_error == ""
    keys = {"user": str(user.id), "contact": contact.id}
with client.session_transaction() as session:
    session["_user_id"] = keys["user"]
page = client.get(f"/contacts/{keys['contact']}")
assert page.status_code == 200
assert "/settings/booking/" in page.text and "Introduction" in page.text, page.text
assert f"contact={keys['contact']}" in page.text, page.text
settings = client.get("/settings/booking/")
assert settings.status_code == 200, settings.text
assert "<title>" in settings.text and "<nav>" in settings.text
ours = [module for name, module in sys.modules.items() if name.partition(".")[0] in ("flask_booking", "example_app")]
print(*(module.__file__ for module in ours), sep="\\n")
"""


@pytest.mark.timeout(300)
def test_an_ordinary_crm_mounts_the_installed_wheel_by_the_steps_of_the_page(tmp_path: Path, installed: Path) -> None:
    folder = tmp_path / "crm"
    folder.mkdir()
    here = functools.partial(run, folder, library=installed)
    said = ""
    for snippet in snippets(PAGE):
        if snippet.caption == MISSING:
            (command,) = snippet.commands
            found = json.loads(here("sh", "-c", f"{command} --json || true"))["findings"]
            assert {one["check"] for one in found if one["level"] == "fail"} == {"mail"}, found
        elif snippet.language == "sh" and snippet.caption:
            for command in snippet.commands:
                if not command.startswith("export "):
                    said += here("sh", "-c", command)
        elif snippet.caption:
            write(folder, snippet)
    assert "flask db upgrade" in said
    imported = here(sys.executable, "-W", "error::DeprecationWarning:crm", "-c", LOOK).splitlines()
    assert all(Path(file).is_relative_to(installed) for file in imported)
    assert "Introduction with Sam Guest" in here(sys.executable, "meetings.py")
    assert "already" in here("flask", "booking", "migrate")
    update = captioned(DOCS / "upgrade.md", "after an update").splitlines()
    assert set(update) <= {command for one in snippets(PAGE) for command in one.commands}


def test_what_a_crm_writes_is_less_than_25_lines() -> None:
    """Without blank lines, those that only show where the others belong, and what the page of a contact has anyway."""
    glue = {one.caption: one.text.splitlines() for one in snippets(PAGE) if one.caption in GLUE}
    assert list(glue) == list(GLUE)
    before = "\n".join(
        one.text for one in snippets(PAGE) if one.caption in ("crm/__init__.py", "crm/templates/base.html")
    )
    page = glue.pop(GLUE[-1])
    written = [line for lines in glue.values() for line in lines if line.strip() and line not in before]
    written += [line for line in page if "meetings" in line or "book_with" in line]
    assert "less than 25 lines" in PAGE.read_text()
    assert 15 < len(written) < 25, written
