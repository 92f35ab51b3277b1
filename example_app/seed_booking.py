"""Example booking: each user with a page, two event types, hours, and meetings past and coming.

Meetings are made as guests make them, through the package's own services, so that contacts, activities, reminders
and occupied times are what they would be. Their mails are not sent: they would be news to nobody.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select, true, update

from example_app.extensions import db
from example_app.models import Activity, Contact, User, now
from flask_booking import catalog, scheduling
from flask_booking.models import (
    Booking,
    BookingHost,
    BookingPage,
    BookingStatus,
    EventType,
    HistoryKind,
    Host,
    MessageState,
    OutboxMessage,
    Schedule,
)
from flask_booking.scheduling import intake
from flask_booking.signals import outbox_filled

DAY = 86_400
HOUR = 60
CLOSED: list[list[int]] = []


@dataclass(frozen=True)
class Setting:
    """What a host has set up: page, hours and where to meet."""

    slug: str
    accent: str
    welcome: str
    weekly: Sequence[list[list[int]]]
    address: str
    map_url: str
    room: str


SETTINGS = (
    Setting(
        slug="ann",
        accent="#1c6a57",
        welcome="I look after our clients on the east coast. Pick a time that suits you; I am glad to talk.",
        weekly=[[[9 * HOUR, 12 * HOUR], [13 * HOUR, 17 * HOUR]]] * 5 + [CLOSED, CLOSED],
        address="Rowan, 210 Water Street, New York",
        map_url="https://www.openstreetmap.org/search?query=210%20Water%20Street%2C%20New%20York",
        room="https://meet.example.com/ann-meyer",
    ),
    Setting(
        slug="ben",
        accent="#2d5f9e",
        welcome="Guten Tag! I take care of our clients in Europe, in German and English.",
        weekly=[[[9 * HOUR, 17 * HOUR]]] * 4 + [[[9 * HOUR, 13 * HOUR]], CLOSED, CLOSED],
        address="Rowan, Linienstraße 40, Berlin",
        map_url="https://www.openstreetmap.org/search?query=Linienstra%C3%9Fe%2040%2C%20Berlin",
        room="https://meet.example.com/ben-vogel",
    ),
    Setting(
        slug="cleo",
        accent="#7a3f7d",
        welcome="From first idea to yearly review: let us find half an hour.",
        weekly=[[[10 * HOUR, 13 * HOUR], [14 * HOUR, 18 * HOUR + 30]]] * 5 + [[[10 * HOUR, 13 * HOUR]], CLOSED],
        address="Rowan, 12 Residency Road, Bengaluru",
        map_url="https://www.openstreetmap.org/search?query=Residency%20Road%2C%20Bengaluru",
        room="https://meet.example.com/cleo-rao",
    ),
)

TOPICS = ["Our offer", "A running project", "An invoice", "Something else"]
ABOUT = [
    "We are growing and want to see what the larger plan would cost.",
    "The second site opens soon; I would like to plan the first month.",
    "Two questions about the last report.",
    "Our team has changed, so an introduction for the new colleagues.",
]


@dataclass(frozen=True)
class Meeting:
    """A meeting to make: ``days`` from today (negative: past), and what became of it."""

    event: str
    days: int
    fate: str = "held"


MEETINGS = (
    Meeting("intro", -33),
    Meeting("consultation", -26),
    Meeting("intro", -19, "missed"),
    Meeting("consultation", -12),
    Meeting("intro", -5),
    Meeting("consultation", -3),
    Meeting("intro", 1, "coming"),
    Meeting("consultation", 2, "coming"),
    Meeting("intro", 4, "cancelled"),
    Meeting("intro", 6, "coming"),
    Meeting("consultation", 9, "moved"),
    Meeting("intro", 16, "coming"),
)


def seed_booking(users: Sequence[User]) -> str:
    """Set up booking for the users (Ann, Ben and Cleo, in this order) where it is missing; say what was added."""
    # Nothing is to be delivered: workers don't hear of these meetings, and their mails are dropped at once.
    with outbox_filled.muted():
        made = sum(
            seed_meetings(set_up(user, setting), number)
            for number, (user, setting) in enumerate(zip(users, SETTINGS, strict=True))
        )
    return f"Added {made} meetings." if made else "All example meetings are there already."


def set_up(user: User, setting: Setting) -> Host:
    """The user's host, page, hours and event types; what exists is left as it is."""
    host = catalog.host_of(user)
    if host is None:
        host = catalog.ensure_host(user, slug=setting.slug)
        page = page_of(host)
        catalog.update_page(page, {"welcome": setting.welcome, "accent": setting.accent})
        schedule = db.session.scalars(select(Schedule).where(Schedule.host_id == host.id)).one()
        catalog.update_schedule(
            schedule, name=schedule.name, time_zone=user.time_zone, weekly=[list(day) for day in setting.weekly]
        )
        christmas = date(now().year, 12, 24)
        catalog.add_override(schedule, christmas, christmas + timedelta(days=2), [], "Christmas")
        monday = datetime.combine(now().date() - timedelta(days=now().weekday() + 35), datetime.min.time())
        catalog.block_time(
            host,
            starts=monday.replace(hour=11),
            ends=monday.replace(hour=11, minute=30),
            title="Team meeting",
            rrule="FREQ=WEEKLY;BYDAY=MO",
        )
    page = page_of(host)
    if not page.event_types:
        for values in event_types(setting):
            catalog.create_event_type(page, values)
    return host


