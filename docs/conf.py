"""Settings of the documentation, built with ``make docs``."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "flask_booking"
author = "the flask_booking authors"
release = installed_version("flask-booking")
version = release

extensions = ["myst_parser", "pallets_sphinx_themes", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_typehints = "description"
autodoc_preserve_defaults = True

html_theme = "flask"
html_title = "flask_booking"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"index_sidebar_logo": False}
html_sidebars = {"**": ["localtoc.html", "relations.html", "searchbox.html"]}
