"""Whoever writes what a host has set or connected gives the host another stamp, in the same transaction.

It is done here, by the mapper, so that no writer can forget it: what is remembered with a stamp decides about bookings.
"""

from __future__ import annotations

import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so
from sqlalchemy.orm.attributes import set_committed_value

from .calendar import ConnectedCalendar
from .connection import Connection
from .host import Host, new_stamp
from .rule import MessageRule
from .schedule import BlockedTime, DateOverride, Schedule


def note_stamps(session: so.Session | so.scoped_session[so.Session], host_id: int, **stamps: int) -> None:
    """Tell a host that the session has loaded of its stamps in the database."""
    host = session.identity_map.get(so.util.identity_key(Host, host_id))
    if host is not None:
        for name, stamp in stamps.items():
            set_committed_value(host, name, stamp)


def restamp_mirror(session: so.Session | so.scoped_session[so.Session], host_id: int) -> None:
    """Give a host another stamp for what is known of its calendars; whoever changed that calls it, under the lock."""
    hosts, stamp = Host.__table__, new_stamp()
    session.execute(sa.update(hosts).where(hosts.c.id == host_id).values(mirror_stamp=stamp))
    note_stamps(session, host_id, mirror_stamp=stamp)


def _host_changed(_mapper: t.Any, connection: sa.Connection, row: t.Any) -> None:
    _stamp(connection, row, row.host_id)


def _override_changed(_mapper: t.Any, connection: sa.Connection, row: DateOverride) -> None:
    schedules = Schedule.__table__
    host_id = connection.scalar(sa.select(schedules.c.host_id).where(schedules.c.id == row.schedule_id))
    if host_id is not None:
        _stamp(connection, row, host_id)


_MAKING: dict[type, tuple[str, ...]] = {
    Connection: ("state",),
    ConnectedCalendar: ("target", "writable", "paused", "missing", "conferencing", "invites"),
}
"""What decides about the links and events that a host's accounts can make."""


def _account_changed(_mapper: t.Any, connection: sa.Connection, row: t.Any) -> None:
    _stamp(connection, row, row.host_id, "mirror_stamp")


def _account_updated(_mapper: t.Any, connection: sa.Connection, row: t.Any) -> None:
    known = sa.inspect(row).attrs
    if any(known[name].history.has_changes() for name in _MAKING[type(row)]):
        _stamp(connection, row, row.host_id, "mirror_stamp")


def _stamp(connection: sa.Connection, row: t.Any, host_id: int, name: str = "settings_stamp") -> None:
    hosts, stamp = Host.__table__, new_stamp()
    connection.execute(sa.update(hosts).where(hosts.c.id == host_id).values({name: stamp}))
    session = so.object_session(row)
    if session is not None:
        note_stamps(session, host_id, **{name: stamp})


for _event in ("after_insert", "after_update", "after_delete"):
    for _model in (Schedule, BlockedTime, MessageRule):
        sa.event.listen(_model, _event, _host_changed)
    sa.event.listen(DateOverride, _event, _override_changed)

for _account in _MAKING:
    sa.event.listen(_account, "after_insert", _account_changed)
    sa.event.listen(_account, "after_update", _account_updated)
    sa.event.listen(_account, "after_delete", _account_changed)
