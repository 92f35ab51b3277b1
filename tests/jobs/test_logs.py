"""What workers log names no person, whatever is logged and whoever wrote the error."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import Flask

from flask_booking import jobs
from flask_booking.models import OutboxMessage
from flask_booking.scheduling import book
from flask_booking.state import crm, session
from tests.fixtures.people import Bookable
from tests.scheduling.bookable import midnight, request


def test_errors_of_the_crms_own_code_are_told_by_their_place(
    app: Flask, ann: Bookable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(what: Any) -> None:
        raise ValueError(str(what))

    monkeypatch.setattr(crm(), "send_mail", fail)
    monkeypatch.setattr(crm(), "contact_url", lambda contact: fail(contact.email))
    with caplog.at_level(logging.DEBUG):
        token = book(ann.event.id, request(midnight(), "sam@secret.example")).manage_token
        session().remove()
        jobs.deliver_due(app)
    assert "is waiting: ValueError" in caplog.text
    assert "contact_url failed with ValueError" in caplog.text
    assert "in fail" in caplog.text
    assert "secret" not in caplog.text
    assert token not in caplog.text
    kept = "".join(message.last_error for message in session().query(OutboxMessage))
    assert "ValueError" in kept
    assert "secret" not in kept
