"""Text typed by strangers, made fit to stand in a header, a subject, a calendar line or a mail."""

from __future__ import annotations

import unicodedata

from markupsafe import Markup, escape

from ..i18n import text_direction
from ..markdown import legible, markdown

NAME_LENGTH = 120
LINE_LENGTH = 250
TEXT_LENGTH = 8000

# Overrides and isolates turn the text around them: a guest's name could make a link beside it read backwards.  Marks
# (U+200E, U+200F) and joiners only concern their neighbours, and scripts need them.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def _harmless(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") and character not in _TURNING


def one_line(text: str, limit: int = LINE_LENGTH) -> str:
    """``text`` on one line, without control characters, at most ``limit`` characters and an ellipsis."""
    # Anything that some program takes for the end of a line becomes a space, so that words stay apart.
    spaced = "".join(character if _harmless(character) else " " for character in text)
    line = " ".join(spaced.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def some_lines(text: str, limit: int = TEXT_LENGTH) -> str:
    """``text`` with its lines (LF between them) but no other control characters, at most ``limit`` characters."""
    lines = text.replace("\t", " ").splitlines()
    clean = ["".join(character for character in line if _harmless(character)).rstrip() for line in lines]
    whole = "\n".join(clean).strip("\n")
    return whole if len(whole) <= limit else whole[: limit - 1].rstrip() + "…"


def html_lines(text: str) -> Markup:
    """``text`` escaped, with its line ends as ``<br>``: Outlook for Windows knows no ``white-space``."""
    return Markup("<br>\n").join(escape(line) for line in text.split("\n"))


def host_lines(text: str) -> str:
    """A host's Markdown as plain text."""
    return some_lines(legible(some_lines(text)))


def host_html(text: str, link_style: str) -> Markup:
    """A host's Markdown as HTML for a mail, where only inline styles are sure to hold."""
    # A paragraph in another script than the mail's runs as it was written, and stands where the others do.
    turned = ";unicode-bidi:plaintext;text-align:right" if text_direction() == "rtl" else ""
    html = str(markdown(some_lines(text))).replace("<p>", f'<p style="margin:0 0 10px{turned}">')
    html = html.replace("<a ", f'<a class="link" style="{escape(link_style)}" ')
    return Markup(html)  # noqa: S704 - made of sanitised HTML and a colour
