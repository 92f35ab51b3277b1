"""A CRM in which users and contacts share a table, and one that has neither contacts nor activities."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from flask_booking import FlaskBooking, UserFields
from flask_booking.models import Booking
from flask_booking.testing import assert_mounted
from tests.crm.crms import as_user, bare_app, said
from tests.fixtures.databases import MakeDatabase
from tests.hosts.way import ok, snapshot, walk
from tests.public.guest import book

Apart = Callable[..., None]


def parties(url: str) -> None:
    from tests.hosts import data_party as party
    from tests.hosts.data_party import Address, Employee, Event, Person, db

    bare, app = bare_app(db, url), bare_app(db, url)
    party.pages(bare)
    party.pages(app)
    FlaskBooking().init_app(app, db, crm=party.new_crm())
    with app.app_context():
        db.create_all()
        db.session.add(Employee(name="Ann", login="ann", addresses=[Address(text="ann@crm.example")]))
        db.session.commit()

    def ann(app: Flask) -> FlaskClient:
        client = app.test_client()
        client.get("/login")
        return client

    asks = [("GET", "/people")]
    assert snapshot(app, asks, ann) == snapshot(bare, asks, ann)
    walked = walk(app, ann(app))
    assert "Sam Hill sam@example.com" in ann(app).get("/people").text
    with app.app_context():
        sam = db.session.scalars(sa.select(Person)).one()
        assert {(one.about, one.by.name) for one in db.session.scalars(sa.select(Event))} == {(sam, "Ann")}
        key = sam.key
    chosen = ok(ann(app).get("/settings/booking/bookings", query_string={"contact": key, "show": "all"}))
    assert chosen.text.count("Sam Hill") >= 2
    assert "Sam Hill" in said(ann(app).get("/settings/booking/book", query_string={"contact": key}))

    assert_mounted(app)

    # Hidden as a party, the contact is nobody: the address is taken, and the booking is kept.
    with app.app_context():
        db.session.get(Person, key).gone = True
        db.session.commit()
    book(app.test_client(), f"/book/{walked.slug}/talk")
    with app.app_context():
        newest = db.session.scalars(sa.select(Booking).order_by(Booking.id.desc()).limit(1)).one()
        assert (newest.contact_id, newest.crm_error) == (None, "IntegrityError")
    assert "Sam Hill" in said(ann(app).get("/settings/booking/bookings?of=all"))


def portal(url: str, other: str) -> None:
    from tests.hosts import data_portal
    from tests.hosts.data_portal import Host, db

    bare, app = (bare_app(db, url, SQLALCHEMY_BINDS={"other": other}) for _ in range(2))
    data_portal.pages(bare)
    data_portal.pages(app)
    fields = UserFields(is_admin="is_admin", tenant="tenant")
    FlaskBooking().init_app(app, db, crm=data_portal.PortalCRM(Host, user_fields=fields))
    with app.app_context():
        db.create_all()
        db.session.add_all([Host("ann", "acme", "Ann", is_admin=True), Host("bob", "acme", "Bob")])
        db.session.add(Host("eve", "evil", "Eve", is_admin=True))
        db.session.commit()
        assert "booking_booking" not in sa.inspect(db.engines["other"]).get_table_names()

    asks = [("GET", "/acme/bookings"), ("GET", "/evil/bookings")]

    def ann(app: Flask) -> FlaskClient:
        return as_user(app, "ann")

    assert snapshot(app, asks, ann) == snapshot(bare, asks, ann)
    walk(app, as_user(app, "bob"))
    assert_mounted(app)

    # An administrator sees the tenant's meetings, and one of another tenant none.
    assert "Sam Hill" in said(ann(app).get("/settings/booking/bookings?of=all&show=cancelled&when=all"))
    assert "Sam Hill" not in said(as_user(app, "eve").get("/settings/booking/bookings?of=all&show=cancelled&when=all"))
    assert snapshot(app, asks, ann) == snapshot(bare, asks, ann)


def test_users_and_contacts_may_share_a_table_and_have_their_addresses_in_another(
    fresh_database: MakeDatabase, apart: Apart
) -> None:
    apart(parties, fresh_database("sqlite"))


def test_users_are_enough_and_models_may_be_called_like_ours(fresh_database: MakeDatabase, apart: Apart) -> None:
    apart(portal, fresh_database("sqlite"), fresh_database("sqlite"))
