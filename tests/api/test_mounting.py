"""The API in a CRM that protects its own forms."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_wtf import CSRFProtect

from flask_booking import FlaskBooking

CANCEL = "/api/booking/v1/public/bookings/unknown/cancel"


@pytest.mark.parametrize("protected_first", [True, False])
def test_programs_need_no_csrf_token_whichever_was_mounted_first(protected_first: bool, database_url: str) -> None:
    from example_app.booking import RowanCRM
    from example_app.extensions import db

    app = Flask(__name__)
    app.config |= {"SECRET_KEY": "only for tests", "SQLALCHEMY_DATABASE_URI": database_url, "BOOKING_WORKER": False}
    db.init_app(app)
    if protected_first:
        CSRFProtect(app)
    FlaskBooking().init_app(app, db, crm=RowanCRM())
    if not protected_first:
        CSRFProtect(app)
    with app.app_context():
        db.create_all()
        answer = app.test_client().post(CANCEL, json={})
        db.session.remove()
        db.engine.dispose()

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
