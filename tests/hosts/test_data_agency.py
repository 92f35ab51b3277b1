"""A CRM with every habit that a session can have (:mod:`tests.hosts.data_agency`) has booking like any other."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from email.utils import parseaddr
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from flask_booking import CRM, FlaskBooking
from flask_booking.jobs.outbox import deliver_due
from flask_booking.models import Booking, OutboxMessage
from flask_booking.models.columns import utcnow
from flask_booking.testing import assert_mounted
from tests.crm.crms import bare_app, bookable
from tests.fixtures.databases import MakeDatabase
from tests.hosts.way import ok, snapshot, walk
from tests.public.guest import book

Apart = Callable[..., None]


def logged_in(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    assert client.get(f"/login/{name}").text == "in"
    return client


def life(url: str) -> None:
    from tests.hosts import data_agency as agency
    from tests.hosts.data_agency import Audit, Client, Entry, Staff, db

    bare, app = bare_app(db, url), bare_app(db, url)
    agency.pages(bare)
    agency.pages(app)
    crm = agency.AgencyCRM(Staff, Client, Entry, **agency.FIELDS)
    FlaskBooking().init_app(app, db, crm=crm)
    with app.app_context():
        agency.create_all()
        agency.people()
    asks = [("GET", "/clients")]
    assert len({str(snapshot(one, asks, lambda one: logged_in(one, "Ann"))) for one in (bare, app)}) == 1

    ann = logged_in(app, "Ann")
    walked = walk(app, ann)
    assert "Sam Hill meeting Meeting booked: Talk" in ann.get("/clients").text
    with app.app_context():
        assert db.session.scalar(sa.text("SHOW timezone")) == "America/New_York"
        user = db.session.scalars(sa.select(Staff).where(Staff.full_name == "Ann")).one()
        entries = db.session.scalars(sa.select(Entry)).all()
        assert {(one.author_key, one.tenant_code) for one in entries} == {(user.key, "east")}
        assert [one.kind for one in sorted(entries, key=lambda one: one.at)[-3:]] == ["meeting", "meeting", "note"]
        assert all(abs(one.at - utcnow()) < dt.timedelta(minutes=5) for one in entries)
        assert set(db.session.scalars(sa.select(Audit.actor).where(Audit.what == "Entry"))) == {user.key}
        sam = db.session.scalars(sa.select(Client).where(Client.name == "Sam Hill")).one()
        sam_key = sam.key
        user.version += 1  # the password was changed
        db.session.commit()
    assert ann.get("/settings/booking/").status_code == 401
    assert_mounted(app)
    public = f"/book/{walked.slug}/talk?tz=UTC"

    # Who is logged in with another tenant sees neither Ann nor whom she knows: the booking is kept, and a worker, which
    # has no session, finds the contact and tells Ann.
    bea = logged_in(app, "Bea")
    found = newest(app, db, book(bea, public))
    assert (found.contact_id, found.crm_error) == (None, "AttributeError")
    crm.sent.clear()
    again(app, db)
    assert seen(app, db, found) == (sam_key, "", True)
    assert {"sam@example.com", "ann@agency.example"} == {parseaddr(str(mail["To"]))[1] for mail in crm.sent}

    # So it is with a CHECK that doesn't know a kind, and with an audit that nobody answers for.
    crm.activity_fields = dataclasses.replace(crm.activity_fields, kinds={})
    found = newest(app, db, book(app.test_client(), public))
    assert (found.contact_id, found.crm_error) == (sam_key, "IntegrityError")
    crm.activity_fields = agency.FIELDS["activity_fields"]
    app.extensions["booking"].crm = CRM(Staff, Client, Entry, **agency.FIELDS)
    other = newest(app, db, book(app.test_client(), public, email="kim@client.example"))
    assert (other.contact_id, other.crm_error) == (None, "AttributeError")
    app.extensions["booking"].crm = crm
    again(app, db)
    assert seen(app, db, found) == (sam_key, "", True)
    assert seen(app, db, other)[1:] == ("", True)

    # In the other tenant the same address is somebody else; a deleted client is nobody, though its address is taken.
    with app.app_context():
        bookable(db.session.scalars(sa.select(Staff).where(Staff.full_name == "Bea")).one(), "bea")
    found = newest(app, db, book(app.test_client(), "/book/bea/intro?tz=UTC"))
    assert found.contact_id not in (None, sam_key)
    with app.app_context():
        west = db.session.get(Client, found.contact_id)
        assert west.tenant_code == "west"
        with agency.acting(db.session, found.hosts[0].user):
            west.deleted_at = utcnow()
        db.session.commit()
    found = newest(app, db, book(app.test_client(), "/book/bea/intro?tz=UTC"))
    assert (found.contact_id, found.crm_error) == (None, "IntegrityError")

    # A host whom every query hides has a page until it is closed; nobody meets an error on it.
    with app.app_context():
        db.session.execute(sa.update(Staff).where(Staff.full_name == "Bea").values(left=True))
        db.session.commit()
    stranger = app.test_client()
    ok(stranger.get("/book/bea"))
    ok(stranger.get(book(stranger, "/book/bea/intro?tz=UTC", email="zoe@client.example")))
    ann = logged_in(app, "Ann")
    for path in ("/", "/bookings?of=all", "/event-types", "/news?since=0", "/messages/log"):
        ok(ann.get(f"/settings/booking{path}"))


def newest(app: Flask, db: Any, _confirmation: str) -> Booking:
    """What was booked just now."""
    with app.app_context():
        found = db.session.scalars(sa.select(Booking).order_by(Booking.id.desc()).limit(1)).one()
        _ = [host.user for host in found.hosts]
        return found


def again(app: Flask, db: Any) -> None:
    """The job's next try, now."""
    with app.app_context():
        db.session.execute(sa.update(OutboxMessage).where(OutboxMessage.topic == "crm").values(due_at=utcnow()))
        db.session.commit()
    deliver_due(app)


def seen(app: Flask, db: Any, booking: Booking) -> tuple[Any, str, bool]:
    """The contact of a booking, its error, and whether all that happened is an activity."""
    with app.app_context():
        found = db.session.get(Booking, booking.id)
        return found.contact_id, found.crm_error, all(entry.activity_id is not None for entry in found.history)


def test_a_session_with_every_habit_carries_booking(fresh_database: MakeDatabase, apart: Apart) -> None:
    apart(life, fresh_database("postgresql"))
