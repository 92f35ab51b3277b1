"""What surrounds our forms and screens: the CRM's base template, its CSRF protection and its rate limits."""

from __future__ import annotations

import collections.abc as c
import contextvars
import typing as t

import jinja2
from flask import Flask, current_app
from flask_wtf import CSRFProtect
from jinja2 import meta, nodes

from ..templating import TEMPLATES, environment
from .finding import Finding, fail, info, name_of, ok, some, warn

_EFFECTS = {
    "booking_content": "the screens are empty",
    "booking_title": "the screens have no title",
}

_LOOKS_INTO: tuple[type[nodes.Node], ...] = (nodes.Getattr, nodes.Getitem, nodes.Call)
_OF_JINJA = {"self", "super", "loop", "caller", "varargs", "kwargs"}


def bridged() -> c.Iterator[Finding]:
    """Whether the bridge finds the CRM's base template and each block that it fills."""
    templates = environment("bridge")
    base = str(current_app.config["BOOKING_BASE_TEMPLATE"])
    own = True
    try:
        bridge, file = _parsed(templates, "booking/bridge.html")
        own = file is not None and not str(file).startswith(str(TEMPLATES))
        chain = list(_chain(templates, bridge, base))
    except jinja2.TemplateNotFound as error:
        text = f"the template {error.name} isn't there, so no settings screen can be shown"
        yield fail(text, _name_it(own))
        return
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.name or 'a template'}:{error.lineno}"
        yield fail(f"{where} can't be compiled: {error.message}", "Correct that line; all settings screens use it.")
        return
    blocks = {block.name for _name, template in chain for block in template.find_all(nodes.Block)}
    name = chain[0][0] if chain else base
    filled = {block.name: _values(block) for block in bridge.find_all(nodes.Block)}
    for block, values in filled.items():
        if block not in blocks and values:
            worst = min(values, key=list(_EFFECTS).index)
            judge = fail if worst == "booking_content" else warn
            text = f"{name} has no block `{block}`: {_EFFECTS[worst]}"
            yield judge(
                text,
                f"Add {{% block {block} %}}{{% endblock %}} there, or say in BOOKING_BASE_BLOCKS what yours is called.",
            )
    wanted = sorted(_unknown(templates, [template for _name, template in chain]))
    if wanted:
        text = f"{name} needs {some(wanted)}, which no context processor gives: the settings screens may fail"
        yield warn(text, f"Write {{% if {wanted[0]} is defined %}} around it, or give it in an app.context_processor.")
    if not wanted and not any(values and block not in blocks for block, values in filled.items()):
        yield ok(f"{name} has the blocks {', '.join(filled)}")


def _name_it(own: bool) -> str:
    if own:
        return "Correct the {% extends %} of your booking/bridge.html."
    return 'Set BOOKING_BASE_TEMPLATE to the name of your base template, such as "layout.html".'


def _parsed(templates: jinja2.Environment, name: str) -> tuple[nodes.Template, str | None]:
    assert templates.loader is not None  # noqa: S101 - `environment` always gives one
    source, file, _fresh = templates.loader.get_source(templates, name)
    templates.get_template(name)  # compiles: what parses may still not
    return templates.parse(source, name, file), file


def _chain(
    templates: jinja2.Environment, template: nodes.Template, base: str
) -> c.Iterator[tuple[str, nodes.Template]]:
    """Name and content of what ``template`` extends, and of what that extends, as far as names can be read."""
    while (extends := template.find(nodes.Extends)) is not None:
        name = extends.template.value if isinstance(extends.template, nodes.Const) else base
        if not name:  # chosen while it runs
            return
        template, _file = _parsed(templates, name)
        yield name, template
        base = ""


def _unknown(templates: jinja2.Environment, chain: c.Iterable[nodes.Template]) -> c.Iterator[str]:
    """Names that the base template can't do without and nobody gives it: our screens pass none of your views'."""
    strict = issubclass(templates.undefined, jinja2.StrictUndefined)
    try:
        given = contextvars.Context().run(_given, _app()) | set(templates.globals) | _EFFECTS.keys() | _OF_JINJA
    except Exception:  # context processors that want a user: nothing can be said
        return
    for template in chain:
        asked = {name.name for test in template.find_all(nodes.Test) if test.name in {"defined", "undefined"}
                 for name in test.find_all(nodes.Name)}  # fmt: skip
        asked |= {name.name for used in template.find_all(nodes.Filter) if used.name in {"default", "d"}
                  for name in used.find_all(nodes.Name)}  # fmt: skip
        uses: list[t.Any] = [use for kind in _LOOKS_INTO for use in template.find_all(kind)]
        looked_into = {use.node.name for use in uses if isinstance(use.node, nodes.Name)}
        missing = meta.find_undeclared_variables(template) - given - asked
        # An ordinary undefined name is shown as nothing; only looking into it fails.
        yield from missing if strict else missing & looked_into


