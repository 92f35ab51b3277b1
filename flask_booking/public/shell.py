"""The public pages' own shell: what every page knows, and how templates are found.

A CRM's context processors are not asked, unless it names a base template for guests: they are made for people who are
logged in, and may fail, query or touch the session for anybody else.  Its own templates in ``booking/public/`` come
before ours, as usual.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from flask import current_app

from ..colour import house_accent, parsed
from ..domains import at_home, on_own_name
from ..i18n import template_names
from ..markdown import markdown
from ..models import BookingPage, EventType
from ..scheduling.places import made_name
from ..templating import PUBLIC_BRIDGE, environment, in_base
from .addresses import address
from .assets import static_url
from .language import alternates, choices, link_language
from .looks import own_logo, own_stylesheets


@dataclasses.dataclass(frozen=True)
class Shell:
    """What surrounds a page: its title and its looks.  ``accent`` is ``#rrggbb``, empty for the house's;
    addresses of images are https."""

    title: str
    accent: str = ""
    appearance: str = "auto"
    banner_url: str = ""
    logo_url: str = ""
    description: str = ""
    indexed: bool = False
    canonical: str = ""

    @property
    def theme_url(self) -> str:
        """The stylesheet of the colour."""
        return address("theme", colour=(self.accent or house_accent()).lstrip("#"))


def shell_for(title: str, page: BookingPage, event: EventType | None = None, **more: t.Any) -> Shell:
    """The shell in the looks of a page, or of one of its event types where that has its own."""
    return Shell(
        title=title,
        accent=(event and parsed(event.colour)) or parsed(page.accent) or "",
        appearance=page.appearance.value,
        banner_url=image_url((event and event.banner_url) or page.banner_url),
        logo_url=image_url(page.logo_url),
        **more,
    )


def image_url(url: str | None) -> str:
    """``url`` if a page may show it: https, or a path on this server; else nothing."""
    text = url or ""
    return at_home(text) if re.match(r"https://[^\s\"'<>\\]+$|/(?!/)[^\s\"'<>\\]*$", text) else ""


def render(name: str, shell: Shell, *, original: bool = False, **context: t.Any) -> str:
    """The public template ``name`` as text; ``original``: as it is in the package, whatever the CRM replaced."""
    if shell.appearance == "auto":
        shell = dataclasses.replace(shell, appearance=current_app.config["BOOKING_APPEARANCE"])
    in_base_of_crm = bool(current_app.config["BOOKING_PUBLIC_BASE_TEMPLATE"]) and not (original or on_own_name())
    template = environment("originals" if original else "pages").get_template(f"booking/public/{name}")
    page = template.render(
        **template_names(),
        shell=shell,
        brand=current_app.config["BOOKING_BRAND_NAME"],
        in_base=in_base_of_crm,
        static_url=static_url,
        link_language=link_language(),
        languages=choices(),
        alternates=alternates(shell.canonical) if shell.indexed else [],
        stylesheets=own_stylesheets(),
        logo_url=shell.logo_url or ("" if in_base_of_crm else image_url(own_logo())),
        markdown=markdown,
        made_name=made_name,
        **context,
    )
    return _in_base(page) if in_base_of_crm else page


def _in_base(page: str) -> str:
    head, _mark, content = page.partition("<!--content-->")
    title, _mark, head = head.partition("</title>")
    content, _mark, scripts = content.partition("<!--scripts-->")
    title = title.rpartition("<title>")[2]
    pieces = {"title": title, "head": head, "content": content, "scripts": scripts}
    return in_base(PUBLIC_BRIDGE, "BOOKING_PUBLIC_BASE_TEMPLATE", pieces)
