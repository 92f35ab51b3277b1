"""Mails in a CRM's own templates: subject, text and HTML of each kind, and what happens when it can't be written."""

from __future__ import annotations

from email.message import EmailMessage

import jinja2
from flask import Flask

from flask_booking import jobs
from flask_booking.jobs.outbox import retry
from flask_booking.models import MessageState, OutboxMessage
from flask_booking.state import session
from tests.fixtures.mail import MailServer
from tests.fixtures.people import make_bookable
from tests.overriding.conftest import Replaced
from tests.public.guest import book

HTML = """{% extends "booking-original/mail/message.html" %}
{% block foot %}{{ super() }}<p>Acme Ltd, 1 High Street</p>{% endblock %}"""
TEXT = """{% extends "booking-original/mail/message.txt" %}
{% block closing %}{{ super() }}
Acme Ltd, 1 High Street
{% endblock %}"""
PARKING = '{% extends "booking/mail/message.html" %}{% block message %}Park behind.{% endblock %}'


def booked(app: Flask) -> None:
    with app.app_context():
        make_bookable(app)
    book(app.test_client(), "/book/ann/intro")


def test_subject_text_and_html_come_from_templates_of_the_crm(replaced: Replaced, smtp: MailServer) -> None:
    templates = {
        "booking/mail/message.html": HTML,
        "booking/mail/message.txt": TEXT,
        "booking/mail/guest/booked.subject.txt": "Acme: {{ view.title }} & more\nBcc: x@example.com",
        "booking/mail/guest/booked.html": PARKING,
    }
    app = replaced(templates, BOOKING_MAIL_URL=smtp.url)
    booked(app)
    jobs.deliver_due(app)
    smtp.wait_for(2)
    (guest,), (host,) = smtp.to("sam@example.com"), smtp.to("ann@example.com")
    assert guest["Subject"] == "Acme: Intro & more Bcc: x@example.com"
    assert guest["Bcc"] is None
    assert host["Subject"].startswith("New meeting: Sam Hill, Intro")
    assert "Park behind." in body(guest, "html")
    assert "Park behind." not in body(host, "html")
    for mail in (guest, host):
        assert "Acme Ltd, 1 High Street" in body(mail, "html")
        assert "Acme Ltd, 1 High Street" in body(mail, "plain")


def test_a_mail_whose_template_fails_waits_with_a_clear_line_and_goes_out_once_it_is_mended(
    replaced: Replaced, smtp: MailServer
) -> None:
    broken = '{% extends "booking-original/mail/message.html" %}\n{% block foot %}\n{{ typo.here }}{% endblock %}'
    app = replaced({"booking/mail/guest/booked.html": broken}, BOOKING_MAIL_URL=smtp.url)
    booked(app)
    jobs.deliver_due(app)
    smtp.wait_for(1)
    assert smtp.to("sam@example.com") == []
    with app.app_context():
        (waiting,) = session().query(OutboxMessage).filter_by(state=MessageState.WAITING, kind="booked")
        assert waiting.last_error is not None
        assert waiting.last_error.startswith("the template of the mail failed: UndefinedError: 'typo' is undefined in ")
        assert waiting.last_error.endswith(", line 3")
    app.jinja_loader = jinja2.DictLoader({})
    app.extensions.pop("booking_templates")
    with app.app_context():
        assert retry(session().get_one(OutboxMessage, waiting.id))
    jobs.deliver_due(app)
    smtp.wait_for(2)
    assert len(smtp.to("sam@example.com")) == 1


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())
