"""What tests of calendar services share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask


@pytest.fixture
def bare_app() -> Iterator[Flask]:
    """An app that is nothing but a configuration, in its context: all that a provider knows of one."""
    app = Flask(__name__)
    with app.app_context():
        yield app
