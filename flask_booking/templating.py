"""Finding our templates whatever a CRM did to its Jinja environment: a loader of its own, strict undefined names."""

from __future__ import annotations

import typing as t
from pathlib import Path

import jinja2
from flask import current_app

TEMPLATES = Path(__file__).parent / "templates"


def environment(purpose: str, **options: t.Any) -> jinja2.Environment:
    """The CRM's environment with our templates behind its own, made once for each ``purpose`` and app.

    ``options`` are those of :class:`jinja2.Environment`, for templates that must not depend on the CRM's.
    """
    known: dict[str, jinja2.Environment] = current_app.extensions.setdefault("booking_templates", {})
    found = known.get(purpose)
    if found is None:
        own = current_app.jinja_env
        loaders = [loader for loader in (own.loader,) if loader is not None]
        loader = jinja2.ChoiceLoader([*loaders, jinja2.FileSystemLoader(TEMPLATES)])
        found = known.setdefault(purpose, own.overlay(loader=loader, **options))
    return found
