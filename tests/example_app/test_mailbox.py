"""Kept mails: read as their reader would, and harmless whatever is in them."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app.extensions import db
from example_app.models import Mail
from tests.fixtures.apps import MakeApp

ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Grüße\r\nEND:VCALENDAR\r\n"


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Rowan CRM <crm@example.com>"
    message["To"] = "Gus Guest <gus@example.com>"
    message["Subject"] = "Confirmed: Grüße"
    message.set_content("See you then.")
    message.add_alternative(
        "<html><head><title>x</title></head><body><p>See <b>you</b> then.</p>"
        "<script>document.body.textContent = 'evil()'</script></body></html>",
        subtype="html",
    )
    message.add_attachment(ICS, subtype="calendar", filename="invite.ics", params={"method": "REQUEST"})
    message.add_attachment(b"\x00\x01", maintype="image", subtype="png", filename="plan.png")
    return message


@pytest.fixture
def mail_id(seeded: Flask) -> int:
    with seeded.app_context():
        mail = Mail.of(letter())
        db.session.add(mail)
        db.session.commit()
        return mail.id


def test_a_kept_mail_is_listed_found_and_shown_with_all_its_parts(ann: FlaskClient, mail_id: int) -> None:
    assert "Confirmed: Grüße" in ann.get("/mailbox/").text
    assert "Confirmed: Grüße" in ann.get("/mailbox/?q=GUS@").text
    assert "No mail matches" in ann.get("/mailbox/?q=somebody").text
    page = ann.get(f"/mailbox/{mail_id}").text
    for part in ("Gus Guest &lt;gus@example.com&gt;", "See you then.", "BEGIN:VCALENDAR", "REQUEST", "plan.png"):
        assert part in page


def test_the_html_is_shown_in_a_cage(ann: FlaskClient, mail_id: int) -> None:
    answer = ann.get(f"/mailbox/{mail_id}/html")
    assert "See <b>you</b> then." in answer.text
    assert '<head><base target="_blank">' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "evil()" not in ann.get(f"/mailbox/{mail_id}").text


def test_the_calendar_file_and_the_mail_are_the_bytes_that_would_have_travelled(ann: FlaskClient, mail_id: int) -> None:
    answer = ann.get(f"/mailbox/{mail_id}/calendar.ics")
    assert answer.data == ICS.encode()
    assert answer.mimetype == "text/calendar"
    raw = ann.get(f"/mailbox/{mail_id}/raw.eml")
    assert raw.data.startswith(b"From: Rowan CRM <crm@example.com>\r\n")
    assert b"\n" not in raw.data.replace(b"\r\n", b"")
    attached = ann.get(f"/mailbox/{mail_id}/attachments/1")
    assert attached.data == b"\x00\x01"
    for file in (answer, raw, attached):
        assert file.headers["Content-Disposition"].startswith("attachment")


def test_only_the_demo_shows_mails_to_visitors(make_app: MakeApp, seeded: Flask, mail_id: int) -> None:
    for path in ("", f"{mail_id}", f"{mail_id}/html", f"{mail_id}/calendar.ics", f"{mail_id}/raw.eml"):
        assert seeded.test_client().get(f"/mailbox/{path}").status_code == 302
        demo = make_app(seeded.config["SQLALCHEMY_DATABASE_URI"], DEMO=True)
        assert demo.test_client().get(f"/mailbox/{path}").status_code == 200


def test_a_mail_without_html_calendar_or_subject_is_shown_too(ann: FlaskClient, seeded: Flask) -> None:
    message = EmailMessage()
    message["To"] = "gus@example.com"
    message.set_content("Only text.")
    with seeded.app_context():
        mail = Mail.of(message)
        db.session.add(mail)
        db.session.commit()
        number = mail.id
    page = ann.get(f"/mailbox/{number}").text
    assert "Only text." in page
    assert "(no subject)" in page
    for part in ("html", "calendar.ics", "attachments/0"):
        assert ann.get(f"/mailbox/{number}/{part}").status_code == 404
