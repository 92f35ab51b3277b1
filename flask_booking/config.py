"""Every ``BOOKING_`` key: its default and, beneath it, its meaning.

The configuration page of the docs is made from this.
"""

from __future__ import annotations

import collections.abc as c
import re
import typing as t

BOOKING_URL_PREFIX = "/book"
"""Where the public pages are."""

BOOKING_SETTINGS_URL_PREFIX = "/settings/booking"
"""Where the hosts' settings screens are."""

BOOKING_API_URL_PREFIX = "/api/booking/v1"
"""Where the JSON API is."""

BOOKING_PUBLIC_URL: str | None = None
"""The address under which the outside reaches the CRM, such as ``https://crm.example.com`` (with any ``SCRIPT_NAME``).
Links in mails are made from it.  Without it they are made from ``SERVER_NAME``, or else from the request that booked:
set it in production, since a request's Host header is the visitor's to choose."""

BOOKING_SUBDOMAINS: str | None = None
"""What stands after a page's slug in a subdomain: with ``meet.crm.example`` the page ``ann`` is at
``ann.meet.crm.example`` too, and links lead there.  The proxy must send ``*.meet.crm.example`` here."""

BOOKING_RESERVED_SUBDOMAINS: t.Sequence[str] = ("www", "app", "api", "admin", "mail", "static", "cdn", "login", "sso")
"""Names beneath ``BOOKING_SUBDOMAINS`` that no page gets, whatever its slug.  Only of interest when the CRM, or anybody
else, has names there too; the CRM's own name is never a page's."""

BOOKING_DOMAIN_TARGET: str | None = None
"""The name that customers' own domains shall point to (CNAME), such as ``pages.crm.example``.  With it hosts can add
domains to their page in the settings."""

BOOKING_DOMAIN_CHECK: t.Callable[[t.Any], str] | None = None
"""Decides whether a domain belongs to whoever claims it: gets a :class:`~flask_booking.domains.Claim`, returns what is
missing in a sentence for the host, or an empty text.  None looks for both records in the DNS."""

BOOKING_BASE_TEMPLATE: str | None = "base.html"
"""The CRM's template that the settings screens extend; None gives them a plain page of their own."""

BOOKING_BASE_BLOCKS: dict[str, str] = {}
"""What the blocks of that template are called, as far as it isn't ``title``, ``head``, ``content`` and ``scripts``:
``{"content": "body"}``."""

BOOKING_PUBLIC_BASE_TEMPLATE: str | None = None
"""A template of the CRM that the public pages extend; None leaves them in a light page of their own."""

BOOKING_PUBLIC_BASE_BLOCKS: dict[str, str] = {}
"""What the blocks of that template are called, as in ``BOOKING_BASE_BLOCKS``."""

BOOKING_TEXTS: dict[str, t.Any] = {}
"""Texts in words of your own, by the English ones: ``{"Your details": "About you"}`` in every language,
``{"de": {"Your details": "Zu Ihnen"}}`` in one.  Unknown texts and placeholders are refused at start-up."""

BOOKING_FORMS: dict[str, t.Any] = {}
"""Forms of your own, as classes or their dotted paths: ``{"guest": "crm.forms.OurGuestForm"}``.  The forms are
``guest``, ``event_type``, ``page``, ``host``, ``rule``, ``schedule`` and ``blocked_time``."""

BOOKING_ACCENT = "#2456d6"
"""The accent colour of public pages and mails whose host chose none.  Like any other it is made darker or lighter until
it can be read."""

BOOKING_APPEARANCE = "auto"
"""Whether public pages are ``light`` or ``dark`` whose host left that to the guest's device (``auto``)."""

BOOKING_LOGO_URL = ""
"""The logo of public pages and mails whose host gave none: the name of a file in the CRM's static folder, a path on
this server, or ``https://…``."""

BOOKING_STYLESHEETS: t.Sequence[str] = ()
"""Stylesheets that the public pages load after ours: names of files in the CRM's static folder, paths on this server,
or ``https://…`` addresses that ``BOOKING_CSP`` allows."""

BOOKING_ENCRYPTION_KEYS: str | t.Sequence[str] | None = None
"""Fernet keys (a list, or separated by commas), the newest first, for secrets at rest.  Without it a key is derived
from ``SECRET_KEY``."""

BOOKING_MAIL_URL: str | None = None
"""``smtp://user:password@host:587?starttls=1`` or ``smtps://…``; or, for development, ``console:``, which prints what
mails say and sends none.  Not used when the CRM's ``send_mail`` returns True."""

BOOKING_MAIL_FROM = "Bookings <bookings@localhost>"
"""The sender of all mails and organizer of all invitations.  Replies to the mail go to the host; replies of calendars
go to this address."""

BOOKING_REDIS_URL: str | None = None
"""Redis for waking RQ workers and for shared rate limits.  Without it a thread in each web process does the work."""

