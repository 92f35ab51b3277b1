"""The guest's way: page, event type, time, details, confirmation, another time, cancelled.  No script anywhere."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

import icalendar
import pytest
from flask.testing import FlaskClient

from flask_booking import catalog
from flask_booking.catalog.fields import QUESTION_KINDS
from flask_booking.messages.gather import view_of
from flask_booking.messages.view import Reader
from flask_booking.models import Booking, BookingPage, BookingStatus, Hold, MessageState, OutboxMessage
from flask_booking.scheduling import decline
from flask_booking.scheduling.hooks import happening
from flask_booking.state import session
from tests.fixtures.people import Bookable, make_host
from tests.public.guest import ahead, book, choose, form_to, forms, heading, manage, send, text_of, times

PAGE = "/book/ann/intro?tz=Europe/Paris"
TIMES = ahead(PAGE)


def bookings() -> list[Booking]:
    session().expire_all()
    return session().query(Booking).order_by(Booking.id).all()


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


def test_a_guest_moves_the_meeting(ann: Bookable, client: FlaskClient) -> None:
    base = manage(book(client, TIMES))
    page = client.get(ahead(f"{base}/reschedule"))
    form = form_to(page, "/reschedule")
    old = bookings()[0].starts_at
    assert form.method == "get"
    asked = client.get(form.action, query_string={**form.values, "start": form.starts[3]})
    assert heading(asked) == "Move this meeting?"
    confirm = form_to(asked, "/reschedule")
    moved = client.post(confirm.action, data={**confirm.values, "reason": "A train"})
    assert moved.status_code == 303
    assert heading(client.get(moved.location)) == "Your meeting was moved"
    (booking,) = bookings()
    assert booking.starts_at == dt.datetime.fromisoformat(form.starts[3]) != old
    assert booking.history[-1].detail["reason"] == "A train"


def test_a_meeting_is_not_in_its_own_way(ann: Bookable, client: FlaskClient) -> None:
    event = ann.another(durations=[60], interval=30)
    address = f"/book/ann/{event.slug}?tz=UTC&date={ann.tomorrow().date() + dt.timedelta(days=1)}"
    page = client.get(address)
    base = manage(send(client, choose(client, address, times(page)[4])).location)
    moves = form_to(client.get(f"{base}/reschedule{address[address.index('?') :]}"), "/reschedule").starts
    assert times(page)[3] in moves, "half an hour earlier overlaps it"
    assert times(page)[5] in moves
    assert times(page)[4] not in moves, "where it is now"
    assert times(page)[5] not in times(client.get(address)), "for others it is in the way"
    assert client.post(f"{base}/reschedule", data={"start": times(page)[5]}).status_code == 303


def test_a_meeting_is_moved_by_its_own_hosts_calendar(ann: Bookable, client: FlaskClient) -> None:
    """Of two hosts one has taken it; the other's free time is no use to it."""
    _user, ben = make_host("Ben Weber")
    event = ann.another(assignment="any")
    catalog.set_hosts(event, [ann.host, ben])
    address = f"/book/ann/{event.slug}?tz=UTC&date={ann.tomorrow().date() + dt.timedelta(days=1)}"
    first, second, third = times(client.get(address))[:3]
    links = [send(client, choose(client, address, start)).location for start in (first, second, third)]
    assert [booking.hosts[0].id for booking in bookings()] == [ann.host.id, ben.id, ann.host.id]
    moves = form_to(client.get(f"{manage(links[0])}/reschedule{address[address.index('?') :]}"), "/reschedule").starts
    assert second in moves, "Ann is free then"
    assert third not in moves, "Ben is, Ann isn't"
    assert third in times(client.get(address))


def test_moving_to_a_time_taken_meanwhile_offers_the_nearest_and_keeps_the_reason(
    ann: Bookable, client: FlaskClient
) -> None:
    base = manage(book(client, TIMES))
    start = form_to(client.get(f"{base}/reschedule{TIMES[TIMES.index('?') :]}"), "/reschedule").starts[0]
    asked = form_to(client.get(f"{base}/reschedule?start={start}"), "/reschedule")
    book(client, TIMES, name="Someone else")
    assert session().query(Booking).filter_by(starts_at=dt.datetime.fromisoformat(start)).count() == 1
    answer = client.post(asked.action, data={**asked.values, "reason": "A train"})
    assert answer.status_code == 409
    assert "That time was just taken. These are the nearest free ones." in text_of(answer)
    form = form_to(answer, "/reschedule")
    assert form.values["reason"].strip() == "A train"
    assert client.post(form.action, data={**form.values, "start": form.starts[0]}).status_code == 303


