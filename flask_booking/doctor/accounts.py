"""What connected accounts need: registrations at the services, a redirect address known there, fresh readings."""

from __future__ import annotations

import collections.abc as c
import datetime as dt
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import current_app

from ..calendars import mirror, registry
from ..conferencing import registry as link_services
from ..links import callback_url
from ..models import ConnectedCalendar, Connection, ConnectionState
from ..models.columns import utcnow
from ..state import session
from .finding import Finding, counted, fail, info, ok, production, some, warn

_REGISTRATIONS = {
    "google": ("Google Calendar", "BOOKING_GOOGLE"),
    "microsoft": ("Outlook", "BOOKING_MICROSOFT"),
    "zoom": ("Zoom", "BOOKING_ZOOM"),
}
_HERE = {"localhost", "127.0.0.1", "::1"}
_LATE = dt.timedelta(minutes=10)


def registered() -> c.Iterator[Finding]:
    """Whether hosts can sign in at the services that the CRM is registered with."""
    config = current_app.config
    ready = []
    for name, (label, prefix) in _REGISTRATIONS.items():
        keys = [f"{prefix}_CLIENT_ID", f"{prefix}_CLIENT_SECRET"]
        given = [key for key in keys if config[key]]
        if len(given) == 1:
            (missing,) = set(keys) - set(given)
            yield fail(f"{given[0]} is set and {missing} isn't: hosts aren't offered {label}", f"Set {missing} too.")
        elif given:
            ready.append(name)
    caldav = registry.find("caldav") is not None
    if not ready:
        rest = "CalDAV and iCal calendars" if caldav else "iCal calendars"
        yield info(f"no registration at Google, Microsoft or Zoom: hosts can connect {rest}")
    else:
        yield from _way_back(ready)
    if not caldav and "caldav" in registry.known():
        text = "what CalDAV calendars need isn't installed, so hosts aren't offered them"
        yield info(text, 'Install it with `pip install "flask-booking[caldav]"`.')
    if config["BOOKING_PRIVATE_ADDRESSES"]:
        text = "hosts may have this server call any machine in its network (BOOKING_PRIVATE_ADDRESSES)"
        yield production(
            text, "Set it to False, unless the calendars are there and every host may know of that network."
        )


def _way_back(ready: list[str]) -> c.Iterator[Finding]:
    """What brings browsers and notifications back from the services."""
    config = current_app.config
    if str(config.get("SESSION_COOKIE_SAMESITE") or "").lower() == "strict":
        text = (
            "browsers bring no session back from a service (SESSION_COOKIE_SAMESITE is Strict), so nobody can connect"
        )
        yield fail(text, 'Set SESSION_COOKIE_SAMESITE = "Lax".')
    public = str(config["BOOKING_PUBLIC_URL"] or "")
    parts = urlsplit(public)
    if not public:
        text = "without BOOKING_PUBLIC_URL services send browsers back to whatever host was asked for, or refuse to"
        yield warn(text, 'Set BOOKING_PUBLIC_URL = "https://crm.example.com", and register the addresses below it.')
        return
    if parts.scheme != "https" and parts.hostname not in _HERE:
        text = "services send browsers back to https:// addresses only, and tell of changes there only"
        yield fail(text, "Give the server a certificate, and set BOOKING_PUBLIC_URL to its https:// address.")
        return
    if parts.scheme != "https":
        text = "nothing tells this machine of changes, so calendars are read every few minutes"
        yield info(text, "In production BOOKING_PUBLIC_URL is an https:// address that the services can reach.")
    addresses = [callback_url(name) for name in ready]
    yield ok(f"hosts can sign in; the registered redirect address must be exactly {' and '.join(addresses)}")


def fresh() -> c.Iterator[Finding]:
    """Whether connected calendars are read, and their accounts can be used."""
    db, now = session(), utcnow()
    total = db.scalar(sa.select(sa.func.count()).select_from(Connection)) or 0
    if not total:
        yield ok("no account is connected")
        return
    found = []
    secrets = db.execute(sa.select(Connection.provider, Connection.secret)).all()
    unreadable = [provider for provider, secret in secrets if secret is None]
    if unreadable:
        text = f"the secrets of {counted(len(unreadable), 'account')} ({some(unreadable)}) are opened by no key"
        found.append(fail(text, "Add the key they were made with to the end of BOOKING_ENCRYPTION_KEYS."))
    gone = {name for name, _ in secrets if registry.find(name) is None and link_services.find(name) is None}
    if gone:
        text = f"accounts are connected with services that this app doesn't know: {some(gone)}"
        advice = "Name them in BOOKING_CALENDAR_PROVIDERS or BOOKING_CONFERENCING_PROVIDERS, or have them disconnected."
        found.append(warn(text, advice))
    wrong = _count(ConnectedCalendar.problem == "misconfigured")
    if wrong:
        text = f"{counted(wrong, 'calendar')} can't be read because the CRM's registration is refused"
        found.append(fail(text, "See whether the client secret has expired, and the log of the worker."))
    late = _count(ConnectedCalendar.due_at < now - _LATE)
    if late:
        text = f"{counted(late, 'calendar')} should have been read by now: {'it is' if late == 1 else 'they are'} late"
        found.append(warn(text, "Run `flask booking work`, and see its log."))
    broken = db.scalar(
        sa.select(sa.func.count()).select_from(Connection).where(Connection.state == ConnectionState.BROKEN)
    )
    if broken:
        text = f"{counted(broken, 'account')} waiting for the owner to sign in again"
        found.append(info(text, "The owners got a mail, and see it on their overview."))
    edge = now - dt.timedelta(minutes=current_app.config["BOOKING_CALENDAR_STALE_MINUTES"])
    stale = ConnectedCalendar.check_conflicts & (
        ConnectedCalendar.synced_at.is_(None) | (ConnectedCalendar.synced_at <= edge)
    )
    if count := _count(stale):
        text = f"{counted(count, 'calendar')} checked for conflicts without a fresh reading: no time is offered there"
        found.append(warn(text, "See `flask booking sync`, which says why each can't be read."))
    yield from found or [ok(f"{counted(total, 'account')}, and every calendar is fresh")]


def _count(condition: sa.ColumnElement[bool]) -> int:
    joined = sa.select(sa.func.count(ConnectedCalendar.id)).join(
        Connection, Connection.id == ConnectedCalendar.connection_id
    )
    return session().scalar(joined.where(mirror.read_at_all(), condition)) or 0
