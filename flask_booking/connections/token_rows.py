"""Tokens as the row of their connection keeps them, and the lease that lets one worker at a time renew them.

Every change here is one statement in a transaction of its own (:mod:`flask_booking.aside`), which does nothing unless
the row is still as it was read.  That holds on every database, SQLite too.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as dt
import json
import secrets
import typing as t

import sqlalchemy as sa

from ..aside import aside
from ..encryption import decrypt, encrypt
from ..models import Connection, ConnectionState
from ..models.columns import utcnow
from .endpoint import Tokens
from .problems import LostAnswer, Misconfigured, NeedsReconnect

LEASE = dt.timedelta(seconds=60)
"""How long a renewal may take, with a second try: after that another worker may think that this one is dead."""

DEAD = (NeedsReconnect.code, LostAnswer.code)
"""The problems of a broken connection of which new tokens are the cure."""


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
    row = aside(lambda database: database.execute(wanted).mappings().first())
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

    ``broken_at`` stays open: whoever tells the host sets it.
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
    return aside(lambda database: database.execute(changed).rowcount == 1)


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
