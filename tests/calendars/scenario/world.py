"""A host, her calendar, her guests and bad luck: random sequences that can be played again from their seed.

Everything happens through the functions that pages and workers call, a real mail server included; only the order is
left to chance.  In the end all troubles pass, and everybody must agree on which meetings there are.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import random
from collections import Counter
from collections.abc import Callable

import sqlalchemy as sa
from flask import Flask

from flask_booking import jobs
from flask_booking.calendars import differences, mirror
from flask_booking.calendars.care import resume
from flask_booking.errors import BookingError, SlotTaken
from flask_booking.models import (
    Booking,
    BookingStatus,
    BusyTime,
    CalendarChanges,
    CalendarEvent,
    ConnectedCalendar,
    Connection,
    ConnectionState,
    Difference,
    EventState,
    Host,
    MessageState,
    OccupiedTime,
    OutboxMessage,
)
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import BookingRequest, book, cancel, find_event, offers, reschedule
from flask_booking.state import session
from tests.calendars.scenario.sides import ANN, Side, Times, sign_in_again
from tests.fixtures.mail import MailServer
from tests.messages.mail_client import MailClient
from tests.scheduling.bookable import guest, instant, midnight

GUESTS = ("sam@example.com", "lea@example.org", "kim@example.net")
STEPS = 14
OFFERED = {
    Difference.MOVED: ("follow", "put back", "cancel"),
    Difference.DELETED: ("put back", "cancel"),
    Difference.DECLINED: ("cancel",),
    Difference.NONE: ("put back",),
}
"""What the page of a booking offers to do about its event; with no difference it was given up."""


class Killed(BaseException):
    """The worker is dead: nothing it would still do happens."""


class World:
    """One sequence.  To be used inside an application context."""

    def __init__(self, app: Flask, side: Side, smtp: MailServer, seed: str) -> None:
        self.app, self.side, self.smtp = app, side, smtp
        self.chance = random.Random(seed)
        self.told: list[str] = []
        self.gave_up = False
        self.commits_left: int | None = None
        self.calendar_id = session().scalars(sa.select(ConnectedCalendar.id)).one()

    # -- what may happen ------------------------------------------------------------------------------------------

    def play(self) -> None:
        """The whole sequence."""
        likely: list[tuple[Callable[[], object], int]] = [
            (self.guest_books, 5), (self.guest_moves, 3), (self.guest_cancels, 2), (self.host_cancels, 1),
            (self.host_adds, 2), (self.host_moves_own_entry, 1), (self.host_deletes_own_entry, 1),
            (self.host_moves_meeting, 2), (self.host_deletes_meeting, 1), (self.host_declines_meeting, 1),
            (self.worker_delivers, 5), (self.worker_reads, 4), (self.worker_is_killed, 2),
            (self.service_is_down, 2), (self.answers_are_lost, 1), (self.service_wants_rest, 1),
            (self.consent_is_withdrawn, 1), (self.host_signs_in_again, 1), (self.token_is_over, 1),
            (self.cursor_is_forgotten, 1), (self.time_passes, 2), (self.service_is_down_until_given_up, 1),
        ]  # fmt: skip
        steps, weights = zip(*likely, strict=True)
        for step in self.chance.choices(steps, weights, k=STEPS):
            self.told.append(step.__name__)
            step()
            session().rollback()
            self.no_overlaps()

    def free(self) -> list[int]:
        address = find_event("ann", "intro")
        found = offers(address, start=midnight(1), end=midnight(4), duration=30).starts
        session().rollback()
        return list(found)

    def guest_books(self) -> None:
        free = self.free()
        if free:
            self.attempt(
                lambda: book(
                    self.event_type_id,
                    BookingRequest(instant(self.chance.choice(free)), guest(self.chance.choice(GUESTS))),
                )
            )

    @property
    def event_type_id(self) -> int:
        return find_event("ann", "intro").event_type_id

    def live(self) -> list[int]:
        confirmed = sa.select(Booking.id).where(Booking.status == BookingStatus.CONFIRMED)
        return list(session().scalars(confirmed.order_by(Booking.id)))

    def guest_moves(self) -> None:
        live, free = self.live(), self.free()
        if live and free:
            booking_id, start = self.chance.choice(live), self.chance.choice(free)
            self.attempt(lambda: reschedule(booking_id, instant(start), actor="guest"))

    def guest_cancels(self) -> None:
        if live := self.live():
            booking_id = self.chance.choice(live)
            self.attempt(lambda: cancel(booking_id, actor="guest"))

    def host_cancels(self) -> None:
        if live := self.live():
            booking_id = self.chance.choice(live)
            self.attempt(lambda: cancel(booking_id, actor="host"))

    def some_time(self) -> Times:
        start = midnight(self.chance.randint(1, 3)) + self.chance.randrange(96) * 900
        return start, start + self.chance.choice((900, 1800, 3600))

    def host_adds(self) -> None:
        self.side.add(self.some_time())

    def host_moves_own_entry(self) -> None:
        if foreign := sorted(self.side.foreign()):
            self.side.move(self.chance.choice(foreign), self.some_time())

    def host_deletes_own_entry(self) -> None:
        if foreign := sorted(self.side.foreign()):
            self.side.delete(self.chance.choice(foreign))

    def meeting(self) -> str | None:
        own = sorted(self.side.own(), key=lambda one: one[2])
        return self.chance.choice(own)[0] if own else None

    def host_moves_meeting(self) -> None:
        if event := self.meeting():
            self.side.move(event, self.some_time())

    def host_deletes_meeting(self) -> None:
        if event := self.meeting():
            self.side.delete(event)

    def host_declines_meeting(self) -> None:
        if event := self.meeting():
            self.side.decline(event)

    def worker_delivers(self) -> None:
        jobs.deliver_due(self.app)

    def worker_reads(self) -> None:
        mirror.request([self.calendar_id])  # a notification, perhaps doubled
        mirror.sync(self.calendar_id, full=self.chance.random() < 0.2)

    def worker_is_killed(self) -> None:
        """At one of its next commits, before or after it: what it holds stays held."""
        self.commits_left = self.chance.randint(1, 12)
        before = self.chance.random() < 0.5
        work = self.chance.choice((self.worker_delivers, self.worker_reads))

        def note(_session: object) -> None:
            assert self.commits_left is not None
            self.commits_left -= 1
            if self.commits_left <= 0:
                raise Killed

        moment = "before_commit" if before else "after_commit"
        factory = session().session_factory
        sa.event.listen(factory, moment, note)
        try:
            work()
        except BaseException:  # the dying session complains of being asked to clean up
            if self.commits_left > 0:
                raise
        finally:
            sa.event.remove(factory, moment, note)
            session().remove()

    def service_is_down(self) -> None:
        self.side.down(self.chance.randint(1, 4))

    def service_is_down_until_given_up(self) -> None:
        """What waits for the calendar is tried for the last time."""
        db, message = session(), OutboxMessage
        self.time_passes()
        last = self.app.config["BOOKING_MAX_ATTEMPTS"] - 1
        waiting = (message.topic == "calendar") & (message.state == MessageState.WAITING)
        db.execute(sa.update(message).where(waiting).values(attempts=last))
        db.commit()
        self.side.down(999)
        jobs.deliver_due(self.app)
        self.side.heal()
        failed = db.scalars(sa.select(message.id).where(message.state == MessageState.FAILED)).first()
        self.gave_up = self.gave_up or failed is not None

    def answers_are_lost(self) -> None:
        self.side.down(1, after_effect=True)

    def service_wants_rest(self) -> None:
        self.side.limited()

    def consent_is_withdrawn(self) -> None:
        self.side.revoke()

    def host_signs_in_again(self) -> None:
        connection = session().scalars(sa.select(Connection)).one()
        if connection.state is ConnectionState.BROKEN:
            sign_in_again(self.side, connection)
            resume(connection.id)

    def token_is_over(self) -> None:
        self.side.expire()

    def cursor_is_forgotten(self) -> None:
        self.side.forget()

    def time_passes(self) -> None:
        """Pauses between tries are over, and leases of the dead."""
        db, now = session(), utcnow()
        past = now - dt.timedelta(seconds=1)
        message, connection = OutboxMessage, Connection
        db.execute(sa.update(message).where(message.claimed_until.is_not(None)).values(claimed_until=past))
        waiting = (message.state == MessageState.WAITING) & message.rule_id.is_(None)
        db.execute(sa.update(message).where(waiting).values(due_at=past))
        for lease in ("renewing_until", "reading_until", "writing_until"):
            column = getattr(connection, lease)
            db.execute(sa.update(connection).where(column.is_not(None)).values({column: past}))
        db.execute(sa.update(ConnectedCalendar).values(due_at=past))
        db.commit()

    def attempt(self, what: Callable[[], object]) -> None:
        try:
            what()
        except (BookingError, SlotTaken):
            session().rollback()

    # -- in the end -----------------------------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """All troubles pass, workers work, and the host decides what was left to decide."""
        self.side.heal()
        for _round in range(12):
            connection = session().scalars(sa.select(Connection)).one()
            if connection.state is ConnectionState.BROKEN:
                sign_in_again(self.side, connection)
                resume(connection.id)
            self.time_passes()
            jobs.deliver_due(self.app)
            session().rollback()
            self.time_passes()
            mirror.sync(self.calendar_id, full=True)
            session().rollback()
            if not self.decide() and self.at_rest():
                return
        raise AssertionError("nothing comes to rest: " + self.story())

    def decide(self) -> bool:
        """The host takes one of the offered ways with each event that isn't as its booking is, perhaps after deleting
        it meanwhile."""
        found = sa.select(CalendarEvent).where(
            (CalendarEvent.difference != Difference.NONE) | (CalendarEvent.state == EventState.FAILED)
        )
        events = session().scalars(found.order_by(CalendarEvent.id)).all()
        for event in events:
            if self.chance.random() < 0.3:
                mark = event.booking.public_id
                for there in [one[0] for one in self.side.own() if one[1] == mark]:
                    self.side.delete(there)
            way = self.chance.choice(OFFERED[event.difference])
            self.told.append(f"host decides to {way}")
            if way == "follow":
                self.attempt(functools.partial(differences.follow, event))
            elif way == "cancel" and event.booking.live:
                self.attempt(functools.partial(cancel, event.booking_id, actor="host"))
            else:
                differences.put_back(event)
        session().commit()
        return bool(events)

    def at_rest(self) -> bool:
        undone = sa.select(OutboxMessage.id).where(
            OutboxMessage.state == MessageState.WAITING, OutboxMessage.rule_id.is_(None)
        )
        busy = session().scalars(undone).first() is not None
        session().rollback()
        return not busy and session().scalars(sa.select(Connection.state)).one() is ConnectionState.ACTIVE

    def check(self, *, invites: bool) -> None:
        """Everybody agrees."""
        self.no_overlaps()
        meetings = self.meetings()
        in_calendar = Counter((mark, times) for _event, mark, times in self.side.own())
        assert in_calendar == Counter({(mark, times): 1 for mark, _email, times in meetings}), self.story()
        known = Counter(
            (row.starts, row.ends) for row in session().scalars(sa.select(BusyTime)) if row.ends > midnight(-1)
        )
        assert known == Counter(self.side.foreign().values()), self.story()
        for email in GUESTS:
            mine = Counter(times for _mark, one, times in meetings if one == email)
            by_mail = self.by_mail(email)
            by_service = self.side.guests(email) if invites else {}
            assert Counter({**by_service, **by_mail}.values()) == mine, f"{email}: {self.story()}"
            assert Counter({**by_mail, **by_service}.values()) == mine, f"{email}: {self.story()}"
            if invites and not self.gave_up:
                assert not by_mail, self.story()
        for_ann = Counter(self.by_mail(ANN).values())
        assert for_ann <= Counter(times for _mark, _email, times in meetings), self.story()
        assert self.gave_up or not for_ann, self.story()
        failed = {one.topic for one in session().scalars(sa.select(OutboxMessage)) if one.state is MessageState.FAILED}
        assert failed <= ({"calendar"} if self.gave_up else set()), self.story()

    def by_mail(self, email: str) -> dict[str, Times]:
        """What mails have put into somebody's calendar: times by UID."""
        client = MailClient(email)
        for mail in self.smtp.delivered:
            if email in mail.recipients:
                client.receive(mail.raw)
        return {
            uid: (int(entry.starts.timestamp()), int(entry.ends.timestamp())) for uid, entry in client.calendar.items()
        }

    def meetings(self) -> list[tuple[str, str, Times]]:
        rows = session().scalars(sa.select(Booking).where(Booking.status == BookingStatus.CONFIRMED))
        return [
            (one.public_id, one.guest_email, (int(one.starts_at.timestamp()), int(one.ends_at.timestamp())))
            for one in rows
        ]

    def no_overlaps(self) -> None:
        rows = sorted(session().execute(sa.select(OccupiedTime.starts, OccupiedTime.ends)).all())
        session().rollback()
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(rows)), self.story()

    def story(self) -> str:
        return " → ".join(self.told)


def follow(yes: bool) -> None:
    """Whether Ann's bookings follow her calendar."""
    host = session().scalars(sa.select(Host)).one()
    host.calendar_changes = CalendarChanges.FOLLOW if yes else CalendarChanges.FLAG
    session().commit()
