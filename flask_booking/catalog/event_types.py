"""Writing event types."""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import typing as t

import sqlalchemy as sa

from ..availability import WindowKind
from ..errors import ChangedMeanwhile, InvalidInput
from ..i18n import gettext as _
from ..models import (
    Booking,
    BookingHost,
    BookingPage,
    CalendarEvent,
    EventType,
    EventTypeHost,
    HistoryEntry,
    Hold,
    Host,
    MeetingLink,
    MessageRule,
    MessageState,
    OccupiedTime,
    OldSlug,
    OutboxMessage,
    Schedule,
)
from ..models.booking import LIVE
from ..models.columns import utcnow
from ..state import Session, crm, session
from . import check, fields
from .slugs import RESERVED, free_slug, slug_of
from .writing import remove, write

SHORTEST, LONGEST = 5, 720
_COPIED = (
    "title", "description", "colour", "banner_url", "durations", "interval", "buffer_before", "buffer_after", "notice",
    "window_kind", "window_days", "window_first", "window_last", "limit_day", "limit_week", "limit_month",
    "limit_guest", "seats", "hold_minutes", "requires_approval", "assignment", "schedule_id", "locations", "questions",
    "confirmation_message", "redirect_url", "cancellation_message", "policy", "may_cancel", "may_reschedule",
    "reason_required", "change_cutoff",
)  # fmt: skip


def create_event_type(page: BookingPage, values: c.Mapping[str, t.Any]) -> EventType:
    """A new event type at the end of ``page``, held by the page's owner.  Raises :class:`InvalidInput`."""
    db = session()

    def work() -> EventType:
        clean = check_event_type(values, page)
        slug = clean.pop("slug") or _new_slug(db, page, clean["title"])
        last = db.scalar(sa.select(sa.func.max(EventType.position)).where(EventType.page_id == page.id))
        event = EventType(page_id=page.id, slug=slug, position=(last or 0) + 1, **clean)
        event.hosts = [t.cast(Host, db.get(Host, page.host_id))]
        db.add(event)
        return event

    return write([page.host_id], work)


def update_event_type(event: EventType, values: c.Mapping[str, t.Any], *, version: int | None = None) -> EventType:
    """Change an event type; keys that ``values`` lacks keep their value.  A former slug goes on redirecting.

    ``version`` is the one that the values were made for.  Raises :class:`InvalidInput`, and :class:`ChangedMeanwhile`
    when the event type has another version now.
    """
    db = session()

    def work() -> EventType:
        db.refresh(event, ["version"])
        kept = {name: getattr(event, name) for name in (*_COPIED, "slug")}
        clean = check_event_type({**kept, **values}, event.page, event)
        slug = clean.pop("slug") or event.slug
        if version not in (None, event.version):
            if all(getattr(event, name) == value for name, value in {**clean, "slug": slug}.items()):
                return event  # the same form was sent twice
            raise ChangedMeanwhile
        if slug != event.slug:
            db.execute(sa.delete(OldSlug).where(OldSlug.page_id == event.page_id, OldSlug.slug.in_((slug, event.slug))))
            db.add(OldSlug(page_id=event.page_id, slug=event.slug, event_type_id=event.id))
            event.slug = slug
        for name, value in clean.items():
            setattr(event, name, value)
        event.version += 1
        return event

    return write(_concerned(event), work)


def clone_event_type(event: EventType) -> EventType:
    """A copy beneath the original, inactive until its host looks at it."""
    db = session()

    def work() -> EventType:
        copy = EventType(page_id=event.page_id, position=event.position + 1, active=False)
        for name in _COPIED:
            setattr(copy, name, getattr(event, name))
        copy.title = _("%(title)s (copy)", title=event.title[:180])
        copy.slug = _new_slug(db, event.page, copy.title)
        copy.hosts = list(event.hosts)
        for other in event.page.event_types:
            if other.position > event.position:
                other.position += 1
        db.add(copy)
        return copy

    return write(_concerned(event), work)


def _concerned(event: EventType) -> list[int]:
    """The hosts, and the owner of the page: its slugs are given out one after the other."""
    return [event.page.host_id, *(host.id for host in event.hosts)]


def set_event_type_active(event: EventType, active: bool) -> None:
    """Open an event type for booking, or close it; bookings that exist stay."""
    _change(event, {"active": active})


def set_archived(event: EventType, archived: bool) -> None:
    """Take an event type out of all lists but keep its bookings, or bring it back."""
    _change(event, {"archived_at": utcnow() if archived else None})


