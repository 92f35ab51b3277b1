"""Outlook and Microsoft 365, with Teams."""

from .provider import Microsoft

__all__ = ["Microsoft"]
