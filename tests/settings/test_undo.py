"""What is taken back is as it was, and taking it back twice does it once."""

from __future__ import annotations

import datetime as dt
import re
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_booking import catalog
from flask_booking.availability import Hours
from flask_booking.models import BlockedTime, BookingDomain, DateOverride, MessageRule, Schedule
from flask_booking.scheduling.host_settings import declared, stamps_of
from flask_booking.state import session
from tests.fixtures.apps import MakeApp

from .conftest import Office, Screens, open_office, said

WEEK = [[[540, 1020]]] * 5 + [[], []]
# In the order they are made: the closed fortnight comes last but one, and two of the others are within it.
OVERRIDES: list[tuple[str, str, list[list[int]], str]] = [
    ("2030-08-05", "2030-08-05", [[480, 600]], "early"),
    ("2030-08-10", "2030-08-20", [[600, 720]], "fair"),
    ("2030-08-01", "2030-08-14", [], "beach"),
    ("2030-08-06", "2030-08-06", [[900, 960]], "one afternoon"),
]


def make_schedule(office: Office) -> str:
    """Ann's summer hours with such overrides, used by her event type; their id in addresses."""
    with office.app.app_context():
        schedule = catalog.create_schedule(office.host(), "Summer", time_zone="Europe/Paris", weekly=WEEK)
        for first, last, ranges, note in OVERRIDES:  # a row that another one contains is kept, as older ones may be
            date = dt.date.fromisoformat
            session().add(DateOverride(schedule=schedule, first=date(first), last=date(last), ranges=ranges, note=note))
            session().commit()
        catalog.update_event_type(office.event(), {"schedule_id": schedule.id})
        return schedule.public_id


def offered(office: Office) -> Hours | None:
    """When Ann's event type can be booked, date by date."""
    with office.app.app_context():
        stamps = stamps_of([office.host()])
        return declared(session(), stamps)[office.host().id].hours_of(office.event().schedule_id)


def notes(office: Office) -> list[str]:
    with office.app.app_context():
        return list(session().scalars(sa.select(DateOverride.note).order_by(DateOverride.note)))


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def remove_override(office: Office, ann: Screens, schedule: str, note: str) -> str:
    """Remove an override; returns what takes that back."""
    with office.app.app_context():
        public_id = session().query(DateOverride).filter_by(note=note).one().public_id
    assert ann.post(f"/overrides/{public_id}/delete").status_code == 303
    return token_of(ann.get(f"/schedules/{schedule}").text)


@pytest.mark.parametrize("note", [override[3] for override in OVERRIDES])
def test_an_override_that_comes_back_changes_no_other_and_counts_where_it_did(
    office: Office, ann: Screens, note: str
) -> None:
    schedule = make_schedule(office)
    before = offered(office)
    assert before is not None
    assert before.overrides[dt.date(2030, 8, 12)] == ()
    assert before.overrides[dt.date(2030, 8, 6)] == ((900, 960),)
    token = remove_override(office, ann, schedule, note)
    assert note not in notes(office)
    assert ann.post("/undo", token=token).status_code == 303
    assert offered(office) == before
    assert notes(office) == sorted(override[3] for override in OVERRIDES)


def test_an_override_comes_back_though_its_number_was_given_away(office: Office, ann: Screens) -> None:
    schedule = make_schedule(office)
    before = offered(office)
    token = remove_override(office, ann, schedule, "one afternoon")  # the last one, whose key SQLite gives away again
    with office.app.app_context():
        bens = session().query(Schedule).filter_by(host_id=office.host("ben").id).one()
        catalog.add_override(bens, "2030-01-01", None, [], "Ben's")
    ann.post("/undo", token=token)
    assert offered(office) == before
    assert {"Ben's", "one afternoon"} <= set(notes(office))


def test_a_schedule_comes_back_with_its_overrides_in_their_order(office: Office, ann: Screens) -> None:
    schedule = make_schedule(office)
    before = offered(office)
    ann.post(f"/schedules/{schedule}/delete")
    assert offered(office) != before
    ann.post("/undo", token=token_of(ann.get("/schedules").text))
    assert offered(office) == before
    assert len(notes(office)) == len(OVERRIDES)


def test_a_schedule_that_comes_back_takes_no_event_type_from_another_one(office: Office, ann: Screens) -> None:
    schedule = make_schedule(office)
    ann.post(f"/schedules/{schedule}/delete")
    token = token_of(ann.get("/schedules").text)
    with office.app.app_context():
        other = catalog.create_schedule(office.host(), "Other")
        catalog.update_event_type(office.event(), {"schedule_id": other.id})
    ann.post("/undo", token=token)
    with office.app.app_context():
        assert office.event().schedule is not None
        assert office.event().schedule.name == "Other"
        assert session().query(Schedule).filter_by(public_id=schedule).count() == 1


def deleted(office: Office, ann: Screens, kind: str) -> str:
    """Have something deleted; returns what takes that back."""
    if kind == "override":
        return remove_override(office, ann, make_schedule(office), "beach")
    if kind == "schedule":
        ann.post(f"/schedules/{make_schedule(office)}/delete")
        return token_of(ann.get("/schedules").text)
    with office.app.app_context():
        host = office.host()
        if kind == "blocked":
            starts, ends = (dt.datetime.fromisoformat(f"2030-01-01T{time}") for time in ("09:00", "10:00"))
            path = f"/blocked/{catalog.block_time(host, starts=starts, ends=ends).public_id}/delete"
        elif kind == "rule":
            path = f"/messages/{catalog.save_rule(host, {'minutes': -30}).public_id}/delete"
        else:
            path = f"/domains/{catalog.claim_domain(office.event().page, 'book.customer.example').public_id}/remove"
    ann.post(path)
    return token_of(ann.get("/domains" if kind == "domain" else "/").text)


MODELS: dict[str, Any] = {
    "override": DateOverride,
    "schedule": Schedule,
    "blocked": BlockedTime,
    "rule": MessageRule,
    "domain": BookingDomain,
}


def rows(office: Office, kind: str) -> set[tuple[Any, ...]]:
    model = MODELS[kind].__table__
    with office.app.app_context():
        return {tuple(row) for row in session().execute(sa.select(model.c.id, model.c.public_id))}


@pytest.mark.parametrize("kind", MODELS)
def test_what_is_taken_back_twice_comes_back_once(make_app: MakeApp, database_url: str, kind: str) -> None:
    names = {"BOOKING_PUBLIC_URL": "https://crm.example", "BOOKING_DOMAIN_TARGET": "pages.crm.example"}
    office = open_office(make_app(database_url, **names))
    ann = office.as_user("ann")
    token = deleted(office, ann, kind)
    gone = len(rows(office, kind))
    assert ann.post("/undo", token=token).status_code == 303
    assert "Taken back." in ann.text("/")
    once = rows(office, kind)
    assert len(once) == gone + 1

    again = ann.post("/undo", token=token)
    assert again.status_code == 303
    assert "Taken back." in said(ann.client.get(again.location))
    assert rows(office, kind) == once


@pytest.mark.parametrize("kind", ["override", "schedule", "rule"])
def test_a_double_click_brings_back_once_and_both_are_told_so(each_app: Flask, kind: str) -> None:
    office = open_office(each_app)
    token = deleted(office, office.as_user("ann"), kind)
    gone, together, answers = len(rows(office, kind)), threading.Barrier(4), []

    def click() -> None:
        ann = office.as_user("ann")
        together.wait()
        answers.append(ann.post("/undo", token=token).status_code)

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert answers == [303] * 4
    assert len(rows(office, kind)) == gone + 1
