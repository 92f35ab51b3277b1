"""Servers that many hosts have their calendar at, so that nobody has to look their address up."""

from __future__ import annotations

import dataclasses
import typing as t

from ..i18n import lazy_gettext


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a server is, and how its passwords are got; ``url`` is empty where each has an address of its own."""

    name: str
    label: t.Any
    url: str
    username: t.Any
    password: t.Any


PLACES = (
    Place(
        "icloud",
        "iCloud",
        "https://caldav.icloud.com",
        lazy_gettext("Your Apple account's mail address."),
        lazy_gettext(
            "Not your Apple password: one for this CRM alone. Make it at account.apple.com, under Sign-In and "
            "Security, App-Specific Passwords."
        ),
    ),
    Place(
        "fastmail",
        "Fastmail",
        "https://caldav.fastmail.com",
        lazy_gettext("Your Fastmail address."),
        lazy_gettext(
            "Not your Fastmail password: one for this CRM alone. Make it in Fastmail's settings, under Privacy & "
            "Security, App passwords, with access to calendars."
        ),
    ),
    Place(
        "nextcloud",
        "Nextcloud",
        "",
        lazy_gettext("Your user name there."),
        lazy_gettext(
            "Not your Nextcloud password: one for this CRM alone. Make it in Nextcloud's settings, under Security, "
            "Devices & sessions."
        ),
    ),
    Place(
        "other",
        lazy_gettext("Another CalDAV server"),
        "",
        lazy_gettext("Your user name there, often your mail address."),
        lazy_gettext("One for this CRM alone, if your server can make such passwords."),
    ),
)
