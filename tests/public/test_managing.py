"""The guest's own page: another time, cancelling, what a request says, reminders, the calendar file."""

from __future__ import annotations

import datetime as dt

import icalendar
from flask.testing import FlaskClient

from flask_booking import catalog
from flask_booking.i18n import use_locale
from flask_booking.messages.gather import view_of
from flask_booking.messages.view import Reader
from flask_booking.models import Booking, BookingStatus, MessageState, OutboxMessage
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import complete_past, decline
from flask_booking.scheduling.hooks import happening
from flask_booking.state import session
from tests.fixtures.people import Bookable, make_host
from tests.public.guest import ahead, book, bookings, choose, form_to, heading, manage, send, text_of, times

PAGE = "/book/ann/intro?tz=Europe/Paris"
TIMES = ahead(PAGE)


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


def test_whoever_reads_that_nobody_answered_a_request_reads_it_in_their_own_language(
    ann: Bookable, client: FlaskClient
) -> None:
    event = ann.another(requires_approval=True)
    confirmation = book(client, f"/book/ann/{event.slug}")
    (booking,) = bookings()
    booking.guest_locale, ann.host.locale = "de", "fr"
    booking.pending_until = utcnow()
    session().commit()
    with use_locale("es"):
        assert complete_past() == 1
    guests, hosts = (view_of(booking, reader, said={"actor": "system"}) for reader in (Reader.GUEST, Reader.HOST))
    german, french = "Die Anfrage wurde nicht rechtzeitig beantwortet.", "La demande n’a pas reçu de réponse à temps."
    assert (guests.reason, hosts.reason) == (german, french)
    assert french in happening(booking, booking.history[-1]).body
    assert german in text_of(client.get(f"{manage(confirmation)}?lang=de"))


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
