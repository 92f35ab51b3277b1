"""Google tells of changes, and what it posts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flask_booking.calendars.google.provider import read_notification
from flask_booking.calendars.provider import RemoteCalendar, Watch, WatchRequest
from flask_booking.connections.access import OAuthAccess
from flask_booking.connections.problems import NotAllowed
from tests.calendars.google.given import ANN, DAY, HOUR, T0, draft, provider, write
from tests.fakes.google import Google as FakeGoogle


def wish(**more: Any) -> WatchRequest:
    known: dict[str, Any] = {
        "channel": "11111111-2222", "address": "http://127.0.0.1:9/hook", "token": "t0", "expires": T0 + 5 * DAY,
    }  # fmt: skip
    return WatchRequest(**(known | more))


def test_changes_are_told_until_the_watch_ends(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    watch = provider.watch(access, calendar, wish())
    assert watch == Watch("11111111-2222", google.channels["11111111-2222"].resource, T0 + 5 * DAY)
    told: list[tuple[str, str, str] | None] = []

    def post(_address: str, headers: Mapping[str, str]) -> int:
        told.append(read_notification(headers))
        return 204

    google.deliver(post)
    write(access, calendar, draft())
    google.deliver(post)
    assert told == [("11111111-2222", "t0", "sync"), ("11111111-2222", "t0", "exists")]
    for _ in range(2):
        provider.unwatch(access, watch)
    google.delete_event(ANN, draft().key)
    assert google.deliver(post) == 0


def test_a_watch_may_end_sooner_than_asked(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    google.longest_channel = HOUR
    assert abs(provider.watch(access, calendar, wish()).expires - (T0 + HOUR)) < 300


def test_a_calendar_that_cannot_be_watched_says_so(google: FakeGoogle, access: OAuthAccess) -> None:
    google.add_calendar(ANN, "Holidays", id="holidays", push=False)
    with pytest.raises(NotAllowed):
        provider.watch(access, RemoteCalendar("holidays", "Holidays"), wish())
    with pytest.raises(NotAllowed):
        provider.watch(access, RemoteCalendar(ANN, "Ann"), wish(address="http://crm.example/hook"))


GOOD = {"X-Goog-Channel-ID": "abc", "X-Goog-Channel-Token": "t", "X-Goog-Resource-State": "exists"}


@pytest.mark.parametrize(
    ("headers", "read"),
    [
        (GOOD, ("abc", "t", "exists")),
        ({name.lower(): value for name, value in GOOD.items()}, ("abc", "t", "exists")),
        ({name: value for name, value in GOOD.items() if "Token" not in name}, ("abc", "", "exists")),
        (GOOD | {"X-Goog-Resource-State": "sync"}, ("abc", "t", "sync")),
        (GOOD | {"X-Goog-Resource-State": "not_exists"}, ("abc", "t", "not_exists")),
        (GOOD | {"X-Goog-Resource-State": "drop table"}, None),
        (GOOD | {"X-Goog-Channel-ID": "a b"}, None),
        (GOOD | {"X-Goog-Channel-ID": "a" * 65}, None),
        (GOOD | {"X-Goog-Channel-Token": "t" * 257}, None),
        ({}, None),
    ],
)
def test_notifications_are_read(headers: dict[str, str], read: tuple[str, str, str] | None) -> None:
    assert read_notification(headers) == read
