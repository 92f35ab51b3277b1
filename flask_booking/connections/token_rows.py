"""Tokens as the row of their connection keeps them, and the lease that lets one worker at a time renew them.

Every function here is a transaction of its own, past the CRM's session: what the caller has under way there isn't
committed by a renewal in its midst, and what was renewed isn't lost when the caller rolls back.  Each is one statement
that changes the row only if it is still as it was read, which holds on every database, and on SQLite too.

Call them outside of a transaction that has changed anything: on SQLite such a transaction keeps out every other one,
and so its own.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import datetime as dt
import json
import random
import secrets
import time
import typing as t

import sqlalchemy as sa

from ..encryption import decrypt, encrypt
from ..models import Connection, ConnectionState
from ..models.columns import utcnow
from ..state import session
from .endpoint import Tokens
from .problems import LostAnswer, Misconfigured, NeedsReconnect

LEASE = dt.timedelta(seconds=60)
"""How long a renewal may take, with a second try: after that another worker may think that this one is dead."""

DEAD = (NeedsReconnect.code, LostAnswer.code)
"""The problems of a broken connection of which new tokens are the cure."""

R = t.TypeVar("R")


@dataclasses.dataclass(frozen=True)
class TokenRow:
    """A connection's tokens as they were read."""

    id: int
    kept: str = dataclasses.field(repr=False)
    """The secret as it stands in the database, encrypted: nobody changed the tokens while it stands there."""
    secret: c.Mapping[str, t.Any] = dataclasses.field(repr=False)
    expires_at: dt.datetime | None
    state: ConnectionState
    problem: str
    renewing_until: dt.datetime | None
    renewing_token: str | None

    @property
    def access_token(self) -> str:
        """Empty when there is none."""
        return str(self.secret.get("access_token") or "")

    @property
    def refresh_token(self) -> str:
        """Empty when there is none."""
        return str(self.secret.get("refresh_token") or "")

    @property
    def dead(self) -> bool:
        """Whether only the account's owner can give new tokens."""
        return self.state is ConnectionState.BROKEN and self.problem in DEAD

    @property
    def leased(self) -> bool:
        """Whether somebody renews the tokens now."""
        return self.renewing_until is not None and self.renewing_until > utcnow()


def read(connection_id: int) -> TokenRow | None:
    """The tokens as they are committed now; None when there is no such connection.

    Raises :class:`Misconfigured` when no key opens them.
    """
    columns = Connection.__table__.c
    wanted = sa.select(
        columns.id,
        sa.type_coerce(columns.secret, sa.Text).label("kept"),
        columns.expires_at,
        columns.state,
        columns.problem,
        columns.renewing_until,
        columns.renewing_token,
    ).where(columns.id == connection_id)
    row = _durably(lambda: _execute(wanted, lambda result: result.mappings().first()))
    return None if row is None else TokenRow(secret=_opened(row["kept"]), **row)


def lease(row: TokenRow) -> str | None:
    """Take the right to renew the tokens for :data:`LEASE`; its token, or None when somebody else has it."""
    mine, now = secrets.token_hex(16), utcnow()
    columns = Connection.__table__.c
    free = sa.or_(columns.renewing_until.is_(None), columns.renewing_until <= now)
    unchanged = columns.renewing_token == row.renewing_token  # IS NULL where it is None
    took = _change(row.id, free, unchanged, renewing_until=now + LEASE, renewing_token=mine)
    if not took:  # or it was, and the database's answer was lost
        now_there = read(row.id)
        took = now_there is not None and now_there.renewing_token == mine
    return mine if took else None


def release(row: TokenRow, mine: str, *, in_doubt: bool = False) -> None:
    """Give the right back.

    ``in_doubt`` leaves a note for whoever renews next: the service may have given new tokens that never arrived.
    """
    columns = Connection.__table__.c
    given_back: dict[str, t.Any] = {"renewing_until": None}
    if not in_doubt:
        given_back["renewing_token"] = None
    _change(row.id, columns.renewing_token == mine, **given_back)


