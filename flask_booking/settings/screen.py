"""Putting a screen into the CRM's own page.

The screen is rendered apart, and the CRM's base template gets it as one piece through a bridge.  So the
CRM's base template keeps its own ``_``, ``form`` or ``now``, our templates keep theirs, and neither can break the
other.  A CRM's templates in ``booking/settings/`` come before ours, as usual.
"""

from __future__ import annotations

import functools
import hashlib
import typing as t
from pathlib import Path

from flask import current_app, url_for
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from .. import i18n
from ..links import page_url, prefix_url
from ..markdown import markdown
from ..models.columns import utcnow
from ..state import crm
from ..templating import BRIDGE, TEMPLATES, environment, in_base
from . import access, notices, words

__all__ = ["STATIC", "TEMPLATES", "asset", "fragment", "render"]

# The CRM's page may be in another language, and run in the other direction.
_TONGUE = '<div lang="{}" dir="{}">{}</div>'
STATIC = Path(__file__).parents[1] / "static" / "booking"


def render(name: str, **context: t.Any) -> str:
    """The screen ``name`` of ``booking/settings/`` as a page of the CRM."""
    title, _mark, content = fragment(name, **context).partition("</title>")
    style, script = asset("settings.css"), asset("settings.js")
    pieces = {
        "title": title.partition("<title>")[2].strip(),
        "head": str(Markup('<link rel="stylesheet" href="{}">').format(style)),
        "content": str(Markup(_TONGUE).format(i18n.language_tag(), i18n.text_direction(), Markup(content))),  # noqa: S704
        "scripts": str(Markup('<script type="module" src="{}"></script>').format(script)),
    }
    return in_base(BRIDGE, "BOOKING_BASE_TEMPLATE", pieces, style=style, script=script)


def fragment(name: str, **context: t.Any) -> str:
    """The template ``name`` of ``booking/settings/`` alone."""
    return environment().get_template(f"booking/settings/{name}").render(**_names(), **context)


def _names() -> dict[str, t.Any]:
    """What every template of the screens may use."""
    return {
        **i18n.template_names(),
        "csrf_field": current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token"),
        "csrf_value": generate_csrf,
        "crm": crm(),
        "desk": access.desk_if_open(),
        "hosts_to_manage": access.hosts_to_manage,
        "markdown": markdown,
        "now": utcnow(),
        "page_url": page_url,
        "prefix_url": prefix_url,
        "take_notice": notices.take,
        "words": words,
    }


@functools.lru_cache(maxsize=16)
def _fingerprint(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """The address of one of our files; another one when the file was changed."""
    read = _fingerprint.__wrapped__ if current_app.debug else _fingerprint
    return url_for("booking_settings.static", filename=name, v=read(name))
