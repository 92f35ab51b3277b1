"""Access tokens are valid when they are used, and no account is lost that needn't be."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from flask_booking.connections import token_rows
from flask_booking.connections.endpoint import Unanswered
from flask_booking.connections.opening import access_to
from flask_booking.connections.problems import (
    LostAnswer,
    Misconfigured,
    NeedsReconnect,
    ProviderProblem,
    RateLimited,
    Unreachable,
)
from flask_booking.models import ConnectionState
from flask_booking.models.columns import utcnow
from flask_booking.state import session
from tests.connections.conftest import Connected, connected, service_at
from tests.fakes.oauth import OAuthFake
from tests.fixtures.apps import MakeApp
from tests.fixtures.databases import Databases


def minutes(count: float) -> dt.datetime:
    return utcnow() + dt.timedelta(minutes=count)


@pytest.fixture
def rotating(app: Flask, fake: OAuthFake) -> Iterator[Connected]:
    """An account of a service whose refresh tokens are good once, and where a second use ends everything."""
    fake.rotates = fake.reuse_kills = True
    with app.app_context():
        yield connected(app, fake)


def test_a_token_that_lasts_is_used_as_it_is(account: Connected) -> None:
    account.change(expires_at=minutes(10))
    assert account.tokens.token() == "access-of-yesterday"
    assert account.fake.journal == []


def test_a_token_that_is_over_or_nearly_so_is_renewed(each_account: Connected) -> None:
    for left in (-600, 0, 2.5):
        each_account.change(expires_at=minutes(left))
        token = each_account.tokens.token()
        assert each_account.works(token)
        assert each_account.secret == {"access_token": token, "refresh_token": each_account.grant.refresh_token}
        assert minutes(58) < (each_account.row.expires_at or minutes(0)) < minutes(61)
        assert each_account.tokens.token() == token
    assert each_account.fake.renewals() == 3


def test_a_refused_token_is_renewed_before_its_time_and_once(account: Connected) -> None:
    account.change(expires_at=minutes(50))
    token = account.tokens.renew("access-of-yesterday")
    assert account.tokens.renew("access-of-yesterday") == token
    assert account.fake.renewals() == 1


def test_a_token_without_an_end_is_used_until_it_is_refused(account: Connected) -> None:
    account.change(expires_at=None)
    account.fake.token_lifetime = None
    assert account.tokens.token() == "access-of-yesterday"
    token = account.tokens.renew("access-of-yesterday")
    assert (account.tokens.token(), account.row.expires_at) == (token, None)


def test_tokens_that_never_last_are_given_out_all_the_same(account: Connected) -> None:
    account.fake.token_lifetime = 60
    assert account.works(account.tokens.token())


def test_a_new_refresh_token_replaces_the_old_one(rotating: Connected) -> None:
    old = rotating.secret["refresh_token"]
    rotating.tokens.token()
    rotating.expire()
    assert rotating.works(rotating.tokens.token())
    assert rotating.secret["refresh_token"] == rotating.grant.refresh_token != old


def test_what_else_the_secret_holds_and_the_scopes_stay(account: Connected) -> None:
    secret = account.secret | {"more": "to know"}
    account.change(secret=json.dumps(secret))
    account.fake.says_scopes = False
    account.tokens.token()
    assert account.secret["more"] == "to know"
    assert account.row.scopes == "read write"


def test_scopes_that_the_service_names_are_kept(account: Connected) -> None:
    account.grant.scopes = ("read",)
    account.tokens.token()
    assert account.row.scopes == "read"


def test_the_access_to_a_connection_renews_by_itself(account: Connected) -> None:
    access = access_to(account.row, service_at(account.fake))
    assert access.account == "ann@example.com"
    assert access.request("GET", f"{account.fake.url}/api/me").json() == {"id": "ann"}
    account.fake.expire_tokens()
    assert access.request("GET", f"{account.fake.url}/api/me").json() == {"id": "ann"}
    assert account.fake.renewals() == 2


# -- the end of an account -------------------------------------------------------------------------------------------


def test_a_dead_refresh_token_breaks_the_connection(account: Connected) -> None:
    for body in (
        {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
        {"error": "invalid_grant", "error_subtype": "invalid_rapt"},
        {"error": "interaction_required", "error_codes": [50076], "suberror": "basic_action"},
        {"error": "invalid_grant", "reason": "Invalid Token!"},
        {"error": "invalid_request", "reason": "Invalid Token!"},
    ):
        account.fake.journal.clear()
        account.change(state=ConnectionState.ACTIVE, problem="")
        account.fake.fail(400, body, path="/oauth/token")
        for _ in range(2):
            with pytest.raises(NeedsReconnect):
                account.tokens.token()
        assert (account.row.state, account.row.problem) == (ConnectionState.BROKEN, "needs_reconnect")
        assert account.fake.renewals() == 1, "a dead account isn't asked for again"


def test_without_a_refresh_token_the_account_is_over_with_its_token(account: Connected) -> None:
    account.change(secret=json.dumps({"access_token": "only"}))
    with pytest.raises(NeedsReconnect):
        account.tokens.token()
    assert account.row.problem == "needs_reconnect"
    assert account.fake.journal == []


def test_a_refresh_token_that_came_in_meanwhile_gets_a_try(account: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    old, again = account.secret, account.fake.allow()
    account.grant.alive = False
    came = account.secret | {"refresh_token": again.refresh_token}
    account.change(secret=json.dumps(came))
    read, rows = token_rows.read, []

    def stale(connection_id: int) -> token_rows.TokenRow | None:
        """What a worker read before the host signed in again; the third look is after the service's no."""
        row = read(connection_id)
        rows.append(row)
        if row is not None and len(rows) <= 2:
            return dataclasses.replace(row, secret=old)
        return row

    monkeypatch.setattr(token_rows, "read", stale)
    token = account.tokens.token()
    assert account.fake.tokens[token][0] is again
    assert account.row.state is ConnectionState.ACTIVE
    assert account.fake.renewals() == 2