def test_a_guest_cancels_and_the_time_is_free_at_once(ann: Bookable, client: FlaskClient) -> None:
    base = manage(book(client, TIMES))
    start = bookings()[0].starts_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert start not in times(client.get(TIMES))
    answer = client.post(f"{base}/cancel", data={"reason": "Ill"})
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert heading(page) == "This meeting is cancelled"
    assert "Book again" in text_of(page)
    assert "Add to your calendar" not in text_of(page)
    assert start in times(client.get(TIMES))
    assert client.get(f"{base}/cancel").status_code == 303, "there is nothing left to cancel"


def test_a_required_reason_is_asked_for(ann: Bookable, client: FlaskClient) -> None:
    catalog.update_event_type(ann.event, {"reason_required": True})
    base = manage(book(client, TIMES))
    answer = client.post(f"{base}/cancel", data={"reason": " "})
    assert answer.status_code == 422
    assert "Please give a reason." in text_of(answer)
    assert bookings()[0].status is BookingStatus.CONFIRMED


def test_past_the_cut_off_the_page_says_what_to_do(ann: Bookable, client: FlaskClient) -> None:
    base = manage(book(client, TIMES))
    catalog.update_event_type(ann.event, {"change_cutoff": 60 * 24 * 30})
    page = client.get(base)
    assert "It is too late to change this meeting here. Please contact the host." in text_of(page)
    assert client.post(f"{base}/cancel").status_code == 409
    assert bookings()[0].status is BookingStatus.CONFIRMED


def test_a_date_is_told_as_its_reader_writes_it_and_kept_for_machines(ann: Bookable, client: FlaskClient) -> None:
    event = ann.another(questions=[{"id": "day", "label": "Since when?", "kind": "date"}])
    base = manage(book(client, f"/book/ann/{event.slug}", a_day="2026-12-03"))
    assert "3 December 2026" in text_of(client.get(base))
    assert "3. Dezember 2026" in text_of(client.get(f"{base}?lang=de"))  # codespell:ignore dezember
    (booking,) = bookings()
    assert booking.answers[0]["value"] == booking.answers[0]["text"] == "2026-12-03"
    assert "3 December 2026" in view_of(booking, Reader.HOST).answers[0].answer
    assert "Since when? 3 December 2026" in happening(booking, booking.history[0]).body


def test_a_request_says_that_it_waits(ann: Bookable, client: FlaskClient) -> None:
    event = ann.another(requires_approval=True)
    page = client.get(book(client, f"/book/ann/{event.slug}"))
    assert heading(page) == "Your request was sent"
    assert bookings()[0].status is BookingStatus.PENDING


def test_a_declined_request_says_so(ann: Bookable, client: FlaskClient) -> None:
    event = ann.another(requires_approval=True)
    confirmation = book(client, f"/book/ann/{event.slug}")
    decline(bookings()[0].id, reason="Away")
    page = client.get(manage(confirmation))
    assert heading(page) == "Your request was declined"
    assert "Away" in text_of(page)


def test_a_guest_stops_the_reminders_of_one_meeting_and_has_them_again(ann: Bookable, client: FlaskClient) -> None:
    far = ann.tomorrow().date() + dt.timedelta(days=5)
    base = manage(book(client, f"{PAGE}&date={far}&month={far:%Y-%m}"))

    def waiting() -> int:
        return session().query(OutboxMessage).filter_by(kind="reminder", state=MessageState.WAITING).count()

    form = form_to(client.get(base), "/reminders")
    assert waiting() == 1
    assert client.get(form.action).location == base, "GET changes nothing"
    assert waiting() == 1
    assert client.post(form.action).status_code == 303
    assert waiting() == 0
    assert "You get no reminders for this meeting." in text_of(client.get(base))
    client.post(form.action, data={"wanted": "yes"})
    assert waiting() == 1
    answer = client.post(form.action, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, waiting()) == (204, 0)


def test_a_request_is_withdrawn_rather_than_cancelled(ann: Bookable, client: FlaskClient) -> None:
    event = ann.another(requires_approval=True, cancellation_message="We are sorry that it is off.")
    base = manage(book(client, f"/book/ann/{event.slug}"))
    assert "Withdraw request" in text_of(client.get(base))
    assert heading(client.get(f"{base}/cancel")) == "Withdraw this request?"
    client.post(f"{base}/cancel")
    page = client.get(base)
    assert heading(page) == "You withdrew your request"
    assert "We are sorry that it is off." not in text_of(page)


def test_the_calendar_file_is_the_meeting_of_the_mails(ann: Bookable, client: FlaskClient) -> None:
    base = manage(book(client, TIMES))
    answer = client.get(f"{base}/invite.ics")
    assert answer.content_type == "text/calendar; charset=utf-8; method=PUBLISH"
    calendar = icalendar.Calendar.from_ical(answer.data)
    (booking,) = bookings()
    (entry,) = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "PUBLISH"
    assert (entry["UID"], entry["SEQUENCE"]) == (booking.uid, booking.sequence)
    assert entry.decoded("DTSTART") == booking.starts_at
    assert b"ATTENDEE" not in answer.data


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
