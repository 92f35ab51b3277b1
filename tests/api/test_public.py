"""The public JSON API: what a program can do for a guest, and how it is told what is wrong."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_booking import catalog
from flask_booking.models import Booking, OccupiedTime, OutboxMessage
from flask_booking.state import session
from tests.fixtures.days import today
from tests.fixtures.people import Bookable

ROOT = "/api/booking/v1/public"


def sam(ann: Bookable, **more: Any) -> dict[str, Any]:
    start = ann.tomorrow().isoformat().replace("+00:00", "Z")
    return {"start": start, "name": "Sam", "email": "sam@example.com", "time_zone": "Europe/Paris", **more}


def slots_of(client: FlaskClient, **args: Any) -> Any:
    day = (today() + dt.timedelta(days=1)).isoformat()
    return client.get(f"{ROOT}/ann/intro/slots", query_string={"start": day, "end": day, "tz": "UTC", **args})


def test_a_page_lists_the_event_types_that_can_be_booked(client: FlaskClient, ann: Bookable) -> None:
    catalog.set_event_type_active(ann.another(), False)
    answer = client.get(f"{ROOT}/ann").json
    assert answer["title"] == "Ann Meyer"
    assert [event["slug"] for event in answer["event_types"]] == ["intro"]
    assert answer["event_types"][0]["durations"] == [30, 60]


def test_slots_are_sorted_and_in_utc(client: FlaskClient, ann: Bookable) -> None:
    answer = slots_of(client, duration=60).json
    starts = [slot["start"] for slot in answer["slots"]]
    assert answer["time_zone"] == "UTC"
    assert answer["duration"] == 60
    assert starts == sorted(starts)
    assert len(starts) == 24
    assert all(start.endswith("Z") for start in starts)
    assert answer["next"] is None


def test_a_day_without_slots_names_the_next_free_time(client: FlaskClient, ann: Bookable) -> None:
    from flask_booking.models import Schedule

    schedule = session().query(Schedule).filter_by(host_id=ann.host.id).one()
    tomorrow = ann.tomorrow().date()
    catalog.add_override(schedule, tomorrow, tomorrow, [])
    answer = slots_of(client).json
    assert answer["slots"] == []
    assert answer["next"] == f"{tomorrow + dt.timedelta(days=1)}T00:00:00Z"


def test_days_are_those_of_the_zone_asked_for(client: FlaskClient, ann: Bookable) -> None:
    tomorrow = ann.tomorrow().date()
    day = tomorrow + dt.timedelta(days=1)  # tomorrow's began today, and some of it may be past
    starts = [slot["start"] for slot in slots_of(client, start=day, end=day, tz="Asia/Kathmandu").json["slots"]]
    assert starts[0] in {f"{tomorrow}T18:30:00Z", f"{tomorrow}T18:15:00Z"}


def test_booking_answers_with_the_guests_link_and_takes_the_slot(client: FlaskClient, ann: Bookable) -> None:
    answer = client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann))
    assert answer.status_code == 201
    assert answer.json["status"] == "confirmed"
    assert "/book/manage/" in answer.json["manage_url"]
    assert sam(ann)["start"] not in [slot["start"] for slot in slots_of(client).json["slots"]]
    again = client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann))
    assert (again.status_code, again.json["code"]) == (409, "slot_taken")


KEY = "5f1c6a9e-0c0b-4b57-9d0e-6a1f0f6f2a11"


@pytest.mark.parametrize("key", ["", "order-4711", 4711])
def test_a_key_that_could_be_guessed_is_refused(client: FlaskClient, ann: Bookable, key: object) -> None:
    answer = client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann, idempotency_key=key))
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert "idempotency_key" in answer.json["errors"]
    assert session().query(Booking).count() == 0


def test_as_many_days_may_be_asked_for_in_every_zone(client: FlaskClient, ann: Bookable) -> None:
    for zone in ("UTC", "Europe/Paris", "Australia/Lord_Howe"):
        query = {"tz": zone, "start": "2027-09-15", "end": "2027-11-15"}
        assert client.get(f"{ROOT}/ann/intro/slots", query_string=query).status_code == 200, "62 days, one of 25 hours"
        answer = client.get(f"{ROOT}/ann/intro/slots", query_string=query | {"end": "2027-11-16"})
        assert answer.status_code == 422
        assert answer.json is not None
        assert answer.json["errors"] == {"end": "At most 62 days."}


def test_the_same_idempotency_key_books_once(client: FlaskClient, ann: Bookable) -> None:
    first, second = (client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann, idempotency_key=KEY)) for _ in range(2))
    assert first.json["id"] == second.json["id"]
    assert session().query(Booking).count() == 1


@pytest.mark.parametrize("duration", [60, -30, 2**63, 10**30])
def test_a_key_with_another_duration_is_refused_however_long(client: FlaskClient, ann: Bookable, duration: int) -> None:
    client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann, idempotency_key=KEY))
    again = client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann, idempotency_key=KEY, duration=duration))
    assert (again.status_code, again.json["code"]) == (422, "idempotency_key_reused")


def test_a_guest_sees_moves_and_cancels_by_the_token(client: FlaskClient, ann: Bookable) -> None:
    token = client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann)).json["manage_url"].rsplit("/", 1)[1]
    assert client.get(f"{ROOT}/bookings/{token}").json["status"] == "confirmed"
    later = ann.tomorrow(15).isoformat()
    moved = client.post(f"{ROOT}/bookings/{token}/reschedule", json={"start": later})
    assert moved.json["start"] == later.replace("+00:00", "Z")
    cancelled = client.post(f"{ROOT}/bookings/{token}/cancel", json={"reason": "ill"})
    assert cancelled.json["status"] == "cancelled"
    assert session().query(OccupiedTime).count() == 0
    refused = client.post(f"{ROOT}/bookings/{token}/reschedule", json={"start": sam(ann)["start"]})
    assert (refused.status_code, refused.json["code"]) == (409, "change_refused")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"start": 0}, 422, "invalid"),
        ({"start": "0"}, 422, "invalid"),
        ({"start": "2026-12-01T14:00:00"}, 422, "invalid"),
        ({"start": "1999-01-01T10:00:00Z"}, 409, "slot_unavailable"),
        ({"start": "2199-01-01T10:00:00Z"}, 409, "slot_unavailable"),
        ({"start": None}, 422, "invalid"),
        ({"duration": "30"}, 422, "invalid"),
        ({"duration": 45}, 409, "slot_unavailable"),
        ({"duration": -30}, 409, "slot_unavailable"),
        ({"name": ""}, 422, "invalid"),
        ({"name": " \r\n "}, 422, "invalid"),
        ({"name": "x" * 10_000}, 422, "invalid"),
        ({"name": ["Sam"]}, 422, "invalid"),
        ({"email": "sam"}, 422, "invalid"),
        ({"email": "sam@example.com\r\nBcc: eve@example.com"}, 422, "invalid"),
        ({"time_zone": "Mars/Base"}, 422, "invalid"),
        ({"time_zone": "../../etc/passwd"}, 422, "invalid"),
        ({"phone": "call me"}, 422, "invalid"),
        ({"answers": "none"}, 422, "invalid"),
        ({"hold": "forged.token.here"}, 400, "invalid_hold"),
    ],
)
def test_bad_input_is_refused_in_words_and_leaves_nothing(
    client: FlaskClient, ann: Bookable, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann) | changes)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"].endswith(".")
    for model in (Booking, OccupiedTime, OutboxMessage):
        assert session().query(model).count() == 0


@pytest.mark.parametrize("raw", [b"{", b"[]", b"null", b"", b"\xff\xfe", b'{"start": NaN}'])
def test_a_body_that_is_no_json_object_is_told_so(client: FlaskClient, ann: Bookable, raw: bytes) -> None:
    answer = client.post(f"{ROOT}/ann/intro/bookings", data=raw, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert answer.json["code"] in {"malformed", "invalid"}


def test_a_form_post_is_not_json(client: FlaskClient, ann: Bookable) -> None:
    assert client.post(f"{ROOT}/ann/intro/bookings", data={"start": "x"}).json["code"] == "malformed"


def test_an_oversized_body_is_not_read(client: FlaskClient, ann: Bookable) -> None:
    answer = client.post(f"{ROOT}/ann/intro/bookings", data=b"x" * 70_000, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")


def test_names_of_any_script_and_html_are_kept_as_typed(client: FlaskClient, ann: Bookable) -> None:
    name = "<b>Zoë</b> 🎉 שָׁלוֹם"
    answer = client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann, name=name))
    assert answer.status_code == 201
    assert "<b>Zo" in session().query(Booking).one().guest_name


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nobody", 404, "not_found"),
        ("/nobody/intro/slots?start=2026-12-01&end=2026-12-02", 404, "not_found"),
        ("/ann/nothing/slots?start=2026-12-01&end=2026-12-02", 404, "not_found"),
        ("/ann/intro/slots", 422, "invalid"),
        ("/ann/intro/slots?start=2026-12-01&end=2026-11-01", 422, "invalid"),
        ("/ann/intro/slots?start=2026-13-01&end=2026-13-02", 422, "invalid"),
        ("/ann/intro/slots?start=0001-01-01&end=9999-12-31", 422, "invalid"),
        ("/ann/intro/slots?start=2026-12-01&end=2027-12-01", 422, "invalid"),
        ("/ann/intro/slots?start=2026-12-01&end=2026-12-02&tz=Nowhere", 422, "invalid"),
        ("/ann/intro/slots?start=2026-12-01&end=2026-12-02&duration=x", 422, "invalid"),
        ("/ann/intro/slots?start=2026-12-01&end=2026-12-02&duration=45", 422, "invalid"),
        ("/bookings/unknown", 404, "not_found"),
    ],
)
def test_wrong_addresses_are_told_apart(client: FlaskClient, ann: Bookable, path: str, status: int, code: str) -> None:
    answer = client.get(ROOT + path)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_an_inactive_event_type_is_gone(client: FlaskClient, ann: Bookable) -> None:
    catalog.set_event_type_active(ann.event, False)
    assert slots_of(client).status_code == 410
    assert client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann)).json["code"] == "inactive"


def test_a_renamed_event_type_is_found_by_its_old_name(client: FlaskClient, ann: Bookable) -> None:
    catalog.update_event_type(ann.event, {"slug": "hello"})
    assert slots_of(client).status_code == 200
    assert client.get(f"{ROOT}/ann/intro").json["slug"] == "hello"


def test_numbers_and_links_of_hosts_are_told_only_once_booked(client: FlaskClient, ann: Bookable) -> None:
    places = [{"kind": "phone_host", "text": "+1 555 010 0100"}, {"kind": "link", "url": "https://meet.example.com/x"}]
    catalog.update_event_type(ann.event, {"locations": places})
    assert "555" not in client.get(f"{ROOT}/ann").text
    assert "meet.example.com" not in client.get(f"{ROOT}/ann").text
    chosen = ann.event.locations[1]["id"]
    answer = client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann, location=chosen))
    assert answer.json["location"]["url"] == "https://meet.example.com/x"


def test_csrf_protection_of_the_crm_leaves_the_api_alone(app: Flask, ann: Bookable) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    assert app.test_client().post(f"{ROOT}/ann/intro/bookings", json=sam(ann)).status_code == 201


def test_too_many_attempts_are_asked_to_wait(app: Flask, ann: Bookable) -> None:
    app.config |= {"BOOKING_RATE_LIMIT_ENABLED": True, "BOOKING_RATE_LIMITS": {"book": "2 per hour"}}
    client = app.test_client()
    answers = [client.post(f"{ROOT}/ann/intro/bookings", json={}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_proof_of_work_is_asked_of_programs_too(app: Flask, ann: Bookable) -> None:
    app.config["BOOKING_PROOF_OF_WORK"] = True
    answer = app.test_client().post(f"{ROOT}/ann/intro/bookings", json=sam(ann))
    assert (answer.status_code, answer.json["code"]) == (403, "refused")


def test_an_unforeseen_error_says_nothing_about_itself(
    app: Flask, ann: Bookable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_booking.scheduling.book", lambda *_args: json.loads("secret of the house"))
    answer = app.test_client().post(f"{ROOT}/ann/intro/bookings", json=sam(ann))
    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    assert "secret" not in answer.text


def test_a_program_that_does_the_work_can_book(app: Flask, ann: Bookable) -> None:
    import base64
    import hashlib

    app.config["BOOKING_PROOF_OF_WORK"] = True
    client = app.test_client()
    asked = client.get(f"{ROOT}/challenge").json["challenge"]
    salt = asked["salt"]
    number = next(n for n in range(100_001) if hashlib.sha256(f"{salt}{n}".encode()).hexdigest() == asked["challenge"])
    keys = ("algorithm", "challenge", "salt", "signature")
    solution = base64.b64encode(json.dumps({"number": number} | {key: asked[key] for key in keys}).encode()).decode()
    first, repeated, second = (
        client.post(
            f"{ROOT}/ann/intro/bookings",
            json=sam(ann, altcha=solution, idempotency_key=key, start=ann.tomorrow(hour).isoformat()),
        )
        for key, hour in ((KEY, 9), (KEY, 9), (KEY[::-1], 10))
    )
    assert (first.status_code, repeated.status_code, second.status_code) == (201, 201, 403)
    assert repeated.json["id"] == first.json["id"], "who got no answer asks again"


def test_a_cancelled_booking_is_not_moved_even_to_its_own_time(client: FlaskClient, ann: Bookable) -> None:
    token = client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann)).json["manage_url"].rsplit("/", 1)[1]
    client.post(f"{ROOT}/bookings/{token}/cancel", json={})
    assert client.post(f"{ROOT}/bookings/{token}/reschedule", json={"start": sam(ann)["start"]}).status_code == 409