def page_of(host: Host) -> BookingPage:
    return db.session.scalars(
        select(BookingPage).where(BookingPage.host_id == host.id).order_by(BookingPage.id)
    ).first()  # type: ignore[return-value]


def event_types(setting: Setting) -> list[dict[str, Any]]:
    video = {"id": "video", "kind": "link", "text": "Video call", "url": setting.room}
    return [
        {
            "slug": "intro",
            "title": "Introduction",
            "description": "Half an hour to get to know each other. **No preparation needed.**",
            "durations": [30],
            "notice": 120,
            "window_days": 60,
            "locations": [video],
            "confirmation_message": "I look forward to meeting you.",
        },
        {
            "slug": "consultation",
            "title": "Consultation",
            "description": "An hour for one subject, with time to go into detail.\n\n"
            "* Tell me beforehand what it is about\n* You get a short summary afterwards",
            "durations": [60],
            "buffer_before": 15,
            "buffer_after": 15,
            "notice": 24 * HOUR,
            "window_days": 90,
            "limit_day": 4,
            "locations": [
                video,
                {"id": "phone", "kind": "phone_guest", "text": "", "url": ""},
                {"id": "office", "kind": "in_person", "text": setting.address, "url": setting.map_url},
            ],
            "questions": [
                {"id": "topic", "label": "What is it about?", "kind": "choice", "required": True, "options": TOPICS},
                {"id": "details", "label": "What should I know before we talk?", "kind": "long", "required": False},
                {"id": "people", "label": "How many of you will be there?", "kind": "number", "required": False},
            ],
            "policy": "Please cancel at least four hours before, so that somebody else can have the time.",
            "change_cutoff": 4 * HOUR,
        },
    ]


def seed_meetings(host: Host, number: int) -> int:
    """Make the meetings of a host who never had one; returns how many were made.

    What a visitor of the demo has cancelled since is not to come back with the next start.
    """
    if db.session.scalar(select(BookingHost.booking_id).where(BookingHost.host_id == host.id).limit(1)) is not None:
        return 0
    chance = random.Random(f"meetings {number}")
    guests = list(
        db.session.scalars(
            select(Contact)
            .where(Contact.owner_id == host.user_id, Contact.email.is_not(None), Contact.archived_at.is_(None))
            .order_by(Contact.id)
        )
    )
    chance.shuffle(guests)
    events = {event.slug: event for event in page_of(host).event_types}
    made = 0
    for place, meeting in enumerate(MEETINGS):
        event = events.get(meeting.event)
        if event is None or not guests:
            continue
        booking = make_meeting(event, meeting, guests[place % len(guests)], chance)
        made += booking is not None
    return made


