"""The context that hooks of a CRM expect, where nobody asked for anything."""

from __future__ import annotations

import typing as t

from flask import Flask
from flask.ctx import RequestContext

from ..links import base_url


def as_if_asked(app: t.Any, base: str = "") -> RequestContext:
    """A request's context, for use within an application context: in it ``url_for`` works as it does on pages.

    ``base`` is the address the CRM is reached at; without it the configured one counts.  Nobody is logged in, and no
    function of the CRM runs that runs before a request.
    """
    trusted = app.config.get("TRUSTED_HOSTS") or ["localhost"]  # Flask builds no address for any other name
    return t.cast(Flask, app).test_request_context(base_url=base or base_url() or f"http://{trusted[0].lstrip('.')}")
