"""The CRM of docs/mounting.md, built in an empty folder by the files and commands of that page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.snippets import DOCS, ROOT, Snippet, snippets

PAGE = DOCS / "mounting.md"
# What a developer would see after mounting; run in a process of its own, as a process has one CRM.
LOOK = """
import datetime as dt
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
"""


def run(folder: Path, *command: str) -> str:
    """What a command says, run in the folder as its developer would; its failure is this test's."""
    bin_folder = str(Path(sys.executable).parent)
    environ = {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "FLASK_APP": "crm",
        "FLASK_BOOKING_WORKER": "false",
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
    }
    result = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr[-4000:]}"
    return result.stdout


def write(folder: Path, snippet: Snippet) -> None:
    """Put a captioned block where its caption says; ``<file>, in <place>`` is put in the place of its first line."""
    name, _, place = snippet.caption.partition(", in ")
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if place:
        first = snippet.text.splitlines(keepends=True)[0].removesuffix("\n")
        before, found, after = file.read_text().partition(first)
        assert found, f"{name} has no line {first!r}"
        file.write_text(before + snippet.text.removesuffix("\n") + after)
    else:
        file.write_text(snippet.text)


@pytest.mark.timeout(300)
def test_an_ordinary_crm_is_mounted_by_the_steps_of_the_page(tmp_path: Path) -> None:
    said = ""
    for snippet in snippets(PAGE):
        if snippet.language == "sh" and snippet.caption:
            for command in snippet.commands:
                if not command.startswith("export "):
                    said += run(tmp_path, "sh", "-c", command)
        elif snippet.caption:
            write(tmp_path, snippet)
    assert "flask db upgrade" in said
    run(tmp_path, sys.executable, "make_host.py")
    run(tmp_path, sys.executable, "-W", "error::DeprecationWarning:crm", "-c", LOOK)
    assert "Introduction with Sam Guest" in run(tmp_path, sys.executable, "meetings.py")
    assert "already" in run(tmp_path, "flask", "booking", "migrate")
