"""Accounts with calendars: taken up when a host has signed in, tried, and let go.

A service is asked first, outside of any transaction; what it said is then written in one, under the host's lock.
"""

from __future__ import annotations

import collections.abc as c
import hashlib
import typing as t

import sqlalchemy as sa

from ..connections import accounts
from ..connections.access import Access, FixedToken, OAuthAccess
from ..connections.accounts import Connected
from ..connections.oauth import Granted
from ..connections.problems import Misconfigured, ProviderProblem
from ..connections.registry import registration
from ..models import ConnectedCalendar, Connection, ConnectionState, Host
from ..models.columns import utcnow
from ..scheduling.transaction import current, transact
from ..signals import ring, wake_readers
from ..state import Session, session
from . import care, registry, store, watches, writing
from .provider import Account, CalendarProvider, OAuthProvider, OwnAccess, RemoteCalendar
from .reach import reach

LONGEST_ID = 1000


def sign_in(host: Host, provider: CalendarProvider, granted: Granted) -> Connected:
    """Connect the account that :func:`~flask_booking.connections.oauth.finish` brought, with its calendars.

    Raises :class:`~flask_booking.connections.problems.ProviderProblem` when the service doesn't say whose it is, and
    nothing is connected then.  Commits.
    """
    access = OAuthAccess(FixedToken(granted.access_token))
    account, calendars = _ask(provider, access)
    made = accounts.connect_granted(host, provider.name, (account.id, account.name), granted)
    return _take_up(made, calendars)


def open_account(
    host: Host,
    provider: CalendarProvider,
    *,
    secret: c.Mapping[str, t.Any],
    settings: c.Mapping[str, t.Any],
    name: str,
    reconnect: str | None = None,
) -> Connected:
    """Connect an account with a password or a secret address; ``secret``, ``settings`` and ``name`` are what
    :meth:`.OwnAccess.open` takes.  Raises and commits as :func:`sign_in`.
    """
    opener: t.Any = provider
    if not isinstance(opener, OwnAccess):
        raise Misconfigured(f"{provider.name} can't be opened by a form")
    account, calendars = _ask(provider, opener.open(secret, settings, name))
    shown = account.name or name or account.id
    made = accounts.connect(
        host, provider.name, (account.id, shown), secret=secret, settings=settings, reconnect=reconnect
    )
    return _take_up(made, calendars)


def _ask(provider: CalendarProvider, access: Access) -> tuple[Account, list[RemoteCalendar]]:
    session().rollback()  # no transaction is open while the service is asked
    return provider.account(access), provider.calendars(access)


def _take_up(made: Connected, calendars: c.Sequence[RemoteCalendar]) -> Connected:
    connection_id = made.connection.id
    keep_list(connection_id, calendars)
    if not made.created:
        care.resume(connection_id)
    return made


def refresh(connection: Connection) -> None:
    """Look for calendars that are new, renamed or gone.  Raises :class:`.ProviderProblem`; commits."""
    connection_id, began = connection.id, utcnow()
    provider, access = reach(connection)
    session().rollback()
    try:
        calendars = provider.calendars(access)
    except ProviderProblem as problem:
        care.note(connection_id, problem, began=began)
        raise
    keep_list(connection_id, calendars)


def keep_list(connection_id: int, calendars: c.Sequence[RemoteCalendar]) -> None:
    """Make the rows of an account's calendars what the service lists.  Commits, and wakes a worker for new ones.

    Those the service lists no more stay, marked as missing.  Of an account without calendars so far the service's
    primary one is checked for conflicts, and gets the events of a host who has no calendar for them.
    """
    db = session()
    host_id = db.scalar(sa.select(Connection.host_id).where(Connection.id == connection_id))

    def work() -> list[int]:
        if host_id is None:
            return []
        store.changed(db, host_id)
        if db.scalar(sa.select(Connection.id).where(Connection.id == connection_id)) is None:
            return []  # disconnected while the service was asked
        rows = current(sa.select(ConnectedCalendar).where(ConnectedCalendar.connection_id == connection_id))
        known = {row.remote_key: row for row in db.scalars(rows)}
        first, listed = not known, set()
        for remote in calendars:
            if not remote.id or len(remote.id) > LONGEST_ID:
                continue
            key = hashlib.sha256(remote.id.encode()).hexdigest()
            row = known.get(key)
            if row is None:
                row = known[key] = ConnectedCalendar(
                    connection_id=connection_id, host_id=host_id, remote_id=remote.id, remote_key=key
                )
                db.add(row)
            elif row.missing:
                store.forget(db, row)
            listed.add(key)
            _describe(row, remote)
        for key in known.keys() - listed:
            known[key].missing = True
        if first:
            _choose_for(db, list(known.values()))
        db.flush()
        return [row.id for row in known.values() if row.due_at is not None and row.due_at <= utcnow()]

    wake_readers(transact(db, work))


def _describe(row: ConnectedCalendar, remote: RemoteCalendar) -> None:
    row.name = " ".join(remote.name.split())[:200] or remote.id[:200]
    row.time_zone, row.colour = remote.time_zone[:64], remote.colour[:7]
    row.writable, row.provider_primary = remote.writable, remote.primary
    row.conferencing = list(remote.conferencing)
    row.missing = False


def _choose_for(db: Session, rows: c.Sequence[ConnectedCalendar]) -> None:
    """What a host will want of a new account most likely."""
    if not rows:
        return
    best = next((row for row in rows if row.provider_primary), rows[0])
    best.check_conflicts, best.due_at = True, utcnow()
    chosen = sa.select(ConnectedCalendar.id).where(ConnectedCalendar.host_id == best.host_id, ConnectedCalendar.target)
    if best.writable and db.scalar(chosen.limit(1)) is None:
        best.target = True


def test(connection: Connection) -> Account:
    """Ask the service whose account it is, now.  One that counted as broken, and answers, is taken up again.

    Raises :class:`.ProviderProblem`; commits.
    """
    return care.tried(connection, reach)


def disconnect(connection: Connection) -> bool:
    """Let an account go: the service tells us nothing more, gets its tokens back, and nothing is kept of its calendars.

    Bookings stay, and so do their events; whoever was still to be invited from there is invited by mail.  Returns
    whether the service has taken the tokens back; that it doesn't answer is no hindrance.  Commits.
    """
    db = session()
    connection_id, host_id = connection.id, connection.host_id
    _end_promises(connection)
    row = db.get(Connection, connection_id, populate_existing=True)
    if row is None:
        return True
    provider: t.Any = registry.find(row.provider)
    given_back = accounts.give_back(row, registration(provider) if isinstance(provider, OAuthProvider) else None)

    def work() -> list[int]:
        store.changed(db, host_id)
        ids = writing.let_go(connection_id)
        accounts.forget(connection_id)
        return ids

    ring(transact(db, work))
    return given_back


def _end_promises(connection: Connection) -> None:
    """Have the service tell us nothing more, as far as it can be asked."""
    calendar_ids = [calendar.id for calendar in connection.calendars]
    if connection.state is not ConnectionState.ACTIVE or not any(watches.live(one) for one in calendar_ids):
        return
    try:
        provider, access = reach(connection)
    except ProviderProblem:
        return
    for calendar_id in calendar_ids:
        if not watches.end_all(provider, access, calendar_id):
            return  # whoever doesn't answer once won't for the others
