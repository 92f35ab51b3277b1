"""The public pages' own shell: what every page knows, and how templates are found.

A CRM's context processors are not asked: they are made for people who are logged in, and may fail, query or touch the
session for anybody else.  Its own templates in ``booking/public/`` come before ours, as usual.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

import jinja2
from flask import current_app

from ..colour import DEFAULT_ACCENT, parsed
from ..i18n import template_names
from ..markdown import markdown
from ..models import BookingPage, EventType
from ..templating import environment
from .addresses import address
from .assets import static_url
from .language import alternates, choices, link_language


@dataclasses.dataclass(frozen=True)
class Shell:
    """What surrounds a page: its title and its looks.  ``accent`` is ``#rrggbb``; addresses of images are https."""

    title: str
    accent: str = DEFAULT_ACCENT
    appearance: str = "auto"
    banner_url: str = ""
    logo_url: str = ""
    description: str = ""
    indexed: bool = False

    @property
    def theme_url(self) -> str:
        """The stylesheet of the colour."""
        return address("theme", colour=self.accent.lstrip("#"))


def shell_for(title: str, page: BookingPage, event: EventType | None = None, **more: t.Any) -> Shell:
    """The shell in the looks of a page, or of one of its event types where that has its own."""
    return Shell(
        title=title,
        accent=(event and parsed(event.colour)) or parsed(page.accent) or DEFAULT_ACCENT,
        appearance=page.appearance.value,
        banner_url=image_url((event and event.banner_url) or page.banner_url),
        logo_url=image_url(page.logo_url),
        **more,
    )


def image_url(url: str | None) -> str:
    """``url`` if a page may show it: https, or a path on this server; else nothing."""
    text = url or ""
    return text if re.match(r"https://[^\s\"'<>\\]+$|/(?!/)[^\s\"'<>\\]*$", text) else ""


def render(name: str, shell: Shell, **context: t.Any) -> str:
    """The public template ``name`` as text."""
    # Ours in every respect but where templates are found: a CRM's settings must not change what guests read.
    found = environment("public", autoescape=True, undefined=jinja2.Undefined, trim_blocks=True, lstrip_blocks=True)
    template = found.get_template(f"booking/public/{name}")
    return template.render(
        **template_names(),
        shell=shell,
        brand=current_app.config["BOOKING_BRAND_NAME"],
        static_url=static_url,
        link_language=link_language(),
        languages=choices(),
        alternates=alternates() if shell.indexed else [],
        markdown=markdown,
        **context,
    )
