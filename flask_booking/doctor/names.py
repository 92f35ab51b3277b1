"""Addresses: whether ours lead to us, and the CRM's beneath our prefixes still to the CRM."""

from __future__ import annotations

import collections
import collections.abc as c

from flask import Flask, current_app
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, RequestRedirect, Rule
from werkzeug.test import EnvironBuilder

from .finding import Finding, fail, ok, some, warn

BLUEPRINTS = {
    "booking_public": "BOOKING_URL_PREFIX",
    "booking_settings": "BOOKING_SETTINGS_URL_PREFIX",
    "booking_api": "BOOKING_API_URL_PREFIX",
}
"""Our blueprints, and the settings that say where they are."""
SAMPLE = "doctor-nobody"
"""A slug, token and name that nothing has."""


def ours() -> c.Iterator[Finding]:
    """Whether each address of ours, asked for, comes to the view it is meant for."""
    app = current_app
    adapter = _adapter(app)
    taken: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    shadowed: list[str] = []
    for rule in app.url_map.iter_rules():
        blueprint = rule.endpoint.partition(".")[0]
        if blueprint not in BLUEPRINTS:
            shadowed += _shadowed(app, adapter, rule)
            continue
        for method in sorted((rule.methods or {"GET"}) & {"GET", "POST"}):
            path = _sample(rule)
            answering = _answering(adapter, path, method)
            if answering is not None and answering.partition(".")[0] != blueprint:
                taken[blueprint, answering].append(path)
    for (blueprint, answering), paths in taken.items():
        setting = BLUEPRINTS[blueprint]
        text = f"{_who(answering)} answers at {some(paths, 2)} instead of {blueprint}"
        yield fail(text, f'Set {setting} (now "{app.config[setting]}") to a path that is free, before init_app.')
    if shadowed:
        text = (
            f"booking answers at {some(shadowed, 2)}, which {'is an address' if len(shadowed) == 1 else 'are'} of yours"
        )
        yield warn(
            text, "Register your blueprint before FlaskBooking().init_app, or choose another prefix for booking."
        )
    if not taken and not shadowed:
        yield ok(", ".join(str(app.config[setting]) for setting in BLUEPRINTS.values()))


def _adapter(app: Flask) -> MapAdapter:
    environ = EnvironBuilder(base_url=f"http://{app.config.get('SERVER_NAME') or 'localhost'}/").get_environ()
    adapter = app.create_url_adapter(app.request_class(environ))
    return adapter if adapter is not None else app.url_map.bind("localhost")


def _sample(rule: Rule) -> str:
    built = rule.build(dict.fromkeys(rule.arguments, SAMPLE), append_unknown=False)
    return built[1] if built is not None else rule.rule


def _answering(adapter: MapAdapter, path: str, method: str) -> str | None:
    """The endpoint that a request comes to; empty when it comes to none, None when it is sent on."""
    try:
        return str(adapter.match(path, method)[0])
    except RequestRedirect:
        return None
    except HTTPException:
        return ""


def _shadowed(app: Flask, adapter: MapAdapter, rule: Rule) -> list[str]:
    """The CRM's own address beneath one of our prefixes, if we answer there."""
    prefixes = [str(app.config[setting]).rstrip("/") + "/" for setting in BLUEPRINTS.values()]
    if not any(rule.rule.startswith(prefix) for prefix in prefixes):
        return []
    try:
        path = _sample(rule)
    except (ValueError, TypeError):  # a converter that takes no text
        return []
    method = "GET" if "GET" in (rule.methods or {"GET"}) else "POST"
    answering = _answering(adapter, path, method)
    return [f"{rule.rule} ({rule.endpoint})"] if answering and answering.partition(".")[0] in BLUEPRINTS else []


def _who(endpoint: str) -> str:
    return f"your view `{endpoint}`" if endpoint else "nobody"
