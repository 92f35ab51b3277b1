"""Style sheets name no left and right, so that screens turn round with the direction of the script."""

from __future__ import annotations

import re

import pytest

from scripts.messages import PACKAGE

# Four values name the sides one by one; a selector for one direction knows which one it is in.
SIDED = re.compile(
    r"(?:margin|padding|border)-(?:left|right)\b|(?<![\w-])(?:left|right|float)\s*:|text-align:\s*(?:left|right)"
    r"|(?:margin|padding|inset):\s*[^\s;]+ ([^\s;]+) [^\s;]+ (?!\1\s*[;}])[^\s;]+\s*[;}]"
)


@pytest.mark.parametrize("name", ["guest.css", "settings.css"])
def test_no_style_takes_a_side(name: str) -> None:
    sheet = re.sub(r"/\*.*?\*/|calc\([^;]*\)|clamp\([^;]*\)", "", (PACKAGE / "static/booking" / name).read_text())
    rules = [rule for rule in re.findall(r"[^{}]*\{[^{}]*\}", sheet) if "[dir=" not in rule]
    assert [rule.strip()[:200] for rule in rules if SIDED.search(rule)] == []


def test_sides_are_found() -> None:
    assert SIDED.search("a { padding: 0 1rem 0 2rem; }")
    assert SIDED.search("a { right: 0; }")
    assert not SIDED.search("a { padding: 1px 2px 3px 2px; inset-inline: 0; margin: 0 0 1rem; }")
