"""Bookings work in CRMs whatever the type of their keys, and whichever of contacts and activities they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.apart import apart
from tests.models.any_key import play


@pytest.mark.parametrize("key", ["int", "uuid", "string"])
def test_a_meeting_is_booked_moved_and_cancelled(key: str, each_fresh_database: str, tmp_path: Path) -> None:
    apart(play, "life", key, each_fresh_database, tmp_path)


def test_a_crm_without_contacts_and_activities_books_too(each_fresh_database: str, tmp_path: Path) -> None:
    apart(play, "bare", "string", each_fresh_database, tmp_path)
