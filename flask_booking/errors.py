"""What can go wrong, told once: a stable code for programs, an HTTP status, and a sentence for people."""

from __future__ import annotations

import traceback
import typing as t

import sqlalchemy as sa

from .i18n import gettext, gettext_noop


class BookingError(Exception):
    """Something a person or program asked for cannot be done.

    ``code`` never changes between releases, ``status`` is the HTTP status that fits, and ``description`` is a
    sentence that tells whoever reads it what to do next, in the language spoken when it is raised.  ``fields`` maps
    names of form fields to sentences.
    """

    code: t.ClassVar[str] = "booking_error"
    status: t.ClassVar[int] = 400
    description: str = gettext_noop("This can't be done.")

    def __init__(self, description: str | None = None, *, fields: dict[str, str] | None = None) -> None:
        self.description = gettext(type(self).description) if description is None else description
        self.fields = fields or {}
        super().__init__(self.description)


class InvalidInput(BookingError):
    """A value is missing or wrong; ``fields`` says which."""

    code = "invalid"
    status = 422
    description = gettext_noop("Please check what you entered.")


class NotBookable(BookingError):
    """No such page, event type or booking, as far as this visitor may know."""

    code = "not_found"
    status = 404
    description = gettext_noop("There is nothing to book at this address.")


class NoLongerOffered(BookingError):
    """The page or event type exists but takes no bookings now."""

    code = "inactive"
    status = 410
    description = gettext_noop("This can't be booked at the moment.")


class SlotTaken(BookingError):
    """Somebody else has the time now."""

    code = "slot_taken"
    status = 409
    description = gettext_noop("That time was just taken. Please choose another one.")


class SlotUnavailable(BookingError):
    """The time was never, or is no longer, on offer: in the past, off the grid, out of hours, beyond the window."""

    code = "slot_unavailable"
    status = 409
    description = gettext_noop("That time isn't offered. Please choose another one.")


class CalendarUnknown(SlotUnavailable):
    """A connected calendar that decides wasn't read lately, and can't be asked now."""

    code = "calendar_unknown"
    description = gettext_noop("The host's calendar can't be read at the moment. Please try again in some minutes.")


class GuestLimitReached(BookingError):
    """The guest already has as many live bookings of this event type as allowed."""

    code = "guest_limit"
    status = 409
    description = gettext_noop("You already have a meeting of this kind. Please cancel or move it first.")


class KeyReused(BookingError):
    """The guest's idempotency key was used for another time or duration before."""

    code = "idempotency_key_reused"
    status = 422
    description = gettext_noop("This key was used for another booking. Please send a new key for each booking.")


class BookedAlready(BookingError):
    """The form that is sent was sent before and has booked, for another address; ``manage_token`` is that booking's."""

    code = "booked_already"
    status = 409
    description = gettext_noop("You have booked this time already.")

    def __init__(self, email: str, manage_token: str) -> None:
        super().__init__()
        self.email, self.manage_token = email, manage_token


class InvalidHold(BookingError):
    """A hold token that this application never gave out for this event type."""

    code = "invalid_hold"
    status = 400
    description = gettext_noop("This form can't be used any more. Please choose a time again.")


class HoldExpired(BookingError):
    """The hold ran out and its time is gone."""

    code = "hold_expired"
    status = 410
    description = gettext_noop("Your time was held for a while and is taken now. Please choose another one.")


class ChangeRefused(BookingError):
    """The booking is past, cancelled, or too close to be changed."""

    code = "change_refused"
    status = 409
    description = gettext_noop("This booking can't be changed any more.")


class ChangedMeanwhile(BookingError):
    """What a form was filled in for isn't what it was when the form was shown."""

    code = "changed_meanwhile"
    status = 409
    description = gettext_noop(
        "This was changed in the meantime, in another window or by somebody else. "
        "Here is what you entered: saving it again replaces that change."
    )


class Refused(BookingError):
    """A hook of the CRM, or a guard against abuse, does not let this guest book."""

    code = "refused"
    status = 403
    description = gettext_noop("This booking can't be accepted.")


class TooManyRequests(BookingError):
    """A rate limit was passed; ``retry_after`` is in seconds."""

    code = "too_many_requests"
    status = 429
    description = gettext_noop("Too many attempts. Please wait a moment and try again.")

    def __init__(self, description: str | None = None, *, retry_after: int = 60) -> None:
        super().__init__(description)
        self.retry_after = retry_after


class Contention(BookingError):
    """The database stayed busy through every retry; nothing was changed."""

    code = "busy"
    status = 503
    description = gettext_noop("Many people are booking right now. Please try again in a few seconds.")


class BookingConfigError(RuntimeError):
    """The extension cannot be mounted as configured; the text names the setting to change."""


def frames_of(error: BaseException) -> str:
    """Where an error happened, without its words: those may name people or carry what a guest typed."""
    return "".join(traceback.format_tb(error.__traceback__))


def kind_of(error: BaseException) -> str:
    """What an error is, without its words; one of the database with the command that tells what is wrong there."""
    name = type(error).__name__
    if isinstance(error, sa.exc.OperationalError | sa.exc.ProgrammingError):
        return f"{name} (`flask booking doctor` tells whether the database has all it needs)"
    return name
