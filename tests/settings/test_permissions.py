"""Who may open and change what: oneself, an administrator of the tenant, and nobody else."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from flask import Flask

from flask_booking import catalog
from flask_booking.models import (
    Booking,
    BookingDomain,
    CalendarEvent,
    DateOverride,
    Host,
    MessageRule,
    OutboxMessage,
    Schedule,
)
from flask_booking.scheduling.calendar_events import new_key
from flask_booking.settings.access import page_of
from flask_booking.state import session
from tests.calendars.made import new_calendar

from .conftest import ROOT, Office, Screens, open_office, said

COLLECTIONS = [
    "/",
    "/bookings",
    "/bookings.csv",
    "/book",
    "/event-types",
    "/event-types/new",
    "/schedules",
    "/schedules/new",
    "/blocked",
    "/blocked/new",
    "/messages",
    "/messages/new",
    "/messages/log",
    "/preview/message",
    "/page",
    "/domains",
    "/you",
    "/news",
    "/why",
    "/calendars",
    "/calendars/connect/caldav",
]

OBJECTS = [
    ("GET", "/event-types/{event}"),
    ("GET", "/event-types/{event}/delete"),
    ("POST", "/event-types/{event}"),
    ("POST", "/event-types/{event}/move"),
    ("POST", "/event-types/{event}/active"),
    ("POST", "/event-types/{event}/clone"),
    ("POST", "/event-types/{event}/archive"),
    ("POST", "/event-types/{event}/delete"),
    ("GET", "/schedules/{schedule}"),
    ("POST", "/schedules/{schedule}"),
    ("POST", "/schedules/{schedule}/default"),
    ("POST", "/schedules/{schedule}/delete"),
    ("POST", "/schedules/{schedule}/overrides"),
    ("POST", "/overrides/{override}/delete"),
    ("GET", "/blocked/{blocked}"),
    ("POST", "/blocked/{blocked}"),
    ("POST", "/blocked/{blocked}/delete"),
    ("GET", "/messages/{rule}"),
    ("POST", "/messages/{rule}"),
    ("POST", "/messages/{rule}/active"),
    ("POST", "/messages/{rule}/delete"),
    ("GET", "/preview/message?rule={rule}"),
    ("GET", "/bookings/{booking}"),
    ("GET", "/bookings/{booking}/reschedule"),
    ("POST", "/bookings/{booking}/accept"),
    ("POST", "/bookings/{booking}/decline"),
    ("POST", "/bookings/{booking}/cancel"),
    ("POST", "/bookings/{booking}/mark"),
    ("POST", "/bookings/{booking}/reassign"),
    ("POST", "/bookings/{booking}/notes"),
    ("POST", "/bookings/{booking}/reschedule"),
    ("GET", "/book?event={event}"),
    ("POST", "/messages/log/{message}/retry"),
    ("POST", "/calendars/{calendar}/switches"),
    ("POST", "/calendars/{calendar}/pause"),
    ("POST", "/calendars/{calendar}/unpause"),
    ("POST", "/calendars/{calendar}/read"),
    ("POST", "/calendars/accounts/{account}/test"),
    ("POST", "/calendars/accounts/{account}/refresh"),
    ("GET", "/calendars/accounts/{account}/disconnect"),
    ("POST", "/calendars/accounts/{account}/disconnect"),
    ("GET", "/calendars/connect/caldav?again={account}"),
    ("POST", "/bookings/{booking}/link"),
    ("POST", "/bookings/{booking}/events/{key}/follow"),
    ("POST", "/bookings/{booking}/events/{key}/write"),
    ("POST", "/domains/{domain}/check"),
    ("POST", "/domains/{domain}/remove"),
]


def things_of(office: Office, name: str) -> dict[str, str]:
    """One of each of a host's things, by its id in addresses."""
    booking = office.booking(name)
    with office.app.app_context():
        host = office.host(name)
        schedule = session().query(Schedule).filter_by(host_id=host.id).one()
        override = catalog.add_override(schedule, "2030-01-01", None, [])
        blocked = catalog.block_time(
            host,
            starts=dt.datetime(2030, 1, 1, 9),  # noqa: DTZ001
            ends=dt.datetime(2030, 1, 1, 10),  # noqa: DTZ001
        )
        domain = BookingDomain(page=page_of(host), name=f"book.{name}.example", token="-")
        session().add(domain)
        calendar = new_calendar(host, target=True)
        found = session().query(Booking).filter_by(public_id=booking).one()
        event = CalendarEvent(booking_id=found.id, host_id=host.id, calendar_id=calendar.id, key=new_key())
        session().add(event)
        session().commit()
        return {
            "calendar": calendar.public_id,
            "account": calendar.connection.public_id,
            "key": event.key,
            "domain": domain.public_id,
            "event": office.events[name],
            "schedule": schedule.public_id,
            "override": override.public_id,
            "blocked": blocked.public_id,
            "rule": session().query(MessageRule).filter_by(host_id=host.id).one().public_id,
            "booking": booking,
            "message": session()
            .query(OutboxMessage)
            .filter(OutboxMessage.booking.has(public_id=booking))
            .first()
            .public_id,
        }


@pytest.mark.parametrize("path", COLLECTIONS)
def test_strangers_are_sent_to_the_login(office: Office, path: str) -> None:
    answer = office.as_user(None).get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/login")


