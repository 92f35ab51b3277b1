"""Whatever people read in a template is marked for translation."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest

from scripts.messages import PACKAGE

TEMPLATES = sorted((PACKAGE / "templates").rglob("*.*"))
READ_OUT = ("alt", "title", "placeholder", "aria-label", "aria-description")
NAMES = {"Google", "Outlook", "Microsoft 365", "CSV", "CNAME", "TXT", "QR", "45 min, 1 h"}
"""What is called so in each language."""
# Names of classes, and pieces of attributes in macros, aren't read by anybody.
CLASSES = re.compile(r"{% block card_class %}.*?{% endblock %}")
ATTRIBUTE = re.compile(r"""^(data-|-|(required|checked|selected|hidden)$)|[\w-]+=["']""")


class _Texts(HTMLParser):
    """Collects what is seen or read out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        self.texts += [value or "" for name, value in attrs if name in READ_OUT]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def unmarked(source: str) -> list[str]:
    """Words that stand in a template outside of any expression."""
    template = "".join(
        text if kind == "data" else "\n" if kind.endswith("_begin") else ""
        for _line, kind, text in jinja2.Environment(autoescape=True).lex(CLASSES.sub("", source))
    )
    reader = _Texts()
    reader.feed(template)
    lines = [line.strip() for text in reader.texts for line in text.splitlines()]
    words = [line for line in lines if re.search(r"[^\W\d_]{2}", line) and not ATTRIBUTE.search(line)]
    return [line for line in words if line not in NAMES and "://" not in line]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(PACKAGE / "templates").as_posix())
def test_no_words_stand_in_a_template_as_they_are(template: Path) -> None:
    assert unmarked(template.read_text()) == []


def test_words_that_nobody_marked_are_found() -> None:
    assert unmarked('<p>{{ _("Fine") }} and more</p>') == ["and more"]
    assert unmarked('<img alt="A picture"><b title="{{ _("Fine") }}">{# no #}{{ name }}</b>') == ["A picture"]
