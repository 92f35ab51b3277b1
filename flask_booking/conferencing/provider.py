"""The protocol between us and a service that makes meeting links, and the values that are exchanged.

As for calendars (:mod:`flask_booking.calendars.provider`): a provider keeps no state and asks only through the
:class:`~flask_booking.connections.access.Access` it is given; failures are
:class:`~flask_booking.connections.problems.ProviderProblem`; instants are epoch seconds.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from ..connections.access import Access
from ..connections.service import OAuthService


@dataclasses.dataclass(frozen=True)
class MeetingDraft:
    """A booking as a meeting of the service is to show it.

    ``mark`` is ours: it is written into the meeting, so that one that an earlier try made can be found again.
    """

    mark: str
    title: str
    starts: int
    ends: int
    time_zone: str
    """IANA, the host's."""
    description: str = ""


@dataclasses.dataclass(frozen=True)
class Meeting:
    """A meeting as the service has it: ``id`` is the service's, ``join_url`` is what guests open."""

    id: str
    join_url: str
    password: str = dataclasses.field(default="", repr=False)


class ConferencingProvider(t.Protocol):
    """One kind of service for meeting links.

    A CRM may have one of its own: see ``docs/calendars.md``.
    """

    name: str
    """In addresses and rows, and the ``kind`` of a place to meet: ``zoom``."""
    label: str
    """For people: ``Zoom``."""

    def service(self, config: c.Mapping[str, t.Any]) -> OAuthService:
        """The service as ``config`` (the app's) names it.  Raises
        :class:`~flask_booking.connections.problems.Misconfigured`."""
        ...

    def account(self, access: Access) -> tuple[str, str]:
        """Who the account belongs to: an id that never changes, and a name to show."""
        ...

    def write(self, access: Access, draft: MeetingDraft, known: Meeting | None) -> Meeting:
        """Make the meeting, or with ``known`` change it; to do it twice makes no second one.

        One that was deleted over there is made anew, with another link.
        """
        ...

    def remove(self, access: Access, draft: MeetingDraft, known: Meeting | None) -> None:
        """Remove the meeting; that there is none is as good.  Without ``known`` it is looked for by its mark."""
        ...


@t.runtime_checkable
class OwnAccess(t.Protocol):
    """What a service has besides that is reached otherwise than by OAuth; its ``service`` isn't asked then."""

    def open(self, secret: c.Mapping[str, t.Any], settings: c.Mapping[str, t.Any], account: str) -> Access:
        """The way to ask in the name of an account: ``secret`` and ``settings`` are the connection's."""
        ...