BOOKING_QUEUE = "booking"
"""The name of the RQ queue; readings of calendars wait in a second one, whose name is this with ``-calendars``."""

BOOKING_WORKER = True
"""Whether, without Redis, a thread in this process delivers what is due."""

BOOKING_CLAIM_SECONDS = 120
"""How long a worker may take to deliver one message before another may try."""

BOOKING_MAX_ATTEMPTS = 12
"""After how many attempts (about two days) a message is given up and shown as failed."""

BOOKING_KEEP_DELIVERED_DAYS = 90
"""How many days after a meeting its messages stay in the delivery log; 0 keeps them for good.  A meeting's messages go
together, once none of them waits and each was done that long ago."""

BOOKING_RATE_LIMITS: dict[str, str] = {
    "page": "120 per minute",
    "slots": "240 per minute",
    "hold": "30 per minute; 60 per 10 minutes",
    "book": "10 per minute; 60 per hour",
    "manage": "60 per minute",
    "domain": "20 per minute",
    "ask": "600 per minute",
    "hook": "1200 per minute",
    "connect": "30 per minute",
}
"""How often one address may do what, in the notation of the ``limits`` library.  Name what shall be different: the
others stay as they are here, and an empty text lifts a limit.  Unknown names and unreadable limits are refused at
start-up."""

BOOKING_RATE_LIMIT_ENABLED = True
"""Whether rate limits apply at all."""

BOOKING_PROOF_OF_WORK = False
"""Whether a guest's browser must do a second of arithmetic before booking.  Needs JavaScript."""

BOOKING_MIN_FORM_SECONDS = 2
"""A form that comes back faster than this was filled in by a program."""

BOOKING_MAX_CONTENT_LENGTH = 64 * 1024
"""The largest request body, in bytes, that the public pages and the public API read."""

BOOKING_CSP: str | None = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of the public pages, when the CRM doesn't set one; None sets none."""

BOOKING_GOOGLE_CLIENT_ID: str | None = None
"""The CRM's client at Google (see :doc:`google`); without it hosts aren't offered Google Calendar."""

BOOKING_GOOGLE_CLIENT_SECRET: str | None = None
"""Its secret."""

BOOKING_GOOGLE_AUTHORIZE_URL = "https://accounts.google.com/o/oauth2/v2/auth"
"""Where hosts sign in to Google."""

BOOKING_GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
"""Where Google gives and renews tokens."""

BOOKING_GOOGLE_REVOKE_URL = "https://oauth2.googleapis.com/revoke"
"""Where Google takes them back."""

BOOKING_GOOGLE_USERINFO_URL = "https://openidconnect.googleapis.com/v1/userinfo"
"""Where Google says whose account it is."""

BOOKING_GOOGLE_API_URL = "https://www.googleapis.com/calendar/v3"
"""The Google Calendar API."""

BOOKING_MICROSOFT_CLIENT_ID: str | None = None
"""The CRM's application at Microsoft (see :doc:`microsoft`); without it hosts aren't offered Outlook."""

BOOKING_MICROSOFT_CLIENT_SECRET: str | None = None
"""Its secret."""

BOOKING_MICROSOFT_TENANT = "common"
"""Whose accounts may be connected: ``common``, ``organizations``, ``consumers``, or the id of one tenant."""

BOOKING_MICROSOFT_AUTHORITY_URL = "https://login.microsoftonline.com"
"""Where hosts sign in to Microsoft; the tenant and ``/oauth2/v2.0/…`` follow."""

BOOKING_MICROSOFT_API_URL = "https://graph.microsoft.com/v1.0"
"""Microsoft Graph."""

BOOKING_ZOOM_CLIENT_ID: str | None = None
"""The CRM's app at Zoom (see :doc:`zoom`); without it hosts aren't offered Zoom."""

BOOKING_ZOOM_CLIENT_SECRET: str | None = None
"""Its secret."""

BOOKING_ZOOM_OAUTH_URL = "https://zoom.us/oauth"
"""Where hosts sign in to Zoom; ``/authorize``, ``/token`` and ``/revoke`` follow."""

BOOKING_ZOOM_API_URL = "https://api.zoom.us/v2"
"""The Zoom API."""

BOOKING_CALENDAR_PROVIDERS: dict[str, t.Any] = {}
"""Calendar services of your own, by name: objects, classes or their dotted paths (see :doc:`calendars`).  One of the
package's own is replaced by the same name (``google``, ``microsoft``, ``caldav``, ``ical``), and taken away by None."""

BOOKING_CONFERENCING_PROVIDERS: dict[str, t.Any] = {}
"""Services for meeting links of your own, by the kind of their places, given as in ``BOOKING_CALENDAR_PROVIDERS``;
``zoom`` is the package's own."""

