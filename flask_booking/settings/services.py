"""Services that hosts connect accounts at, whatever they are good for: calendars, or meeting links."""

from __future__ import annotations

import dataclasses
import typing as t

from flask import current_app

from ..calendars import connecting as calendar_accounts
from ..calendars import registry as calendar_services
from ..calendars.provider import CalendarProvider, Sign
from ..conferencing import connecting as link_accounts
from ..conferencing import registry as link_services
from ..conferencing.provider import ConferencingProvider, OwnAccess
from ..connections.accounts import Connected
from ..connections.oauth import Granted
from ..connections.service import OAuthService
from ..i18n import gettext as _
from ..models import Connection, Host


@dataclasses.dataclass(frozen=True)
class Service:
    """One service; ``links`` says that it has no calendars, and makes meeting links only."""

    name: str
    label: str
    sign: Sign
    provider: t.Any
    links: bool = False

    def oauth(self) -> OAuthService:
        """Where hosts sign in.  Raises :class:`~flask_booking.connections.problems.Misconfigured`."""
        return t.cast(OAuthService, self.provider.service(current_app.config))

    def sign_in(self, host: Host, granted: Granted) -> Connected:
        """Connect what signing in has brought.  Raises :class:`.ProviderProblem`; commits."""
        if self.links:
            return link_accounts.sign_in(host, self.provider, granted)
        return calendar_accounts.sign_in(host, self.provider, granted)

    def open_account(self, host: Host, **given: t.Any) -> Connected:
        """Connect an account by what a form says.  Raises :class:`.ProviderProblem`; commits."""
        if self.links:
            return link_accounts.open_account(host, self.provider, **given)
        return calendar_accounts.open_account(host, self.provider, **given)


def find(name: str) -> Service | None:
    """The service of that name; None when the CRM has none."""
    calendars = calendar_services.find(name)
    if calendars is not None:
        return _of_calendars(calendars)
    links = link_services.find(name)
    return _of_links(links) if links is not None else None


def with_calendars() -> list[Service]:
    """The services whose calendars hosts can connect now."""
    return [_of_calendars(one) for one in calendar_services.offered()]


def for_links() -> list[Service]:
    """The services that make meeting links, as far as hosts can connect them now."""
    return [_of_links(one) for one in link_services.offered()]


def offered(name: str) -> Service | None:
    """The service of that name, if hosts can connect it now."""
    return next((one for one in [*with_calendars(), *for_links()] if one.name == name), None)


def test(connection: Connection) -> str:
    """Ask the service of an account now; the account's name there.  Raises :class:`.ProviderProblem`; commits."""
    if _makes_links(connection):
        return link_accounts.test(connection)[1]
    return calendar_accounts.test(connection).name


def disconnect(connection: Connection) -> bool:
    """Let an account go; whether its service took the tokens back.  Commits."""
    if _makes_links(connection):
        return link_accounts.disconnect(connection)
    return calendar_accounts.disconnect(connection)


def _makes_links(connection: Connection) -> bool:
    found = find(connection.provider)
    return found is not None and found.links


def _of_calendars(one: CalendarProvider) -> Service:
    return Service(one.name, _(one.label), one.sign, one)


def _of_links(one: ConferencingProvider) -> Service:
    sign = Sign.PASSWORD if isinstance(one, OwnAccess) else Sign.OAUTH
    return Service(one.name, one.label, sign, one, links=True)
