"""Tables that want more than a guest says, on MariaDB with a clock in India (:mod:`tests.hosts.data_family`)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from flask_booking import FlaskBooking
from flask_booking.models import Booking, Host
from flask_booking.models.columns import utcnow
from flask_booking.testing import assert_mounted
from tests.crm.crms import bare_app
from tests.fixtures.databases import MakeDatabase
from tests.hosts.way import ok, snapshot, walk
from tests.public.guest import book, text_of

IN_INDIA = {"connect_args": {"init_command": "SET time_zone = '+05:30'"}}


def founder(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.get("/login/0")
    return client


def life(url: str) -> None:
    from tests.hosts import data_family as family
    from tests.hosts.data_family import Company, Contact, Done, Log, db

    bare, app = (bare_app(db, url, SQLALCHEMY_ENGINE_OPTIONS=IN_INDIA) for _ in range(2))
    family.pages(bare)
    family.pages(app)
    FlaskBooking().init_app(app, db, crm=family.new_crm())
    with app.app_context():
        db.create_all()
        family.people()
    asks = [("GET", "/contacts")]
    assert snapshot(app, asks, founder) == snapshot(bare, asks, founder)
    assert ok(app.test_client().get("/settings/booking/"), 401)

    walked = walk(app, founder(app), recorded=("booked", "rescheduled"))
    assert "Sam Hill example.com 2" in founder(app).get("/contacts").text
    public = f"/book/{walked.slug}/talk?tz=UTC"
    with app.app_context():
        zone, now = db.session.execute(sa.text("SELECT @@session.time_zone, now()")).one()
        assert (zone, round((now - here()).total_seconds() / 60)) == ("+05:30", 330)
        assert db.session.scalar(sa.select(Host.user_id)) == 0
        sam = db.session.scalars(sa.select(Contact).where(Contact.name == "Sam Hill")).one()
        assert (sam.company.name, sam.creator_id, sam.phone) == ("example.com", 0, "")
        logs = db.session.scalars(sa.select(Log)).all()
        assert {(log.user_id, log.done, log.contact_id) for log in logs} == {(0, Done.MET, sam.id)}
        assert all(abs(log.at - here()) < dt.timedelta(minutes=5) for log in logs)
        sam_id = sam.id
    assert_mounted(app)

    # Links of the CRM name a contact by its key, and a key that can't be one names nobody.
    chosen = founder(app).get("/settings/booking/book", query_string={"contact": str(sam_id)})
    assert "Sam Hill" in text_of(ok(chosen))
    for wrong in (str(uuid.uuid4()), "0", "nobody", "x" * 16):
        answer = founder(app).get("/settings/booking/book", query_string={"contact": wrong})
        assert "Sam Hill" not in text_of(ok(answer))
    with app.app_context():
        db.session.get(Contact, sam_id).active = False
        db.session.commit()

    # A number that is too long for the CRM fails the contact and loses neither booking nor number.
    number = "+44 (0)20 - 79 46 - 09 58"
    ok(app.test_client().get(book(app.test_client(), public, email="kim@long.example", phone=number)))
    with app.app_context():
        booking = newest(db)
        assert (booking.guest_phone, booking.contact_id, booking.crm_error) == (number, None, "DataError")
        assert db.session.query(Company).filter_by(name="long.example").count() == 0
        # The time that was promised is the one that is kept, whatever the server's clock.
        assert booking.starts_at > utcnow()
        assert booking.starts_local == booking.starts_at.astimezone(ZoneInfo(booking.host_time_zone)).replace(
            tzinfo=None
        )

    # Who was deleted is not brought back, and nobody is found by an address that is empty.
    book(app.test_client(), public)
    with app.app_context():
        booking = newest(db)
        assert (booking.contact.name, booking.crm_error) == ("Sam Hill", "")
        assert booking.contact_id != sam_id


def newest(db: Any) -> Booking:
    return db.session.scalars(sa.select(Booking).order_by(Booking.id.desc()).limit(1)).one()


def here() -> dt.datetime:
    return utcnow().replace(tzinfo=None)


def test_tables_that_want_more_than_a_guest_says_get_it(
    fresh_database: MakeDatabase, apart: Callable[..., None]
) -> None:
    apart(life, fresh_database("mariadb"))
