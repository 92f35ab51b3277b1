"""What booking relies on beside the database: keys, a worker, Redis, a mail server."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as dt
import email.utils

import sqlalchemy as sa
from flask import current_app

from .. import jobs
from ..encryption import encryption_keys
from ..errors import BookingConfigError
from ..messages.transport import CONSOLE, MailError, Transport
from ..models import Booking, MessageState, OutboxMessage
from ..models.columns import utcnow
from ..state import crm, session
from .finding import Finding, counted, fail, info, ok, production, warn

_SAMPLE = 25
_SHORT = 16
_LATE = dt.timedelta(minutes=5)
_SECONDS = 5.0
_SET_MAIL_URL = 'Set BOOKING_MAIL_URL = "smtp://user:password@host:587?starttls=1"'


def encrypted() -> c.Iterator[Finding]:
    """Whether secrets at rest have keys of their own, and can be read with them."""
    config = current_app.config
    configured, secret = config["BOOKING_ENCRYPTION_KEYS"], config.get("SECRET_KEY")
    try:
        count = len(encryption_keys(configured, secret))
    except BookingConfigError as error:
        yield fail(str(error), "Correct it; until then no guest's link can be read or made.")
        return
    query, key = sa.select(Booking.id, Booking.manage_token).limit(_SAMPLE), Booking.id
    sample = {id: token for order in (key.asc(), key.desc()) for id, token in session().execute(query.order_by(order))}
    unreadable = sum(token is None for token in sample.values())
    if unreadable:
        text = f"{unreadable} of {len(sample)} guests' links can't be read with these keys: mails can't contain them"
        advice = "Add the key they were made with to the end of BOOKING_ENCRYPTION_KEYS."
        if configured:
            advice += f" If that was derived from SECRET_KEY: {_DERIVED}"
        yield fail(text, advice)
    if secret and len(secret) < _SHORT:
        text = f"SECRET_KEY has {len(secret)} characters: who guesses it can forge sessions and forms"
        yield production(
            text, "Set SECRET_KEY to what `python -c 'import secrets; print(secrets.token_hex())'` prints."
        )
    if not configured and secret:
        text = "secrets are encrypted with a key derived from SECRET_KEY: with a new SECRET_KEY they can't be read"
        yield production(text, _SET_KEYS + (f" Keep the derived one behind it: {_DERIVED}" if sample else ""))
    elif not unreadable:
        yield ok(counted(count, "key") + (f"; {len(sample)} links were read" if sample else "; nothing to read yet"))


_SET_KEYS = "Set BOOKING_ENCRYPTION_KEYS to what `flask booking new-key` prints."
_DERIVED = (
    "flask shell, `from flask_booking.encryption import encryption_keys`, `encryption_keys(None, app.secret_key)`."
)


def waiting() -> c.Iterator[Finding]:
    """Whether somebody does the work: nothing due waits for long, nothing was given up."""
    now, db = utcnow(), session()
    late = (OutboxMessage.state == MessageState.WAITING) & (OutboxMessage.due_at < now - _LATE)
    count, since = db.execute(sa.select(sa.func.count(), sa.func.min(OutboxMessage.due_at)).where(late)).one()
    failed = OutboxMessage.state == MessageState.FAILED
    given_up = db.scalar(sa.select(sa.func.count()).select_from(OutboxMessage).where(failed)) or 0
    if count:
        text = f"{counted(count, 'message')} should have gone out, the first at {since:%Y-%m-%d %H:%M} UTC"
        yield warn(text, "Run `flask booking work`, and see its log.")
    if given_up:
        text = f"{counted(given_up, 'message')} given up: refused by the server, or tried in vain for too long"
        yield warn(text, "Hosts see why in Messages, and can send them again there.")
    if count or given_up:
        return
    if current_app.config["BOOKING_REDIS_URL"]:
        yield ok("nothing is late")
    elif current_app.config["BOOKING_WORKER"]:
        yield ok("nothing is late; a thread in each web process does the work")
    else:
        text = "nothing is late; neither Redis nor a thread in web processes does the work (BOOKING_WORKER is off)"
        yield info(text, "Keep `flask booking work` running.")


def redis_answers() -> c.Iterator[Finding]:
    """Whether Redis answers, and knows of a worker."""
    if not current_app.config["BOOKING_REDIS_URL"]:
        yield ok("not configured, and not needed for one machine")
        return
    status = jobs.read_status()
    if not status.redis:
        text = "Redis doesn't answer: mails go out late, and each process counts rate limits for itself"
        yield fail(text, "Start Redis, or correct BOOKING_REDIS_URL.")
    elif not status.workers:
        queue = current_app.config["BOOKING_QUEUE"]
        text = f"Redis answers, and no worker is at the queue {queue}: nothing delivers mails"
        yield warn(text, "Run `flask booking work`, with the same BOOKING_REDIS_URL and BOOKING_QUEUE.")
    else:
        yield ok(f"answers; {counted(status.workers, 'worker')}")


def mails_sent() -> c.Iterator[Finding]:
    """Whether something sends mails, from an address that may."""
    url, sender = current_app.config["BOOKING_MAIL_URL"], str(current_app.config["BOOKING_MAIL_FROM"] or "")
    own = crm().overrides("send_mail")
    said = f"by {type(crm()).__name__}.send_mail"
    if url == CONSOLE:
        text = "mails are printed by the process that does the work, and reach nobody"
        yield warn(text, f"{_SET_MAIL_URL} in production.")
        return
    if url:
        try:
            transport = Transport.from_url(str(url))
        except BookingConfigError as error:
            yield fail("BOOKING_MAIL_URL can't be read, so no mail is sent", str(error))
            return
        said = f"by {transport.host}:{transport.port}"
    elif not own:
        text = "nothing sends mails: guests get no confirmation, and messages wait in the outbox"
        yield fail(text, f'{_SET_MAIL_URL}, or override `CRM.send_mail`; BOOKING_MAIL_URL = "console:" prints them.')
        return
    domain = email.utils.parseaddr(sender)[1].rpartition("@")[2]
    if "@" not in sender or not domain:
        text = "BOOKING_MAIL_FROM is no address: mail servers refuse mails without a sender"
        yield fail(text, 'Set BOOKING_MAIL_FROM = "Example <bookings@example.com>".')
    elif domain == "localhost" or "." not in domain:
        text = f"mails come from @{domain}: other servers refuse them, and replies of calendars are lost"
        yield warn(text, "Set BOOKING_MAIL_FROM to an address that your mail server may send for and somebody reads.")
    else:
        yield ok(f"{said}, from @{domain}")


def mail_server_answers() -> c.Iterator[Finding]:
    """Whether the mail server can be reached and takes the login; nothing is sent."""
    url = current_app.config["BOOKING_MAIL_URL"]
    if not url or url == CONSOLE:
        yield ok("not configured")
        return
    try:
        transport = Transport.from_url(str(url))
    except BookingConfigError:
        yield info("not asked until BOOKING_MAIL_URL can be read")
        return
    try:
        dataclasses.replace(transport, timeout=_SECONDS).greet()
    except MailError as error:
        text = f"{transport.host}:{transport.port}: {error}; mails wait and are tried again"
        yield fail(
            text, "Correct host, port, user or password in BOOKING_MAIL_URL, or let this machine reach the server."
        )
    else:
        yield ok(f"{transport.host}:{transport.port} answers{' and takes the login' if transport.user else ''}")
