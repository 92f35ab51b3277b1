"""The way through the example CRM: what must hold in every other CRM holds in the plainest one."""

from __future__ import annotations

from flask import Flask

from example_app.models import User, db
from tests.hosts.way import walk


def test_the_whole_way_through_the_example_crm(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    with app.app_context():
        db.session.add(User(email="ann@example.com", name="Ann Meyer", password_hash="-"))
        db.session.commit()
    ann = app.test_client()
    with ann.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = "1", True
    assert walk(app, ann).slug == "ann-meyer"
