"""Meet links, removing events, and what hosts do to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_booking.calendars.provider import RemoteCalendar
from flask_booking.connections.access import OAuthAccess
from flask_booking.connections.problems import Gone
from tests.calendars.google.given import ANN, DAILY, DAY, HOUR, T0, WINDOW, draft, only, provider, write
from tests.fakes.google import Google as FakeGoogle

# -- links ------------------------------------------------------------------------------------------------------------


def test_a_meet_link_is_made_with_the_event(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft(conference="google_meet"))
    assert made.join_url.startswith("https://meet.google.com/")
    assert not made.join_pending
    moved = write(access, calendar, draft(conference="google_meet", sequence=1, starts=T0, ends=T0 + HOUR), made)
    assert moved.join_url == made.join_url


def test_a_link_that_takes_its_time_is_seen_later(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.meet_pending = 3
    wanted = draft(conference="google_meet")
    made = write(access, calendar, wanted)
    assert (made.join_url, made.join_pending) == ("", True)
    again = write(access, calendar, wanted, made)
    assert (again.join_url, again.join_pending) == ("", True)
    moved = write(access, calendar, replace(wanted, sequence=1, starts=T0, ends=T0 + HOUR), made)
    assert moved.join_pending
    assert all("conferenceData" not in asked.json for asked in google.asked("PATCH")), "one request is enough"
    seen = [provider.look(access, calendar, wanted, made) for _ in range(2)]
    assert [(one.join_pending, bool(one.join_url)) for one in seen if one] == [(True, False), (False, True)]


@pytest.mark.parametrize("sequence", [0, 1])
def test_a_link_that_failed_is_left_out_and_asked_for_with_the_next_writing(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, sequence: int
) -> None:
    google.meet_fails = True
    wanted = draft(conference="google_meet")
    made = write(access, calendar, wanted)
    for _ in range(2):
        assert (made.join_url, made.join_pending) == ("", False)
        made = write(access, calendar, wanted, made)
    google.meet_fails = False
    asked = google.asked("PATCH")
    looked = provider.look(access, calendar, wanted, made)
    assert looked is not None
    assert (looked.join_url, google.asked("PATCH")) == ("", asked), "looking asks for nothing"
    assert write(access, calendar, replace(wanted, sequence=sequence), made).join_url


def test_a_link_that_the_calendar_cannot_have_is_no_error(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.calendars[ANN].conferences = ()
    wanted = draft(conference="google_meet")
    made = write(access, calendar, wanted)
    assert (made.join_url, made.join_pending) == ("", False)
    again = write(access, calendar, wanted, made)
    assert again == made
    assert write(access, calendar, replace(wanted, title="New"), made).join_url == ""
    assert google.event(ANN, made.id)["summary"] == "New"


def test_no_link_is_asked_for_where_the_calendar_says_it_has_none(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    write(access, replace(calendar, conferencing=()), draft(conference="google_meet"))
    write(access, calendar, draft(key="v" * 26, conference="teams"))
    assert all("conferenceData" not in asked.json for asked in google.asked("POST"))


def test_a_link_that_nobody_asked_for_is_not_told(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    google.change_event(ANN, made.id, hangoutLink="https://meet.google.com/abc")
    seen = provider.look(access, calendar, draft(), made)
    assert seen is not None
    assert seen.join_url == ""
    other = provider.look(access, calendar, draft(conference="google_meet"), made)
    assert other is not None
    assert other.join_url == "https://meet.google.com/abc"


# -- removing and looking ---------------------------------------------------------------------------------------------


def test_an_event_is_removed_once_and_again(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft())
    for _ in range(2):
        provider.remove(access, calendar, draft(), made)
    assert google.events(ANN) == []
    provider.remove(access, calendar, draft(), replace(made, id="neverwas"))


def test_an_event_is_removed_by_its_key(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    provider.remove(access, calendar, draft(), None)
    provider.remove(access, calendar, draft(), write(access, calendar, draft()))
    write(access, calendar, draft())
    provider.remove(access, calendar, draft(), None)
    assert google.events(ANN) == []


def test_removing_from_a_calendar_that_is_no_more_is_as_good(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    google.remove_calendar(ANN)
    provider.remove(access, calendar, draft(), made)
    provider.remove(access, calendar, draft(), None)


def test_what_the_host_did_is_seen(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft())
    assert provider.look(access, calendar, draft(), made) == made
    google.move_event(ANN, made.id, T0 + 30 * HOUR)
    moved = provider.look(access, calendar, draft(), made)
    assert moved is not None
    assert (moved.starts, moved.ends, moved.declined) == (T0 + 30 * HOUR, T0 + 31 * HOUR, False)
    google.decline_event(ANN, made.id)
    declined = provider.look(access, calendar, draft(), made)
    assert declined is not None
    assert declined.declined
    google.delete_event(ANN, made.id)
    assert provider.look(access, calendar, draft(), made) is None
    assert provider.look(access, calendar, draft(), replace(made, id="neverwas")) is None


def test_what_was_declined_stands_again_when_it_is_put_back_or_moves_but_not_by_the_way(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    google.respond(ANN, made.id, "gus@example.net", "accepted")
    google.decline_event(ANN, made.id)
    assert write(access, calendar, draft(title="New"), made).declined, "nobody has decided about that yet"
    assert not write(access, calendar, draft(title="New"), made).declined
    answers = {one["email"]: one["responseStatus"] for one in google.event(ANN, made.id)["attendees"]}
    assert answers == {"gus@example.net": "accepted", ANN: "accepted"}
    google.decline_event(ANN, made.id)
    assert not write(access, calendar, draft(title="New", starts=T0, ends=T0 + HOUR), made).declined


def test_a_calendar_that_is_no_more_is_no_proof_that_events_were_deleted(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    google.remove_calendar(ANN)
    with pytest.raises(Gone):
        provider.look(access, calendar, draft(), made)


def test_own_events_are_told_as_such_when_they_change_or_go(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    first = provider.changes(access, calendar, "", WINDOW)
    google.decline_event(ANN, made.id)
    second = provider.changes(access, calendar, first.cursor, WINDOW)
    assert (only(second).booking, only(second).declined) == ("42", True)
    google.delete_event(ANN, made.id)
    assert provider.changes(access, calendar, second.cursor, WINDOW).removed == (made.id,)


def test_what_the_host_makes_from_our_event_is_not_ours(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    copied = google.event(ANN, made.id)["extendedProperties"]
    copy = google.add_event(ANN, T0 + DAY, T0 + DAY + HOUR, extendedProperties=copied)
    found = provider.changes(access, calendar, "", WINDOW)
    assert {one.id: [event.booking for event in one.events] for one in found.resources} == {made.id: ["42"], copy: [""]}
    google.change_event(ANN, made.id, recurrence=DAILY)
    series = provider.changes(access, calendar, found.cursor, WINDOW)
    assert {one.id: [event.booking for event in one.events] for one in series.resources} == {made.id: [""] * 5}
    seen = provider.look(access, calendar, draft(), made)
    assert seen is not None
    assert (seen.starts, seen.ends) == (made.starts, made.ends)
