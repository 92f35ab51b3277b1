"""Accounts at a service for links are taken up, tried and let go."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from flask_booking.calendars.care import break_off
from flask_booking.conferencing import connecting, registry
from flask_booking.connections.oauth import Granted
from flask_booking.connections.problems import NeedsReconnect, Unreachable
from flask_booking.models import Connection, ConnectionState
from flask_booking.models.columns import utcnow
from flask_booking.scheduling.places import makers
from flask_booking.state import session
from tests.conferencing.conftest import Office


def granted(office: Office, account: str = "ann") -> Granted:
    grant = office.zoom.allow(account)
    expires = utcnow() + dt.timedelta(hours=1)
    return Granted(office.zoom.token_of(grant), grant.refresh_token, expires, tuple(grant.scopes))


def connections() -> list[Connection]:
    session().rollback()
    return list(session().scalars(sa.select(Connection).execution_options(populate_existing=True)))


def able(office: Office) -> frozenset[str]:
    session().refresh(office.ann.host)
    return makers(session(), [office.ann.host])[office.ann.host.id]


def test_whoever_signs_in_can_make_links_and_those_that_are_missing_are_made(office: Office) -> None:
    connecting.disconnect(connections()[0])
    assert able(office) == frozenset()
    booking = office.book()
    office.deliver()
    made = connecting.sign_in(office.ann.host, registry.provider("zoom"), granted(office))
    assert (made.created, made.connection.account_name) == (True, "ann@example.com")
    assert able(office) == {"zoom"}
    office.deliver()
    assert office.fresh(booking).location["url"] == office.zoom.of("ann")[0]["join_url"]


def test_nothing_is_connected_that_does_not_say_whose_it_is(office: Office) -> None:
    office.zoom.fail(503, path="/v2/users/me")
    with pytest.raises(Unreachable):
        connecting.sign_in(office.ann.host, registry.provider("zoom"), granted(office, "ben"))
    assert [one.account_id for one in connections()] == ["ann"]


def test_an_account_that_answers_again_is_taken_up(office: Office) -> None:
    [connection] = connections()
    break_off(connection.id, NeedsReconnect("401"))
    assert able(office) == frozenset()
    assert connecting.test(connections()[0]) == ("ann", "ann@example.com")
    assert connections()[0].state is ConnectionState.ACTIVE
    assert able(office) == {"zoom"}


def test_an_account_that_is_refused_is_told_and_not_taken_up(office: Office) -> None:
    [grant] = office.zoom.grants
    grant.alive = False
    with pytest.raises(NeedsReconnect):
        connecting.test(connections()[0])


def test_letting_go_gives_the_tokens_back(office: Office) -> None:
    office.book()
    office.deliver()
    assert connecting.disconnect(connections()[0])
    assert connections() == []
    assert not office.zoom.grants[0].alive
    assert len(office.zoom.of("ann")) == 1
    assert able(office) == frozenset()


def test_letting_go_works_while_the_service_is_away(office: Office) -> None:
    office.zoom.fail(503, path="/oauth/revoke")
    assert not connecting.disconnect(connections()[0])
    assert connections() == []
