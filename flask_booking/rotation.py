"""Encrypting what is kept with old keys anew, so that those keys can be thrown away.

Each value is replaced only if it is still the one that was read: guests book and tokens are renewed meanwhile.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app

from .aside import aside
from .encryption import encryption_keys
from .orm import EncryptedText, Model, bound

BATCH = 200
"""So many rows are read, and changed, in one transaction."""


@dataclasses.dataclass
class Rotated:
    """How it went with one column."""

    column: str
    anew: int = 0
    """Values that had an older key."""
    current: int = 0
    """Values that had the newest key already."""
    unreadable: int = 0
    """Values that none of the keys opens; they stay as they are."""


def encrypted_columns() -> list[sa.Column[str]]:
    """Every encrypted column of the package's tables."""
    bound()
    tables = [model.__table__ for model in Model._declared]
    return [column for table in tables for column in table.columns if isinstance(column.type, EncryptedText)]


def rotate(batch: int = BATCH) -> c.Iterator[Rotated]:
    """Encrypt each value with the newest key, column by column.

    May run beside everything else, and be stopped and repeated at any time.  All processes should know the newest key
    before: what one writes meanwhile with an older key may be missed.
    """
    keys = encryption_keys(current_app.config.get("BOOKING_ENCRYPTION_KEYS"), current_app.config.get("SECRET_KEY"))
    newest, every = Fernet(keys[0]), MultiFernet([Fernet(key) for key in keys])
    for column in encrypted_columns():
        [key] = column.table.primary_key.columns
        found, last = Rotated(f"{column.table.name}.{column.name}"), None
        while rows := _rows(key, column, last, batch):
            changes = {}
            for id, value in rows:
                if _opens(newest, value):
                    found.current += 1
                elif _opens(every, value):
                    changes[id] = (value, every.rotate(value.encode()).decode())
                else:
                    found.unreadable += 1
            found.anew += _change(key, column, changes)
            last = rows[-1][0]
        yield found


def _rows(key: sa.ColumnElement[int], column: sa.Column[str], last: int | None, batch: int) -> list[tuple[int, str]]:
    raw = sa.type_coerce(column, sa.Text)
    query = sa.select(key, raw).where(column.is_not(None)).order_by(key).limit(batch)
    if last is not None:
        query = query.where(key > last)
    return aside(lambda database: [(id, value) for id, value in database.execute(query)])


def _change(key: sa.ColumnElement[int], column: sa.Column[str], changes: dict[int, tuple[str, str]]) -> int:
    """Replace values that are still as they were read; how many were."""

    def work(database: sa.Connection) -> int:
        count = 0
        for id, (old, new) in changes.items():
            unchanged = sa.type_coerce(column, sa.Text) == old
            replaced = sa.update(column.table).where(key == id, unchanged).values({column: sa.literal(new, sa.Text)})
            count += database.execute(replaced).rowcount
        return count

    return aside(work) if changes else 0


def _opens(cipher: Fernet | MultiFernet, value: str) -> bool:
    try:
        cipher.decrypt(value.encode())
    except InvalidToken:
        return False
    return True
