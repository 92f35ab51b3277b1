"""Calendars on CalDAV servers."""

from .provider import CalDAV

__all__ = ["CalDAV"]