def test_a_host_who_signs_in_again_while_a_no_is_on_its_way_is_not_broken(
    account: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.grant.alive = False
    condemn = token_rows.condemn

    def too_late(row: token_rows.TokenRow, problem: str, mine: str = "") -> bool:
        fresh = {"access_token": "fresh", "refresh_token": "fresh too"}
        account.change(secret=json.dumps(fresh), expires_at=minutes(60))
        return condemn(row, problem, mine)

    monkeypatch.setattr(token_rows, "condemn", too_late)
    with pytest.raises(Unreachable):
        account.tokens.token()
    assert account.row.state is ConnectionState.ACTIVE
    assert account.tokens.token() == "fresh"


def test_new_tokens_don_t_replace_those_of_a_host_who_signed_in_again(
    account: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = token_rows.store
    fresh = {"access_token": "fresh", "refresh_token": "fresh too"}

    def too_late(*arguments: object) -> bool:
        account.change(secret=json.dumps(fresh), expires_at=minutes(60))
        return store(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(token_rows, "store", too_late)
    assert account.tokens.token() == "fresh"
    assert account.secret == fresh
    assert (account.row.renewing_until, account.row.renewing_token) == (None, None)


def test_a_connection_that_is_no_more_is_told(account: Connected) -> None:
    tokens = account.tokens
    session().delete(account.row)
    session().commit()
    with pytest.raises(NeedsReconnect):
        tokens.token()


# -- what passes -------------------------------------------------------------------------------------------------------


OTHER_ANSWERS: list[tuple[int, Any, type[ProviderProblem]]] = [
    (500, {}, Unreachable),
    (502, {}, Unreachable),
    (400, {"error": "temporarily_unavailable"}, Unreachable),
    (400, {"error": "internal_failure"}, Unreachable),
    (429, {"error": "slow"}, RateLimited),
    (401, {"error": "invalid_client", "error_codes": [7000222]}, Misconfigured),
    (400, {"error": "unauthorized_client"}, Misconfigured),
    (401, {}, Misconfigured),
    (403, {}, ProviderProblem),
    (302, {}, ProviderProblem),
    (200, {}, Unreachable),
    (200, {"access_token": 7}, Unreachable),
]


@pytest.mark.parametrize("rotates", [False, True], ids=["stays", "rotates"])
def test_other_answers_leave_the_account_alone(account: Connected, rotates: bool) -> None:
    account.fake.rotates = rotates
    for status, body, problem in OTHER_ANSWERS:
        account.expire()
        account.fake.fail(status, body, path="/oauth/token", times=2 if rotates and problem is Unreachable else 1)
        with pytest.raises(problem) as caught:
            account.tokens.token()
        assert type(caught.value) in (problem, Unanswered)
        assert (account.row.state, account.row.problem) == (ConnectionState.ACTIVE, "")
        assert account.works(account.tokens.token()), "the next try isn't kept waiting"


def test_a_service_that_is_not_there_leaves_the_account_alone(rotating: Connected) -> None:
    url = rotating.fake.url
    rotating.fake.url = "http://127.0.0.1:9"
    with pytest.raises(Unreachable):
        rotating.tokens.token()
    assert rotating.row.renewing_token is None, "what was never sent leaves no doubt"
    rotating.fake.url = url
    assert rotating.works(rotating.tokens.token())


def test_a_secret_that_no_key_opens_is_the_operator_s(account: Connected) -> None:
    before = account.app.config["BOOKING_ENCRYPTION_KEYS"]
    account.app.config["BOOKING_ENCRYPTION_KEYS"] = ["W7l7jwcWe_aMg2Z0-m25UDVkqmiPvfJ5uJZS0xBFUYk="]
    with pytest.raises(Misconfigured):
        account.tokens.token()
    account.app.config["BOOKING_ENCRYPTION_KEYS"] = before
    assert account.row.state is ConnectionState.ACTIVE
    assert account.works(account.tokens.token())


# -- answers that are lost ---------------------------------------------------------------------------------------------


def test_a_request_that_had_no_effect_is_repeated_where_tokens_rotate(rotating: Connected) -> None:
    rotating.fake.drop(path="/oauth/token")
    assert rotating.works(rotating.tokens.token())
    assert rotating.fake.renewals() == 2


def test_where_tokens_stay_a_lost_answer_does_no_harm(account: Connected) -> None:
    account.fake.drop(path="/oauth/token", after_effect=True)
    with pytest.raises(Unreachable):
        account.tokens.token()
    assert account.works(account.tokens.token())


def test_a_lost_answer_loses_a_rotating_account_and_the_reason_is_told(rotating: Connected) -> None:
    rotating.fake.drop(path="/oauth/token", after_effect=True)
    with pytest.raises(LostAnswer) as caught:
        rotating.tokens.token()
    assert "lost on the way" in caught.value.sentence
    assert (rotating.row.state, rotating.row.problem) == (ConnectionState.BROKEN, "lost_answer")
    assert rotating.row.renewing_until is None
    with pytest.raises(LostAnswer):
        rotating.tokens.token()
    assert rotating.fake.renewals() == 2


def test_a_doubt_is_remembered_until_the_service_answers(rotating: Connected) -> None:
    rotating.fake.drop(path="/oauth/token", after_effect=True)
    rotating.fake.fail(503, path="/oauth/token")
    with pytest.raises(Unreachable):
        rotating.tokens.token()
    rotating.fake.fail(429, path="/oauth/token")
    with pytest.raises(RateLimited):
        rotating.tokens.token()
    assert rotating.row.state is ConnectionState.ACTIVE
    with pytest.raises(LostAnswer):
        rotating.tokens.token()


def test_a_doubt_that_was_for_nothing_is_forgotten(rotating: Connected) -> None:
    rotating.fake.drop(path="/oauth/token", times=2)
    with pytest.raises(Unreachable):
        rotating.tokens.token()
    rotating.tokens.token()
    rotating.expire()
    rotating.grant.alive = False
    with pytest.raises(NeedsReconnect) as caught:
        rotating.tokens.token()
    assert caught.value.code == "needs_reconnect"


def test_a_worker_that_overslept_its_lease_still_keeps_the_only_good_pair(
    rotating: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = token_rows.store

    def late(*arguments: object) -> bool:
        monkeypatch.setattr(token_rows, "store", store)
        rotating.change(renewing_until=utcnow() - dt.timedelta(seconds=5))
        with pytest.raises(LostAnswer):  # another worker takes over, with a refresh token that is used up
            rotating.tokens.token()
        return store(*arguments)  # type: ignore[arg-type]

    rotating.fake.reuse_kills = False
    monkeypatch.setattr(token_rows, "store", late)
    assert rotating.works(rotating.tokens.token())
    assert (rotating.row.state, rotating.row.problem, rotating.row.broken_at) == (ConnectionState.ACTIVE, "", None)
    rotating.expire()
    assert rotating.works(rotating.tokens.token())


# -- secrecy -----------------------------------------------------------------------------------------------------------


def test_no_token_is_in_a_log_an_error_or_a_repr(rotating: Connected, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    first = rotating.secret["refresh_token"]
    tokens = rotating.tokens
    rotating.fake.drop(path="/oauth/token")
    token = tokens.token()
    row = token_rows.read(rotating.id)
    rotating.expire()
    rotating.grant.alive = False
    with pytest.raises(NeedsReconnect) as caught:
        tokens.token()
    said = f"{caplog.text} {caught.value!r} {caught.value} {tokens!r} {row!r} {tokens.service!r} {rotating.row!r}"
    chain = [caught.value.__cause__, caught.value.__context__]
    for secret in (first, token, rotating.grant.refresh_token, rotating.fake.client_secret):
        assert secret not in said + repr(chain)
    assert "ann@example.com" not in str(caught.value)


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])  # SQLite has one writer at a time
def test_the_caller_s_own_transaction_is_left_alone(
    make_app: MakeApp, databases: Databases, fake: OAuthFake, kind: str
) -> None:
    app = make_app(databases.clean(kind))
    with app.app_context():
        account = connected(app, fake)
        host = account.row.host
        host.locale = "pt"
        session().flush()
        token = account.tokens.token()
        session().rollback()
        assert host.locale == "en"
        assert account.secret["access_token"] == token
