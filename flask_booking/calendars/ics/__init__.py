"""iCalendar texts (RFC 5545): what CalDAV servers hold, and calendars that are published at an address."""

from .feed import ICal

__all__ = ["ICal"]