def make_meeting(event: EventType, meeting: Meeting, guest: Contact, chance: random.Random) -> Booking | None:
    """Book as the guest did some days before, and let happen what happened since; None when nothing was free."""
    today = int(time.time())
    booked_at = min(today, today + meeting.days * DAY) - chance.randint(2, 6) * DAY
    address = scheduling.find_event(event.page.slug, event.slug)
    first = today + meeting.days * DAY
    # Past meetings stay past: those of the last days may not slip beyond today's midnight.
    last = min(first + 3 * DAY, today - DAY) if meeting.days < 0 else first + 5 * DAY
    starts: Sequence[int] = ()
    for more in range(0, 14, 2):  # over a weekend or Christmas, further away from today
        begin, end = (first - more * DAY, last) if meeting.days < 0 else (first, last + more * DAY)
        booked_at = min(booked_at, begin - 2 * DAY)
        starts = scheduling.offers(address, start=begin, end=end, now=booked_at).starts
        if starts:
            break
    else:
        return None
    request = scheduling.BookingRequest(
        start=datetime.fromtimestamp(chance.choice(starts[:12]), UTC),
        intake=intake_of(event, guest, chance),
    )
    booking = scheduling.book(event.id, request, now=booked_at)
    live_through(booking, meeting, address, chance)
    backdate(booking, booked_at)
    return booking


def intake_of(event: EventType, guest: Contact, chance: random.Random) -> intake.Intake:
    """What the guest typed into the form."""
    asked = bool(event.questions)
    answers = {"topic": chance.choice(TOPICS), "details": chance.choice(ABOUT), "people": str(chance.randint(1, 4))}
    return intake.check(
        event,
        name=guest.name,
        email=guest.email,
        phone=guest.phone or "",
        time_zone=guest.owner.time_zone,
        answers=answers if asked else {},
        location=chance.choice(event.locations)["id"],
    )


def live_through(booking: Booking, meeting: Meeting, address: scheduling.EventAddress, chance: random.Random) -> None:
    """Cancel, move, hold or miss the meeting."""
    if meeting.fate == "cancelled":
        scheduling.cancel(booking.id, actor="guest", reason="Something came up, sorry.")
    elif meeting.fate == "moved":
        starts = scheduling.nearest(address, at=int(booking.starts_at.timestamp()) + 2 * DAY)
        scheduling.reschedule(booking.id, datetime.fromtimestamp(chance.choice(starts), UTC), actor="guest")
    elif meeting.fate == "held":
        scheduling.mark(booking.id, BookingStatus.COMPLETED, actor="system")
    elif meeting.fate == "missed":
        scheduling.mark(booking.id, BookingStatus.NO_SHOW)


def backdate(booking: Booking, booked_at: int) -> None:
    """Let the meeting's story have happened when it would have, and drop its mails about that.

    What a calendar has to be told of meetings to come stays.
    """
    booking.created_at = datetime.fromtimestamp(booked_at, UTC)
    for entry in booking.history:
        if entry.kind is HistoryKind.BOOKED:
            entry.at = booking.created_at
        elif entry.kind in {HistoryKind.COMPLETED, HistoryKind.NO_SHOW}:
            entry.at = booking.ends_at
        else:
            entry.at = now() - timedelta(hours=20)
        if booking.cancelled_at is not None:
            booking.cancelled_at = entry.at
        if entry.activity_id is not None:
            db.session.execute(update(Activity).where(Activity.id == entry.activity_id).values(happened_at=entry.at))
    db.session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.booking_id == booking.id,
            OutboxMessage.state == MessageState.WAITING,
            OutboxMessage.due_at <= now(),
            true() if booking.ends_at < now() else OutboxMessage.topic != "calendar",
        )
        .values(state=MessageState.DROPPED)
    )
    db.session.commit()
