"""The CRM says who gets a booking page."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_booking.models import Host
from flask_booking.state import crm, session
from tests.crm.crms import ROOT, said


def test_who_may_not_be_a_host_gets_no_page(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from example_app.models import User

    with app.app_context():
        user = User(email="ann@example.com", name="Ann", password_hash="-")
        session().add(user)
        session().commit()
        key = user.id
        monkeypatch.setattr(crm(), "may_be_host", lambda one: one.name != "Ann")
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["_user_id"], kept["_fresh"] = str(key), True
    assert "Your account has no booking page." in said(client.get(f"{ROOT}/event-types"), 403)
    with app.app_context():
        assert session().query(Host).count() == 0
