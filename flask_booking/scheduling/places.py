"""Places to meet whose link is made for each meeting: which there are, who can make them, and which guests are offered.

Some links come with the event in the host's calendar (Google Meet, Microsoft Teams), others from a service of their own
(Zoom, or what a CRM adds).  All of them are ``kind`` of a place, beside phones and addresses.
"""

from __future__ import annotations

import collections.abc as c
import functools
import typing as t
import urllib.parse

import sqlalchemy as sa
from flask import has_app_context
from sqlalchemy import orm as so

from ..models import Assignment, ConnectedCalendar, Connection, ConnectionState, EventType, Host
from ..state import Session, session, state

PLAIN_KINDS = ("phone_guest", "phone_host", "in_person", "link", "custom")
"""Where to meet: we call the guest, the guest calls, an address (``url``: a map), a fixed link, anything else."""
CALENDAR_LINKS = {"google_meet": "Google Meet", "teams": "Microsoft Teams"}
"""Places whose link is made with the event in the host's calendar, and their names."""

Place: t.TypeAlias = "dict[str, t.Any]"
_KEY = "link_services"


def let_make(extras: dict[str, t.Any], services: c.Callable[[], c.Mapping[str, str]]) -> None:
    """Have ``services`` say which services make links in the app whose extras these are: their names by kind."""
    extras[_KEY] = services


def service_links() -> c.Mapping[str, str]:
    """Places whose link is made by a service of its own, and their names."""
    services: c.Callable[[], c.Mapping[str, str]] | None = state().extras.get(_KEY) if has_app_context() else None
    return services() if services is not None else {}


def made_links() -> dict[str, str]:
    """Every kind of place whose link is made for each meeting, and its name."""
    return {**CALENDAR_LINKS, **service_links()}


def made_name(place: c.Mapping[str, t.Any]) -> str:
    """What a place is called whose link is made for each meeting; empty for any other."""
    return made_links().get(str(place.get("kind") or ""), "")


def link_missing(place: c.Mapping[str, t.Any]) -> bool:
    """Whether a meeting's link is still to be made."""
    return bool(made_name(place)) and not place.get("url")


def password_apart(url: str, password: str) -> str:
    """A meeting's password where ``url`` doesn't bring it along already."""
    names = {name for name, _value in urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query)}
    return "" if names & {"pwd", "password", "passcode"} else password


# -- who can make a link, and so what is offered ----------------------------------------------------------------------


def makers(db: Session, hosts: c.Sequence[Host]) -> dict[int, frozenset[str]]:
    """The kinds of links that each host's accounts can make now: in one query, or in none.

    An account that its owner has to mend makes none.
    """
    memory = state().offers
    keys = {host.id: ("makers", host.id, host.mirror_stamp) for host in hosts}
    found: dict[int, frozenset[str] | None] = {host_id: memory.get(key) for host_id, key in keys.items()}
    missing = [host_id for host_id, kinds in found.items() if kinds is None]
    if missing:
        loaded: dict[int, set[str]] = {host_id: set() for host_id in missing}
        services = service_links()
        for host_id, provider, conferencing in db.execute(_select_makers(), {"hosts": missing}):
            loaded[host_id] |= CALENDAR_LINKS.keys() & set(conferencing or ())
            loaded[host_id] |= {provider} & services.keys()
        for host_id in missing:
            found[host_id] = kinds = frozenset(loaded[host_id])
            memory.put(keys[host_id], kinds)
    return t.cast("dict[int, frozenset[str]]", found)


@functools.cache
def _select_makers() -> t.Any:
    calendar = ConnectedCalendar
    target = calendar.target & calendar.writable & ~calendar.paused & ~calendar.missing
    return (
        sa.select(Connection.host_id, Connection.provider, calendar.conferencing)
        .outerjoin(calendar, (calendar.connection_id == Connection.id) & target)
        .where(
            Connection.host_id.in_(sa.bindparam("hosts", expanding=True)), Connection.state == ConnectionState.ACTIVE
        )
    )


def offered(event: EventType, hosts: c.Iterable[Host] | None = None) -> list[Place]:
    """The places of ``event`` that a guest may choose from.

    One whose link nobody could make now is left out, unless nothing else were left: then the meeting is booked all the
    same, and the link follows.  Of one out of several hosts each must be able to make it.
    """
    if not _any_made(event.locations):
        return event.locations
    attending = [host for host in (event.hosts if hosts is None else hosts) if host.active]
    able = makers(session(), attending)
    return _working(event, [able[host.id] for host in attending]) or event.locations


def offered_by(events: c.Sequence[EventType]) -> dict[int, list[Place]]:
    """The same for several event types, by their keys: in two queries, or none."""
    found = {event.id: event.locations for event in events}
    for event, able in _ables(events):
        found[event.id] = _working(event, able) or event.locations
    return found


def unmade(events: c.Sequence[EventType]) -> dict[int, list[str]]:
    """The kinds of places of event types, by their keys, whose link nobody can make now: in two queries, or none."""
    found = {}
    for event, able in _ables(events):
        working = _working(event, able)
        found[event.id] = [place["kind"] for place in event.locations if place not in working]
    return found


def _ables(events: c.Sequence[EventType]) -> c.Iterator[tuple[EventType, list[frozenset[str]]]]:
    """Those of ``events`` that have a place whose link has to be made, and what each of their hosts can make."""
    asked = [event.id for event in events if _any_made(event.locations)]
    if not asked:
        return
    query = sa.select(EventType).where(EventType.id.in_(asked)).options(so.selectinload(EventType.hosts))
    rows = list(session().scalars(query))
    hosts = {host.id: host for row in rows for host in row.hosts if host.active}
    able = makers(session(), list(hosts.values()))
    for row in rows:
        yield row, [able[host.id] for host in row.hosts if host.active]


def _any_made(places: c.Iterable[Place]) -> bool:
    return any(made_name(place) for place in places)


def _working(event: EventType, able: list[frozenset[str]]) -> list[Place]:
    if not able:
        kinds: frozenset[str] = frozenset()
    elif event.assignment is Assignment.ALL:
        kinds = frozenset[str]().union(*able)
    else:
        kinds = frozenset.intersection(*able)
    return [place for place in event.locations if place["kind"] in kinds or not made_name(place)]
