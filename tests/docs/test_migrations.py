"""The commands of docs/migrations.md, in the order a CRM's life has them."""

from __future__ import annotations

import ast
from pathlib import Path

from flask_booking import migrating
from tests.docs.snippets import DOCS, captioned, snippets
from tests.fixtures.databases import MakeDatabase
from tests.migrations.synthetic import Traits

PAGE = DOCS / "migrations.md"


def commands(caption: str) -> list[str]:
    """The commands of a block, as the CRM runs them."""
    (found,) = [one.commands for one in snippets(PAGE) if one.caption == caption]
    return [command.removeprefix("flask ") for command in found]


def test_the_commands_of_the_page_work(fresh_database: MakeDatabase, tmp_path: Path) -> None:
    crm = Traits(fresh_database("sqlite"), str(tmp_path))
    crm.but(mounted=False).run("grow-old")
    crm.run(*commands("adopting"), *commands("updating"), *commands("in CI"), *commands("one step back"))
    assert crm.tables() == set()
    crm.run("db upgrade", *commands("removing"))
    assert crm.tables() == set()

    (tmp_path / "other").mkdir()
    other = Traits(fresh_database("sqlite"), str(tmp_path / "other"))
    other.run("create-all", *commands("after create_all"))


def test_the_revision_that_the_page_shows_is_what_is_written(fresh_database: MakeDatabase, tmp_path: Path) -> None:
    crm = Traits(fresh_database("sqlite"), str(tmp_path))
    crm.run("db init", "db revision --rev-id before", "booking migrate")
    (written,) = Path(tmp_path, "migrations", "versions").glob("*_flask_booking_*.py")
    own = {"3f1c9e0b7a52": written.name.partition("_")[0], "8d2a4c6e1b90": "before", "contact.id": "person.id"}
    (shown,) = [one.text for one in snippets(PAGE) if one.text.startswith('"""flask_booking')]
    for told, here in (own | {"activity.id": "log_entry.id"}).items():
        shown = shown.replace(told, here)
    assert ast.dump(ast.parse(shown)) == ast.dump(ast.parse(written.read_text()))


def test_what_leaves_the_tables_alone_is_there() -> None:
    text = captioned(PAGE, "leaving the tables alone")
    names: dict[str, object] = {"Migrate": dict}
    exec(text, names)  # noqa: S102 - the page's own lines
    assert names["migrate"] == {"include_object": migrating.include_object}
