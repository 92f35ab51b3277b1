"""Forms that a CRM replaces: ``BOOKING_FORMS = {"guest": OurGuestForm, "page": "crm.forms.OurPageForm"}``."""

from __future__ import annotations

import collections.abc as c
import typing as t

from werkzeug.utils import ImportStringError, import_string

from .errors import BookingConfigError
from .scheduling.guest_form import GuestForm, question
from .settings.own_forms import OwnField, SettingsForm

__all__ = ["NAMES", "GuestForm", "OwnField", "SettingsForm", "own_forms", "question"]

NAMES: dict[str, type[GuestForm | SettingsForm]] = {
    "guest": GuestForm,
    "event_type": SettingsForm,
    "page": SettingsForm,
    "host": SettingsForm,
    "rule": SettingsForm,
    "schedule": SettingsForm,
    "blocked_time": SettingsForm,
}


def own_forms(given: c.Mapping[str, t.Any]) -> dict[str, GuestForm | SettingsForm]:
    """One object of each class in ``BOOKING_FORMS``.

    Raises :class:`BookingConfigError` for a name that no form has, and for what is no class of the right kind.
    """
    found: dict[str, GuestForm | SettingsForm] = {}
    for name, value in given.items():
        if name not in NAMES:
            raise BookingConfigError(f"BOOKING_FORMS: there is no form {name!r}; the forms are {', '.join(NAMES)}")
        try:
            kind = import_string(value) if isinstance(value, str) else value
        except ImportStringError as error:
            raise BookingConfigError(f'BOOKING_FORMS["{name}"]: {value!r} can\'t be imported') from error
        if not (isinstance(kind, type) and issubclass(kind, NAMES[name])):
            wanted = NAMES[name].__name__
            raise BookingConfigError(f'BOOKING_FORMS["{name}"] must be a subclass of flask_booking.forms.{wanted}')
        found[name] = kind()
    return found
