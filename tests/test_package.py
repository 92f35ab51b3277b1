"""What is in the files that are given out, and what it costs a CRM to have them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from flask import Flask

from tests.fixtures.wheel import Built

ROOT = Path(__file__).parents[1]


def files(*folders: str) -> set[str]:
    """The files in folders of this checkout, but for what Python leaves there."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts}


def test_the_wheel_has_every_file_of_the_package_and_no_other(built: Built) -> None:
    migrations = {f"flask_booking/{name}" for name in files("migrations")}
    wanted = files("flask_booking") | migrations
    assert {name for name in built.in_wheel if ".dist-info/" not in name} == wanted
    kinds = ("py.typed", ".html", ".txt", ".css", ".js", ".po", "migrations/versions/0001_bookings.py")
    assert all(any(name.endswith(kind) for name in wanted) for kind in kinds)


def test_the_source_archive_has_what_a_wheel_is_made_of(built: Built) -> None:
    wanted = files("flask_booking", "migrations") | {"pyproject.toml", "README.md"}
    assert built.in_sdist >= wanted
    assert {name.partition("/")[0] for name in built.in_sdist} <= {
        *("flask_booking", "migrations", "docs"),
        *("pyproject.toml", "README.md", "PKG-INFO", ".gitignore"),
    }


def test_it_says_what_it_needs(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
        told = archive.read(name).decode()
    assert "Requires-Python: >=3.11" in told
    assert "Requires-Dist: flask>=3.1" in told
    assert "# flask_booking" in told, "the README"


def test_an_app_without_redis_loads_nothing_that_speaks_to_it_or_to_name_servers() -> None:
    loads = "import sys, example_app; example_app.create_app({'SECRET_KEY': 'x'}); print(*sys.modules)"
    command = [sys.executable, "-c", loads]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=100).stdout
    assert not {"redis", "rq", "dns"} & set(said.split())


def test_nothing_of_ours_runs_on_the_pages_of_the_crm(app: Flask) -> None:
    everywhere = [
        function
        for by_blueprint in (
            *(app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs),
            *(app.url_value_preprocessors, app.url_default_functions, app.template_context_processors),
        )
        for function in by_blueprint.get(None, ())
    ]
    ours = [function for function in everywhere if function.__module__.startswith("flask_booking.")]
    assert everywhere
    assert ours == []
