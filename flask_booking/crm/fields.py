"""The names a CRM gives its columns, and the values its hooks get."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

Name: t.TypeAlias = "str | tuple[str, str]"
"""One attribute with the whole name, or two: first name and last name."""

KINDS = (
    "booked",
    "requested",
    "accepted",
    "declined",
    "rescheduled",
    "cancelled",
    "completed",
    "no_show",
    "reassigned",
)
"""What can happen to a booking, as activities tell it (:class:`~flask_booking.models.HistoryKind`)."""


@dataclasses.dataclass(frozen=True)
class UserFields:
    """Names of the user model's attributes; an empty name means there is none.

    ``name`` may be two attributes: ``("first_name", "last_name")``.
    """

    email: str = "email"
    name: Name = "name"
    time_zone: str = ""
    locale: str = ""
    avatar_url: str = ""
    is_admin: str = ""
    tenant: str = ""


@dataclasses.dataclass(frozen=True)
class ContactFields:
    """Names of the contact model's attributes; an empty name means there is none.

    ``name`` may be two attributes: ``("first_name", "last_name")``.  ``deleted`` is a column that is NULL, false or 0
    on contacts that are not soft-deleted.  ``owner`` and ``tenant`` may be columns with keys, or relationships.
    """

    email: str = "email"
    name: Name = "name"
    phone: str = ""
    company: str = ""
    owner: str = ""
    tenant: str = ""
    deleted: str = ""


@dataclasses.dataclass(frozen=True)
class ActivityFields:
    """Names of the activity model's attributes; an empty name means there is none.

    ``kinds`` translates our kinds (``booked``, ``rescheduled``, …) into the CRM's; what it lacks is taken as it is, and
    what it translates to None is not logged.  ``contact``, ``author`` and ``tenant`` may be columns with keys, or
    relationships.
    """

    contact: str = "contact_id"
    author: str = ""
    tenant: str = ""
    kind: str = ""
    subject: str = ""
    body: str = ""
    time: str = ""
    kinds: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    def kind_of(self, kind: str) -> t.Any | None:
        """The CRM's word for one of our kinds; None when it isn't logged."""
        return self.kinds.get(kind, kind)


@dataclasses.dataclass(frozen=True)
class Guest:
    """The person who books, as typed: checked for length and form, not for truth."""

    name: str
    email: str
    phone: str = ""
    time_zone: str = "UTC"
    locale: str = "en"


@dataclasses.dataclass(frozen=True)
class Happening:
    """What an activity tells: ``kind`` as in :class:`~flask_booking.models.HistoryKind`, texts ready to be shown."""

    kind: str
    actor: str
    at: dt.datetime
    subject: str
    body: str
