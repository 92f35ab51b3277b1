"""Reading whole Outlook calendars: pages, series, deltas that are only a signal, and refusals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import pytest

from flask_booking.calendars.provider import Window
from flask_booking.connections.access import OAuthAccess
from flask_booking.connections.problems import (
    CursorExpired,
    Gone,
    MissingScope,
    NeedsReconnect,
    NotAllowed,
    ProviderProblem,
    RateLimited,
    Unreachable,
    Unreadable,
)
from tests.fakes.base import Trouble
from tests.fakes.microsoft import Repeat

from .outlook import BERLIN, DECEMBER, Outlook, at, outlook

DAY = 86_400


@pytest.fixture
def ann() -> Iterator[Outlook]:
    with outlook() as world:
        yield world


# -- lists and series -----------------------------------------------------------------------------------------------


def test_a_series_comes_as_its_occurrences_with_what_was_done_to_single_ones(ann: Outlook) -> None:
    october = Window(at(1, month=10), at(30, month=11))
    nine, ten = at(12, 9, month=10, zone=BERLIN), at(12, 10, month=10, zone=BERLIN)
    series = ann.ann.add_event("Weekly", nine, ten, repeat=Repeat(7, 4))
    _, second, third, _ = (each.id for each in ann.ann.occurrences(october.start, october.end))
    ann.ann.delete_event(second)
    ann.ann.move_event(third, at(26, 15, month=10), at(26, 16, month=10))
    (resource,) = ann.changes(window=october).resources
    assert resource.id == series
    # On the 25th clocks go back: nine o'clock stays nine o'clock.
    wanted = [at(12, 9, month=10, zone=BERLIN), at(26, 15, month=10), at(2, 9, month=11, zone=BERLIN)]
    assert [event.starts for event in resource.events] == wanted
    assert len({event.id for event in resource.events}) == 3


def test_every_page_is_read_and_an_empty_one_is_not_the_last(ann: Outlook) -> None:
    for number in range(7):
        ann.ann.add_event(f"{number}", at(1, number), at(1, number + 1))
    ann.fake.page_size, ann.fake.empty_pages = 2, 2
    found = ann.changes()
    assert [event.title for resource in found.resources for event in resource.events] == list("0123456")
    assert found.cursor


def test_only_what_touches_the_window_is_told(ann: Outlook) -> None:
    ann.ann.add_event("Before", at(1, 8), at(1, 9))
    ann.ann.add_event("Into", at(1, 8), at(1, 10))
    ann.ann.add_event("Out of", at(1, 11), at(1, 13))
    ann.ann.add_event("After", at(1, 12), at(1, 13))
    assert [event.title for event in ann.events(Window(at(1, 9), at(1, 12)))] == ["Into", "Out of"]


def test_twelve_hundred_events_are_read_by_a_handful_of_requests(ann: Outlook) -> None:
    for number in range(1200):
        ann.ann.add_event(f"{number}", at(1) + number * 300, at(1) + number * 300 + 200)
    assert len(ann.changes().resources) == 1200
    assert len(ann.fake.journal) < 10


def test_every_request_asks_for_utc_and_for_ids_that_stay(ann: Outlook) -> None:
    ann.ann.add_event("Talk", at(1, 9), at(1, 10))
    ann.fake.page_size = 1
    ann.ann.add_event("Talk", at(2, 9), at(2, 10))
    ann.changes(ann.changes().cursor)
    assert ann.fake.journal
    for asked in ann.fake.journal:
        assert 'outlook.timezone="UTC"' in asked.headers["Prefer"]
        assert 'IdType="ImmutableId"' in asked.headers["Prefer"]


@pytest.mark.parametrize(
    "body",
    [
        {"value": [], "@odata.nextLink": "https://elsewhere.example/v1.0/me"},
        {"value": [], "@odata.nextLink": "http://127.0.0.1.elsewhere.example/v1.0/me"},
        {"value": {"id": "x"}},
        {"value": ["x"]},
        {},
    ],
)
def test_a_list_that_is_none_or_leads_elsewhere_is_not_followed(ann: Outlook, body: dict[str, Any]) -> None:
    ann.fake.fail(200, body, path="/calendarView", times=2)
    with pytest.raises(Unreadable):
        ann.changes()


def test_a_link_to_an_address_that_only_begins_like_graphs_is_not_followed(ann: Outlook) -> None:
    ann.app.config["BOOKING_MICROSOFT_API_URL"] = ann.fake.url
    ann.fake.fail(200, {"value": [], "@odata.nextLink": f"{ann.fake.url}@elsewhere.example/"}, path="/calendars")
    with pytest.raises(Unreadable):
        ann.provider.calendars(ann.access)


def test_a_list_that_leads_to_itself_ends(ann: Outlook) -> None:
    link = f"{ann.fake.api_url}/me/calendars/{ann.calendar.id}/calendarView?round"
    ann.fake.fail(200, {"value": [], "@odata.nextLink": link}, path="/calendarView", times=6)
    with pytest.raises(Unreadable):
        ann.changes()


# -- deltas ---------------------------------------------------------------------------------------------------------


def test_nothing_new_takes_one_request_and_says_nothing(ann: Outlook) -> None:
    ann.ann.add_event("Talk", at(1, 9), at(1, 10))
    first = ann.changes()
    assert first.complete
    ann.fake.journal.clear()
    second = ann.changes(first.cursor)
    assert (second.resources, second.removed, second.complete) == ((), (), False)
    assert len(ann.fake.journal) == 1
    assert ann.changes(second.cursor).complete is False


@pytest.mark.parametrize("kind", ["added", "moved", "moved out", "freed", "deleted", "occurrence moved"])
def test_after_any_change_everything_is_read_again(ann: Outlook, kind: str) -> None:
    talk = ann.ann.add_event("Talk", at(1, 9), at(1, 10))
    ann.ann.add_event("Weekly", at(2, 9), at(2, 10), repeat=Repeat(7, 3))
    occurrence = ann.ann.occurrences(at(9), at(10))[0].id
    cursor = ann.changes().cursor
    if kind == "added":
        ann.ann.add_event("New", at(3, 9), at(3, 10))
    elif kind == "moved":
        ann.ann.move_event(talk, at(4, 9), at(4, 10))
    elif kind == "moved out":
        ann.ann.move_event(talk, at(1, 9, month=5), at(1, 10, month=5))
    elif kind == "freed":
        ann.ann.edit_event(talk, show_as="free")
    elif kind == "deleted":
        ann.ann.delete_event(talk)
    else:
        ann.ann.move_event(occurrence, at(9, 15), at(9, 16))
    ann.fake.replays = True
    later = ann.changes(cursor)
    assert later.complete
    assert later.resources == ann.changes().resources
    assert ann.changes(later.cursor).complete is False


def test_a_deleted_occurrence_that_a_delta_leaves_out_is_found_without_a_cursor(ann: Outlook) -> None:
    ann.fake.omits_deleted_occurrences = True
    ann.ann.add_event("Weekly", at(2, 9), at(2, 10), repeat=Repeat(7, 3))
    cursor = ann.changes().cursor
    ann.ann.delete_event(ann.ann.occurrences(at(9), at(10))[0].id)
    assert ann.changes(cursor).complete is False
    assert [event.starts for event in ann.events()] == [at(2, 9), at(16, 9)]


def test_what_changes_while_everything_is_read_is_told_of_the_next_time(ann: Outlook) -> None:
    def busy_host(asked: Any) -> bool:
        if asked.path.endswith("/calendarView") and not ann.ann.events():
            ann.ann.add_event("Meanwhile", at(1, 9), at(1, 10))
        return False

    ann.fake.troubles.append(Trouble(matches=busy_host))
    first = ann.changes()
    assert ann.changes(first.cursor).complete


@pytest.mark.parametrize(
    "lost", [(410, "SyncStateNotFound"), (410, ""), (400, "syncStateInvalid"), (404, "ResyncRequired")]
)
def test_a_forgotten_delta_has_to_be_begun_again(ann: Outlook, lost: tuple[int, str]) -> None:
    cursor = ann.changes().cursor
    ann.fake.state_lost = lost
    ann.fake.forget_state()
    with pytest.raises(CursorExpired):
        ann.changes(cursor)
    assert ann.changes(ann.changes().cursor).complete is False


def test_a_cursor_serves_a_window_that_has_moved_by_a_day_and_no_more(ann: Outlook) -> None:
    cursor = ann.changes().cursor
    assert ann.changes(cursor, Window(DECEMBER.start + DAY, DECEMBER.end + DAY)).cursor
    assert ann.changes(cursor, Window(DECEMBER.start + 9 * DAY, DECEMBER.end)).cursor
    for window in (Window(DECEMBER.start, DECEMBER.end + DAY + 1), Window(DECEMBER.start - DAY - 1, DECEMBER.end)):
        with pytest.raises(CursorExpired):
            ann.changes(cursor, window)


@pytest.mark.parametrize(
    "cursor",
    [
        "rubbish", "[]", "{}", "null", '{"link": "x"}', "[" * 100_000,
        '{"link": "https://elsewhere.example/v1.0/x", "start": 1796083200, "end": 1798675200}',
    ],
)  # fmt: skip
def test_a_cursor_that_is_not_ours_is_not_followed(ann: Outlook, cursor: str) -> None:
    with pytest.raises(CursorExpired):
        ann.changes(cursor)
    assert ann.fake.journal == []


@pytest.mark.parametrize("refused", [(400, "ErrorInvalidRequest"), (404, "ResourceNotFound"), (501, "NotImplemented")])
def test_a_calendar_without_deltas_is_read_as_a_whole_each_time(ann: Outlook, refused: tuple[int, str]) -> None:
    ann.ann.add_event("Talk", at(1, 9), at(1, 10))
    ann.fake.delta_refused = refused
    found = ann.changes()
    assert (len(found.resources), found.complete, found.cursor) == (1, True, "")


# -- refusals -------------------------------------------------------------------------------------------------------


def test_a_calendar_that_is_gone_is_gone(ann: Outlook) -> None:
    ann.ann.calendars.clear()
    with pytest.raises(Gone):
        ann.changes()


def test_a_mailbox_that_is_not_in_the_cloud_is_not_gone_but_out_of_reach(ann: Outlook) -> None:
    ann.ann.on_premises = True
    with pytest.raises(NotAllowed):
        ann.provider.calendars(ann.access)
    with pytest.raises(NotAllowed):
        ann.changes()


@pytest.mark.parametrize(
    ("status", "code", "problem"),
    [
        (400, "ErrorInvalidRequest", ProviderProblem),
        (403, "ErrorAccessDenied", NotAllowed),
        (403, "Authorization_RequestDenied", MissingScope),
        (404, "ErrorItemNotFound", Gone),
        (500, "generalException", Unreachable),
        (302, "", ProviderProblem),
    ],
)
def test_refusals_are_told_apart(ann: Outlook, status: int, code: str, problem: type[ProviderProblem]) -> None:
    body = {"error": {"code": code, "message": "ann@example.com's secret"}}
    ann.fake.fail(status, body, path="/me")
    with pytest.raises(problem) as caught:
        ann.provider.account(ann.access)
    assert type(caught.value) is problem
    assert "secret" not in str(caught.value)


def test_an_expired_token_that_cannot_be_renewed_asks_for_signing_in_again(ann: Outlook) -> None:
    ann.fake.expire_access_tokens()
    with pytest.raises(NeedsReconnect):
        ann.changes()


@pytest.mark.parametrize(("wait", "seconds"), [("2.128", 2.128), ("", None)])
def test_the_fifth_request_at_a_time_is_asked_to_wait(ann: Outlook, wait: str, seconds: float | None) -> None:
    ann.fake.wait, ann.fake.gate = wait, threading.Event()
    with ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(_account, ann) for _ in range(5)]
        refused = next(each.exception() for each in as_completed(asked))
        ann.fake.gate.set()
    assert isinstance(refused, RateLimited)
    assert refused.retry_after == seconds
    assert sum(each.exception() is None for each in asked) == 4


def test_an_answer_that_is_not_json_cannot_be_read(ann: Outlook) -> None:
    ann.fake.fail(200, "a text", path="/me")
    with pytest.raises(Unreadable):
        ann.provider.account(ann.access)


def _account(ann: Outlook) -> None:
    with ann.app.app_context():
        ann.provider.account(OAuthAccess(ann.access.tokens))
