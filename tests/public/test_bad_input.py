"""Whatever is asked for: the right status, a sentence for people, no stack trace, and nothing half done."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from example_app.extensions import db
from flask_booking import catalog
from flask_booking.models import Booking, Hold, OccupiedTime, OutboxMessage
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.people import Bookable
from tests.public.guest import DETAILS, ahead, book, choose, form_to, heading, manage, send, text_of, times

TIMES = ahead("/book/ann/intro?tz=Europe/Paris")
NAUGHTY = "<script>alert(1)</script>{{7*7}}"


def rows() -> int:
    """Everything that a booking writes."""
    session().expire_all()
    return sum(session().query(model).count() for model in (Booking, OccupiedTime, OutboxMessage))


def for_people(answer: TestResponse, status: int) -> str:
    """The page's text, after making sure that it is a page of ours, and safe."""
    assert answer.status_code == status, text_of(answer)[:500]
    assert '<main id="main"' in answer.text
    assert "Traceback" not in answer.text
    assert NAUGHTY not in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return text_of(answer)


@pytest.mark.parametrize(
    "address",
    [
        "/book/nobody",
        "/book/ann/nothing",
        "/book/nobody/intro",
        "/book/ann/nothing/details?start=2026-12-03T14:00:00Z",
        "/book/manage/nothing",
        "/book/manage/nothing/cancel",
        "/book/manage/nothing/reschedule",
        "/book/manage/nothing/invite.ics",
        "/book/%F0%9F%A6%84/%E2%80%AE",
        "/book/" + "a" * 3000,
        "/book/manage/" + "a" * 3000,
    ],
)
def test_what_does_not_exist_is_404(ann: Bookable, client: FlaskClient, address: str) -> None:
    for_people(client.get(address), 404)


def test_what_is_closed_is_410_and_leads_to_what_is_open(ann: Bookable, client: FlaskClient) -> None:
    other = ann.another()
    catalog.set_event_type_active(other, False)
    page = client.get(f"/book/ann/{other.slug}")
    assert "See what else can be booked" in for_people(page, 410)
    ann.page.active = False
    session().commit()
    assert "See what else can be booked" not in for_people(client.get(f"/book/ann/{other.slug}"), 410)
    for_people(client.get("/book/ann"), 410)
    for_people(client.get("/book/ann/intro"), 410)


def test_nothing_leads_to_the_page_of_a_host_who_takes_no_bookings(ann: Bookable, client: FlaskClient) -> None:
    ann.host.active = False
    session().commit()
    assert "See what else can be booked" not in for_people(client.get("/book/ann/intro"), 410)
    for_people(client.get("/book/ann"), 410)


@pytest.mark.parametrize(
    "query",
    [
        "tz=Mars/Base",
        "tz=../../etc/passwd",
        "tz=" + "a" * 2000,
        "tz=%00",
        "month=2026-13",
        "month=tomorrow",
        "month=9999-12",
        "month=0000-00",
        "month=٢٠٢٦-١٢",
        "date=2026-02-30",
        "date=2026-99-99",
        "date=-1",
        f"date={NAUGHTY}",
        "duration=45",
        "duration=abc",
        "duration=-30",
        "duration=999999999999",
        "duration=²",
    ],
)
def test_an_unreadable_parameter_gets_the_calendar_all_the_same(ann: Bookable, client: FlaskClient, query: str) -> None:
    answer = client.get(f"/book/ann/intro?{query}")
    text = for_people(answer, 400)
    assert "Choose a day" in text
    assert times(answer)


@pytest.mark.parametrize(
    "start",
    [
        "",
        "0",
        "1733230800",
        "tomorrow",
        "2026-12-03",
        "2026-12-03T14:00:00",
        "2026-12-03T14:00:00+01:00",
        "2026-02-30T14:00:00Z",
        "9999-12-31T23:59:00Z",
        "0001-01-01T00:00:00Z",
        NAUGHTY,
        "2026-12-03T14:00:00Z\r\nX: y",
    ],
)
def test_a_start_that_no_page_wrote_is_400(ann: Bookable, client: FlaskClient, start: str) -> None:
    form = form_to(client.get(TIMES), "/hold")
    for_people(client.post(form.action, data={**form.values, "start": start}), 400)
    for_people(client.get("/book/ann/intro/details", query_string={"start": start}), 400)
    for_people(client.post("/book/ann/intro/details", data={**DETAILS, "start": start}), 400)
    base = manage(book(client, TIMES))
    for_people(client.post(f"{base}/reschedule", data={"start": start}), 400)


