"""The protocol between us and a calendar service, and the values that are exchanged.

A provider speaks to one kind of service.  It knows no database and no Flask but ``current_app.config``, keeps no state,
and asks only through the :class:`~flask_booking.connections.access.Access` it is given.  All instants are epoch seconds
(UTC), all intervals half-open.  Failures are :class:`~flask_booking.connections.problems.ProviderProblem`.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import enum
import typing as t

from ..connections.access import Access
from ..connections.service import OAuthService


class Sign(enum.StrEnum):
    """How a host signs in to connect an account."""

    OAUTH = "oauth"
    PASSWORD = "password"  # noqa: S105 - a kind, no secret
    ADDRESS = "address"
    """A secret address is all there is: an iCal feed."""


class Show(enum.StrEnum):
    """What an event says of its owner's time."""

    BUSY = "busy"
    TENTATIVE = "tentative"
    """Not agreed on yet: closes time or not, as the host wishes for the calendar."""
    FREE = "free"
    """Doesn't close time: marked as free, cancelled, declined, a place to work, a birthday."""


@dataclasses.dataclass(frozen=True)
class RemoteCalendar:
    """A calendar of an account.  ``id`` is the service's, at most 1,000 characters."""

    id: str
    name: str
    time_zone: str = ""
    """IANA; empty when the service doesn't say.  All-day events last from midnight to midnight here."""
    colour: str = ""
    """``#rrggbb``, or empty."""
    writable: bool = False
    primary: bool = False
    """The one that the service uses when nothing is said."""
    conferencing: tuple[str, ...] = ()
    """The kinds of meeting links that events here can get: ``google_meet``, ``teams``."""


@dataclasses.dataclass(frozen=True)
class RemoteEvent:
    """An occurrence of an event, as the mirror keeps it.

    ``booking`` is our own mark, :attr:`EventDraft.booking` of the event as we wrote it; empty for anybody else's event.
    ``declined`` says that the calendar's owner declined it, ``cancelled`` that it was called off but is still told of.
    """

    id: str
    starts: int
    ends: int
    show: Show = Show.BUSY
    title: str = ""
    booking: str = ""
    uid: str = ""
    """The UID by which iCalendar knows the event (RFC 5545 §3.8.4.7), empty when unknown."""
    etag: str = ""
    declined: bool = False
    cancelled: bool = False


@dataclasses.dataclass(frozen=True)
class Resource:
    """What a service keeps as one thing and changes as one: an event, or a series with all its occurrences.

    The mirror replaces all that it knew of ``id`` by ``events``.
    """

    id: str
    events: tuple[RemoteEvent, ...] = ()


@dataclasses.dataclass(frozen=True)
class Window:
    """The part of a calendar that is mirrored: ``[start, end)``."""

    start: int
    end: int


@dataclasses.dataclass(frozen=True)
class Changes:
    """What a calendar has in a window (``complete``), or what changed there since a cursor.

    ``removed`` are ids of resources that exist no more.  With ``complete`` whatever isn't in ``resources`` is gone.
    ``cursor`` is where to go on the next time; empty when the service has none, and everything is read each time.
    ``time_zone`` is the calendar's (IANA); empty when the service doesn't say it here.
    """

    resources: tuple[Resource, ...]
    removed: tuple[str, ...] = ()
    cursor: str = ""
    complete: bool = False
    time_zone: str = ""


@dataclasses.dataclass(frozen=True)
class Guest:
    """Somebody who is listed in an event."""

    name: str
    email: str


@dataclasses.dataclass(frozen=True)
class EventDraft:
    """A booking as an event is to show it.

    ``key`` is 26 lower-case characters of base32hex (``0-9a-v``, RFC 4648 §7), the same for each try and each change of
    this booking in this host's calendar: services that let us name events get it as the name, others as the key of the
    request, so that a repeated try makes no second event.  ``booking`` is our mark, to recognise the event by.
    """

    key: str
    booking: str
    uid: str
    """The UID of the invitations that we mail."""
    sequence: int
    starts: int
    ends: int
    time_zone: str
    """IANA, the host's."""
    title: str
    description: str = ""
    location: str = ""
    url: str = ""
    organizer: Guest | None = None
    """Who our invitations come from; services that have no organizer of their own may need one."""
    guests: tuple[Guest, ...] = ()
    invite: bool = False
    """Whether the service shall invite the guests.  If not, they may be listed only where it mails nobody for it."""
    conference: str = ""
    """``google_meet`` or ``teams``: the event shall have a meeting link of that kind."""


@dataclasses.dataclass(frozen=True)
class Written:
    """An event as the service has it now.  ``known`` is all that is needed to find, change and remove it."""

    id: str
    etag: str = ""
    uid: str = ""
    starts: int = 0
    ends: int = 0
    page_url: str = ""
    """Where the host can look at it."""
    join_url: str = ""
    """The meeting link, when one was asked for and made."""
    join_pending: bool = False
    """The link is being made: look again in some seconds."""
    declined: bool = False
    """The calendar's owner declined it."""


