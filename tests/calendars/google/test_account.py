"""Signing in at Google, the calendars of an account, and what Google refuses."""

from __future__ import annotations

from typing import Any

import pytest

from flask_booking.calendars.provider import CalendarProvider, OAuthProvider, RemoteCalendar, Sign
from flask_booking.connections.access import OAuthAccess
from flask_booking.connections.problems import (
    CursorExpired,
    Gone,
    Misconfigured,
    MissingScope,
    NeedsReconnect,
    NotAllowed,
    ProviderProblem,
    RateLimited,
    Unreachable,
)
from tests.calendars.google.given import ANN, WINDOW, provider, signed_in
from tests.fakes.google import Google as FakeGoogle

# -- signing in -------------------------------------------------------------------------------------------------------


def test_it_is_a_provider() -> None:
    checked: CalendarProvider = provider
    assert isinstance(provider, OAuthProvider)
    assert (checked.name, checked.label, checked.sign) == ("google", "Google Calendar", Sign.OAUTH)
    assert checked.can_write
    assert checked.can_watch


def test_the_service_asks_for_a_refresh_token_each_time(google: FakeGoogle) -> None:
    service = provider.service(google.config())
    assert service.authorize_params == {
        "access_type": "offline", "prompt": "consent", "include_granted_scopes": "true",
    }  # fmt: skip
    assert (service.client_id, service.token_url) == (google.client_id, f"{google.url}/token")
    assert service.needed < set(service.scopes)
    assert service.client_secret not in repr(service)
    assert not service.rotates


def test_what_is_needed_is_named_as_google_names_what_was_allowed(google: FakeGoogle) -> None:
    service = provider.service(google.config())
    granted = google.allow(ANN, service.scopes).scopes
    assert service.needed <= set(granted)


@pytest.mark.parametrize("missing", ["BOOKING_GOOGLE_CLIENT_ID", "BOOKING_GOOGLE_CLIENT_SECRET"])
def test_without_a_client_it_is_misconfigured(google: FakeGoogle, missing: str) -> None:
    with pytest.raises(Misconfigured, match=missing):
        provider.service({**google.config(), missing: None})


def test_an_account_is_known_by_an_id_and_shown_by_its_address(google: FakeGoogle, access: OAuthAccess) -> None:
    account = provider.account(access)
    assert (account.id, account.name) == (google.accounts[ANN].sub, ANN)


def test_an_account_without_an_address_is_shown_by_its_id(google: FakeGoogle) -> None:
    account = provider.account(signed_in(google, scopes=("openid",)))
    assert account.name == account.id == google.accounts[ANN].sub


def test_a_token_that_is_over_has_to_be_renewed(google: FakeGoogle, access: OAuthAccess) -> None:
    google.expire_tokens()
    with pytest.raises(NeedsReconnect):
        provider.calendars(access)


# -- calendars --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("empty_pages", [False, True])
def test_every_calendar_is_listed_over_short_and_empty_pages(
    google: FakeGoogle, access: OAuthAccess, empty_pages: bool
) -> None:
    google.page_size, google.empty_pages = 1, empty_pages
    google.add_account("bob@example.com")
    hidden = google.add_calendar(ANN, "Hidden", hidden=True, conferences=())
    gone = google.add_calendar(ANN, "Gone")
    google.remove_calendar(gone)
    renamed = google.add_calendar(ANN, "Team", name="My team", time_zone="Asia/Tokyo")
    for role in ("freeBusyReader", "reader", "writer"):
        google.share(google.add_calendar("bob@example.com", role), ANN, role)
    found = provider.calendars(access)
    assert [one.name for one in found] == [ANN, "Hidden", "My team", "freeBusyReader", "reader", "writer"]
    assert [one.writable for one in found] == [True, True, True, False, False, True]
    assert [one.primary for one in found] == [True, False, False, False, False, False]
    by_id = {one.id: one for one in found}
    assert by_id[hidden].conferencing == ()
    assert by_id[ANN].conferencing == ("google_meet",)
    assert by_id[renamed].time_zone == "Asia/Tokyo"
    assert by_id[ANN].colour == "#9fe1e7"


def test_a_deleted_calendar_that_is_listed_all_the_same_is_left_out(google: FakeGoogle, access: OAuthAccess) -> None:
    items = [{"id": "gone", "deleted": True}, {"id": "none", "accessRole": "none"}, {"id": "bare"}]
    google.fail(200, {"items": items})
    assert provider.calendars(access) == [RemoteCalendar("bare", "bare")]


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "problem", "wait"),
    [
        ("rateLimitExceeded", RateLimited, None),
        ("userRateLimitExceeded", RateLimited, None),
        ("quotaExceeded", RateLimited, 3600),
        ("insufficientPermissions", MissingScope, None),
        ("forbidden", NotAllowed, None),
        ("forbiddenForNonOrganizer", NotAllowed, None),
        ("forbiddenForServiceAccounts", NotAllowed, None),
        ("requiredAccessLevel", NotAllowed, None),
        ("accessNotConfigured", Misconfigured, None),
        ("notFound", Gone, None),
        ("fullSyncRequired", CursorExpired, None),
        ("backendError", Unreachable, None),
        ("invalid", ProviderProblem, None),
        ("authError", NeedsReconnect, None),
    ],
)
def test_refusals_are_told_apart(
    google: FakeGoogle,
    access: OAuthAccess,
    calendar: RemoteCalendar,
    reason: str,
    problem: type[ProviderProblem],
    wait: float | None,
) -> None:
    google.refuse(reason)
    with pytest.raises(problem) as caught:
        provider.changes(access, calendar, "", WINDOW)
    assert caught.value.code == problem.code
    assert caught.value.retry_after == wait
    if reason not in ("backendError", "authError"):
        assert reason in caught.value.detail


def test_after_a_rate_limit_it_goes_on(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    google.refuse("rateLimitExceeded")
    google.fail(429, headers={"Retry-After": "7"})
    with pytest.raises(RateLimited):
        provider.changes(access, calendar, "", WINDOW)
    with pytest.raises(RateLimited) as caught:
        provider.changes(access, calendar, "", WINDOW)
    assert caught.value.retry_after == 7
    assert provider.changes(access, calendar, "", WINDOW).complete


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"error": "text"},
        {"error": {"errors": []}},
        {"error": {"errors": [{"reason": "To: gus@example.net"}]}},
    ],
)
def test_a_refusal_without_a_reason_is_judged_by_its_status_and_repeats_nothing(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, body: Any
) -> None:
    google.fail(403, body)
    with pytest.raises(NotAllowed) as caught:
        provider.changes(access, calendar, "", WINDOW)
    assert caught.value.detail == "403"