@pytest.mark.parametrize("what", ["past", "off the grid", "out of hours", "beyond the window"])
def test_a_start_that_is_not_offered_is_409_with_the_nearest(ann: Bookable, client: FlaskClient, what: str) -> None:
    weekly = [[[540, 1020]]] * 7
    schedule = catalog.create_schedule(ann.host, "Days", weekly=weekly)
    event = ann.another(schedule_id=schedule.id, schedule=schedule.public_id)
    start = {
        "past": ann.tomorrow(12) - dt.timedelta(days=9),
        "off the grid": ann.tomorrow(12, 7),
        "out of hours": ann.tomorrow(3),
        "beyond the window": ann.tomorrow(12) + dt.timedelta(days=90),
    }[what].strftime("%Y-%m-%dT%H:%M:%SZ")
    address = f"/book/ann/{event.slug}"
    form = form_to(client.get(address), "/hold")
    before = rows()
    text = for_people(client.post(form.action, data={**form.values, "start": start}), 409)
    assert "That time isn't offered." in text
    for_people(client.get(f"{address}/details?start={start}"), 409)
    details = form_to(choose(client, address), "/details")
    client.post(f"{address}/release", data={"hold": details.values["hold"]})
    answer = client.post(details.action, data={**details.values, **DETAILS, "start": start})
    assert "That time isn't offered." in for_people(answer, 409)
    assert rows() == before


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Please enter your name."),
        ("name", "   \r\n ", "Please enter your name."),
        ("name", "a" * 10_000, "at most 200 characters"),
        ("email", "", "Please enter your e-mail address."),
        ("email", "sam", "Please check your e-mail address."),
        ("email", "sam@example.com\r\nBcc: all@example.com", "Please check your e-mail address."),
        ("email", "a@" + "b" * 5000, "Please check your e-mail address."),
        ("email", "sam@example.com, eve@example.com", "Please check your e-mail address."),
        ("notes", "a" * 5001, "at most 5000 characters"),
    ],
)
def test_bad_details_are_422_with_a_sentence(
    ann: Bookable, client: FlaskClient, field: str, value: str, sentence: str
) -> None:
    details = choose(client, TIMES)
    before = rows()
    answer = send(client, details, **{field: value})
    text = for_people(answer, 422)
    assert sentence in text
    assert f'href="#f-{field}"' in answer.text
    assert f'aria-describedby="f-{field}-problem" aria-invalid="true"' in answer.text
    assert rows() == before, "nothing half done"


def test_a_wrong_phone_place_and_answer_are_all_told_at_once(ann: Bookable, client: FlaskClient) -> None:
    event = ann.another(
        locations=[{"id": "call", "kind": "phone_guest"}, {"id": "web", "kind": "link", "url": "https://x.example"}],
        questions=[{"id": "q1", "label": "Size", "kind": "choice", "options": ["Small", "Big"]}],
    )
    page = choose(client, f"/book/ann/{event.slug}")
    text = for_people(send(client, page, location="call", phone="call me", a_q1="Huge", email="x"), 422)
    for sentence in ("check your e-mail", "check your phone number", "choose from the list"):
        assert sentence in text
    assert "you will be called" in for_people(send(client, page, location="call"), 422)
    assert "choose how you want to meet" in for_people(send(client, page, location="elsewhere"), 422)


@pytest.mark.parametrize(
    "name",
    [
        "Zoë 🦄 Müller",
        "\u202eevil",
        "مريم حسن",
        NAUGHTY,
        "Robert'); DROP TABLE booking_booking;--",
        "{manage_url}",
        "%(when)s",
        "=HYPERLINK(1)",
        "a\u0000b",
        "Sam\r\nBcc: x@example.com",
    ],
)
def test_any_name_is_shown_as_it_is_and_never_obeyed(ann: Bookable, client: FlaskClient, name: str) -> None:
    answer = send(client, choose(client, TIMES), name=name, notes=name)
    assert answer.status_code == 303
    page = client.get(answer.location)
    for_people(page, 200)
    calendar = client.get(f"{manage(answer.location)}/invite.ics").text
    assert "\nBcc" not in calendar
    (booking,) = session().query(Booking)
    assert "\n" not in booking.guest_name


def test_a_forged_or_borrowed_hold_is_400(ann: Bookable, client: FlaskClient) -> None:
    other = ann.another()
    form = form_to(client.get(TIMES), "/hold")
    borrowed = form_to(client.get(f"/book/ann/{other.slug}"), "/hold").values["hold"]
    details = form_to(choose(client, TIMES), "/details")
    before = rows()
    for token in ("", "forged", "a" * 5000, borrowed, form.values["hold"][:-2] + "xx"):
        answer = client.post(form.action, data={**form.values, "start": form.starts[0], "hold": token})
        assert "This form can't be used any more." in for_people(answer, 400)
        if token:
            answer = client.post(details.action, data={**details.values, **DETAILS, "hold": token})
            for_people(answer, 400)
    for_people(client.post("/book/ann/intro/release", data={"hold": "forged"}), 400)
    assert rows() == before
    assert client.get(f"{TIMES}&hold=forged").status_code == 200, "an old link to the times still works"


