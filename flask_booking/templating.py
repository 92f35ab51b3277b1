"""Finding and rendering our templates whatever a CRM did to its Jinja environment, and putting pages into its own.

Templates of the CRM come before ours, and ours stay within reach as ``booking-original/…``, so that a CRM's
``booking/public/page.html`` can extend the one it replaces.
"""

from __future__ import annotations

import re
import traceback
import typing as t
from pathlib import Path

import jinja2
from flask import current_app
from jinja2 import defaults
from markupsafe import Markup, escape

from .errors import BookingConfigError, kind_of

TEMPLATES = Path(__file__).parent / "templates"
ORIGINALS = "booking-original"
"""The folder under which our own templates are found although a CRM has replaced them."""

BRIDGE = "booking/bridge.html"
PUBLIC_BRIDGE = "booking/public/bridge.html"
PLACES = ("title", "head", "content", "scripts")
"""What a page brings along for a base template."""

# A CRM may have other delimiters, line statements, undefined names or escaping: in our templates, and in those that
# replace them, Jinja is as its documentation says.
_OURS: dict[str, t.Any] = {
    "block_start_string": defaults.BLOCK_START_STRING,
    "block_end_string": defaults.BLOCK_END_STRING,
    "variable_start_string": defaults.VARIABLE_START_STRING,
    "variable_end_string": defaults.VARIABLE_END_STRING,
    "comment_start_string": defaults.COMMENT_START_STRING,
    "comment_end_string": defaults.COMMENT_END_STRING,
    "line_statement_prefix": None,
    "line_comment_prefix": None,
    "newline_sequence": "\n",
    "keep_trailing_newline": False,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "undefined": jinja2.Undefined,
    "finalize": None,
    "autoescape": jinja2.select_autoescape(),
    "bytecode_cache": None,  # its keys don't tell our syntax from the CRM's
    "enable_async": False,
}


class _Theirs(jinja2.BaseLoader):
    """The CRM's loader; it refuses templates that extend themselves, which would never end."""

    def __init__(self, loader: jinja2.BaseLoader) -> None:
        self.loader = loader

    def get_source(self, environment: jinja2.Environment, template: str) -> t.Any:
        found = self.loader.get_source(environment, template)
        if re.search(rf"\bextends\s+[\"']{re.escape(template)}[\"']", found[0]):
            original = f"{ORIGINALS}/{template.removeprefix('booking/')}"
            raise BookingConfigError(
                f'The template {template} extends itself; to extend the one it replaces, extend "{original}"'
            )
        return found

    def load(self, environment: jinja2.Environment, name: str, globals: t.Any = None) -> jinja2.Template:
        try:
            return super().load(environment, name, globals)
        except RuntimeError as error:
            if type(error) is not RuntimeError:
                raise
            # Jinja's way of saying that a loader has templates compiled beforehand, and no sources.
            return self.loader.load(environment, name, globals)


def environment(purpose: t.Literal["pages", "originals", "bridge"] = "pages") -> jinja2.Environment:
    """An environment made from the CRM's, once for each app; filters and globals are the CRM's in all of them.

    ``pages`` finds the CRM's templates before ours and has Jinja's own syntax, ``originals`` finds only ours, and
    ``bridge`` is the CRM's in every respect but that it finds ours too.
    """
    known: dict[str, jinja2.Environment] = current_app.extensions.setdefault("booking_templates", {})
    if purpose not in known:
        own = current_app.jinja_env
        files = jinja2.FileSystemLoader(TEMPLATES)
        loaders = [files, jinja2.PrefixLoader({ORIGINALS: jinja2.FileSystemLoader(TEMPLATES / "booking")})]
        if purpose == "bridge":
            loaders.insert(0, jinja2.DictLoader(_bridges(own)))
        if purpose != "originals" and own.loader is not None:
            loaders.insert(0, _Theirs(own.loader))
        options = {} if purpose == "bridge" else _OURS
        made = own.overlay(loader=jinja2.ChoiceLoader(loaders), **options)
        known.setdefault(purpose, made)
    return known[purpose]


# Pages in the CRM's own base template


class Piece:
    """A part of a page, as HTML, that knows whether the base template has shown it."""

    def __init__(self, html: str, missing: Piece | None = None) -> None:
        self.html, self.shown, self.missing = html, False, missing

    def __html__(self) -> str:
        self.shown = True
        # A page without its styles is worse than a link to them in the body, where browsers take it as well.
        before = self.missing.html if self.missing is not None and not self.missing.shown else ""
        return before + self.html

    __str__ = __html__


class Address(Piece):
    """The address of the style sheet or script alone, for bridges that write the tag."""

    def __init__(self, address: str, piece: Piece) -> None:
        super().__init__(str(escape(address)))
        self.piece = piece

    def __html__(self) -> str:
        self.piece.shown = True
        return self.html

    __str__ = __html__


