"""Which page answers at which name, and at which name links to a page lead.

Each process remembers what it read for some seconds, so that a name costs one query now and then; the CRM's own names
cost none.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import logging
import time
import typing as t
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, current_app, has_app_context

from ..errors import BookingConfigError
from ..models import BookingDomain, BookingPage, OldPageSlug
from ..state import Memory, session, state
from .names import host_name

_log = logging.getLogger(__name__)

LIFETIME = 10
"""For how many seconds a process may go on with what it read."""
_REMEMBERED = 4096


class Directory:
    """The names of pages, as one app is configured.

    ``home`` is the CRM's own ``host[:port]``, ``home_origin`` the same with its scheme, ``target`` the name that
    customers' domains point to, and ``suffix`` what stands after a page's slug in a subdomain; the last two are empty
    when they aren't configured.
    """

    def __init__(self, app: Flask) -> None:
        self._app, config = app, app.config
        public = urlsplit(str(config["BOOKING_PUBLIC_URL"] or ""))
        self.suffix = _configured(config, "BOOKING_SUBDOMAINS")
        self.target = _configured(config, "BOOKING_DOMAIN_TARGET")
        self.home = str(config.get("SERVER_NAME") or public.netloc)
        if self.enabled and not self.home:
            raise BookingConfigError(
                "BOOKING_SUBDOMAINS and BOOKING_DOMAIN_TARGET need BOOKING_PUBLIC_URL: "
                "the CRM must know its own name to tell it from those of pages"
            )
        self.reserved = frozenset(str(label).lower() for label in config["BOOKING_RESERVED_SUBDOMAINS"])
        self._own = {host_name(name) for name in (public.netloc, self.home)} - {None}
        port = urlsplit(f"//{public.netloc or self.home}").port
        self._scheme = public.scheme or str(config.get("PREFERRED_URL_SCHEME") or "http")
        self._port = f":{port}" if port else ""
        self.home_origin = f"{self._scheme}://{self.home}"
        self._memory = Memory(_REMEMBERED)

    @property
    def enabled(self) -> bool:
        """Whether pages can have names of their own at all."""
        return bool(self.suffix or self.target)

    def belongs_to_crm(self, name: str) -> bool:
        """Whether no customer can have this name."""
        within = self.suffix and (name == self.suffix or name.endswith(f".{self.suffix}"))
        return bool(name in self._own or name == self.target or within)

    def page_at(self, name: str) -> str | None:
        """The slug of the page that answers at ``name``, None when that is somebody else's matter."""
        if name in self._own or "." not in name:
            return None
        if self.suffix and name.endswith(f".{self.suffix}"):
            label = name.removesuffix(f".{self.suffix}")
            if "." in label or label in self.reserved:
                return None
            return self._tried(("at", name), lambda: _page_with_slug(label))
        return self._tried(("at", name), lambda: _page_with_domain(name)) if self.target else None

    def origin_of(self, slug: str) -> str:
        """Scheme and host of the page's own address, without a slash; empty when the page has no name of its own."""
        if not slug or not self.enabled:
            return ""
        name = self._remembered(("of", slug), lambda: _newest_domain(slug)) if self.target else None
        return self.origin(name) if name else self.subdomain_of(slug)

    def subdomain_of(self, slug: str) -> str:
        """The same for the page's subdomain alone."""
        return self.origin(f"{slug}.{self.suffix}") if self.suffix and slug not in self.reserved else ""

    def origin(self, name: str) -> str:
        """Scheme and host of an address at ``name``."""
        return f"{self._scheme}://{name}{self._port}"

    def forget(self) -> None:
        """Read anew: something was changed by this process."""
        self._memory = Memory(_REMEMBERED)

    def _remembered(self, key: t.Hashable, read: c.Callable[[], str | None]) -> str | None:
        memory = self._memory
        kept: tuple[float, str | None] | None = memory.get(key)
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        # Before a request there is no context yet, and so no session.
        inside = has_app_context() and current_app == self._app
        with contextlib.nullcontext() if inside else self._app.app_context():
            value = read()
        memory.put(key, (time.monotonic() + LIFETIME, value))
        return value

    def _tried(self, key: t.Hashable, read: c.Callable[[], str | None]) -> str | None:
        """The same for a request: without a database what was true a moment ago is better than nothing."""
        try:
            return self._remembered(key, read)
        except sa.exc.SQLAlchemyError as error:
            _log.error("names of booking pages can't be read: %s", type(error).__name__)
            _until, value = self._memory.get(key) or (0, None)
            self._memory.put(key, (time.monotonic() + LIFETIME, value))
            return t.cast("str | None", value)


def directory() -> Directory:
    """The current app's directory."""
    return t.cast(Directory, state().extras["directory"])


def _configured(config: c.Mapping[str, t.Any], key: str) -> str:
    text = str(config[key] or "").strip().lower().strip(".")
    if text and host_name(text) != text:
        raise BookingConfigError(f"{key} is a host name such as meet.crm.example, without scheme, port and star")
    return text


def _page_with_slug(slug: str) -> str | None:
    """``slug`` if a page has it, or had it and redirects."""
    now = sa.select(BookingPage.slug).where(BookingPage.slug == slug)
    return _first(now) or _first(sa.select(OldPageSlug.slug).where(OldPageSlug.slug == slug))


def _page_with_domain(name: str) -> str | None:
    return _first(sa.select(BookingPage.slug).join(BookingDomain.page).where(BookingDomain.verified_name == name))


def _newest_domain(slug: str) -> str | None:
    return _first(
        sa.select(BookingDomain.verified_name)
        .join(BookingDomain.page)
        .where(BookingPage.slug == slug, BookingDomain.verified_name.is_not(None))
        .order_by(BookingDomain.verified_at.desc(), BookingDomain.id.desc())
    )


def _first(query: sa.Select[t.Any]) -> str | None:
    with session().no_autoflush:
        return t.cast("str | None", session().scalar(query.limit(1)))
