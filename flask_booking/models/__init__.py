"""The package's tables; mapped onto the CRM's metadata by :func:`flask_booking.orm.bind`."""

from .booking import (
    Booking,
    BookingHost,
    BookingStatus,
    HistoryEntry,
    HistoryKind,
    Hold,
    OccupiedTime,
    UsedChallenge,
)
from .calendar import BusyTime, CalendarEvent, CalendarWatch, ConnectedCalendar, Difference, EventState, MeetingLink
from .connection import Connection, ConnectionState
from .domain import BookingDomain, DomainState
from .event_type import Assignment, EventType, EventTypeHost, OldSlug
from .host import CalendarChanges, Host, StaleCalendars
from .outbox import MessageState, OutboxMessage
from .page import Appearance, BookingPage, OldPageSlug
from .rule import Anchor, Audience, MessageRule
from .schedule import BlockedTime, DateOverride, Schedule

__all__ = [
    "Anchor",
    "Appearance",
    "Assignment",
    "Audience",
    "BlockedTime",
    "Booking",
    "BookingDomain",
    "BookingHost",
    "BookingPage",
    "BookingStatus",
    "BusyTime",
    "CalendarChanges",
    "CalendarEvent",
    "CalendarWatch",
    "ConnectedCalendar",
    "Connection",
    "ConnectionState",
    "DateOverride",
    "Difference",
    "DomainState",
    "EventState",
    "EventType",
    "EventTypeHost",
    "HistoryEntry",
    "HistoryKind",
    "Hold",
    "Host",
    "MeetingLink",
    "MessageRule",
    "MessageState",
    "OccupiedTime",
    "OldPageSlug",
    "OldSlug",
    "OutboxMessage",
    "Schedule",
    "StaleCalendars",
    "UsedChallenge",
]
