"""The visible address of a booking page: beneath the CRM's own, on a subdomain, or on a customer's domain.

A page's own name shows short paths (``/intro`` instead of ``/book/ann/intro``) and nothing of the CRM.  Names are found
in a :class:`Directory`, which also knows the address that links to a page shall have; a :class:`DomainRouter` leads
requests there; :mod:`.ownership` asks whether a domain belongs to whoever claims it.
"""

from __future__ import annotations

from flask import Flask

from .directory import Directory, directory
from .names import host_name, typed_name
from .ownership import Claim, check_dns, verify
from .router import DomainRouter, at_home, on_own_name, visible

__all__ = [
    "Claim",
    "Directory",
    "DomainRouter",
    "at_home",
    "check_dns",
    "directory",
    "host_name",
    "init_app",
    "on_own_name",
    "typed_name",
    "verify",
    "visible",
]


def init_app(app: Flask) -> None:
    """Answer on the names of pages, when the configuration gives them any.

    Raises :class:`~flask_booking.errors.BookingConfigError`.
    """
    found = app.extensions["booking"].extras["directory"] = Directory(app)
    if found.enabled:
        DomainRouter.install(app, found)
