"""What is in the files that are given out."""

from __future__ import annotations

import zipfile
from pathlib import Path

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