def _change(event: EventType, values: dict[str, t.Any], also: c.Iterable[int] = ()) -> None:
    """Write attributes of an event type, with the version raised that offers are remembered by."""

    def work() -> None:
        for name, value in values.items():
            setattr(event, name, value)
        event.version += 1

    write([*_concerned(event), *also], work)


def set_hosts(event: EventType, hosts: c.Sequence[Host]) -> None:
    """Name the hosts of an event type, at least one, all of the tenant of its page's owner."""
    owner = event.page.host.user
    if not hosts or not all(crm().same_tenant(owner, host.user) for host in hosts):
        raise InvalidInput(fields={"hosts": _("Please choose at least one host.")})
    _change(event, {"hosts": list(hosts)}, also=[host.id for host in hosts])


def move_event_type(event: EventType, step: int) -> None:
    """Move an event type up (``step`` -1) or down (1) on its page."""

    def work() -> None:
        rows = sorted(event.page.event_types, key=lambda one: (one.position, one.id))
        rows = [one for one in rows if one.archived_at is None]
        if event not in rows:
            return
        index = rows.index(event)
        rows.insert(min(max(index + step, 0), len(rows) - 1), rows.pop(index))
        for position, one in enumerate(rows):
            one.position = position

    write([event.page.host_id], work)


def order_event_types(page: BookingPage, public_ids: c.Sequence[str]) -> None:
    """Put the event types of ``page`` in this order; those it doesn't name come after."""
    places = {public_id: place for place, public_id in enumerate(public_ids)}

    def work() -> None:
        rows = sorted(page.event_types, key=lambda one: (places.get(one.public_id, len(places)), one.position, one.id))
        for position, one in enumerate(rows):
            one.position = position

    write([page.host_id], work)


def count_bookings(event: EventType) -> tuple[int, int]:
    """How many bookings an event type has in all, and how many of them are still to be held."""
    coming = sa.func.sum(sa.case((Booking.status.in_(LIVE) & (Booking.ends_at > utcnow()), 1), else_=0))
    total, live = (
        session()
        .execute(sa.select(sa.func.count(), coming).select_from(Booking).where(Booking.event_type_id == event.id))
        .one()
    )
    return total, int(live or 0)


def still_sending(event: EventType) -> bool:
    """Whether something about an event type's bookings should be on its way by now, or failed and is tried again."""
    row = OutboxMessage
    started = (row.due_at <= utcnow()) | (row.attempts > 0) | (row.last_error != "")
    of_event = row.booking_id.in_(sa.select(Booking.id).where(Booking.event_type_id == event.id))
    waiting = sa.select(row.id).where(of_event, row.state == MessageState.WAITING, started)
    return session().scalar(waiting.limit(1)) is not None


def delete_event_type(event: EventType) -> None:
    """Delete an event type with all its bookings.  Raises :class:`InvalidInput` while meetings are still to be held, or
    messages such as those of their cancellation still on their way: guests would never hear of it."""
    db = session()
    event_id = event.id

    def work() -> None:
        if count_bookings(event)[1]:
            raise InvalidInput(_("There are meetings still to be held. Cancel them first, or archive the event type."))
        if still_sending(event):
            raise InvalidInput(_("Messages about its meetings are still being sent. Try again later, or archive it."))
        bookings = sa.select(Booking.id).where(Booking.event_type_id == event_id)
        of_bookings: tuple[t.Any, ...] = (BookingHost, HistoryEntry, OutboxMessage, CalendarEvent, MeetingLink)
        for model in of_bookings:
            db.execute(sa.delete(model).where(model.booking_id.in_(bookings)))
        of_event: tuple[t.Any, ...] = (OccupiedTime, Hold, Booking, OldSlug, EventTypeHost, MessageRule)
        for model in of_event:
            db.execute(sa.delete(model).where(model.event_type_id == event_id))
        db.execute(sa.delete(EventType).where(EventType.id == event_id))

    remove([host.id for host in event.hosts], work)


