"""The guest's way: page, event type, time, details, confirmation, another time, cancelled.  No script anywhere."""

from __future__ import annotations

import datetime as dt
import re
import urllib.parse
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask.testing import FlaskClient

from flask_booking import catalog
from flask_booking.catalog.fields import QUESTION_KINDS
from flask_booking.models import BookingPage, BookingStatus, Hold, Schedule
from flask_booking.state import session
from tests.fixtures.people import Bookable, make_host
from tests.public.guest import ahead, book, bookings, choose, form_to, forms, heading, manage, send, text_of, times

PAGE = "/book/ann/intro?tz=Europe/Paris"
TIMES = ahead(PAGE)


def test_a_page_lists_what_can_be_booked_and_nothing_else(ann: Bookable, client: FlaskClient) -> None:
    ann.another(title="Closed", slug="closed").active = False
    session().commit()
    page = client.get("/book/ann")
    assert page.status_code == 200
    assert heading(page) == "Ann Meyer"
    assert "Intro" in text_of(page)
    assert "Closed" not in text_of(page)


def test_a_guest_books(ann: Bookable, client: FlaskClient) -> None:
    day = ann.tomorrow().date() + dt.timedelta(days=1)
    times_page = client.get(f"{PAGE}&month={day:%Y-%m}&date={day}")
    assert times_page.status_code == 200
    start = times(times_page)[0]
    details = choose(client, f"{PAGE}&month={day:%Y-%m}&date={day}")
    assert heading(details) == "Intro"
    answer = send(client, details, notes="See you")
    assert answer.status_code == 303
    assert re.fullmatch(r"/book/manage/[\w-]{43}\?new=1", answer.location)
    (booking,) = bookings()
    assert booking.starts_at == dt.datetime.fromisoformat(start)
    assert (booking.guest_name, booking.guest_email, booking.notes) == ("Sam Hill", "sam@example.com", "See you")
    assert booking.guest_time_zone == "Europe/Paris"
    confirmation = client.get(answer.location)
    assert heading(confirmation) == "You are booked"
    assert "sam@example.com" in text_of(confirmation)
    assert start not in times(client.get(f"{PAGE}&month={day:%Y-%m}&date={day}"))


def test_no_page_sets_a_cookie(ann: Bookable, client: FlaskClient) -> None:
    confirmation = book(client, TIMES)
    for address in ("/book/ann", TIMES, confirmation, "/book/nobody"):
        assert "Set-Cookie" not in client.get(address).headers


def test_the_forms_need_no_csrf_token(ann: Bookable, client: FlaskClient) -> None:
    ann.app.config["WTF_CSRF_ENABLED"] = True
    confirmation = book(client, TIMES)
    assert client.post(f"{manage(confirmation)}/cancel").status_code == 303
    assert client.post("/login", data={"email": "a", "password": "b"}).status_code == 400, "the CRM's own are guarded"


def test_a_form_sent_twice_books_once(ann: Bookable, client: FlaskClient) -> None:
    details = choose(client, TIMES)
    first, second = send(client, details), send(client, details)
    assert first.location == second.location
    assert len(bookings()) == 1


def test_another_duration_can_be_chosen(ann: Bookable, client: FlaskClient) -> None:
    page = client.get(TIMES)
    assert "duration=60" in page.text
    book(client, f"{TIMES}&duration=60")
    (booking,) = bookings()
    assert booking.ends_at - booking.starts_at == dt.timedelta(hours=1)


def test_the_zone_can_be_changed_by_a_plain_form(ann: Bookable, client: FlaskClient) -> None:
    page = client.get("/book/ann/intro?zones=1&date=2026-12-03&utm_source=mail")
    (form,) = forms(page)
    assert form.method == "get"
    assert form.values == {"date": "2026-12-03", "utm_source": "mail"}
    assert 'value="Asia/Kolkata"' in page.text
    assert "Kolkata" in text_of(client.get("/book/ann/intro?tz=Asia/Calcutta")), "old names are known"


def test_without_a_zone_times_are_the_hosts_and_say_so(ann: Bookable, client: FlaskClient) -> None:
    assert "Times are shown in the host's time zone" in text_of(client.get("/book/ann/intro"))
    assert "Times are shown in the host's time zone" not in text_of(client.get(TIMES))


