"""Which contact a guest is: none, one or several with the address, in any letters, deleted ones never."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.models import Activity, Contact, User
from flask_booking import CRM, ContactFields, Guest
from flask_booking.models import Booking
from flask_booking.scheduling import book
from flask_booking.state import session
from tests.crm.crms import bookable, tenant_crm
from tests.fixtures.apart import apart
from tests.fixtures.people import Bookable
from tests.scheduling.bookable import midnight, request

FIELDS = ContactFields(owner="owner_id", deleted="archived_at", company="company", phone="phone")


@pytest.fixture
def crm() -> CRM:
    return CRM(User, Contact, Activity, contact_fields=FIELDS)


@pytest.fixture
def add(ann: Bookable) -> Callable[..., Contact]:
    """``add("x@example.com")`` is a contact of a colleague unless it says otherwise."""
    other = User(email="ben@example.com", name="Ben", password_hash="-")
    session().add(other)
    session().commit()

    def make(email: str | None, **columns: Any) -> Contact:
        contact = Contact(**({"email": email, "name": "Sam", "owner_id": other.id} | columns))
        session().add(contact)
        session().commit()
        return contact

    return make


def test_nobody_matches_a_stranger_nor_an_empty_address(ann: Bookable, add: Any, crm: CRM) -> None:
    for email in (None, "", " ", "%", "sam@example.org"):
        add(email)
    for email in ("sam@example.com", "", "sam@example._rg"):
        assert crm.find_contact(session(), email, ann.user) is None


def test_letters_large_and_small_are_the_same(ann: Bookable, add: Any, crm: CRM) -> None:
    contact = add("Sam@Example.com")
    assert crm.find_contact(session(), "sAM@eXAMPLE.COM", ann.user) is contact


def test_letters_with_accents_are_the_same_large_and_small(ann: Bookable, add: Any, crm: CRM) -> None:
    contact = add("Özlem@Example.com")
    for email in ("özlem@example.com", "Özlem@example.com", "ÖZLEM@example.com"):
        assert crm.find_contact(session(), email, ann.user) is contact
    add("STRASSE@example.com")
    assert crm.find_contact(session(), "straße@example.com", ann.user) is None  # somebody else's mailbox


def test_of_several_the_hosts_own_is_taken_and_else_the_oldest(ann: Bookable, add: Any, crm: CRM) -> None:
    oldest, _later = add("sam@example.com"), add("sam@example.com")
    assert crm.find_contact(session(), "sam@example.com", ann.user) is oldest
    own = add("SAM@example.com", owner_id=ann.user.id)
    assert crm.find_contact(session(), "sam@example.com", ann.user) is own


def test_a_deleted_contact_is_nobody(ann: Bookable, add: Any, crm: CRM) -> None:
    deleted = add("sam@example.com", archived_at=dt.datetime.now(dt.UTC))
    assert crm.find_contact(session(), "sam@example.com", ann.user) is None
    made = crm.contact_for(session(), Guest("Sam Guest", "sam@example.com"), ann.user)
    assert made is not deleted
    assert (made.company, made.phone, made.owner_id) == ("example.com", None, ann.user.id)


def test_a_guest_with_a_public_mailbox_has_no_company(ann: Bookable, crm: CRM) -> None:
    assert crm.create_contact(session(), Guest("Sam", "sam@Gmail.com"), ann.user).company is None


def two_at_once(url: str) -> None:
    """One new guest books with two hosts in the same moment, in a CRM where an address is unique."""
    app, db, crm = tenant_crm(url)
    both_know_nobody = threading.Barrier(2, timeout=30)
    create, failed = crm.create_contact, []

    def together(*args: Any) -> Any:
        both_know_nobody.wait()
        return create(*args)

    crm.create_contact = together  # type: ignore[method-assign]
    with app.app_context():
        firm = next(one.class_ for one in db.Model.registry.mappers if one.class_.__name__ == "Firm")
        db.session.add(firm(id=1))
        users = [crm.models.user(firm_id=1, email=name, name=name) for name in ("ann", "ben")]
        db.session.add_all(users)
        db.session.commit()
        events = [bookable(user, user.name).id for user in users]

    def go(app: Flask, event_id: int) -> None:
        try:
            with app.app_context():
                book(event_id, request(midnight(), "sam@example.com"))
        except BaseException as error:
            failed.append(repr(error))

    threads = [threading.Thread(target=go, args=(app, event_id)) for event_id in events]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with app.app_context():
        found = db.session.execute(sa.select(Booking.contact_id, Booking.crm_error)).all()
        assert (failed, len(found), {tuple(row) for row in found}) == ([], 2, {(found[0][0], "")})
        assert db.session.query(crm.models.contact).count() == 1
        assert db.session.query(crm.models.activity).count() == 2
        db.session.remove()
        db.drop_all()
        db.engine.dispose()


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_new_guest_of_two_hosts_at_once_is_one_contact_where_addresses_are_unique(
    kind: str, fresh_database: Callable[[str], str]
) -> None:
    apart(two_at_once, fresh_database(kind))