def check_event_type(
    values: c.Mapping[str, t.Any], page: BookingPage, event: EventType | None = None
) -> dict[str, t.Any]:
    """The clean columns of an event type.  Raises :class:`InvalidInput` with every problem."""
    problems: check.Problems = {}
    get = values.get
    clean: dict[str, t.Any] = {
        "title": check.line(get("title"), "title", problems, required=True),
        "slug": _slug(get("slug"), page, event, problems),
        "description": check.lines(get("description"), "description", problems),
        "colour": check.colour(get("colour"), "colour", problems),
        "banner_url": check.url(get("banner_url"), "banner_url", problems),
        "durations": _durations(get("durations"), problems),
        "locations": fields.locations(get("locations", []), problems),
        "questions": fields.questions(get("questions", []), problems),
        "schedule_id": _schedule(get("schedule_id"), page, problems),
        "assignment": get("assignment") or "all",
        "redirect_url": check.url(get("redirect_url"), "redirect_url", problems),
        **_window(values, problems),
    }
    for name, least, most, default in (
        ("interval", 5, 720, None),
        ("buffer_before", 0, 720, 0),
        ("buffer_after", 0, 720, 0),
        ("notice", 0, 366 * 1440, 240),
        ("hold_minutes", 0, 60, 5),
        ("change_cutoff", 0, 366 * 1440, 0),
    ):
        clean[name] = check.minutes(get(name), name, problems, least=least, most=most, default=default)
    for name, default in (
        ("limit_day", None),
        ("limit_week", None),
        ("limit_month", None),
        ("limit_guest", None),
        ("seats", 1),
    ):
        clean[name] = check.number(get(name), name, problems, least=1, most=1000, default=default)
    needed = ["notice", "hold_minutes", "seats"]
    if clean["window_kind"] in (WindowKind.DAYS, WindowKind.BUSINESS_DAYS):
        needed.append("window_days")
    for name in needed:
        if str(get(name, 0)).strip() == "":  # emptied: nobody asked for what is usual
            problems[name] = _("Please enter a number.")
    for name in ("confirmation_message", "cancellation_message", "policy"):
        clean[name] = check.lines(get(name), name, problems)
    for name, default_flag in (
        ("requires_approval", False),
        ("may_cancel", True),
        ("may_reschedule", True),
        ("reason_required", False),
    ):
        clean[name] = bool(get(name, default_flag))
    check.finish(problems)
    return clean


def _durations(value: object, problems: check.Problems) -> list[int]:
    given = value if isinstance(value, list | tuple) else [value]
    found = [
        minutes
        for one in given
        if (minutes := check.minutes(one, "durations", problems, least=SHORTEST, most=LONGEST)) is not None
    ]
    if not found:
        problems.setdefault("durations", _("Please enter a duration from 5 minutes to 12 hours."))
    if len(found) > 12:
        problems["durations"] = _("Please offer at most 12 durations.")
    return list(dict.fromkeys(found))


def _window(values: c.Mapping[str, t.Any], problems: check.Problems) -> dict[str, t.Any]:
    try:
        kind = WindowKind(values.get("window_kind") or WindowKind.DAYS)
    except ValueError:
        kind = WindowKind.DAYS
        problems["window_kind"] = _("Please choose how far ahead guests can book.")
    days = check.number(values.get("window_days"), "window_days", problems, least=0, most=1100, default=60)
    first, last = (_date(values.get(name), name, problems) for name in ("window_first", "window_last"))
    if kind is WindowKind.RANGE and not (first and last and first <= last):
        problems.setdefault("window_first", _("Please enter the first and the last date."))
    return {"window_kind": kind, "window_days": days, "window_first": first, "window_last": last}


def _date(value: object, field: str, problems: check.Problems) -> dt.date | None:
    if value is None or value == "":
        return None
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        problems[field] = _("Please enter a date, such as 2026-12-31.")
        return None


def _schedule(value: object, page: BookingPage, problems: check.Problems) -> int | None:
    """The schedule's key, if it is one of the page's owner."""
    if value in (None, "", 0):
        return None
    found = session().get(Schedule, check.number(value, "schedule_id", problems, most=2**62))
    if found is None or found.host_id != page.host_id:
        problems["schedule_id"] = _("Please choose one of your schedules.")
        return None
    return found.id


def _slug(value: object, page: BookingPage, event: EventType | None, problems: check.Problems) -> str:
    text = str(value or "").strip()
    slug = slug_of(text, "")
    if text and not slug:
        problems["slug"] = _("Please use letters from a to z or digits.")
    elif slug and _taken(session(), page, slug, event):
        problems["slug"] = _("Another event type has this address.")
    return slug


def _taken(db: Session, page: BookingPage, slug: str, event: EventType | None = None) -> bool:
    if slug in RESERVED:  # on a page's own domain event types stand where pages do otherwise
        return True
    found = db.scalar(sa.select(EventType.id).where(EventType.page_id == page.id, EventType.slug == slug))
    return found is not None and (event is None or found != event.id)


def _new_slug(db: Session, page: BookingPage, title: str) -> str:
    return free_slug(slug_of(title, "meeting"), lambda slug: _taken(db, page, slug))