BOOKING_CALENDAR_STALE_MINUTES = 120
"""How long what was read of a connected calendar counts as true.  When nothing newer could be read, the calendar closes
all time that it could be in the way of, or is asked when somebody books: as the host wishes."""

BOOKING_CALENDAR_POLL_MINUTES = 5
"""How often a connected calendar is read whose service doesn't tell of changes."""

BOOKING_CALENDAR_WATCHED_POLL_MINUTES = 30
"""How often one is read all the same whose service does: notifications get lost."""

BOOKING_CALENDAR_RECONCILE_HOURS = 24
"""How often all of a calendar is read again, and not only what its service says has changed."""

BOOKING_CALENDAR_HORIZON_DAYS = 366
"""How far ahead connected calendars are read.  Nothing later is offered by hosts who have one."""

BOOKING_LINK_WAIT_SECONDS = 60
"""How long a confirmation waits for the meeting link that a service has to make.  Later it goes without, and the link
follows."""

BOOKING_PRIVATE_ADDRESSES = False
"""Whether calendars (CalDAV, iCal) may be at addresses in private networks, and without TLS.  Any host could then have
the CRM's server call any machine that it can reach."""

BOOKING_BRAND_NAME = ""
"""Name shown small beneath the public pages and mails; empty shows nothing."""

BOOKING_DEFAULT_LOCALE = "en"
"""The language, such as ``de`` or ``pt-BR``, of whoever asks for none that is offered.  Where ``BOOKING_LANGUAGES``
doesn't name it, the first of those takes its place."""

BOOKING_LANGUAGES: t.Sequence[str] | None = None
"""The languages to offer, such as ``["de", "fr"]``, or ``["de"]`` to have everything in one; None offers every language
that there are words in."""

BOOKING_TRANSLATIONS: str | t.Sequence[str] | None = None
"""A folder, or several, with translations of the CRM's own, ``<language>/LC_MESSAGES/booking.po``: they come before
those of the package, and may add languages."""

BOOKING_CACHE_SIZE = 512
"""How many computed ranges of offers a process remembers."""


def defaults() -> dict[str, t.Any]:
    """Every key with its default."""
    return {name: value for name, value in globals().items() if name.startswith("BOOKING_")}


# What is given


_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_SPANS = ("_SECONDS", "_MINUTES", "_HOURS", "_DAYS")
"""Numbers of these may have fractions; what is counted can't."""
_FROM_ONE = {"BOOKING_CLAIM_SECONDS", "BOOKING_MAX_ATTEMPTS", "BOOKING_MAX_CONTENT_LENGTH"}
"""Numbers that must not be 0: nothing would be done, or everything twice."""


def read_values(given: c.MutableMapping[str, t.Any]) -> list[str]:
    """Put numbers and yes or no that came as text, as environments give them, back as what they mean.

    The kind of a key is that of its default; where that is None, whoever uses the key looks at it.  Returns a sentence
    for each value that is of another kind.
    """
    problems = []
    for key, default in defaults().items():
        value = given[key]
        also_none = "None" in __annotations__.get(key, "") and value is None
        if default is None or also_none or key == "BOOKING_RATE_LIMITS":  # `guards` completes and checks those
            continue
        try:
            given[key] = _read(key, value, default)
        except ValueError as error:
            problems.append(f"{key}: {value!r} is {error}")
    return problems


def _read(key: str, value: t.Any, default: t.Any) -> t.Any:
    """``value`` as the kind that ``default`` has.  Raises :class:`ValueError` with what it is not."""
    if isinstance(default, bool):
        word = str(value).strip().lower()
        if word not in _WORDS:
            raise ValueError("neither True nor False")
        return _WORDS[word]
    if isinstance(default, int):
        return _number(value, least=int(key in _FROM_ONE), whole=not key.endswith(_SPANS), example=default)
    if isinstance(default, str):
        if value is None and not default:
            return default
        # Whatever else is written as its text will do: a translation that waits for its reader, an UUID.
        if value is None or isinstance(value, int | float | bytes | c.Mapping | list | tuple | set):
            raise ValueError(f"no text, such as {default or str(value)!r}")
    elif isinstance(default, c.Mapping):
        if not isinstance(value, c.Mapping):
            raise ValueError("no dictionary")
    elif isinstance(value, str | bytes | c.Mapping) or not isinstance(value, c.Collection):
        raise ValueError(f"no list, such as [{value!r}]" if isinstance(value, str) else "no list")
    return value


def _number(value: t.Any, *, least: int, whole: bool, example: int) -> int | float:
    number = value
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,15}(\.[0-9]{1,15})?\s*", value):
        number = float(value) if "." in value else int(value)
    right = isinstance(number, int if whole else int | float) and not isinstance(number, bool)
    if not right or not least <= number < 10**15:  # neither is infinity, nor what is no number
        kind = "whole number" if whole else "number"
        raise ValueError(f"no {kind} of at least {least}, such as {example}")
    return t.cast("int | float", number)
