"""A service for meeting links in this process's memory, for tests of CRMs: it forgets nothing and refuses nothing by
itself.

Mount it with ``BOOKING_CONFERENCING_PROVIDERS = {"zoom": MemoryMeetings()}``, in the place of Zoom, or by another name.
"""

from __future__ import annotations

import collections.abc as c
import itertools
import threading
import typing as t

from ..connections.access import Access
from ..connections.problems import Misconfigured, ProviderProblem
from ..connections.service import OAuthService
from .provider import Meeting, MeetingDraft

if t.TYPE_CHECKING:
    import requests


class _NoAccess:
    """Access to nothing but an account's name."""

    def __init__(self, account: str) -> None:
        self.account, self.settings = account, dict[str, t.Any]()

    def request(self, method: str, url: str, **_more: t.Any) -> requests.Response:
        """There is nobody to ask."""
        raise ProviderProblem("memory has no addresses")


class MemoryMeetings:
    """The service.  ``meetings`` are the drafts by id; ``troubles`` are raised by the next calls, one by each, and
    ``lost`` ones after the call had its effect."""

    def __init__(self, name: str = "zoom", label: str = "Zoom", *, password: str = "") -> None:
        self.name, self.label, self.password = name, label, password
        self.meetings: dict[str, MeetingDraft] = {}
        self.accounts: dict[str, str] = {}
        """In whose account each meeting is."""
        self.troubles: list[ProviderProblem] = []
        self.lost: list[ProviderProblem] = []
        self.calls: list[str] = []
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)

    def delete(self, meeting_id: str) -> None:
        """What a host does over there."""
        with self._lock:
            del self.meetings[meeting_id]

    def service(self, config: c.Mapping[str, t.Any]) -> OAuthService:
        """Nobody signs in here: not called."""
        raise Misconfigured("memory needs no registration")

    def open(self, secret: c.Mapping[str, t.Any], settings: c.Mapping[str, t.Any], account: str) -> Access:
        """Anything opens any account."""
        return t.cast(Access, _NoAccess(account))

    def account(self, access: Access) -> tuple[str, str]:
        """See :class:`.ConferencingProvider`."""
        return access.account, access.account

    def write(self, access: Access, draft: MeetingDraft, known: Meeting | None) -> Meeting:
        """See :class:`.ConferencingProvider`."""
        self._called("write")
        with self._lock:
            found = known.id if known is not None and known.id in self.meetings else self._by_mark(access, draft)
            found = found or str(8_000_000_000 + next(self._numbers))
            self.meetings[found], self.accounts[found] = draft, access.account
        if self.lost:
            raise self.lost.pop(0)
        return Meeting(found, f"https://{self.name}.example/j/{found}", self.password)

    def remove(self, access: Access, draft: MeetingDraft, known: Meeting | None) -> None:
        """See :class:`.ConferencingProvider`."""
        self._called("remove")
        with self._lock:
            self.meetings.pop(known.id if known is not None else self._by_mark(access, draft), None)

    def _by_mark(self, access: Access, draft: MeetingDraft) -> str:
        mine = (one for one, there in self.meetings.items() if there.mark == draft.mark)
        return next((one for one in mine if self.accounts[one] == access.account), "")

    def _called(self, name: str) -> None:
        with self._lock:
            self.calls.append(name)
            if self.troubles:
                raise self.troubles.pop(0)
