"""Hosts' texts as safe HTML: a small Markdown, in which raw HTML is shown and never obeyed."""

from __future__ import annotations

import functools

import nh3
from markdown_it import MarkdownIt
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


def plain(text: str, most: int = 160) -> str:
    """The beginning of ``text`` without Markdown, on one line: for lists and descriptions."""
    stripped = " ".join(markdown(text).striptags().split())
    return stripped if len(stripped) <= most else stripped[: most - 1].rsplit(" ", 1)[0] + "…"