def in_base(bridge: str, setting: str, pieces: t.Mapping[str, str], **addresses: str) -> str:
    """A page of the CRM: its base template with our ``pieces`` (by :data:`PLACES`) in its blocks.

    ``setting`` is the configuration key that names the base template; ``addresses`` are ``style`` and ``script``.
    Raises :class:`BookingConfigError`, with what to change, when the base template can't take the page.
    """
    head, scripts = Piece(pieces["head"]), Piece(pieces["scripts"])
    content = Piece(pieces["content"], missing=head)
    values: dict[str, t.Any] = {
        "booking_title": Markup(pieces["title"]),  # noqa: S704 - escaped by its template
        "booking_head": head,
        "booking_content": content,
        "booking_scripts": scripts,
    }
    for name, address in addresses.items():
        values[f"booking_{name}"] = Address(address, head if name == "style" else scripts)
    current_app.update_template_context(values)
    base = current_app.config[setting]
    try:
        template = environment("bridge").get_template(bridge)
        page = template.render(values)
    except jinja2.TemplateNotFound as error:
        if error.name != base:
            raise
        raise BookingConfigError(
            f"{setting} = {base!r}: there is no such template. Set it to the template that your own pages extend"
            + (", or to None for a plain page" if setting == "BOOKING_BASE_TEMPLATE" else "")
        ) from None
    except jinja2.UndefinedError as error:
        raise BookingConfigError(
            f"{told(error)}. Pages of the package extend {base!r} ({setting}) with what your context processors give "
            "and nothing else: give it what it needs by @app.context_processor, or write {% if … is defined %}"
        ) from error
    if not content.shown:
        key = setting.replace("_TEMPLATE", "_BLOCKS")
        raise BookingConfigError(
            f"{setting} = {base!r} has no block {current_app.config[key].get('content', 'content')!r}, so the page "
            f"can't be shown in it. {_blocks_told(base)}: name the one for the page's content in {key} = "
            f'{{"content": "…"}}, or add a block to the template, or write a {bridge} of your own'
        )
    if not scripts.shown:
        page = page.replace(content.html, content.html + scripts.html, 1)
    return page


def check_blocks(config: t.Mapping[str, t.Any]) -> None:
    """Raise :class:`BookingConfigError` for names of blocks that mean nothing."""
    for key in ("BOOKING_BASE_BLOCKS", "BOOKING_PUBLIC_BASE_BLOCKS"):
        unknown = sorted(set(config[key]) - set(PLACES))
        if unknown:
            raise BookingConfigError(f"{key} has {', '.join(unknown)}; it may have {', '.join(PLACES)}")
        for name in config[key].values():
            if not re.fullmatch(r"[A-Za-z_]\w*", name or ""):
                raise BookingConfigError(f"{key}: {name!r} can't be the name of a block")


def _bridges(own: jinja2.Environment) -> dict[str, str]:
    """The bridges in the syntax of the CRM's own templates, which they extend."""
    config = current_app.config
    settings = config["BOOKING_BASE_TEMPLATE"] or "booking/settings/plain.html"
    return {
        BRIDGE: _bridge(own, settings, config["BOOKING_BASE_BLOCKS"], 'class="booking"'),
        PUBLIC_BRIDGE: _bridge(own, config["BOOKING_PUBLIC_BASE_TEMPLATE"] or "", config["BOOKING_PUBLIC_BASE_BLOCKS"]),
    }


def _bridge(own: jinja2.Environment, base: str, names: t.Mapping[str, str], around: str = "") -> str:
    def tag(text: str) -> str:
        return f"{own.block_start_string} {text} {own.block_end_string}"

    def say(text: str) -> str:
        return f"{own.variable_start_string} {text} {own.variable_end_string}"

    shown = {
        "title": say("booking_title"),
        "head": say("super()") + say("booking_head"),
        "content": f"<div {around}>".replace(" >", ">") + say("booking_content") + "</div>",
        "scripts": say("super()") + say("booking_scripts"),
    }
    blocks = [tag(f"block {names.get(place, place)}") + shown[place] + tag("endblock") for place in PLACES]
    return "\n".join([tag(f'extends "{base}"'), *blocks])


def blocks_of(name: str, purpose: t.Literal["pages", "originals", "bridge"] = "pages") -> list[str]:
    """The blocks of one template, in order."""
    found = environment(purpose)
    if found.loader is None:
        return []
    source = found.loader.get_source(found, name)[0]
    return [node.name for node in found.parse(source, name).find_all(jinja2.nodes.Block)]


def _blocks_told(base: str) -> str:
    try:
        names = blocks_of(base, "bridge")
    except jinja2.TemplateError:
        names = []
    return f"Its blocks are {', '.join(names)}" if names else "It has no blocks of its own"


# What is wrong with a template


def told(error: BaseException) -> str:
    """What went wrong in which template and line, without the values: those may name people."""
    words = re.fullmatch(r"'\w+' is undefined", str(error)) if isinstance(error, jinja2.UndefinedError) else None
    what = f"{type(error).__name__}: {words[0]}" if words else kind_of(error)
    if isinstance(error, jinja2.TemplateNotFound):
        return f"{what}: {error.name}"
    if isinstance(error, BookingConfigError):
        return str(error)
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{what} in {error.name}, line {error.lineno}"
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_template(frame.filename)]
    return f"{what} in {_short(places[-1].filename)}, line {places[-1].lineno}" if places else what


def _is_template(filename: str) -> bool:
    return filename.endswith((".html", ".txt")) or filename in ("<template>", "<unknown>")


def _short(filename: str) -> str:
    found = re.search(r"(booking(-original)?/.*)$", filename.replace("\\", "/").rpartition("templates/")[2])
    return found[1] if found else Path(filename).name
