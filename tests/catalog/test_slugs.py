"""Names become addresses in which they can still be read."""

from __future__ import annotations

import pytest

from flask_booking.catalog.slugs import SLUG_MOST, slug_of

NAMES = {
    "Großes Gespräch": "grosses-gesprach",
    "GROẞ": "gross",
    "Łódź": "lodz",
    "Ærø & Øresund": "aero-oresund",
    "Œuvre, œuf": "oeuvre-oeuf",
    "Đorđe Þór Guðrún": "dorde-thor-gudrun",
    "Iğdır İzmir": "igdir-izmir",
    "Café ﬁn™ Ⅳ": "cafe-fintm-iv",
    "a" * (SLUG_MOST - 1) + " b": "a" * (SLUG_MOST - 1),
    "مكالمة": "",
}


@pytest.mark.parametrize(("name", "slug"), NAMES.items())
def test_letters_that_ascii_lacks_become_those_that_people_write_instead(name: str, slug: str) -> None:
    assert slug_of(name, "") == slug
