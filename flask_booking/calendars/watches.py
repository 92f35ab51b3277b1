"""Having services tell of changes: promises that end, are renewed before, and are believed only with their token."""

from __future__ import annotations

import collections.abc as c
import hmac
import logging
import time
import uuid

import sqlalchemy as sa
from flask import current_app

from ..connections.access import Access
from ..connections.problems import ProviderProblem
from ..encryption import new_token, token_hash
from ..links import hook_url
from ..models import CalendarWatch
from ..state import session
from .provider import CalendarProvider, Notice, RemoteCalendar, Watch, WatchRequest

_log = logging.getLogger(__name__)

DAY = 86_400
WISHED = 7 * DAY
"""How long a promise shall last; what the services allow at most."""
RENEWED_BEFORE = DAY
REFUSED_FOR = 3600
"""How long a service that promised nothing isn't asked again."""


def live(calendar_id: int) -> bool:
    """Whether a service has promised to tell of changes in this calendar."""
    row = CalendarWatch
    query = sa.select(row.id).where(row.calendar_id == calendar_id, row.expires > int(time.time()), row.remote_id != "")
    return session().scalar(query.limit(1)) is not None


def keep(provider: CalendarProvider, access: Access, calendar: RemoteCalendar, calendar_id: int) -> None:
    """See to it that there is a promise for the next day.  That there can't be one is no failure: we go on asking.

    Asks the service outside of any transaction.
    """
    address = hook_url(provider.name)
    reachable = address.startswith("https://") or (address and current_app.config["BOOKING_PRIVATE_ADDRESSES"])
    if not (provider.can_watch and reachable):
        return
    db, now = session(), int(time.time())
    rows = list(db.scalars(sa.select(CalendarWatch).where(CalendarWatch.calendar_id == calendar_id)))
    if any(_stands(row, now) for row in rows):
        db.rollback()
        return
    old = [(row.id, Watch(row.remote_id, row.resource, row.expires)) for row in rows]
    channel, token = str(uuid.uuid4()), new_token()
    # Known before the service is asked: its first notification may come before its answer.
    db.add(CalendarWatch(calendar_id=calendar_id, channel=channel, token_hash=token_hash(token), expires=now + WISHED))
    try:
        db.commit()
    except sa.exc.IntegrityError:  # the calendar was disconnected while it was read
        db.rollback()
        return
    try:
        made = provider.watch(access, calendar, WatchRequest(channel, address, token, now + WISHED))
    except ProviderProblem as problem:
        _log.info("%s promises nothing for calendar %s: %s", provider.name, calendar_id, problem)
        _refused(calendar_id, channel, until=now + REFUSED_FOR)
        return
    db.execute(
        sa.update(CalendarWatch)
        .where(CalendarWatch.channel == channel)
        .values(remote_id=made.id, resource=made.resource, expires=made.expires)
    )
    db.commit()
    for row_id, watch in old:
        _end(provider, access, row_id, watch if watch.id not in {"", made.id} else None)


def _stands(row: CalendarWatch, now: int) -> bool:
    """Whether this row spares asking: it is a promise for more than a day, or a refusal of the last hour."""
    if row.remote_id:
        return row.expires > now + RENEWED_BEFORE
    return now < row.expires <= now + REFUSED_FOR


def _refused(calendar_id: int, channel: str, *, until: int) -> None:
    """Remember that nothing was promised, in one row however often."""
    db, row = session(), CalendarWatch
    unmade = sa.delete(row).where(row.calendar_id == calendar_id, row.remote_id == "", row.channel != channel)
    db.execute(unmade, execution_options={"synchronize_session": False})
    db.execute(sa.update(row).where(row.channel == channel).values(expires=until))
    db.commit()


def end_all(provider: CalendarProvider, access: Access, calendar_id: int) -> bool:
    """End every promise for a calendar that isn't read any more, until one can't be ended; whether all could.

    What is left goes by itself within days.
    """
    rows = session().scalars(sa.select(CalendarWatch).where(CalendarWatch.calendar_id == calendar_id)).all()
    found = [(row.id, Watch(row.remote_id, row.resource, row.expires)) for row in rows]
    session().rollback()
    return all(_end(provider, access, row_id, watch if watch.id else None) for row_id, watch in found)


def _end(provider: CalendarProvider, access: Access, row_id: int, watch: Watch | None) -> bool:
    ended = True
    if watch is not None:
        try:
            provider.unwatch(access, watch)
        except ProviderProblem as problem:
            _log.info("%s didn't end a promise: %s", provider.name, problem)
            ended = False
    db = session()
    db.execute(sa.delete(CalendarWatch).where(CalendarWatch.id == row_id))
    db.commit()
    return ended


def believed(notice: Notice) -> int | None:
    """The calendar that a notification speaks of; None when it names nothing we know, or its token is wrong."""
    channel, remote_id = notice.channel, notice.remote_id
    if not (channel or remote_id) or max(len(channel), len(remote_id), len(notice.token)) > 255:
        return None
    name = CalendarWatch.channel == channel if channel else CalendarWatch.remote_id == remote_id
    for row in session().scalars(sa.select(CalendarWatch).where(name).limit(5)):
        if hmac.compare_digest(row.token_hash, token_hash(notice.token)):
            return row.calendar_id
    return None


def lapse(remote_ids: c.Collection[str]) -> None:
    """Forget promises that their service has broken off: the next reading asks for others.  Commits."""
    db = session()
    db.execute(
        sa.delete(CalendarWatch).where(CalendarWatch.remote_id.in_(remote_ids)),
        execution_options={"synchronize_session": False},
    )
    db.commit()