def test_the_next_free_day_is_a_link_when_a_month_is_full(ann: Bookable, client: FlaskClient) -> None:
    today = dt.datetime.now(dt.UTC).date()
    first = today + dt.timedelta(days=100)
    last = first + dt.timedelta(days=3)
    ann.another(slug="later", window_kind="range", window_first=first.isoformat(), window_last=last.isoformat())
    between = (first.replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    page = client.get(f"/book/ann/later?month={between:%Y-%m}&tz=UTC")
    assert "Nothing free in" in text_of(page)
    assert f"date={first}" in page.text
    opened = client.get("/book/ann/later?tz=UTC")
    assert times(opened)[0].startswith(first.isoformat()), "without a month, the first that has times is shown"


def test_a_month_that_is_over_says_so_and_leads_on(ann: Bookable, client: FlaskClient) -> None:
    page = client.get(f"{PAGE}&month=2020-02")
    assert page.status_code == 200
    assert "This month is over" in text_of(page)
    assert "date=" in page.text


def test_an_event_type_without_any_time_says_so(ann: Bookable, client: FlaskClient) -> None:
    ann.another(slug="past", window_kind="range", window_first="2020-01-01", window_last="2020-01-02")
    page = client.get("/book/ann/past")
    assert page.status_code == 200
    assert "There are no free times at the moment" in text_of(page)


def test_a_month_after_the_last_free_time_leads_back_to_the_first_one_and_no_further(
    ann: Bookable, client: FlaskClient
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    first = today + dt.timedelta(days=40)
    last = first + dt.timedelta(days=3)
    ann.another(slug="some", window_kind="range", window_first=first.isoformat(), window_last=last.isoformat())
    beyond = (last.replace(day=1) + dt.timedelta(days=70)).replace(day=1)
    page = client.get(f"/book/ann/some?month={beyond:%Y-%m}&tz=UTC")
    assert "The first time that can be booked:" in text_of(page)
    assert "There are no free times at the moment" not in text_of(page)
    assert f"date={first}" in page.text
    assert 'data-keep="next"' not in page.text
    full = client.get(f"/book/ann/some?date={beyond}&tz=UTC")
    assert "Nothing is free on this day. First free: " in text_of(full)
    end = client.get(f"/book/ann/some?date={last}&tz=UTC")
    assert times(end)
    assert 'data-keep="next"' not in end.text, "nothing comes after this month"


def test_the_only_times_can_be_more_than_a_year_ahead(ann: Bookable, client: FlaskClient) -> None:
    first = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=500)
    ann.another(slug="far", window_kind="range", window_first=first.isoformat(), window_last=first.isoformat())
    assert times(client.get("/book/ann/far?tz=UTC"))[0].startswith(first.isoformat())


def test_a_renamed_event_type_redirects_with_all_parameters(ann: Bookable, client: FlaskClient) -> None:
    catalog.update_event_type(ann.event, {"slug": "hello"})
    answer = client.get("/book/ann/intro?tz=Europe/Paris&_scheme=javascript&page=x")
    assert answer.status_code == 301
    assert answer.location == "/book/ann/hello?tz=Europe%2FParis&_scheme=javascript&page=x"


def test_a_renamed_page_redirects_until_another_page_takes_the_address(ann: Bookable, client: FlaskClient) -> None:
    catalog.update_event_type(ann.event, {"slug": "hello"})
    catalog.update_page(ann.page, {"slug": "ann-meyer"})
    page = client.get("/book/ann?tz=Europe/Paris")
    assert (page.status_code, page.location) == (301, "/book/ann-meyer?tz=Europe%2FParis")
    assert client.get("/book/ann/hello?tz=UTC").location == "/book/ann-meyer/hello?tz=UTC"
    assert client.get("/book/ann/intro?tz=UTC").location == "/book/ann-meyer/hello?tz=UTC", "both were renamed"
    assert client.get("/book/ann/nothing").status_code == 404
    assert client.get("/api/booking/v1/public/ann/intro").json["slug"] == "hello"  # type: ignore[index]
    _user, ben = make_host("Ben Vogel")
    bens = session().query(BookingPage).filter_by(host_id=ben.id).one()
    catalog.update_page(bens, {"slug": "ann"})
    assert client.get("/book/ann").status_code == 200
    assert client.get("/book/ann/hello").status_code == 404
    catalog.update_page(ann.page, {"slug": "ann-m"})
    catalog.update_page(ann.page, {"slug": "ann-meyer"})
    assert client.get("/book/ann-m").location == "/book/ann-meyer"
    assert client.get("/book/ann-meyer").status_code == 200, "back to an address it had before"


def test_an_address_may_end_in_a_slash_and_a_form_may_be_opened_as_a_page(ann: Bookable, client: FlaskClient) -> None:
    confirmation = manage(book(client, TIMES))
    for address in ("/book/ann/", "/book/ann/intro/", f"{confirmation}/"):
        assert client.get(address).status_code == 200
    assert client.get("/book/ann/intro/hold?tz=Europe/Paris").location == "/book/ann/intro?tz=Europe%2FParis"


def test_get_never_changes_anything(ann: Bookable, client: FlaskClient) -> None:
    confirmation = book(client, TIMES)
    before = bookings()[0].sequence
    for step in ("", "/cancel", "/reschedule", "/invite.ics"):
        assert client.get(manage(confirmation) + step).status_code == 200
        assert client.head(manage(confirmation) + step).status_code == 200
    assert bookings()[0].sequence == before
    assert bookings()[0].status is BookingStatus.CONFIRMED
    assert session().query(Hold).count() == 0


def test_taken_when_the_time_is_pressed_offers_the_nearest(ann: Bookable, client: FlaskClient) -> None:
    page = client.get(TIMES)
    start = times(page)[2]
    choose(client, TIMES, start)
    form = form_to(page, "/hold")
    answer = client.post(form.action, data={**form.values, "start": start})
    assert answer.status_code == 409
    assert "That time was just taken. These are the nearest free ones." in text_of(answer)
    near = forms(answer)[0].starts
    assert start not in near
    assert len(near) == 6


def test_taken_when_the_time_is_pressed_stays_at_the_day_that_was_looked_at(ann: Bookable, client: FlaskClient) -> None:
    far = (dt.datetime.now(dt.UTC) + dt.timedelta(days=14)).date()
    far += dt.timedelta(days=-far.weekday())
    address = f"{PAGE}&date={far}"
    page = client.get(address)
    start = times(page)[2]
    choose(client, address, start)
    form = form_to(page, "/hold")
    answer = client.post(form.action, data={**form.values, "start": start})
    shown = forms(answer)[1].starts
    paris = ZoneInfo("Europe/Paris")
    assert {dt.datetime.fromisoformat(time).astimezone(paris).date() for time in shown} == {far}
    assert start not in shown


def test_taken_when_the_form_is_sent_keeps_every_word_and_offers_the_nearest(
    ann: Bookable, client: FlaskClient
) -> None:
    event = ann.another(
        slug="asks",
        hold_minutes=0,
        locations=[{"id": "call", "kind": "phone_guest"}, {"id": "web", "kind": "link", "url": "https://x.example"}],
        questions=[
            {"id": "q1", "label": "Company", "kind": "short"},
            {"id": "q2", "label": "Topics", "kind": "multiple", "options": ["Tax", "Hiring"]},
        ],
    )
    details = choose(client, f"/book/ann/{event.slug}?tz=Europe/Paris")
    book(client, f"/book/ann/{event.slug}?tz=Europe/Paris", location="web", name="Someone else")
    typed = {"phone": "+1 555 010 0100", "location": "call", "a_q1": "Acme", "a_q2": ["Tax"], "notes": "Line\nfeed"}
    answer = send(client, details, **typed)
    assert answer.status_code == 409
    assert "That time was just taken. These are the nearest free ones." in text_of(answer)
    form = form_to(answer, "/details")
    kept = {"name": "Sam Hill", "phone": "+1 555 010 0100", "location": "call", "a_q1": "Acme", "a_q2": "Tax"}
    assert form.values | kept == form.values
    assert form.values["notes"].strip() == "Line\nfeed"
    assert "start" not in form.values, "nobody is booked for a time not chosen"
    unchosen = client.post(form.action, data=form.values)
    assert unchosen.status_code == 422
    assert "Please choose a time." in text_of(unchosen)
    assert client.post(form.action, data={**form.values, "start": form.starts[0]}).status_code == 303
    assert len(bookings()) == 2


def test_the_event_types_own_address_comes_after_booking(ann: Bookable, client: FlaskClient) -> None:
    event = ann.another(redirect_url="https://example.com/thanks?a=1")
    details = choose(client, f"/book/ann/{event.slug}")
    assert "form-action 'self' https://example.com;" in details.headers["Content-Security-Policy"]
    assert send(client, details).location == "https://example.com/thanks?a=1"


def test_prefilled_by_the_address_all_the_way(ann: Bookable, client: FlaskClient) -> None:
    event = ann.another(
        questions=[
            {"id": "q1", "label": "Your company?", "kind": "short"},
            {"id": "q2", "label": "Topics", "kind": "multiple", "options": ["Tax", "Hiring"]},
        ]
    )
    asked = "name=Zo%C3%AB&email=zoe%40example.com&your_company=Acme&a_q2=Tax,Hiring&utm_source=mail&page=x&_scheme=y"
    details = choose(client, f"/book/ann/{event.slug}?{asked}")
    values = form_to(details, "/details").values
    assert (values["name"], values["email"], values["a_q1"]) == ("Zoë", "zoe@example.com", "Acme")
    assert details.text.count(" checked") == 2
    answer = send(client, details, name=values["name"], email=values["email"], a_q2=["Tax", "Hiring"])
    assert answer.status_code == 303
    (booking,) = bookings()
    assert booking.utm == {"utm_source": "mail"}
    assert booking.guest_name == "Zoë"


def test_nobodys_answers_are_shown_to_others(ann: Bookable, client: FlaskClient) -> None:
    book(client, TIMES, notes="my secret")
    for address in ("/book/ann", TIMES):
        assert "my secret" not in client.get(address).text
        assert "Sam" not in client.get(address).text
    assert "Sam" not in choose(client, TIMES).text


@pytest.mark.parametrize("kind", QUESTION_KINDS)
def test_every_kind_of_question_can_be_required_and_answered(ann: Bookable, client: FlaskClient, kind: str) -> None:
    good = {"number": "3.5", "phone": "+1 555 010 0100", "email": "a@example.com", "date": "2026-12-31"}
    answer = good.get(kind, "yes" if kind == "checkbox" else "Tax")
    event = ann.another(
        questions=[{"id": "q1", "label": "Question", "kind": kind, "required": True, "options": ["Tax", "Hiring"]}]
    )
    details = choose(client, f"/book/ann/{event.slug}")
    refused = send(client, details)
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    assert re.search(r'<a href="#f-a_q1(-0)?">', refused.text), "the summary leads to the field"
    assert send(client, details, a_q1=answer).status_code == 303
    (booking,) = bookings()
    assert booking.answers[0]["text"] == ("Yes" if kind == "checkbox" else answer)


def test_a_group_lets_several_guests_in(ann: Bookable, client: FlaskClient) -> None:
    event = ann.another(seats=2)
    address = ahead(f"/book/ann/{event.slug}")
    start = times(client.get(address))[0]
    for name in ("One", "Two"):
        answer = send(client, choose(client, address, start), name=name, email=f"{name}@example.com")
        assert answer.status_code == 303
    assert start not in times(client.get(address))


@pytest.mark.parametrize(
    ("date", "offset"), [("2027-01-05", "UTC+1"), ("2027-07-05", "UTC+2"), ("2027-03-28", "UTC+2")]
)
def test_the_zone_is_named_with_the_offset_of_the_times_shown(
    ann: Bookable, client: FlaskClient, date: str, offset: str
) -> None:
    catalog.update_event_type(ann.event, {"window_days": 365, "schedule_id": None})
    schedule = session().query(Schedule).one()
    schedule.weekly = [[[600, 720]]] * 7
    session().commit()
    with time_machine.travel(dt.datetime(2026, 12, 1, tzinfo=dt.UTC)):
        page = client.get(f"/book/ann/intro?tz=Europe/Paris&date={date}")
        assert f"Paris ({offset})" in text_of(page)
        move = manage(book(client, f"/book/ann/intro?tz=Europe/Paris&date={date}"))
        assert f"Paris ({offset})" in text_of(client.get(f"{move}/reschedule?date={date}"))


def test_what_an_address_brings_along_goes_to_the_form_and_back(ann: Bookable, client: FlaskClient) -> None:
    ann.another(questions=[{"id": "q1", "label": "Your company?", "kind": "short"}])
    given = "your_company=Acme&name=Sam&utm_source=mail&tz=Asia/Tokyo"
    listed = client.get(f"/book/ann?{given}").text.replace("&amp;", "&")
    [link] = re.findall(r'href="(/book/ann/[^"]*your_company=Acme[^"]*)"', listed)
    form = form_to(choose(client, link), "/details")
    assert (form.values["a_q1"], form.values["name"]) == ("Acme", "Sam")
    [back] = re.findall(r'href="/book/ann\?([^"]+)"', client.get(link).text.replace("&amp;", "&"))
    assert urllib.parse.parse_qs(back).keys() >= {"name", "utm_source", "tz"}


def test_a_question_called_as_one_of_our_parameters_is_not_filled_by_it(ann: Bookable, client: FlaskClient) -> None:
    questions = [{"id": f"q{n}", "label": label, "kind": "short"} for n, label in enumerate(("Hold", "Date", "Start?"))]
    event = ann.another(questions=questions)
    form = form_to(choose(client, f"/book/ann/{event.slug}?tz=UTC"), "/details")
    assert [form.values[f"a_q{n}"] for n in range(3)] == ["", "", ""]


@pytest.mark.parametrize(
    ("name", "ascii_name"), [("例え.jp", "xn--r8jz45g.jp"), ("straße.de:8443", "xn--strae-oqa.de:8443")]
)
def test_the_event_types_own_address_may_have_a_name_in_any_script(
    ann: Bookable, client: FlaskClient, name: str, ascii_name: str
) -> None:
    event = ann.another(redirect_url=f"https://{name}/danke")
    details = choose(client, f"/book/ann/{event.slug}")
    assert f"form-action 'self' https://{ascii_name};" in details.headers["Content-Security-Policy"]
    assert send(client, details).location == f"https://{ascii_name}/danke"
