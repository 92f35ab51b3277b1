"""A CRM of every odd habit books, logs and lists like any other."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from flask_booking.models import Booking, BookingStatus
from flask_booking.scheduling import book, cancel, complete_past, mark, reschedule
from tests.crm.crms import ROOT, Kind, bookable, odd_crm, said
from tests.fixtures.apart import apart
from tests.scheduling.bookable import DAY, HOUR, guest, instant, midnight, request


def life() -> None:
    app, db, crm = odd_crm()
    user_model, entry_model = crm.models.user, crm.models.activity
    with app.app_context():
        ann = user_model(number=0, mail="ann@example.com", given="Ann", family="Meyer")
        db.session.add(ann)
        db.session.commit()
        assert (crm.key_of(ann), crm.display_name(ann), crm.locale_of(ann)) == (0, "Ann Meyer", "en")
        event = bookable(ann, "ann")
        start, began = midnight(), now().replace(microsecond=0)

        # A guest becomes a contact whose texts fit, and two of them without a number may share it.
        booking = book(event.id, request(start, "Sam@Acme-Industries.example", intake=None))
        booking_id = booking.id
        sam = booking.contact
        assert booking.crm_error == ""
        assert (sam.given, sam.family, sam.firm, sam.phone) == ("Sam", "Guest", "acme-ind", None)
        assert sam.keeper is ann
        other = book(event.id, request(start + HOUR, intake=guest("kim@gmail.com", "Kim")))
        assert (other.contact.given, other.contact.family, other.contact.firm) == ("Kim", "", "")

        # The same address in other letters is the same contact.
        again = book(event.id, request(start + 2 * HOUR, "sam@acme-industries.example"))
        assert again.contact_id == sam.key

        # The whole life is logged in the CRM's words.
        db.session.delete(db.session.scalars(sa.select(entry_model).where(entry_model.person_key != sam.key)).one())
        db.session.execute(sa.delete(entry_model))
        reschedule(booking_id, instant(start + 3 * HOUR), actor="guest")
        passed(db, booking_id)
        passed(db, again.id)
        cancel(other.id, actor="guest")
        assert complete_past() == 2
        mark(booking_id, BookingStatus.NO_SHOW)
        entries = db.session.scalars(sa.select(entry_model).where(entry_model.person_key == sam.key)).all()
        assert sorted(entry.kind.name for entry in entries) == ["MEETING", "MEETING", "MEETING", "MISSED"]
        assert {entry.who for entry in entries} == {0}
        assert {entry.line for entry in entries} == {
            "Meeting rescheduled:",
            "Meeting completed: I",
            "Guest did not come: ",
        }
        assert all(entry.at.tzinfo is None and began <= entry.at <= now() for entry in entries)
        assert {type(entry.kind) for entry in entries} == {Kind}

        # Mapped to None is not logged at all, and no failure either.
        event.requires_approval = True
        db.session.commit()
        asked = book(event.id, request(start + 5 * HOUR, "sam@acme-industries.example"))
        assert asked.crm_error == ""
        assert len(db.session.scalars(sa.select(entry_model).where(entry_model.person_key == sam.key)).all()) == 4

        # Deleted, the contact is nowhere to be seen, but its meetings are; and nobody is matched with it.
        key, event_id, public_id = sam.key, event.id, booking.public_id
        sam.gone, event.requires_approval = True, False
        db.session.commit()
        db.session.remove()
        booking = db.session.get(Booking, booking_id)
        assert (booking.contact, booking.contact_id) == (None, key)
        anew = book(event_id, request(start + 6 * HOUR, "sam@acme-industries.example"))
        assert anew.contact_id not in (None, key)

    client = app.test_client()
    assert client.get(f"{ROOT}/").status_code == 401
    client.get("/login/0")
    assert "Sam Guest" in said(client.get(f"{ROOT}/bookings?show=all"))
    assert "Sam Guest" in said(client.get(f"{ROOT}/bookings/{public_id}"))
    assert "Sam Guest" in said(client.get(f"{ROOT}/"))
    assert "Kim" in said(client.get(f"{ROOT}/bookings.csv?show=all"))


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def passed(db: Any, booking_id: int) -> None:
    """The meeting was days ago."""
    booking = db.session.get(Booking, booking_id)
    for name in ("starts_at", "ends_at"):
        setattr(booking, name, instant(int(getattr(booking, name).timestamp()) - 10 * DAY))
    db.session.commit()


def test_a_crm_of_every_odd_habit_books_logs_and_lists() -> None:
    apart(life)
