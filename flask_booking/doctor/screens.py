"""What surrounds our forms and screens: the CRM's base template, its CSRF protection and its rate limits."""

from __future__ import annotations

import collections.abc as c
import contextvars
import typing as t

import jinja2
from flask import Flask, current_app
from flask_wtf import CSRFProtect
from jinja2 import meta, nodes

from ..errors import BookingConfigError
from ..templating import BRIDGE, PUBLIC_BRIDGE, environment
from .finding import Finding, fail, info, name_of, ok, some, warn

_EFFECTS = {
    "booking_content": "can't be shown in it",
    "booking_title": "have no title of their own",
}

_LOOKS_INTO: tuple[type[nodes.Node], ...] = (nodes.Getattr, nodes.Getitem, nodes.Call)
_OF_JINJA = {"self", "super", "loop", "caller", "varargs", "kwargs"}


def bridged() -> c.Iterator[Finding]:
    """Whether each base template of the CRM is found, has the blocks that are filled, and gets what it needs."""
    given = {key: current_app.config[f"{key}_TEMPLATE"] for key in ("BOOKING_BASE", "BOOKING_PUBLIC_BASE")}
    if given["BOOKING_BASE"]:
        yield from _bridged(BRIDGE, "BOOKING_BASE", "settings screens")
    else:
        yield ok("the settings screens have a plain page of their own")
    if given["BOOKING_PUBLIC_BASE"]:
        yield from _bridged(PUBLIC_BRIDGE, "BOOKING_PUBLIC_BASE", "public pages")


def _bridged(bridge: str, key: str, pages: str) -> c.Iterator[Finding]:
    templates, base = environment("bridge"), str(current_app.config[f"{key}_TEMPLATE"])
    try:
        bridging = _parsed(templates, bridge)
        chain = list(_chain(templates, bridging, base))
    except jinja2.TemplateNotFound as error:
        text = f"the template {error.name} isn't there, so the {pages} can't be shown in it"
        yield fail(text, f'Set {key}_TEMPLATE to the template that your own pages extend, such as "layout.html".')
        return
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.name or 'a template'}:{error.lineno}"
        yield fail(f"{where} can't be compiled: {error.message}", f"Correct that line; all {pages} use it.")
        return
    except BookingConfigError as error:
        yield fail(str(error), "Correct that template.")
        return
    except RuntimeError:  # Jinja's way of saying that a loader has no sources
        yield info(f"{base} is compiled already, so its blocks can't be read")
        return
    name = chain[0][0] if chain else base
    blocks = {block.name for _name, template in chain for block in template.find_all(nodes.Block)}
    filled = {block.name: _values(block) for block in bridging.find_all(nodes.Block)}
    found = [
        (fail if "booking_content" in values else warn)(
            f"{name} has no block `{block}`: the {pages} {_EFFECTS[min(values)]}",
            f'Name yours: {key}_BLOCKS = {{"{min(values).removeprefix("booking_")}": "…"}}, or add '
            f"{{% block {block} %}}{{% endblock %}} there.",
        )
        for block, values in filled.items()
        if values and block not in blocks
    ]
    if wanted := sorted(_unknown(templates, [template for _name, template in chain])):
        text = f"{name} needs {some(wanted)}, which no context processor gives: the {pages} may fail"
        advice = f"Write {{% if {wanted[0]} is defined %}} around it, or give it in an app.context_processor."
        found.append(warn(text, advice))
    yield from found or [ok(f"{name} has the blocks {', '.join(b for b in filled if b in blocks)}")]


def _parsed(templates: jinja2.Environment, name: str) -> nodes.Template:
    assert templates.loader is not None  # noqa: S101 - `environment` always gives one
    source, file, _fresh = templates.loader.get_source(templates, name)
    templates.get_template(name)  # compiles: what parses may still not
    return templates.parse(source, name, file)


def _chain(
    templates: jinja2.Environment, template: nodes.Template, base: str
) -> c.Iterator[tuple[str, nodes.Template]]:
    """Name and content of what ``template`` extends, and of what that extends, as far as names can be read."""
    while (extends := template.find(nodes.Extends)) is not None:
        name = extends.template.value if isinstance(extends.template, nodes.Const) else base
        if not name:  # chosen while it runs
            return
        template = _parsed(templates, name)
        yield name, template
        base = ""


def _unknown(templates: jinja2.Environment, chain: c.Iterable[nodes.Template]) -> c.Iterator[str]:
    """Names that the base template can't do without and nobody gives it: our pages pass none of your views'."""
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
        and any(word in name_of(function).lower() for word in ("csrf", "xsrf", "nonce", "forgery"))
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
