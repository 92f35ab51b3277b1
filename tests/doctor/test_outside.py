"""What booking relies on outside: its public address, a mail server, Redis."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.fixtures.mail import MailServer
from tests.fixtures.queues import RedisSpace

from .conftest import MakePatient


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({}, "warn links in mails name the host that a visitor's request names"),
        ({"BOOKING_PUBLIC_URL": "https://crm.example.com/x"}, "ok links in mails begin with https://crm.example.com/x"),
        ({"BOOKING_PUBLIC_URL": "crm.example.com"}, "fail BOOKING_PUBLIC_URL is no address of a web server"),
        ({"BOOKING_PUBLIC_URL": "http://crm.example.com"}, "warn http://crm.example.com isn't encrypted"),
        ({"BOOKING_PUBLIC_URL": "https://crm.example.com/book/"}, "fail BOOKING_PUBLIC_URL ends with /book"),
        (
            {"BOOKING_PUBLIC_URL": "https://crm.example.com", "APPLICATION_ROOT": "/crm"},
            "warn BOOKING_PUBLIC_URL has the path /, APPLICATION_ROOT is /crm",
        ),
        ({"SERVER_NAME": "crm.example.com"}, "warn links in mails begin with http://crm.example.com"),
        ({"SERVER_NAME": "crm.example.com", "PREFERRED_URL_SCHEME": "https"}, "ok links in mails begin with crm"),
    ],
)
def test_the_address_in_mails_is_judged(patient: MakePatient, config: dict[str, str], sentence: str) -> None:
    assert sentence in patient(tables=False, **config).says("public URL")


def test_a_proxy_whose_headers_nobody_reads_is_suspected(patient: MakePatient) -> None:
    def behind(app: Flask) -> None:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]

    url = "https://crm.example.com"
    said = patient(tables=False, BOOKING_PUBLIC_URL=url).says("proxy")
    assert "app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)" in said
    assert patient(behind, tables=False, BOOKING_PUBLIC_URL=url).says("proxy").startswith("ok ")


def test_pages_are_asked_for_at_the_address_that_the_crm_trusts(patient: MakePatient) -> None:
    trusting = patient(BOOKING_PUBLIC_URL="https://crm.example.com", TRUSTED_HOSTS=["crm.example.com"])
    assert {one.level for one in trusting.findings("public pages", "public API", "settings")} == {"ok"}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"BOOKING_MAIL_URL": "smtp:/x"}, "fail BOOKING_MAIL_URL can't be read"),
        ({"BOOKING_MAIL_FROM": "Bookings"}, "fail BOOKING_MAIL_FROM is no address"),
        (
            {"BOOKING_MAIL_URL": "console:"},
            "warn mails are printed by the process that does the work, and reach nobody",
        ),
        ({}, "warn mails come from @localhost"),
        ({"BOOKING_MAIL_FROM": "a@example.com"}, "ok by Quiet.send_mail, from @example.com"),
    ],
)
def test_who_sends_mails_and_from_where_is_judged(patient: MakePatient, config: dict[str, str], sentence: str) -> None:
    assert sentence in patient(tables=False, **config).says("mail")


def test_a_crm_that_sends_no_mail_at_all_is_told(patient: MakePatient, monkeypatch: pytest.MonkeyPatch) -> None:
    from example_app.booking import RowanCRM
    from flask_booking import CRM

    monkeypatch.setattr(RowanCRM, "send_mail", CRM.send_mail)
    assert "fail nothing sends mails: guests get no confirmation" in patient(tables=False).says("mail")


def test_the_mail_server_is_greeted_and_gets_no_mail(patient: MakePatient, smtp: MailServer) -> None:
    assert "answers" in patient(tables=False, BOOKING_MAIL_URL=smtp.url).says("mail server")
    assert smtp.messages == []
    said = patient(tables=False, BOOKING_MAIL_URL="smtp://ann:hush-hush@127.0.0.1:9").says("mail server")
    assert "fail 127.0.0.1:9: the mail server can't be reached (ConnectionRefusedError)" in said
    assert "hush-hush" not in said


def test_redis_without_worker_and_without_answer_are_told_apart(patient: MakePatient, redis_space: RedisSpace) -> None:
    idle = patient(BOOKING_REDIS_URL=redis_space.url, BOOKING_QUEUE=redis_space.prefix)
    assert f"warn Redis answers, and no worker is at the queue {redis_space.prefix}" in idle.says("Redis")
    assert "fail Redis doesn't answer" in patient(BOOKING_REDIS_URL="redis://127.0.0.1:9/0").says("Redis")
