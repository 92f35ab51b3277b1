"""Event types: made, edited, put in order, copied, archived and deleted."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from flask_booking import catalog
from flask_booking.models import EventType, OldSlug, Schedule
from flask_booking.state import session
from tests.fixtures.apps import MakeApp

from .conftest import Office, Screens, open_office, said

FILLED = {
    "title": "Consultation",
    "slug": "",
    "description": "**Bring** your plans.",
    "colour": "#1c6a57",
    "banner_url": "https://example.com/banner.png",
    "duration": "1 h",
    "more_durations": "1:30, 120 min",
    "interval": "30",
    "interval_unit": "minutes",
    "notice": "1.5",
    "notice_unit": "days",
    "buffer_before": "15",
    "buffer_before_unit": "minutes",
    "buffer_after": "1",
    "buffer_after_unit": "hours",
    "change_cutoff": "2",
    "change_cutoff_unit": "hours",
    "window_kind": "business_days",
    "window_days": "20",
    "window_first": "",
    "window_last": "",
    "limit_day": "3",
    "limit_week": "",
    "limit_month": "30",
    "limit_guest": "1",
    "seats": "4",
    "hold_minutes": "10",
    "requires_approval": "1",
    "schedule": "",
    "confirmation_message": "See you there.",
    "redirect_url": "https://example.com/thanks",
    "cancellation_message": "What a pity.",
    "policy": "Free until a day before.",
    "may_cancel": "1",
    "reason_required": "1",
    "locations-0-kind": "in_person",
    "locations-0-text": "210 Water Street",
    "locations-0-url": "https://example.com/map",
    "locations-1-kind": "phone_guest",
    "questions-0-label": "What about?",
    "questions-0-kind": "choice",
    "questions-0-options": "Taxes\nTrusts\n",
    "questions-0-required": "1",
    "questions-0-help": "Roughly.",
    "do": "save",
}


def made(office: Office) -> EventType:
    return session().query(EventType).filter_by(title="Consultation").one()


def test_every_field_of_the_form_is_kept(office: Office, ann: Screens) -> None:
    assert ann.post("/event-types/new", **FILLED).status_code == 303

    with office.app.app_context():
        event = made(office)
        assert event.slug == "consultation"
        assert event.durations == [60, 90, 120]
        assert (event.interval, event.notice, event.change_cutoff) == (30, 2160, 120)
        assert (event.buffer_before, event.buffer_after) == (15, 60)
        assert (event.window_kind, event.window_days) == ("business_days", 20)
        assert (event.limit_day, event.limit_week, event.limit_month, event.limit_guest) == (3, None, 30, 1)
        assert (event.seats, event.hold_minutes) == (4, 10)
        assert (event.requires_approval, event.may_cancel, event.may_reschedule, event.reason_required) == (
            True,
            True,
            False,
            True,
        )
        assert [(place["kind"], place["text"]) for place in event.locations] == [
            ("in_person", "210 Water Street"),
            ("phone_guest", ""),
        ]
        assert event.questions[0] | {"id": ""} == {
            "id": "",
            "label": "What about?",
            "kind": "choice",
            "required": True,
            "options": ["Taxes", "Trusts"],
            "help": "Roughly.",
        }
        assert event.redirect_url == "https://example.com/thanks"
        assert event.policy == "Free until a day before."


@pytest.mark.parametrize("name", ["notice", "hold_minutes", "seats", "window_days"])
def test_an_emptied_number_is_asked_for_and_not_made_up(office: Office, ann: Screens, name: str) -> None:
    answer = ann.post("/event-types/new", **FILLED | {name: " "})
    assert answer.status_code == 422
    assert "Please enter a number." in said(answer)
    assert answer.text.count(f'id="bk-{name}-problem"') == 1


def test_numbers_that_dont_matter_may_be_empty_and_those_not_asked_for_are_the_usual_ones(
    office: Office, ann: Screens
) -> None:
    empty = dict.fromkeys(("window_days", "buffer_before", "buffer_after", "change_cutoff"), "")
    empty["window_kind"] = "unlimited"
    assert ann.post("/event-types/new", **FILLED | empty).status_code == 303
    assert ann.post("/event-types/new", title="Bare", duration="30").status_code == 303
    with office.app.app_context():
        event = made(office)
        assert (event.buffer_before, event.buffer_after, event.change_cutoff) == (0, 0, 0)
        bare = session().query(EventType).filter_by(title="Bare").one()
        assert (bare.notice, bare.hold_minutes, bare.seats, bare.window_days, bare.interval) == (240, 5, 1, 60, None)


def form_fields(page: str) -> dict[str, str | list[str]]:
    """What a browser would send of the first form of a page, unchanged."""
    form = re.search(r'<form class="bk-form".*?</form>', page, re.DOTALL)
    assert form is not None
    body = re.sub(r"<template.*?</template>", "", form[0], flags=re.DOTALL)
    fields: dict[str, str | list[str]] = {}
    for tag in re.findall(r"<input\b[^>]*>", body):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes.get("type") in ("checkbox", "radio") and " checked" not in tag:
            continue
        if "name" in attributes:
            fields[attributes["name"]] = attributes.get("value", "")
    for name, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', body, re.DOTALL):
        fields[name] = text
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        fields[name] = chosen[1] if chosen else ""
    return fields


def test_saving_a_form_unchanged_changes_nothing(office: Office, ann: Screens) -> None:
    ann.post("/event-types/new", **FILLED)
    with office.app.app_context():
        event = made(office)
        before = {
            column.name: getattr(event, column.key)
            for column in EventType.__mapper__.column_attrs.values()
            for column in [column.columns[0]]
            if hasattr(event, column.key)
        }
        public_id = event.public_id

    fields = form_fields(ann.get(f"/event-types/{public_id}").text)
    assert ann.post(f"/event-types/{public_id}", **fields, do="save").status_code == 303

    with office.app.app_context():
        event = made(office)
        after = {name: getattr(event, name) for name in before}
    before.pop("version"), after.pop("version")
    assert after == before


def test_of_two_windows_the_later_one_reads_that_the_other_has_saved(office: Office, ann: Screens) -> None:
    ann.post("/event-types/new", **FILLED)
    with office.app.app_context():
        path = f"/event-types/{made(office).public_id}"
    fields = form_fields(ann.get(path).text) | {"do": "save"}
    assert ann.post(path, **fields | {"description": "From the other window."}).status_code == 303

    again = ann.post(path, **fields | {"description": "From the other window."})
    assert again.status_code == 303, "the same was sent twice"
    fields["policy"] = "Be on time."
    moved = ann.post(path, **fields | {"do": "add-questions"})
    answer = ann.post(path, **form_fields(moved.text) | {"do": "save"})
    assert answer.status_code == 409
    assert "This was changed in the meantime" in said(answer)
    assert "Be on time." in answer.text
    with office.app.app_context():
        assert (made(office).description, made(office).policy) == ("From the other window.", FILLED["policy"])

    fields["version"] = form_fields(answer.text)["version"]
    assert ann.post(path, **fields).status_code == 303
    with office.app.app_context():
        assert (made(office).description, made(office).policy) == (FILLED["description"], "Be on time.")


def test_a_bad_form_says_what_is_wrong_and_keeps_what_was_typed(ann: Screens) -> None:
    answer = ann.post(
        "/event-types/new",
        **FILLED
        | {
            "title": "",
            "duration": "soon",
            "notice": "a while",
            "window_kind": "range",
            "questions-0-options": "only one",
            "locations-0-text": "",
            "banner_url": "javascript:alert(1)",
        },
    )

    assert answer.status_code == 422
    text = said(answer)
    assert "Name: Please fill this in." in text
    assert "Place 1: Please say where" in text
    assert "Question 1: Please give at least two answers" in text
    assert "First date: Please enter the first and the last date." in text
    assert 'value="soon"' in answer.text
    assert 'value="a while"' in answer.text
    assert 'value="javascript:alert(1)"' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_a_length_out_of_bounds_is_told_in_words(ann: Screens) -> None:
    text = said(ann.post("/event-types/new", **FILLED | {"buffer_before": "20", "buffer_before_unit": "hours"}))
    assert "Free time before: Please enter a time from 0 minutes to 12 hours." in text


def test_rows_are_added_moved_and_removed_without_a_script_and_nothing_is_saved(office: Office, ann: Screens) -> None:
    added = ann.post("/event-types/new", **FILLED | {"do": "add-questions"})
    assert added.status_code == 200
    assert 'name="questions-1-label"' in added.text
    assert 'value="Consultation"' in added.text

    moved = ann.post("/event-types/new", **FILLED | {"do": "up-locations-1"}).text
    assert moved.index('value="phone_guest" selected') < moved.index('value="in_person" selected')

    removed = ann.post("/event-types/new", **FILLED | {"do": "remove-questions-0"}).text
    assert "What about?" not in removed

    with office.app.app_context():
        assert session().query(EventType).filter_by(title="Consultation").count() == 0


def test_a_new_address_leaves_the_old_one_working(office: Office, ann: Screens) -> None:
    path = f"/event-types/{office.events['ann']}"
    fields = form_fields(ann.get(path).text)
    assert ann.post(path, **fields | {"slug": "hello"}, do="save").status_code == 303
    with office.app.app_context():
        assert office.event().slug == "hello"
        assert session().query(OldSlug).filter_by(slug="intro").one().event_type_id == office.event().id
    fields = form_fields(ann.get(path).text)
    ann.post(path, **fields | {"slug": "Discovery Call!"}, do="save")
    assert "Its address ends with “discovery-call”." in ann.text("/")
    fields = form_fields(ann.get(path).text)
    assert ann.post(path, **fields | {"slug": "!"}, do="save").status_code == 422


def test_an_address_in_use_is_refused(office: Office, ann: Screens) -> None:
    answer = ann.post("/event-types/new", **FILLED | {"slug": "intro"})
    assert answer.status_code == 422
    assert "Address: Another event type has this address." in said(answer)


def test_hours_of_another_host_can_not_be_chosen(office: Office, ann: Screens) -> None:
    with office.app.app_context():
        bens = session().query(Schedule).filter_by(host_id=office.host("ben").id).one().public_id
    answer = ann.post("/event-types/new", **FILLED | {"schedule": bens})
    assert answer.status_code == 422
    assert "Please choose one of your schedules." in said(answer)


def titles(ann: Screens) -> list[str]:
    return re.findall(r"<h2>.*?<a [^>]*>([^<]*)</a>", ann.get("/event-types").text)


def test_event_types_are_put_in_order(office: Office, ann: Screens) -> None:
    ann.post("/event-types/new", **FILLED)
    assert titles(ann) == ["Intro", "Consultation"]

    ann.post(f"/event-types/{office.events['ann']}/move", to="down")
    assert titles(ann) == ["Consultation", "Intro"]

    with office.app.app_context():
        order = [office.events["ann"], made(office).public_id]
    ann.post("/event-types/order", order=order)
    assert titles(ann) == ["Intro", "Consultation"]


def test_ordering_ignores_what_belongs_to_others(office: Office, ann: Screens) -> None:
    with office.app.app_context():
        before = office.event("ben").position
    assert ann.post("/event-types/order", order=[office.events["ben"], office.events["ann"]]).status_code == 303
    with office.app.app_context():
        assert office.event("ben").position == before


def test_a_copy_waits_to_be_switched_on(office: Office, ann: Screens) -> None:
    answer = ann.post(f"/event-types/{office.events['ann']}/clone")
    assert answer.status_code == 303
    assert "Intro (copy)" in said(ann.client.get(answer.location))
    with office.app.app_context():
        assert not session().query(EventType).filter_by(title="Intro (copy)").one().active


def test_markdown_is_previewed_and_never_obeyed(ann: Screens) -> None:
    answer = ann.post("/preview/markdown", preview_field="description", description="**Hi** <script>alert(1)</script>")
    assert "<strong>Hi</strong>" in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("how", ["new", "clone"])
def test_of_two_event_types_with_one_name_at_once_the_later_gets_another_address(
    make_app: MakeApp, each_database: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    office = open_office(make_app(each_database))
    path = "/event-types/new" if how == "new" else f"/event-types/{office.events['ann']}/clone"
    answers, chosen = [], catalog.event_types.free_slug
    other = threading.Thread(target=lambda: answers.append(office.as_user("ann").post(path, **FILLED).status_code))

    def choose(*args: Any) -> str:
        slug = chosen(*args)
        if not other.ident:  # the first one; the other may write first unless it has to wait
            other.start()
            other.join(0.5)
        return slug

    monkeypatch.setattr(catalog.event_types, "free_slug", choose)
    answers.append(office.as_user("ann").post(path, **FILLED).status_code)
    other.join(30)
    assert answers == [303, 303]
    with office.app.app_context():
        slugs = [row.slug for row in session().query(EventType).order_by(EventType.id)][3:]
        assert slugs == (["consultation", "consultation-2"] if how == "new" else ["intro-copy", "intro-copy-2"])