def test_every_view_is_in_the_matrix(office: Office) -> None:
    """A screen added later can't be forgotten here."""
    known = {path.partition("?")[0] for path in COLLECTIONS} | {path.partition("?")[0] for _, path in OBJECTS}
    # Changes of one's own things, and previews of what was sent with them.
    harmless = {"/undo", "/event-types/order", "/static/{}"}
    harmless |= {f"/preview/{piece}" for piece in ("markdown", "blocked", "accent", "variables")}
    harmless |= {"/you/zone", "/calendars/target", "/calendars/wishes", "/calendars/callback/{}"}
    found = {
        "/".join("{}" if part.startswith("<") else part for part in rule.rule.removeprefix(ROOT).split("/"))
        for rule in office.app.url_map.iter_rules()
        if rule.endpoint.startswith("booking_settings.")
    }
    found = {path.replace("/connect/{}", "/connect/caldav") for path in found}  # one service stands for all
    assert found - harmless == {re.sub(r"\{\w+\}", "{}", path) for path in known}


@pytest.mark.parametrize(("method", "path"), OBJECTS)
def test_another_hosts_things_are_not_there(office: Office, method: str, path: str) -> None:
    things = things_of(office, "ben")
    ann = office.as_user("ann")
    answer = ann.client.open(ROOT + path.format(**things), method=method)
    assert answer.status_code == 404
    unknown = ann.client.open(ROOT + path.format(**dict.fromkeys(things, "nothing")), method=method)
    assert unknown.status_code == 404
    assert said(unknown) == said(answer)


def test_refused_changes_changed_nothing(office: Office) -> None:
    things = things_of(office, "ben")
    ann = office.as_user("ann")
    for method, path in OBJECTS:
        ann.client.open(ROOT + path.format(**things), method=method)
    with office.app.app_context():
        assert office.event("ben").active
        assert session().query(DateOverride).count() == 1
        assert session().query(MessageRule).filter_by(public_id=things["rule"]).one().active
    assert "Confirmed" in office.as_user("ben").text(f"/bookings/{things['booking']}")


@pytest.mark.parametrize(("method", "path"), [row for row in OBJECTS if row[0] == "GET"])
def test_an_administrator_opens_them(office: Office, method: str, path: str) -> None:
    things = things_of(office, "ben")
    assert office.as_user("cleo").client.open(ROOT + path.format(**things), method=method).status_code == 200


@pytest.mark.parametrize("path", COLLECTIONS)
def test_an_administrator_looks_after_a_colleague_by_address(office: Office, path: str) -> None:
    assert office.as_user("cleo").get(path, host="ben").status_code == 200
    assert office.as_user("ann").get(path, host="ben").status_code == 404
    assert office.as_user("cleo").get(path, host="nobody").status_code == 404


def test_an_administrator_changes_a_colleagues_things_and_stays_with_the_colleague(office: Office) -> None:
    cleo = office.as_user("cleo")
    assert "You are looking after Ben Vogel's bookings." in cleo.text("/event-types", host="ben")
    answer = cleo.post(f"/event-types/{office.events['ben']}/active", active="0")
    assert answer.location == f"{ROOT}/event-types?host=ben"
    with office.app.app_context():
        assert not office.event("ben").active


def test_only_administrators_are_offered_colleagues(office: Office) -> None:
    assert "Looking after" in office.as_user("cleo").text("/")
    assert "Looking after" not in office.as_user("ann").text("/")


def test_an_administrator_of_another_tenant_is_a_stranger(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    crm = office.app.extensions["booking"].crm
    monkeypatch.setattr(crm, "tenant_of", lambda user: user.name)  # each alone in a tenant
    cleo = office.as_user("cleo")
    assert cleo.get("/event-types", host="ben").status_code == 404
    assert cleo.get(f"/event-types/{office.events['ben']}").status_code == 404
    assert "Ben Vogel" not in cleo.text("/")


def test_the_first_visit_makes_a_host(app: Flask) -> None:
    from example_app.extensions import db
    from example_app.models import User

    with app.app_context():
        user = User(email="nora@example.com", name="Nora New", time_zone="Europe/Paris", password_hash="-")
        db.session.add(user)
        db.session.commit()
        office = Office(app, {"nora": user.id}, {})
    assert "First steps" in office.as_user("nora").text("/")
    with app.app_context():
        assert session().query(Host).one().time_zone == "Europe/Paris"


@pytest.fixture
def guarded(make_app: Callable[..., Flask], database_url: str) -> Office:
    """The office with protection against forged requests, as in production."""
    return open_office(make_app(database_url, WTF_CSRF_ENABLED=True))


def test_changes_without_the_sessions_token_are_refused(guarded: Office) -> None:
    assert guarded.as_user("ann").post("/event-types/new", title="Forged", duration="30").status_code == 400


def test_our_own_check_stands_where_the_crm_has_none(guarded: Office) -> None:
    guarded.app.extensions["csrf"].exempt(guarded.app.blueprints["booking_settings"])
    ann = guarded.as_user("ann")
    answer = ann.post("/event-types/new", title="Forged", duration="30")
    assert answer.status_code == 400
    assert "open for too long" in said(answer)

    token = re.search(r'name="csrf_token" value="([^"]+)"', ann.get("/event-types/new").text)
    assert token is not None
    accepted = ann.post(
        "/event-types/new", title="Mine", duration="30", window_kind="days", do="save", csrf_token=token[1]
    )
    assert accepted.status_code == 303


@pytest.mark.parametrize(("method", "path"), [row for row in OBJECTS if row[0] == "POST"])
def test_a_link_can_not_change_anything(office: Office, ann: Screens, method: str, path: str) -> None:
    """GET shows a form or is no address at all."""
    things = things_of(office, "ann")
    before = len(ann.text("/bookings"))
    assert ann.client.get(ROOT + path.format(**things)).status_code in (200, 405)
    assert len(ann.text("/bookings")) == before


def test_the_screens_are_kept_by_no_cache(ann: Screens) -> None:
    assert "no-store" in ann.get("/").headers["Cache-Control"]
