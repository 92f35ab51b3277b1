"""The public JSON API: what a guest can do, for programs."""

from .blueprint import init_app

__all__ = ["init_app"]
