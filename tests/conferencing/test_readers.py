"""Readers whose address, hosts or calendars change between two mails: each has the meeting once, under one name."""

from __future__ import annotations

from flask_booking.models import OutboxMessage
from flask_booking.scheduling import reschedule
from flask_booking.state import session
from tests.conferencing.conftest import GUEST, HOST, Office
from tests.conferencing.test_told import hold_back, outage

MOVED_TO = "ann.new@example.com"


def test_a_host_whose_address_changed_meanwhile_gets_the_link_once(office: Office) -> None:
    booking = office.book()
    outage(office)
    office.deliver()
    office.go_on("mail")
    office.ann.user.email = MOVED_TO
    session().commit()
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    hold_back(office, "conference")
    office.go_on("mail")
    office.go_on("conference")
    booking = office.fresh(booking)
    assert booking.location["url"]
    assert (office.kinds(HOST), office.kinds(MOVED_TO)) == (["booked"], ["rescheduled", "linked"])
    assert office.kinds() == ["booked", "rescheduled", "linked"]
    for reader in (GUEST, MOVED_TO):
        [entry] = office.entries(reader)
        assert (entry.starts, entry.sequence) == (booking.starts_at, booking.sequence)


def test_a_guest_with_the_address_of_the_host_gets_the_link_as_both(office: Office) -> None:
    booking = office.book(email=HOST)
    outage(office)
    office.deliver()
    office.go_on("mail")
    office.go_on("conference")
    linked = office.rows(OutboxMessage.kind == "linked")
    assert [row.payload["audience"] for row in linked] == ["guest", "host"]
    assert office.fresh(booking).location["url"]
