"""Settings of the documentation, built with ``make docs``."""

from __future__ import annotations

import typing as t

import flask_booking

if t.TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "flask_booking"
author = "the flask_booking authors"
release = flask_booking.__version__
version = release

extensions = ["myst_parser", "pallets_sphinx_themes", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
# Names in single backticks are code, in docstrings as in Markdown.
default_role = "code"

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 90
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
add_module_names = False

html_theme = "flask"
html_title = "flask_booking"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"index_sidebar_logo": False}
html_sidebars = {"**": ["localtoc.html", "relations.html", "searchbox.html"]}


def without_module_text(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Leave out what a module says of itself: it is written for those who read the code, the page has its own words."""
    if what == "module":
        lines.clear()


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", without_module_text)
