"""The tests that docs/testing.md gives to a CRM, run in that of docs/mounting.md."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.docs.mounted import files, run, write
from tests.docs.snippets import DOCS, snippets

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider")


def test_the_tests_of_the_page_pass_in_the_crm_of_the_other(tmp_path: Path) -> None:
    for page in ("mounting.md", "testing.md"):
        for snippet in files(snippets(DOCS / page)):
            write(tmp_path, snippet)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    assert "4 passed" in run(tmp_path, *PYTEST, "tests")