def _app() -> Flask:
    return t.cast(Flask, current_app._get_current_object())  # type: ignore[attr-defined]


def _given(app: Flask) -> set[str]:
    """What context processors give to the settings screens, asked for by a stranger."""
    values: dict[str, t.Any] = {}
    with app.test_request_context(app.config["BOOKING_SETTINGS_URL_PREFIX"] + "/bookings"):
        app.update_template_context(values)
    return set(values)


def _values(block: nodes.Block) -> set[str]:
    """Which of the screen's parts a block of the bridge holds."""
    return {name.name for name in block.find_all(nodes.Name)} & _EFFECTS.keys()


def forged_requests() -> c.Iterator[Finding]:
    """Whether forms of hosts are protected, and those of guests left alone."""
    app = current_app
    if not (app.secret_key or app.config.get("WTF_CSRF_SECRET_KEY")):
        text = "SECRET_KEY isn't set: no form of the settings screens can be shown or sent"
        yield fail(text, "Set SECRET_KEY to a long random text: python -c 'import secrets; print(secrets.token_hex())'")
        return
    others = [
        name_of(function)
        for function in app.before_request_funcs.get(None, ())
        if not name_of(function).startswith(("flask_wtf.", "flask_booking."))
        and any(word in name_of(function).lower() for word in ("csrf", "xsrf"))
    ]
    for name in others:
        text = f"`{name}` looks like a CSRF protection of your own: our forms don't carry its token"
        yield warn(
            text,
            'Begin it with:\nif (request.blueprint or "").startswith("booking_"): return None  # they check their own',
        )
    protection = app.extensions.get("csrf")
    if protection is None:
        if not others:
            yield info("no CSRFProtect: settings screens check a token of their own, your own forms are unprotected")
        return
    kind = type(protection)
    if not hasattr(protection, "exempt"):
        text = f"{kind.__name__} has no `exempt`, so guests' forms may be refused"
        yield warn(text, 'Let it pass requests whose `request.blueprint` is "booking_public" or "booking_api".')
    elif isinstance(protection, CSRFProtect) and kind.protect is not CSRFProtect.protect:
        text = (
            f"{name_of(kind.protect)} replaces Flask-WTF's: guests' forms are refused unless it heeds exempt blueprints"
        )
        yield warn(text, 'Begin it with:\nif request.blueprint in {"booking_public", "booking_api"}: return')
    elif not others:
        yield ok(
            f"{kind.__name__} protects your forms; guests' pages and the API are exempt, settings screens check too"
        )


def limited_by_others() -> c.Iterator[Finding]:
    """Whether a limit of the CRM's counts the pages of guests, who look at month after month."""
    limiters = current_app.extensions.get("limiter") or ()
    for limiter in limiters if isinstance(limiters, set | frozenset | list | tuple) else [limiters]:
        counted = [name for name in ("booking_public", "booking_api") if _counts(limiter, name)]
        if counted:
            text = f"the default limits of {type(limiter).__name__} count {' and '.join(counted)}: guests who leaf "
            lines = [f'limiter.exempt(app.blueprints["{name}"])' for name in counted]
            advice = "They have limits of their own (BOOKING_RATE_LIMITS). After FlaskBooking().init_app write:\n"
            yield warn(f"{text}through months are sent away", advice + "\n".join(lines))
            return
    yield ok("no limits but ours" if not limiters else "your limits leave our pages alone")


def _counts(limiter: t.Any, blueprint: str) -> bool:
    """Whether Flask-Limiter's default or application-wide limits count a blueprint."""
    limits = getattr(limiter, "limit_manager", None)
    if limits is None or not getattr(limiter, "enabled", True):
        return False
    scope = limits.exemption_scope(current_app, f"{blueprint}.page", blueprint)
    kinds = type(scope)
    for_all = bool(limits.default_limits) and not scope & kinds.DEFAULT
    return for_all or (bool(limits.application_limits) and not scope & kinds.APPLICATION)
