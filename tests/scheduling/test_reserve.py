"""A booking is written with everything that must follow from it, or not at all."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from example_app.extensions import db
from example_app.models import Activity, Contact, User
from flask_booking.errors import (
    GuestLimitReached,
    NoLongerOffered,
    Refused,
    SlotTaken,
    SlotUnavailable,
)
from flask_booking.i18n import use_locale
from flask_booking.models import (
    Assignment,
    BlockedTime,
    Booking,
    BookingStatus,
    EventType,
    HistoryEntry,
    HistoryKind,
    Host,
    MessageRule,
    OccupiedTime,
    OutboxMessage,
    Schedule,
)
from flask_booking.scheduling import book, cancel, place_hold
from flask_booking.scheduling.hold import new_hold_token
from flask_booking.signals import booking_booked, booking_requested, outbox_filled
from flask_booking.state import state
from tests.scheduling.bookable import DAY, HOUR, MINUTE, guest, instant, midnight, new_event, new_host, request


def rows(model: type[Any]) -> list[Any]:
    return list(db.session.scalars(sa.select(model).order_by(model.id)))


def nothing_is_left() -> bool:
    """Whether the database has nothing that a booking would have written."""
    return not any(rows(model) for model in (Booking, OccupiedTime, HistoryEntry, OutboxMessage, Contact, Activity))


def test_a_booking_is_in_the_calendar_the_crm_and_the_outbox(event: EventType, host: Host) -> None:
    db.session.add(MessageRule(host_id=host.id, minutes=-60))
    db.session.commit()
    start = midnight()
    booking = book(event.id, request(start))
    assert (booking.status, booking.starts_at, booking.ends_at) == (
        BookingStatus.CONFIRMED,
        instant(start),
        instant(start + 30 * MINUTE),
    )
    [taken] = rows(OccupiedTime)
    assert (taken.booking_id, taken.host_id, taken.starts, taken.ends) == (booking.id, host.id, start, start + 1800)
    [contact] = rows(Contact)
    assert (contact.email, contact.name, contact.owner_id) == ("sam@example.com", "Sam Guest", host.user_id)
    assert booking.contact is contact
    [entry] = rows(HistoryEntry)
    [activity] = rows(Activity)
    assert (entry.kind, entry.actor, entry.activity_id) == (HistoryKind.BOOKED, "guest", activity.id)
    assert (activity.contact_id, activity.user_id) == (contact.id, host.user_id)
    assert activity.subject == "Meeting booked: Intro"
    mails = {(mail.kind, mail.recipient): mail for mail in rows(OutboxMessage)}
    assert set(mails) == {
        ("booked", "sam@example.com"),
        ("booked", "ann@example.com"),
        ("reminder", "sam@example.com"),
    }
    assert mails["reminder", "sam@example.com"].due_at == instant(start - HOUR)
    assert mails["booked", "sam@example.com"].payload["starts"] == instant(start).isoformat()


def test_the_timeline_is_written_in_the_hosts_language_not_in_that_of_who_acts(event: EventType) -> None:
    with use_locale("en_US"):
        book(event.id, request(midnight() + 15 * HOUR))
    [activity] = rows(Activity)
    assert "15:00" in activity.body, "the host's language has 24 hours"
    assert "PM" not in activity.body


def test_the_wall_clock_that_was_promised_is_kept(event: EventType, host: Host) -> None:
    host.time_zone = "Asia/Kathmandu"
    db.session.commit()
    booking = book(event.id, request(midnight()))
    assert booking.host_time_zone == "Asia/Kathmandu"
    assert booking.starts_local - booking.starts_at.replace(tzinfo=None) == dt.timedelta(hours=5, minutes=45)


def test_a_known_guest_stays_one_contact(event: EventType, host: Host) -> None:
    db.session.add(Contact(email="Sam@Example.com", name="Samuel", owner_id=host.user_id))
    db.session.commit()
    booking = book(event.id, request(midnight(), "sam@example.com"))
    [contact] = rows(Contact)
    assert booking.contact is contact
    assert contact.name == "Samuel"


def test_a_booking_on_behalf_of_a_contact_is_that_contacts(event: EventType, host: Host) -> None:
    contact = Contact(email=None, name="No Address", owner_id=host.user_id)
    db.session.add(contact)
    db.session.commit()
    booking = book(event.id, request(midnight(), actor="host", contact=contact))
    assert booking.contact is contact
    assert rows(Contact) == [contact]


def test_what_was_said_after_the_commit(event: EventType) -> None:
    said: list[Any] = []

    def hear_booking(_app: object, booking: Booking, entry: HistoryEntry) -> None:
        said.append((booking.id, entry.kind))

    def hear_outbox(_app: object, ids: list[int]) -> None:
        said.append(sorted(ids))

    with booking_booked.connected_to(hear_booking), outbox_filled.connected_to(hear_outbox):
        booking = book(event.id, request(midnight()))
    assert said == [sorted(mail.id for mail in rows(OutboxMessage)), (booking.id, HistoryKind.BOOKED)]


def test_a_failing_receiver_is_nobodys_problem(event: EventType, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_app: object, **_what: object) -> None:
        raise RuntimeError("receiver")

    with booking_booked.connected_to(fail):
        assert book(event.id, request(midnight())).live
    assert "booking-booked" in caplog.text


@pytest.mark.parametrize("hook", ["contact_for", "record_activity"])
def test_a_failing_hook_loses_no_booking(hook: str, event: EventType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(session: Any, *_args: object) -> None:
        session.add(User(email="half@example.com", name="Half done", password_hash=""))
        session.flush()
        raise LookupError("no such pipeline")

    monkeypatch.setattr(state().crm, hook, fail)
    booking = book(event.id, request(midnight()))
    assert booking.live
    assert booking.crm_error == "LookupError"  # its words may name people
    assert db.session.scalar(sa.select(User.id).where(User.email == "half@example.com")) is None
    [entry] = rows(HistoryEntry)
    assert entry.activity_id is None
    later = [message for message in rows(OutboxMessage) if message.topic == "crm"]
    assert [message.payload for message in later] == [{"history_id": entry.id}]
    assert len(rows(OccupiedTime)) == 1
    assert bool(rows(Contact)) == (hook == "record_activity")


def test_a_hook_that_breaks_the_database_loses_no_booking(event: EventType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(session: Any, *_args: object) -> None:
        session.add(Contact(email="x@example.com", name=None))
        session.flush()

    monkeypatch.setattr(state().crm, "contact_for", fail)
    assert book(event.id, request(midnight())).crm_error == "IntegrityError"


def test_a_guest_who_is_refused_now_can_still_cancel(event: EventType, monkeypatch: pytest.MonkeyPatch) -> None:
    booking = book(event.id, request(midnight()))
    booking.contact = None
    db.session.commit()

    def refuse(*_args: object) -> None:
        raise Refused

    monkeypatch.setattr(state().crm, "contact_for", refuse)
    assert cancel(booking.id, actor="guest").status is BookingStatus.CANCELLED
    assert booking.crm_error == "Refused"


def test_a_confirmation_is_numbered_before_the_reminder(event: EventType) -> None:
    db.session.add(MessageRule(host_id=event.hosts[0].id, minutes=-1))
    db.session.commit()
    book(event.id, request(midnight()))
    kinds = db.session.scalars(sa.select(OutboxMessage.kind).order_by(OutboxMessage.id)).all()
    assert kinds[:2] == ["booked", "booked"]
    assert "reminder" in kinds[2:]


def test_a_hook_can_refuse_and_then_nothing_is_left(event: EventType, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise Refused("Please call us.")

    monkeypatch.setattr(state().crm, "contact_for", refuse)
    with pytest.raises(Refused, match="Please call us"):
        book(event.id, request(midnight()))
    assert nothing_is_left()


def test_a_repeated_request_is_answered_with_the_first_booking(event: EventType) -> None:
    first = book(event.id, request(midnight(), idempotency_key="form-1"))
    again = book(event.id, request(midnight(), idempotency_key="form-1"))
    assert again.id == first.id
    assert len(rows(Booking)) == len(rows(Activity)) == 1
    with pytest.raises(SlotTaken):
        book(event.id, request(midnight(), idempotency_key="form-2"))


@pytest.mark.parametrize(
    ("seconds", "more"),
    [
        (7 * MINUTE, {}),  # off the grid
        (-4 * DAY, {}),  # in the past
        (100 * DAY, {}),  # beyond the window
        (0, {"duration": 45}),  # not one of the durations
        (10**9, {}),
    ],
)
def test_a_start_that_is_not_offered_is_refused_and_leaves_nothing(
    seconds: int, more: dict[str, Any], event: EventType
) -> None:
    with pytest.raises(SlotUnavailable):
        book(event.id, request(midnight() + seconds, **more))
    assert nothing_is_left()


def test_a_host_without_hours_cannot_be_booked(event: EventType, host: Host) -> None:
    db.session.execute(sa.delete(Schedule))
    db.session.commit()
    with pytest.raises(SlotUnavailable):
        book(event.id, request(midnight()))


def test_all_hosts_means_all_also_when_one_has_no_hours(host: Host, other_host: Host) -> None:
    event = new_event(host, other_host)
    db.session.execute(sa.delete(Schedule).where(Schedule.host_id == other_host.id))
    db.session.commit()
    with pytest.raises(SlotUnavailable):
        book(event.id, request(midnight()))


def test_an_event_type_without_hosts_cannot_be_booked(event: EventType) -> None:
    event.hosts = []
    db.session.commit()
    with pytest.raises(SlotUnavailable):
        book(event.id, request(midnight()))


@pytest.mark.parametrize("change", [{"active": False}, {"archived_at": instant(midnight(-1))}])
def test_an_event_type_that_was_switched_off_takes_nothing(change: dict[str, Any], event: EventType) -> None:
    for name, value in change.items():
        setattr(event, name, value)
    db.session.commit()
    with pytest.raises(NoLongerOffered):
        book(event.id, request(midnight()))
    with pytest.raises(NoLongerOffered):
        book(event.id + 1000, request(midnight()))


def test_a_guest_has_no_more_meetings_than_allowed(event: EventType) -> None:
    event.limit_guest = 1
    db.session.commit()
    first = book(event.id, request(midnight()))
    with pytest.raises(GuestLimitReached):
        book(event.id, request(midnight() + HOUR, "SAM@example.com"))
    book(event.id, request(midnight() + HOUR, "someone@example.com"))
    cancel(first.id, actor="guest")
    assert book(event.id, request(midnight() + 2 * HOUR)).live


def test_a_request_for_approval_holds_the_time(event: EventType) -> None:
    event.requires_approval = True
    db.session.commit()
    heard: list[int] = []

    def hear(_app: object, booking: Booking, entry: HistoryEntry) -> None:
        heard.append(booking.id)

    with booking_requested.connected_to(hear):
        booking = book(event.id, request(midnight()))
    assert (booking.status, booking.pending_until) == (BookingStatus.PENDING, instant(midnight()))
    assert heard == [booking.id]
    with pytest.raises(SlotTaken):
        book(event.id, request(midnight(), "late@example.com"))


def test_a_group_is_full_when_its_seats_are_taken(event: EventType) -> None:
    event.seats = 2
    db.session.commit()
    first, _second = (book(event.id, request(midnight(), f"{name}@example.com")) for name in "ab")
    with pytest.raises(SlotTaken):
        book(event.id, request(midnight(), "c@example.com"))
    cancel(first.id, actor="guest")
    book(event.id, request(midnight(), "c@example.com"))
    assert sorted(row.seat for row in rows(OccupiedTime)) == [0, 1]


def test_buffers_of_both_sides_add_up(event: EventType, host: Host) -> None:
    event.buffer_after = 15
    db.session.commit()
    other = new_event(host, buffer_before=15, interval=5)
    book(event.id, request(midnight()))
    with pytest.raises(SlotTaken):
        book(other.id, request(midnight() + 55 * MINUTE))
    assert book(other.id, request(midnight() + 60 * MINUTE)).live


def test_blocked_times_count_long_before_and_after_by_their_rule(event: EventType, host: Host) -> None:
    day = instant(midnight()).replace(tzinfo=None)
    db.session.add_all(
        [
            BlockedTime(host_id=host.id, starts_local=day, ends_local=day + dt.timedelta(hours=1), time_zone="UTC"),
            BlockedTime(
                host_id=host.id,
                starts_local=day - dt.timedelta(days=700),
                ends_local=day - dt.timedelta(days=700) + dt.timedelta(hours=1),
                time_zone="Pacific/Kiritimati",
                rrule="FREQ=DAILY",
            ),
        ]
    )
    db.session.commit()
    for start in (midnight(), midnight() + 10 * HOUR):
        with pytest.raises((SlotTaken, SlotUnavailable)):
            book(event.id, request(start))
    assert book(event.id, request(midnight() + HOUR)).live


def test_the_host_with_the_fewest_meetings_gets_the_next(host: Host, other_host: Host) -> None:
    anyone = new_event(host, other_host, assignment=Assignment.ANY)
    own = new_event(host)
    book(own.id, request(midnight()))
    taken = [book(anyone.id, request(midnight() + hour * HOUR)).hosts for hour in (1, 2, 3)]
    assert [hosts[0].user.name for hosts in taken] == ["Ben", "Ann", "Ben"]


def test_a_hold_is_of_the_host_who_will_get_the_meeting(host: Host, other_host: Host) -> None:
    anyone = new_event(host, other_host, assignment=Assignment.ANY)
    book(new_event(host).id, request(midnight()))
    start = midnight() + HOUR
    token = new_hold_token(anyone.id)
    place_hold(anyone.id, token, start)
    held = db.session.scalars(sa.select(OccupiedTime.host_id).where(OccupiedTime.hold_id.is_not(None))).all()
    assert held == [host.id for host in book(anyone.id, request(start, hold=token)).hosts] == [other_host.id]


def test_the_next_guest_of_a_group_joins_the_host_who_has_it(host: Host, other_host: Host) -> None:
    anyone = new_event(host, other_host, assignment=Assignment.ANY, seats=2)
    hosts = [book(anyone.id, request(midnight(), f"{name}@example.com")).hosts[0].id for name in "abcd"]
    assert hosts == [host.id, host.id, other_host.id, other_host.id]


def test_an_inactive_host_takes_nothing(host: Host, other_host: Host) -> None:
    event = new_event(host, other_host, assignment=Assignment.ANY)
    host.active = False
    db.session.commit()
    assert book(event.id, request(midnight())).hosts == [other_host]


def test_a_host_who_wants_no_mail_gets_none(event: EventType, host: Host) -> None:
    host.notify_by_email = False
    db.session.commit()
    book(event.id, request(midnight()))
    assert [mail.recipient for mail in rows(OutboxMessage)] == ["sam@example.com"]


def test_strangers_in_another_calendar_are_not_in_the_way(event: EventType) -> None:
    user = User(email="cleo@example.com", name="Cleo", password_hash="")
    db.session.add(user)
    theirs = new_event(new_host(user))
    book(event.id, request(midnight()))
    assert book(theirs.id, request(midnight(), intake=guest("sam@example.com", "Sam"))).live
