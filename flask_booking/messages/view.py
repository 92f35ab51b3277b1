"""Everything a mail may say about a meeting, gathered beforehand.

Templates, also those a CRM overrides, see this and no database: a mail can be previewed, tested and composed again
without one.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass

from ..colour import DEFAULT_ACCENT, Shades, shades
from ..i18n import duration_text, format_date, format_time, format_times, format_when, list_of, together, zone_label


class Kind(enum.StrEnum):
    """What a mail is about; most values are those of :class:`flask_booking.models.HistoryKind`."""

    BOOKED = "booked"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    RESCHEDULED = "rescheduled"
    REASSIGNED = "reassigned"
    CANCELLED = "cancelled"
    REMINDER = "reminder"
    FOLLOW_UP = "follow_up"
    LINKED = "linked"
    """The link of an online meeting, which came after the confirmation."""
    INVITED = "invited"
    """The invitation that the service of a calendar should have brought, and didn't."""


class Reader(enum.StrEnum):
    """Who reads it.  The values are those of :class:`flask_booking.models.Audience`."""

    GUEST = "guest"
    HOST = "host"


@dataclass(frozen=True)
class Answer:
    """A question of the form and what the guest answered."""

    question: str
    answer: str


@dataclass(frozen=True)
class MeetingView:
    """One meeting, told to one reader in ``reader_zone`` (IANA) and ``locale``.  All times are aware.

    ``location_name`` is what a place is called whose link is made for each meeting, as long as ``location_url`` is
    still to come.  ``by`` is who moved or cancelled it: ``guest``, ``host`` or ``system``.  ``request`` says that it
    isn't agreed on, or never was.  ``attached`` says that the mail carries a calendar part.  Empty texts and None mean
    there is none.
    """

    uid: str
    sequence: int
    title: str
    starts: dt.datetime
    ends: dt.datetime
    reader_zone: str
    locale: str
    host_names: tuple[str, ...]
    guest_name: str
    guest_email: str
    host_emails: tuple[str, ...] = ()
    guest_phone: str = ""
    guest_zone: str = ""
    location_kind: str = ""
    location_text: str = ""
    location_url: str = ""
    location_name: str = ""
    location_password: str = ""
    description: str = ""
    answers: tuple[Answer, ...] = ()
    notes: str = ""
    reason: str = ""
    by: str = ""
    request: bool = False
    attached: bool = False
    policy: str = ""
    message: str = ""
    previous_starts: dt.datetime | None = None
    previous_ends: dt.datetime | None = None
    manage_url: str = ""
    reschedule_url: str = ""
    cancel_url: str = ""
    reminders_url: str = ""
    booking_url: str = ""
    crm_url: str = ""
    contact_url: str = ""
    accent: str = DEFAULT_ACCENT
    logo_url: str = ""
    brand_name: str = ""

    @property
    def host_name(self) -> str:
        """The hosts' names in one line."""
        return list_of(self.host_names)

    @property
    def when(self) -> str:
        """Date, times and zone in one line."""
        return format_when(self.starts, self.ends, self.reader_zone, self.locale)

    @property
    def brief(self) -> str:
        """Date and start, short enough for a subject: 3 Dec 2026, 14:00."""
        return together(format_date(self.starts, self.reader_zone, self.locale, "medium"), self.time, self.locale)

    @property
    def date(self) -> str:
        """The date in words."""
        return format_date(self.starts, self.reader_zone, self.locale)

    @property
    def tile(self) -> tuple[str, str, str]:
        """Month, day of the month and weekday, each alone: a leaf of a calendar."""
        month = format_date(self.starts, self.reader_zone, self.locale, "month name")
        number = format_date(self.starts, self.reader_zone, self.locale, "day number")
        weekday = format_date(self.starts, self.reader_zone, self.locale, "weekday name")
        return month, number, weekday

    @property
    def time(self) -> str:
        """The time it starts."""
        return format_time(self.starts, self.reader_zone, self.locale)

    @property
    def times(self) -> str:
        """From when to when."""
        return format_times(self.starts, self.ends, self.reader_zone, self.locale)

    @property
    def zone(self) -> str:
        """The reader's zone in words: Paris (UTC+1)."""
        return zone_label(self.reader_zone, self.starts, self.locale)

    @property
    def duration(self) -> str:
        """How long it lasts."""
        return duration_text(round((self.ends - self.starts).total_seconds() / 60), self.locale)

    @property
    def previous_when(self) -> str:
        """When it was before it was moved."""
        if self.previous_starts is None:
            return ""
        ends = self.previous_ends or self.previous_starts + (self.ends - self.starts)
        return format_when(self.previous_starts, ends, self.reader_zone, self.locale)

    @property
    def guest_clock(self) -> str:
        """The guest's own time, for hosts in another zone; empty when both clocks show the same."""
        if not self.guest_zone:
            return ""
        theirs = format_times(self.starts, self.ends, self.guest_zone, self.locale)
        same_day = format_date(self.starts, self.guest_zone, self.locale) == self.date
        if theirs == self.times and same_day:
            return ""
        if not same_day:
            theirs = together(format_date(self.starts, self.guest_zone, self.locale, "day"), theirs, self.locale)
        return list_of((theirs, zone_label(self.guest_zone, self.starts, self.locale)))

    @property
    def location(self) -> str:
        """Where, in one line."""
        return " · ".join(text for text in (self.location_text, self.location_url) if text)

    @property
    def online(self) -> bool:
        """Whether ``location_url`` is where the meeting is, rather than a map or a remark."""
        return bool(self.location_url) and self.location_kind not in ("in_person", "custom")

    @property
    def light(self) -> Shades:
        """``accent`` as readable colours upon white, safe to stand in a style attribute."""
        return shades(self.accent)

    @property
    def dark(self) -> Shades:
        """The same upon a dark card."""
        return shades(self.accent, dark=True)
