"""Series in a Google Calendar: never pieced together from what Google tells of them."""

from __future__ import annotations

from typing import Any

import pytest

from flask_booking.calendars.provider import RemoteCalendar, Window
from flask_booking.connections.access import OAuthAccess
from tests.calendars.google.given import ANN, DAILY, DAY, FIVE, HOUR, T0, WINDOW, ids, provider
from tests.fakes.google import Google as FakeGoogle


def test_a_series_is_one_resource_of_many_events(access: OAuthAccess, calendar: RemoteCalendar, series: str) -> None:
    found = provider.changes(access, calendar, "", WINDOW)
    (resource,) = found.resources
    assert resource.id == series
    assert [event.id for event in resource.events] == FIVE
    assert [event.starts for event in resource.events] == [T0 + day * DAY + 10 * HOUR for day in range(1, 6)]


def test_of_a_series_that_changed_all_occurrences_are_read_anew(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, series: str
) -> None:
    cursor = provider.changes(access, calendar, "", WINDOW).cursor

    def again() -> dict[str, list[str]]:
        nonlocal cursor
        found = provider.changes(access, calendar, cursor, WINDOW)
        cursor = found.cursor
        assert found.removed == ()
        return {one.id: sorted(event.id for event in one.events) for one in found.resources}

    google.delete_event(ANN, FIVE[1])
    assert again() == {series: [FIVE[0], *FIVE[2:]]}
    google.move_event(ANN, FIVE[2], WINDOW.end + DAY)
    assert again() == {series: [FIVE[0], *FIVE[3:]]}
    google.move_event(ANN, FIVE[2], T0 + 20 * DAY)
    assert again() == {series: [FIVE[0], *FIVE[2:]]}
    google.change_event(ANN, series, recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
    assert again() == {series: [FIVE[0]]}
    google.change_event(ANN, series, recurrence=["RRULE:FREQ=WEEKLY"], summary="For ever")
    assert len(again()[series]) == 9


@pytest.mark.parametrize("told", ["all", "one", "one by its id only"])
def test_a_deleted_series_leaves_nothing_though_google_tells_only_some_of_it(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, told: str
) -> None:
    series = google.add_event(ANN, T0 + DAY, T0 + DAY + HOUR, id="series1", recurrence=["RRULE:FREQ=WEEKLY;COUNT=99"])
    far = Window(T0, T0 + 600 * DAY)
    first = provider.changes(access, calendar, "", far)
    assert len(first.resources[0].events) == 86
    google.delete_event(ANN, series)
    if told != "all":
        one: dict[str, Any] = {"id": first.resources[0].events[3].id, "status": "cancelled"}
        if told == "one":
            one["recurringEventId"] = series
        google.fail(200, {"items": [one], "nextSyncToken": "next"})
    second = provider.changes(access, calendar, first.cursor, far)
    assert [(one.id, one.events) for one in second.resources] == [(series, ())]


def test_a_series_that_is_forgotten_altogether_is_removed(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    one = {"id": "gone_20300302T100000Z", "status": "cancelled", "recurringEventId": "gone"}
    google.fail(200, {"items": [one], "nextSyncToken": "next"})
    found = provider.changes(access, calendar, "cursor", WINDOW)
    assert (found.resources, found.removed) == ((), ("gone",))


def test_an_event_that_becomes_a_series_and_back_keeps_its_resource(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.add_event(ANN, T0 + DAY + 10 * HOUR, T0 + DAY + 11 * HOUR, id="series1")
    first = provider.changes(access, calendar, "", WINDOW)
    google.change_event(ANN, "series1", recurrence=DAILY)
    second = provider.changes(access, calendar, first.cursor, WINDOW)
    assert {one.id: [event.id for event in one.events] for one in second.resources} == {"series1": FIVE}


def test_a_series_that_lives_is_not_removed_whatever_is_told_of_it(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, series: str
) -> None:
    items = [{"id": series, "status": "cancelled"}, {"id": FIVE[0], "status": "cancelled", "recurringEventId": series}]
    google.fail(200, {"items": items, "nextSyncToken": "next"})
    found = provider.changes(access, calendar, "cursor", WINDOW)
    assert (ids(found), found.removed) == (FIVE, ())


def test_cancelled_occurrences_among_those_of_a_series_are_left_out(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, series: str
) -> None:
    cursor = provider.changes(access, calendar, "", WINDOW).cursor
    google.change_event(ANN, series, summary="New")
    day = {"start": {"date": "2030-03-02"}, "end": {"date": "2030-03-03"}}
    google.fail(
        200, {"items": [{"id": FIVE[0], "status": "cancelled", **day}, {"id": FIVE[1], **day}]}, path="instances"
    )
    assert ids(provider.changes(access, calendar, cursor, WINDOW)) == [FIVE[1]]


def test_when_very_many_series_changed_everything_is_read(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.add_event(ANN, T0 + DAY, T0 + 2 * DAY, id="single")
    first = provider.changes(access, calendar, "", WINDOW)
    for number in range(21):
        google.add_event(ANN, T0 + DAY, T0 + DAY + HOUR, id=f"series{number:02d}", recurrence=DAILY)
    before = len(google.journal)
    second = provider.changes(access, calendar, first.cursor, WINDOW)
    assert second.complete
    assert len(second.resources) == 22
    assert len(google.journal) - before == 2