def test_a_hold_that_ran_out_still_books_when_the_time_is_free(ann: Bookable, client: FlaskClient) -> None:
    details = choose(client, TIMES)
    expire()
    assert send(client, details).status_code == 303


def test_a_hold_that_ran_out_and_was_taken_says_so(ann: Bookable, client: FlaskClient) -> None:
    details = choose(client, TIMES)
    start = form_to(details, "/details").values["start"]
    expire()
    assert send(client, choose(client, TIMES, start), name="Faster").status_code == 303
    text = for_people(send(client, details), 409)
    assert "Your time was kept for a while, and is taken now." in text


def expire() -> None:
    """Let every hold run out."""
    for row in [*session().query(Hold), *session().query(OccupiedTime)]:
        row.expires = 1
    session().commit()


def test_a_body_that_is_too_large_is_413(ann: Bookable, client: FlaskClient) -> None:
    details = choose(client, TIMES)
    before = rows()
    for_people(send(client, details, notes="a" * 70_000), 413)
    assert rows() == before


def test_odd_bodies_are_answered_kindly(ann: Bookable, client: FlaskClient) -> None:
    for data, kind in ((b"\xff\xfe", "application/x-www-form-urlencoded"), (b"{}", "application/json"), (b"", "")):
        for_people(client.post("/book/ann/intro/hold", data=data, content_type=kind), 400)
        for_people(client.post("/book/ann/intro/details", data=data, content_type=kind), 400)


def test_the_guests_limit_is_told(ann: Bookable, client: FlaskClient) -> None:
    event = ann.another(limit_guest=1)
    book(client, f"/book/ann/{event.slug}")
    answer = send(client, choose(client, f"/book/ann/{event.slug}"))
    assert "You already have a meeting of this kind." in for_people(answer, 409)


def test_an_unknown_error_is_a_page_and_a_log_without_what_was_typed(
    ann: Bookable, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    details = choose(client, TIMES)
    message = f"INSERT … parameters: {tuple(DETAILS.values())}"

    def broken(*_args: object, **_options: object) -> None:
        raise RuntimeError(message)

    monkeypatch.setattr("flask_booking.public.details.book", broken)
    before = rows()
    with caplog.at_level(logging.ERROR):
        answer = send(client, details)
    assert "Nothing was half done" in for_people(answer, 500)
    assert heading(answer) == "Something broke"
    assert "booking_public.book_details failed: RuntimeError" in caplog.text
    assert "in book_details" in caplog.text, "where it happened"
    assert "Sam" not in caplog.text
    assert rows() == before


def test_a_busy_database_is_503_and_keeps_what_was_typed(
    ann: Bookable, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flask_booking.errors import Contention

    details = choose(client, TIMES)

    def busy(*_args: object, **_options: object) -> None:
        raise Contention

    monkeypatch.setattr("flask_booking.public.details.book", busy)
    answer = send(client, details, notes="Every word")
    assert "Please try again in a few seconds." in for_people(answer, 503)
    assert "Every word" in answer.text


def test_the_applications_own_error_pages_dont_touch_ours(ann: Bookable, client: FlaskClient) -> None:
    """Some CRMs answer every 404 with 200 and every 429 with 500; ours are ordinary responses."""
    for code in (404, 410, 429):
        ann.app.register_error_handler(code, lambda error: ("rewritten", 200))
    assert heading(client.get("/book/nobody")) == "This page doesn't exist"
    assert client.get("/nothing-at-all").text == "rewritten"


def test_secret_pages_are_neither_stored_nor_indexed_nor_told(ann: Bookable, client: FlaskClient) -> None:
    base = manage(book(client, TIMES))
    for step in ("", "/cancel", "/reschedule", "/invite.ics"):
        headers = client.get(base + step).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert client.get(TIMES).headers["Cache-Control"] == "private, no-cache", "Back shall find it as it was left"


def test_the_log_of_a_crm_without_the_tables_names_the_command_that_helps(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app("sqlite://", TESTING=False, PROPAGATE_EXCEPTIONS=False, BOOKING_WORKER=False)
    with app.app_context():
        db.drop_all()
    for path in ("/book/ann", "/api/booking/v1/public/ann"):
        caplog.clear()
        assert app.test_client().get(path).status_code == 500
        assert "OperationalError (`flask booking doctor` tells whether the database has all it needs)" in caplog.text
