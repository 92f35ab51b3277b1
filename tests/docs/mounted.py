"""The CRM of docs/mounting.md, written from that page into an empty folder, and the commands of its developer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.docs.snippets import ROOT, Snippet


def run(folder: Path, *command: str, library: Path = ROOT) -> str:
    """What a command says, run in the folder as its developer would; its failure is this test's.

    ``library`` is where the package is imported from.
    """
    bin_folder = str(Path(sys.executable).parent)
    environ = {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "FLASK_APP": "crm",
        "FLASK_BOOKING_WORKER": "false",
        "PYTHONPATH": str(library),
        "HOME": str(folder),
    }
    result = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"
    return result.stdout


def write(folder: Path, snippet: Snippet) -> None:
    """Put a captioned block where its caption says; ``<file>, in <place>`` is put in the place of its first line."""
    name, _, place = snippet.caption.partition(", in ")
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if place:
        first = snippet.text.splitlines(keepends=True)[0].removesuffix("\n")
        before, found, after = file.read_text().partition(first)
        assert found, f"{name} has no line {first!r}"
        file.write_text(before + snippet.text.removesuffix("\n") + after)
    else:
        file.write_text(snippet.text)


def files(found: Iterable[Snippet]) -> list[Snippet]:
    """The blocks that are files."""
    return [one for one in found if one.caption and one.language in {"python", "jinja"}]