@dataclasses.dataclass(frozen=True)
class Watch:
    """The service's promise to tell of changes.  ``id`` and ``resource`` are the service's, to end it by."""

    id: str
    resource: str
    expires: int


@dataclasses.dataclass(frozen=True)
class WatchRequest:
    """What a service shall call: ``address`` with our ``token``, which it repeats in each notification.

    ``channel`` is a new UUID for each request.
    """

    channel: str
    address: str
    token: str
    expires: int
    """When we would like it to end; services may make it sooner."""


@dataclasses.dataclass(frozen=True)
class Notice:
    """Something that a service told, by ``channel`` (ours) or ``remote_id`` (its own), with the ``token`` it was given.

    Nothing of it is believed before the token is compared.
    """

    token: str
    channel: str = ""
    remote_id: str = ""
    whole: bool = False
    """Whether asking what changed may not bring it to light: all has to be read again."""
    ended: bool = False
    """Whether the promise is over, or soon will be."""


@dataclasses.dataclass(frozen=True)
class Account:
    """Who an account belongs to, as its service says: ``id`` never changes, ``name`` is shown (a mail address)."""

    id: str
    name: str


class CalendarProvider(t.Protocol):
    """One kind of calendar service.

    A CRM may have one of its own: see ``docs/calendars.md``.
    """

    name: str
    """In addresses and rows: ``google``."""
    label: str
    """For people: ``Google Calendar``; shown in their language where the catalogues have it."""
    sign: Sign
    can_write: bool
    can_watch: bool

    def account(self, access: Access) -> Account:
        """Who the account belongs to: asked when it is connected, and to test the connection."""
        ...

    def calendars(self, access: Access) -> list[RemoteCalendar]:
        """Every calendar of the account that events can be read from."""
        ...

    def changes(self, access: Access, calendar: RemoteCalendar, cursor: str, window: Window) -> Changes:
        """What is in ``window``, or with a ``cursor`` what changed since.  Only events that touch the window are
        returned, occurrences of a series one by one.

        Raises :class:`~flask_booking.connections.problems.CursorExpired` when the cursor is of no use any more,
        and :class:`~flask_booking.connections.problems.Gone` when there is no such calendar.
        """
        ...

    def write(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> Written:
        """Make the event, or with ``known`` change it, into what ``draft`` says; to do it twice does no harm.

        Without ``known`` an earlier try may have made it, unknown to us: that one is found by its key, and changed if
        it differs.  Answers of guests that the service keeps stay.  A link that can't be made is left out, never an
        error.  Raises :class:`~flask_booking.connections.problems.Gone` when a known event exists no more,
        :class:`~flask_booking.connections.problems.Changed` when somebody else changes it all the time.
        """
        ...

    def remove(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> None:
        """Remove the event; that there is none is as good.  Without ``known`` it is found by the draft's key.
        With ``draft.invite`` the service tells the guests.
        """
        ...

    def look(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written) -> Written | None:
        """The event as it is now; None when it was deleted or cancelled: this is the proof of it."""
        ...

    def watch(self, access: Access, calendar: RemoteCalendar, request: WatchRequest) -> Watch:
        """Have changes told to us.  Called only where ``can_watch``."""
        ...

    def unwatch(self, access: Access, watch: Watch) -> None:
        """End that.  One that has ended is as good."""
        ...


@t.runtime_checkable
class OAuthProvider(t.Protocol):
    """What a calendar provider whose ``sign`` is :attr:`Sign.OAUTH` has besides."""

    def service(self, config: c.Mapping[str, t.Any]) -> OAuthService:
        """The service as ``config`` (the app's) names it.

        Raises :class:`~flask_booking.connections.problems.Misconfigured` when the CRM isn't registered there.
        """
        ...


@t.runtime_checkable
class OwnAccess(t.Protocol):
    """What a calendar provider of any other ``sign`` has besides: it says itself how an account is reached."""

    def open(self, secret: c.Mapping[str, t.Any], settings: c.Mapping[str, t.Any], account: str) -> Access:
        """The way to ask in the name of an account: ``secret`` holds ``username`` and ``password``
        (:attr:`Sign.PASSWORD`) or ``address`` (:attr:`Sign.ADDRESS`), ``settings`` the server's ``url``.
        """
        ...


@t.runtime_checkable
class Listening(t.Protocol):
    """What a calendar provider that ``can_watch`` has besides: it understands what its service posts to us."""

    def heard(self, headers: c.Mapping[str, str], body: bytes) -> list[Notice]:
        """What a request tells; nothing when it isn't the service's."""
        ...

    def greeting(self, query: c.Mapping[str, str]) -> str | None:
        """What a service that first asks whether anybody is there has to be answered, as plain text; None for a request
        that is no such question."""
        ...
