"""The example CRM with templates of its own in place of the package's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jinja2
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.apps import MakeApp
from tests.fixtures.people import make_bookable

Replaced = Callable[..., Flask]


@pytest.fixture
def replaced(make_app: MakeApp, database_url: str) -> Replaced:
    """``replaced({"booking/public/page.html": …}, **config)`` is the CRM with these templates before all others."""

    def make(templates: Mapping[str, str], **config: Any) -> Flask:
        app = make_app(database_url, **config)
        app.jinja_loader = jinja2.ChoiceLoader([jinja2.DictLoader(dict(templates)), app.jinja_loader])
        return app

    return make


def logged_in(app: Flask) -> FlaskClient:
    """Ann's way to her screens."""
    with app.app_context():
        user_id = make_bookable(app).user.get_id()
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["_user_id"] = user_id
    return client
