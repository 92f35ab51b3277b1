"""Hosts' texts as safe HTML: a small Markdown, in which raw HTML is shown and never obeyed."""

from __future__ import annotations

import functools
import typing as t

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_TAGS = {"p", "br", "strong", "em", "s", "a", "ul", "ol", "li", "blockquote", "code", "pre", "hr", "h3", "h4"}
_HEADINGS = {"h1": "h3", "h2": "h3", "h5": "h4", "h6": "h4"}


@functools.lru_cache(maxsize=1)
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough")
    # A guest's page must not tell a third party that it was opened.
    return reader.disable("image")


@functools.lru_cache(maxsize=512)
def markdown(text: str) -> Markup:
    """``text`` (CommonMark without raw HTML and images) as HTML that is safe in a page.

    Links go to http, https, mailto and tel only; headings begin at level 3, beneath those of the page.
    """
    html = _reader().render(text or "")
    for heading, lower in _HEADINGS.items():
        html = html.replace(f"<{heading}>", f"<{lower}>").replace(f"</{heading}>", f"</{lower}>")
    return Markup(  # noqa: S704 - sanitised by nh3 right here
        nh3.clean(
            html,
            tags=_TAGS,
            attributes={"a": {"href"}},
            url_schemes={"http", "https", "mailto", "tel"},
            link_rel="noopener noreferrer nofollow",
        ).strip()
    )


def legible(text: str) -> str:
    """``text`` as people write plain text: paragraphs, lists with hyphens or numbers, links with their address."""
    written, mark, in_list = "", "", False
    for token in _reader().parse(text or ""):
        if token.type == "list_item_open":
            mark = f"{token.info}. " if token.info else "- "
        elif token.level == 0 and token.nesting == 1:
            in_list = False
        if token.type == "inline":
            words = _words(token.children or [])
        elif token.type in ("fence", "code_block"):
            words = token.content.rstrip("\n")
        else:
            continue
        gap = "\n" if in_list and mark else "\n\n"
        written += f"{gap if written else ''}{mark}{words}"
        in_list, mark = bool(mark), ""
    return written


def _words(parts: t.Iterable[Token]) -> str:
    words, link, began = "", "", 0
    for part in parts:
        if part.type == "link_open":
            link, began = str(part.attrGet("href") or ""), len(words)
        elif part.type == "link_close":
            words += f" ({link})" if link and words[began:] not in (link, link.removeprefix("mailto:")) else ""
        else:
            words += "\n" if part.type in ("softbreak", "hardbreak") else part.content
    return words


def plain(text: str, most: int = 160) -> str:
    """The beginning of ``text`` without Markdown, on one line: for lists and descriptions."""
    # An item of a list has no full stop to keep it apart from the next.
    html = Markup(str(markdown(text)).replace("</li>\n<li>", ", "))  # noqa: S704 - as safe as it was
    stripped = " ".join(html.striptags().split())
    return stripped if len(stripped) <= most else stripped[: most - 1].rsplit(" ", 1)[0] + "…"
