"""Which services of one kind an app knows: the package's own, and those that the CRM adds by configuration."""

from __future__ import annotations

import collections.abc as c
import typing as t

from flask import Flask, current_app
from werkzeug.utils import import_string

from ..errors import BookingConfigError
from ..state import state
from .problems import Misconfigured
from .service import OAuthService

P = t.TypeVar("P")


class Registry(t.Generic[P]):
    """Services by name.  ``config`` is the setting with the CRM's own, ``ours`` are dotted paths, ``kind`` is what
    such a service is called in an error, and ``longest`` how long a name may be.
    """

    def __init__(self, config: str, kind: str, ours: c.Mapping[str, str], *, longest: int) -> None:
        self.config, self.kind, self.ours, self.longest = config, kind, ours, longest

    def init_app(self, app: Flask, *, taken: c.Collection[str] = ()) -> None:
        """Refuse services that can't be meant, and names that are ``taken``.  They are loaded when needed first."""
        given = app.config[self.config]
        for name in given:
            named = isinstance(name, str) and name.isidentifier() and len(name) <= self.longest
            if not named or name in taken:
                raise BookingConfigError(f"{self.config}: {name!r} can't be the name of a service")
        # Without those that the CRM takes away by None.
        known = {name: one for name, one in {**self.ours, **given}.items() if one is not None}
        app.extensions["booking"].extras[self.config] = known

    def known(self) -> dict[str, t.Any]:
        """What the app has by each name, in order; what isn't loaded yet is a dotted path or a class."""
        return t.cast("dict[str, t.Any]", state().extras[self.config])

    def find(self, name: str) -> P | None:
        """The service of that name; None when the app has none, or ours lacks the extra that it needs."""
        known = self.known()
        found = known.get(name)
        if isinstance(found, str):
            try:
                found = import_string(found)
            except ImportError:
                if found != self.ours.get(name):
                    raise
                return None
        if isinstance(found, type):
            found = found()
        if found is not None:
            known[name] = found
        return t.cast("P | None", found)

    def provider(self, name: str) -> P:
        """The service of that name.  Raises :class:`~.problems.Misconfigured` without one."""
        found = self.find(name)
        if found is None:
            raise Misconfigured(f"no {self.kind} is called {name}")
        return found

    def all(self) -> list[P]:
        """Every service that can be loaded, in order."""
        return [found for name in list(self.known()) if (found := self.find(name)) is not None]


def registration(provider: t.Any) -> OAuthService | None:
    """A service that hosts sign in to, with the CRM's registration there; None without one."""
    try:
        return t.cast(OAuthService, provider.service(current_app.config))
    except Misconfigured:
        return None
