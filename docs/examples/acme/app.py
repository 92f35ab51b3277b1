"""The example CRM as Acme would have it: flask --app docs.examples.acme.app run"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask
from jinja2 import ChoiceLoader, FileSystemLoader

import example_app

from . import settings, views

HERE = Path(__file__).parent


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    app = example_app.create_app({**settings.BOOKING, **(config or {})})
    # A CRM of your own has its templates in its template folder, and its stylesheet in its static folder.
    app.jinja_loader = ChoiceLoader([FileSystemLoader(HERE / "templates"), app.jinja_loader])
    app.register_blueprint(Blueprint("acme", __name__, static_folder="static", static_url_path="/acme"))
    views.replace(app)
    return app
