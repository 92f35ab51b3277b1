"""Code blocks of the documentation, so that tests run what people copy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Snippet:
    """A fenced code block: its language, its caption (empty when it has none) and its text."""

    language: str
    caption: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block that aren't comments."""
        return [line for line in self.text.splitlines() if line.strip() and not line.startswith("#")]


def snippets(page: Path) -> list[Snippet]:
    """All code blocks of a page, in order."""
    return list(_read(page.read_text(encoding="utf-8")))


def _read(text: str) -> Iterator[Snippet]:
    for found in _FENCE.finditer(text):
        info, body = found["info"].strip(), found["body"]
        language = info.removeprefix("{code-block}").strip()
        caption = ""
        while option := re.match(r":(\w[\w-]*):[ ]?(.*)\n", body):
            body = body[option.end() :]
            caption = option[2] if option[1] == "caption" else caption
        yield Snippet(language, caption, body.strip("\n") + "\n")


def captioned(page: Path, caption: str) -> str:
    """The text of the one block of a page that has this caption."""
    (found,) = [one.text for one in snippets(page) if one.caption == caption]
    return found
