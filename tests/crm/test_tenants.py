"""Two firms in one database, whose contacts share an address: nothing of one reaches the other, whichever way."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from flask_booking import catalog, scheduling
from flask_booking.errors import InvalidInput, NotBookable
from flask_booking.models import Booking, EventType, Host, OutboxMessage
from flask_booking.scheduling import book
from tests.crm.crms import ROOT, as_user, bookable, said, tenant_crm
from tests.fixtures.apart import apart
from tests.fixtures.days import today
from tests.scheduling.bookable import HOUR, guest, midnight, request


def ways_in() -> None:
    app, db, crm = tenant_crm()
    user_model, contact_model, activity_model = crm.models.user, crm.models.contact, crm.models.activity
    firm_model = next(one.class_ for one in db.Model.registry.mappers if one.class_.__name__ == "Firm")
    event_of, contact_of, booking_of, message_of, host_of = {}, {}, {}, {}, {}
    with app.app_context():
        db.session.add_all([firm_model(id=firm) for firm in (0, 1)])
        for firm, names in ((0, ("anna", "adam")), (1, ("bert", "boss"))):
            sam = contact_model(firm_id=firm, email="Sam@example.com", name=f"Sam of {names[0]}")
            db.session.add(sam)
            for name in names:
                user = user_model(firm_id=firm, email=name, name=name.title(), is_boss=name in ("adam", "boss"))
                db.session.add(user)
                db.session.commit()
                event = bookable(user, name)
                event_of[name], host_of[name] = event.public_id, event.hosts[0].id
                contact_of[name] = sam.id
        both = db.session.query(EventType).order_by(EventType.id).all()
        for event in both:
            name, start = event.page.slug, midnight() + 24 * HOUR
            booking = book(event.id, request(start, intake=guest("sam@EXAMPLE.com", f"Guest of {name}")))
            # The tenant is the host's: matched, though another firm's contact with the address is older.
            assert (booking.contact_id, booking.crm_error) == (contact_of[name], "")
            booking_of[name] = booking.public_id
            message_of[name] = db.session.query(OutboxMessage).filter_by(booking_id=booking.id).first().public_id
            fresh = book(event.id, request(start + HOUR, f"new-of-{name}@example.com"))
            assert fresh.contact.firm_id == booking.contact.firm_id
        assert db.session.query(contact_model).filter(contact_model.email.ilike("sam@example.com")).count() == 2
        told = db.session.execute(
            sa.select(activity_model.firm_id, contact_model.firm_id).join(
                contact_model, contact_model.id == activity_model.contact_id
            )
        )
        assert {tuple(row) for row in told} == {(0, 0), (1, 1)}

        # The Python API crosses neither.
        anna = db.session.get(EventType, both[0].id)
        with pytest.raises(InvalidInput):
            catalog.set_hosts(anna, [anna.hosts[0], db.session.get(Host, host_of["bert"])])
        db.session.rollback()
        booking_id = db.session.query(Booking).filter_by(public_id=booking_of["anna"]).one().id
        with pytest.raises(NotBookable):
            scheduling.reassign(booking_id, host_of["bert"])

    boss = as_user(app, "boss")
    strange = {"anna": "Anna", "adam": "Adam"}

    def nothing_strange(answer: TestResponse, status: int = 200) -> str:
        words = said(answer, status)
        assert not [name for short, name in strange.items() if name in words or short in words], words
        return words

    # What the boss of one firm can open by address: nothing of the other.
    for path in (
        "/?host=anna", "/bookings?host=anna", "/bookings.csv?host=adam", "/page?host=anna", "/messages/log?host=anna",
        f"/bookings/{booking_of['anna']}", f"/bookings/{booking_of['anna']}/reschedule",
        f"/event-types/{event_of['anna']}", f"/book?event={event_of['anna']}",
        f"/book?event={event_of['anna']}&contact={contact_of['boss']}",
    ):  # fmt: skip
        assert boss.get(ROOT + path).status_code == 404, path
    for path in (
        f"/bookings/{booking_of['anna']}/cancel", f"/bookings/{booking_of['anna']}/notes",
        f"/messages/log/{message_of['anna']}/retry", f"/event-types/{event_of['adam']}/active",
        f"/book?event={event_of['anna']}",
    ):  # fmt: skip
        assert boss.post(ROOT + path).status_code == 404, path

    # What lists show him: his own firm.
    assert "Guest of bert" in nothing_strange(boss.get(f"{ROOT}/bookings?of=all"))
    assert "Guest of bert" in nothing_strange(boss.get(f"{ROOT}/bookings.csv?of=all&show=all"))
    for path in ("/", "/?host=bert", "/event-types", "/messages/log", "/news?since=0", "/book", "/why"):
        nothing_strange(boss.get(ROOT + path))
    assert "Guest of boss" in nothing_strange(boss.get(f"{ROOT}/news?since=0"))
    # A contact of the other firm is none, in "Book with …" as in the filter of the list.
    strange_key = contact_of["anna"]
    nothing_strange(boss.get(f"{ROOT}/book?contact={strange_key}"))
    assert "Guest of boss" in nothing_strange(boss.get(f"{ROOT}/bookings?contact={strange_key}"))
    words = nothing_strange(boss.get(f"{ROOT}/book?contact={contact_of['boss']}"))
    assert "Sam of bert" in words

    # A meeting is offered to colleagues only, and nobody else gets it.
    own = nothing_strange(boss.get(f"{ROOT}/bookings/{booking_of['boss']}"))
    assert "Bert" in own
    answer = boss.post(f"{ROOT}/bookings/{booking_of['boss']}/reassign", data={"to": "anna"})
    assert "Please choose a host." in nothing_strange(answer, 422)

    # Booking on behalf of a contact of the other firm books with one's own.
    start = boss.get(f"/api/booking/v1/public/boss/intro/slots?start={day()}&end={day()}").json["slots"][0]["start"]
    form = {"event": event_of["boss"], "contact": strange_key, "start": start, "duration": 30, "name": "Sam"}
    form |= {"email": "sam@example.com", "time_zone": "UTC", "key": "1"}
    assert boss.post(f"{ROOT}/book", data=form).status_code == 303
    with app.app_context():
        newest = db.session.query(Booking).order_by(Booking.id.desc()).first()
        assert (newest.source, newest.contact_id) == ("host", contact_of["boss"])


def day() -> str:
    return str(today() + dt.timedelta(days=2))


def test_nothing_crosses_between_tenants_whichever_way_it_is_tried() -> None:
    apart(ways_in)
