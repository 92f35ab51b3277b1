"""Handing out stylesheets, scripts and the colours of a page."""

from __future__ import annotations

from flask import Response, make_response, request

from ..colour import parsed, stylesheet
from .assets import TYPES, content, known, within
from .blueprint import blueprint

FOREVER = "public, max-age=31536000, immutable"


@blueprint.get("/~static/<name>")
def static_file(name: str) -> Response:
    """A file by its name with hash; one with an older hash is answered with today's file, not to be kept."""
    stem, _, rest = name.partition(".")
    asked, _, ending = rest.rpartition(".")
    plain = f"{stem}.{ending}"
    if plain not in known():
        return _nothing()
    data, digest = content(plain)
    response = make_response(data)
    response.headers["Content-Type"] = TYPES["." + ending]
    response.headers["Cache-Control"] = FOREVER if asked == digest else "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@blueprint.get("/~theme/<colour>.css")
def theme(colour: str) -> Response:
    """The custom properties of a colour: a stylesheet of its own, since no page carries a style within it."""
    if parsed(colour) is None:
        return _nothing()
    rules = stylesheet(colour)
    response = Response(within(rules) if "within" in request.args else rules, mimetype="text/css")
    response.headers["Cache-Control"] = "public, max-age=604800"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _nothing() -> Response:
    return Response("There is no such file.\n", 404, mimetype="text/plain")
