"""Columns that several tables have alike."""

from __future__ import annotations

import datetime as dt
import time
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..orm import Key


def utcnow() -> dt.datetime:
    """The present instant, aware, in UTC, to the second (what every database keeps alike)."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def primary_key() -> so.Mapped[int]:
    """Our own key: never shown to anybody outside."""
    return so.mapped_column(Key, primary_key=True)


def references(table: str, name: str, *, ondelete: str = "CASCADE", **options: t.Any) -> so.Mapped[t.Any]:
    """A named foreign key to ``booking_<table>.id``; ``name`` is that of the constraint."""
    target = sa.ForeignKey(f"booking_{table}.id", ondelete=ondelete, name=sa.schema.conv(f"fk_booking_{name}"))
    return so.mapped_column(Key, target, **options)


def version() -> so.Mapped[int]:
    """A number that only rises.  It starts at the clock, so that a key used again can never show an old version."""
    return so.mapped_column(sa.BigInteger, default=lambda: time.time_ns() // 1_000_000)
