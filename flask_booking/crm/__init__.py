"""What the package knows of the CRM: one adapter, configured by naming columns or overridden method by method."""

from .adapter import CRM
from .fields import KINDS, ActivityFields, ContactFields, Guest, Happening, UserFields

__all__ = ["CRM", "KINDS", "ActivityFields", "ContactFields", "Guest", "Happening", "UserFields"]
