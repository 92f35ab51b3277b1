"""Google Calendar, with Google Meet."""

from .provider import Google

__all__ = ["Google"]