def store(connection_id: int, sent: str, new: Tokens, mine: str) -> bool:
    """Keep what the service gave for the refresh token ``sent``, and give the right to renew back.

    Also when the lease ran out meanwhile: of a service that gives a new refresh token each time, this is the only one
    that works.  Returns False when other tokens came in between, as when the host signed in again; those stay.
    """
    while True:
        row = read(connection_id)
        if row is None or row.refresh_token != sent:
            return row is not None and row.access_token == new.access_token  # what a lost answer had said
        pair = {**row.secret, "access_token": new.access_token, "refresh_token": new.refresh_token or sent}
        values: dict[str, t.Any] = {"secret": _closed(pair), "expires_at": new.expires_at, **_given_back(mine)}
        if new.scopes is not None:
            values["scopes"] = " ".join(new.scopes)
        if row.dead:
            values |= {"state": ConnectionState.ACTIVE, "problem": "", "broken_at": None}
        if _change(row.id, _kept(row), **values):
            return True


def condemn(row: TokenRow, problem: str, mine: str = "") -> bool:
    """Write that only the account's owner can help; False when the tokens changed since ``row`` was read.

    ``broken_at`` stays open: :func:`.accounts.mark_broken` sets it along with what tells the host.
    """
    return _change(row.id, _kept(row), state=ConnectionState.BROKEN, problem=problem, **_given_back(mine))


def _kept(row: TokenRow) -> sa.ColumnElement[bool]:
    """That the secret is still the one that was read."""
    return sa.type_coerce(Connection.__table__.c.secret, sa.Text) == row.kept


def _given_back(mine: str) -> dict[str, t.Any]:
    """The lease's columns without the lease ``mine``; another one stays."""
    columns = Connection.__table__.c
    ours = columns.renewing_token == mine
    return {
        "renewing_until": sa.case((ours, sa.null()), else_=columns.renewing_until),
        "renewing_token": sa.case((ours, sa.null()), else_=columns.renewing_token),
    }


def _change(connection_id: int, *conditions: sa.ColumnElement[bool], **values: t.Any) -> bool:
    table = Connection.__table__
    changed = sa.update(table).where(table.c.id == connection_id, *conditions).values(values)
    return _durably(lambda: _execute(changed, lambda result: result.rowcount == 1))


def _opened(kept: str) -> dict[str, t.Any]:
    text = decrypt(kept)
    if text is None:
        raise Misconfigured("no key opens the tokens")
    try:
        secret = json.loads(text)
    except ValueError:
        secret = None
    return secret if isinstance(secret, dict) else {}


def _closed(secret: dict[str, t.Any]) -> t.Any:
    # Encrypted here and not by the column's type: an error of the database then has no token in its parameters.
    return sa.literal(encrypt(json.dumps(secret)), sa.Text)


def _execute(statement: sa.Executable, read_result: c.Callable[[sa.CursorResult[t.Any]], R]) -> R:
    engine = session().get_bind(sa.inspect(Connection)).engine
    with engine.connect() as connection:
        if connection.dialect.name in {"mysql", "mariadb"}:
            connection = connection.execution_options(isolation_level="READ COMMITTED")
        found = read_result(connection.execute(statement))
        connection.commit()
        return found


def _durably(work: c.Callable[[], R], *, attempts: int = 10) -> R:
    """Do it again, for some ten seconds, when the database is busy or was away: a pair of tokens waits to be kept."""
    for attempt in range(1, attempts):
        with contextlib.suppress(sa.exc.OperationalError, sa.exc.InternalError, sa.exc.InterfaceError):
            return work()
        time.sleep(random.uniform(0.5, 1) * min(2.0, 0.02 * 2**attempt))  # noqa: S311 - spreads tries, keeps no secret
    return work()
