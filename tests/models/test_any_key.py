"""Bookings work in CRMs whatever the type of their keys, and whichever of contacts and activities they have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_crm(scenario: str, key: str, url: str, folder: Path) -> None:
    """Play ``scenario`` in a process of its own; what goes wrong there is this test's failure."""
    command = [sys.executable, "-m", "tests.models.any_key", scenario, key, url, str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr[-4000:]


@pytest.mark.parametrize("key", ["int", "uuid", "string"])
def test_a_meeting_is_booked_moved_and_cancelled(key: str, each_fresh_database: str, tmp_path: Path) -> None:
    run_crm("life", key, each_fresh_database, tmp_path)


def test_a_crm_without_contacts_and_activities_books_too(each_fresh_database: str, tmp_path: Path) -> None:
    run_crm("bare", "string", each_fresh_database, tmp_path)
