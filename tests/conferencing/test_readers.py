"""Readers whose address, hosts or calendars change between two mails: each has the meeting once, under one name."""

from __future__ import annotations

import pytest

from flask_booking import catalog
from flask_booking.calendars.memory import Memory
from flask_booking.models import Host, OutboxMessage
from flask_booking.scheduling import cancel, reassign, reschedule
from flask_booking.state import session
from tests.conferencing.conftest import GUEST, HOST, Office
from tests.conferencing.test_told import hold_back, outage
from tests.fixtures.people import make_host

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


def together(office: Office) -> Host:
    """Let Ann, whose calendar invites, and Ben, who has none, meet the guest together; returns Ben."""
    _user, ben = make_host("Ben Cole")
    catalog.set_hosts(office.ann.event, [office.ann.host, ben])
    catalog.update_event_type(office.ann.event, {"assignment": "all"})
    return ben


def invited(memory: Memory) -> list[str]:
    """The names by which a calendar's service has the guest invited."""
    work = memory.calendars_by_id["work"]
    return [event.uid for key, event in work.events.items() if work.drafts[key].invite]


def test_a_host_who_leaves_a_meeting_that_gets_another_name_has_it_no_more(office: Office, inviting: Memory) -> None:
    together(office)
    booking = office.book()
    office.deliver()
    [entry] = office.entries("ben@example.com")
    _user, cy = make_host("Cy Roe")
    reassign(booking.id, cy.id)
    office.deliver()
    assert office.fresh(booking).uid != entry.uid
    assert office.entries("ben@example.com") == []
    assert [one.uid for one in office.entries("cy@example.com")] == [office.fresh(booking).uid]


def test_a_host_who_stays_in_a_meeting_that_gets_another_name_keeps_it_once(office: Office, inviting: Memory) -> None:
    ben = together(office)
    booking = office.book()
    office.deliver()
    [before] = office.entries("ben@example.com")
    reassign(booking.id, ben.id)
    office.deliver()
    [entry] = office.entries("ben@example.com")
    assert (entry.uid, entry.sequence) == (before.uid, office.fresh(booking).sequence)


@pytest.mark.parametrize("removed", [True, False])
def test_a_guest_of_a_calendar_that_has_the_meeting_back_is_invited_once(
    office: Office, inviting: Memory, removed: bool
) -> None:
    _user, ben = make_host("Ben Cole")
    booking = office.book()
    office.deliver()
    assert len(invited(inviting)) == 1
    reassign(booking.id, ben.id)
    if not removed:
        hold_back(office, "calendar")
    office.deliver()
    reassign(booking.id, office.ann.host.id)
    office.go_on("calendar")
    assert (len(inviting.calendars_by_id["work"].events), invited(inviting)) == (1, [])
    [entry] = office.entries()
    assert (entry.uid, entry.sequence) == (office.fresh(booking).uid, 2)
    cancel(booking.id, actor="guest")
    office.deliver()
    assert (inviting.calendars_by_id["work"].events, office.entries()) == ({}, [])
