"""Bookings: the list and its filters, the CSV file, one booking and what its host can do with it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re

import pytest

from flask_booking import scheduling
from flask_booking.models import Booking, BookingStatus, MessageState, OutboxMessage
from flask_booking.settings.bookings import harmless
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.databases import MakeDatabase

from .conftest import ROOT, Office, Screens, open_office, said, tomorrow


def row(public_id: str) -> Booking:
    return session().query(Booking).filter_by(public_id=public_id).one()


def move_to_the_past(office: Office, public_id: str) -> None:
    with office.app.app_context():
        booking = row(public_id)
        booking.starts_at -= dt.timedelta(days=7)
        booking.ends_at -= dt.timedelta(days=7)
        session().commit()


def test_the_list_shows_coming_past_and_cancelled_bookings_apart(office: Office, ann: Screens) -> None:
    office.booking("ann", start=tomorrow(9))
    past = office.booking("ann", tomorrow(10), email="old@example.com")
    move_to_the_past(office, past)
    gone = office.booking("ann", tomorrow(11), email="gone@example.com")
    ann.post(f"/bookings/{gone}/cancel")

    assert emails(ann.text("/bookings")) == ["sam@example.com"]
    assert emails(ann.text("/bookings", show="past")) == ["old@example.com"]
    assert emails(ann.text("/bookings", show="cancelled")) == ["gone@example.com"]
    assert len(emails(ann.text("/bookings", show="all"))) == 3
    assert "3 bookings" in ann.text("/bookings", show="all")


def emails(text: str) -> list[str]:
    return [
        found for found in re.findall(r"\w+@example\.com", text) if found not in ("ann@example.com", "cleo@example.com")
    ]


def test_filters_find_by_text_date_event_type_and_contact(office: Office, ann: Screens) -> None:
    office.booking("ann", tomorrow(9), name="Zoë 100%", email="zoe@example.com")
    office.booking("ann", tomorrow(9, days=5), name="Liam", email="liam@example.com")
    day = tomorrow(days=5).date().isoformat()

    assert emails(ann.text("/bookings", q="ZOE@")) == ["zoe@example.com"]
    assert emails(ann.text("/bookings", q="100%")) == ["zoe@example.com"]
    assert emails(ann.text("/bookings", q="%")) == ["zoe@example.com"]  # a sign, not a pattern
    assert emails(ann.text("/bookings", **{"from": day})) == ["liam@example.com"]
    assert emails(ann.text("/bookings", to=day)) == ["zoe@example.com", "liam@example.com"]
    assert emails(ann.text("/bookings", event=office.events["ann"])) == ["zoe@example.com", "liam@example.com"]
    assert "No booking fits." in ann.text("/bookings", event="other")
    with office.app.app_context():
        contact = session().query(Booking).filter_by(guest_name="Liam").one().contact_id
    assert emails(ann.text("/bookings", contact=contact)) == ["liam@example.com"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_letters_with_accents_are_found_large_and_small(
    make_app: MakeApp, fresh_database: MakeDatabase, kind: str
) -> None:
    office = open_office(make_app(fresh_database(kind)))
    ann = office.as_user("ann")
    office.booking("ann", tomorrow(9), name="Özlem Ärzte", email="o@example.com")
    office.booking("ann", tomorrow(10), name="jürg groß 5%", email="j@example.com")
    for text in ("Özlem", "özlem", "ÖZLEM", "özlem är", "Ärz", "O@EX"):
        assert emails(ann.get("/bookings.csv", q=text).text) == ["o@example.com"], text
    for text in ("JÜRG", "Jürg", "Groß", "ürg groß 5%"):
        assert emails(ann.get("/bookings.csv", q=text).text) == ["j@example.com"], text
    for text in ("ü%groß", "ö_lem", "J_RG", "Özlem\\"):
        assert emails(ann.get("/bookings.csv", q=text).text) == [], text


@pytest.mark.parametrize(
    "query",
    [
        {"page": "-3"},
        {"page": "x"},
        {"page": "99999999999999999999"},
        {"from": "soon"},
        {"show": "x"},
        {"contact": "x"},
        {"to": "9999-12-31"},
    ],
)
def test_a_query_of_nonsense_shows_a_list_all_the_same(ann: Screens, query: dict[str, str]) -> None:
    assert ann.get("/bookings", **query).status_code == 200


@pytest.mark.parametrize("time_zone", ["Asia/Tokyo", "UTC", "America/New_York"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-30", "9999-12-31"])
def test_the_first_and_the_last_of_all_dates_bound_a_list(
    office: Office, ann: Screens, time_zone: str, day: str
) -> None:
    office.booking("ann")
    with office.app.app_context():
        office.host().time_zone = time_zone
        session().commit()
    for key in ("from", "to"):
        expected = ["sam@example.com"] if (key == "from") == (day == "0001-01-01") else []
        assert emails(ann.text("/bookings", **{key: day})) == expected
        answer = ann.get("/bookings.csv", **{key: day})
        assert answer.status_code == 200
        assert emails(answer.text) == expected


def test_long_lists_come_in_pages(office: Office, ann: Screens) -> None:
    for hour in range(24):
        office.booking("ann", tomorrow(hour), email=f"g{hour}@example.com")
    for hour in range(4):
        office.booking("ann", tomorrow(hour, days=2), email=f"h{hour}@example.com")
    first = ann.text("/bookings")
    assert len(emails(first)) == 25
    assert "Page 1 of 2" in first
    assert emails(ann.text("/bookings", page=2)) == ["h1@example.com", "h2@example.com", "h3@example.com"]


def test_an_administrator_sees_everybodys_bookings_and_a_host_only_the_own(office: Office, ann: Screens) -> None:
    office.booking("ann", email="a@example.com")
    office.booking("ben", email="b@example.com")
    assert emails(office.as_user("cleo").text("/bookings", of="all")) == ["a@example.com", "b@example.com"]
    assert emails(ann.text("/bookings", of="all")) == ["a@example.com"]


def test_the_csv_file_has_every_booking_and_no_formula(office: Office, ann: Screens) -> None:
    office.booking("ann", name="=HYPERLINK(1)", email="sam@example.com", notes="+1\nsecond line", phone="+49 30 123456")
    answer = ann.get("/bookings.csv")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 1
    assert rows[0]["guest"] == "'=HYPERLINK(1)"
    assert rows[0]["phone"] == "'+49 30 123456"
    assert rows[0]["notes"] == "'+1\nsecond line"
    assert rows[0]["status"] == "confirmed"


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", " =1", "\t=1", "\r1"])
def test_what_a_spreadsheet_would_run_is_quoted(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


def test_a_booking_shows_guest_answers_history_contact_and_messages(office: Office, ann: Screens) -> None:
    public_id = office.booking("ann", notes="Two of us", phone="+49 30 123456")
    answer = ann.get(f"/bookings/{public_id}")
    text = said(answer)
    for part in (
        "Sam Guest",
        "sam@example.com",
        "+49 30 123456",
        "Two of us",
        "Booked by the guest",
        "See the contact",
    ):
        assert part in text
    assert "Confirmation to sam@example.com" in text
    assert "Reminder to sam@example.com" in text or "Messages" in text
    assert "/contacts/" in answer.text


def test_what_a_guest_typed_is_text(office: Office, ann: Screens) -> None:
    public_id = office.booking("ann", name="<script>alert(1)</script>", notes="<img src=x onerror=alert(1)>")
    for path in (f"/bookings/{public_id}", "/bookings", "/"):
        page = ann.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_a_host_cancels_with_a_reason(office: Office, ann: Screens) -> None:
    public_id = office.booking()
    answer = ann.post(f"/bookings/{public_id}/cancel", reason="I am ill")
    assert answer.status_code == 303
    with office.app.app_context():
        assert (row(public_id).status, row(public_id).reason, row(public_id).cancelled_by) == (
            BookingStatus.CANCELLED,
            "I am ill",
            "host",
        )
    text = ann.text(f"/bookings/{public_id}")
    assert "Cancelled. Sam Guest gets a mail" in text
    assert "Cancelled by the host" in text


def test_a_reason_too_long_is_told_and_kept(office: Office, ann: Screens) -> None:
    public_id = office.booking()
    answer = ann.post(f"/bookings/{public_id}/cancel", reason="x" * 3000)
    assert answer.status_code == 422
    assert "Please use at most 2000 characters." in said(answer)
    assert "x" * 3000 in answer.text


def test_what_became_of_a_meeting_is_marked_after_it_began(office: Office, ann: Screens) -> None:
    public_id = office.booking()
    early = ann.post(f"/bookings/{public_id}/mark", status="no_show")
    assert early.status_code == 409
    assert "This meeting hasn't begun yet." in said(early)
    move_to_the_past(office, public_id)
    assert "Guest didn't come" in ann.text(f"/bookings/{public_id}")
    ann.post(f"/bookings/{public_id}/mark", status="no_show")
    with office.app.app_context():
        assert row(public_id).status == BookingStatus.NO_SHOW
    ann.post(f"/bookings/{public_id}/mark", status="completed")
    with office.app.app_context():
        assert row(public_id).status == BookingStatus.COMPLETED


def test_an_administrator_gives_a_meeting_to_a_host_who_is_free(office: Office) -> None:
    office.booking("ben", tomorrow(9))
    taken, free = office.booking("ann", tomorrow(9)), office.booking("ann", tomorrow(15))
    cleo = office.as_user("cleo")
    refused = cleo.post(f"/bookings/{taken}/reassign", to="ben")
    assert refused.status_code == 409
    assert "That host isn't free then. Nothing was changed." in said(refused)
    assert cleo.post(f"/bookings/{free}/reassign", to="ben").status_code == 303
    with office.app.app_context():
        assert [host.user.name for host in row(free).hosts] == ["Ben Vogel"]
        assert [host.user.name for host in row(taken).hosts] == ["Ann Meyer"]


def test_a_host_gives_no_meeting_to_whom_the_event_type_doesnt_have(office: Office, ann: Screens) -> None:
    public_id = office.booking()
    assert ann.post(f"/bookings/{public_id}/reassign", to="ben").status_code == 422


def test_notes_are_kept(office: Office, ann: Screens) -> None:
    public_id = office.booking()
    ann.post(f"/bookings/{public_id}/notes", host_notes="Knows <b>much</b>")
    assert "Knows <b>much</b>" in ann.text(f"/bookings/{public_id}")
    with office.app.app_context():
        assert row(public_id).host_notes == "Knows <b>much</b>"


def test_notes_that_are_too_long_are_refused_and_stay_in_the_form(office: Office, ann: Screens) -> None:
    public_id = office.booking()
    ann.post(f"/bookings/{public_id}/notes", host_notes="short\r\n" + "x" * 9994)
    answer = ann.post(f"/bookings/{public_id}/notes", host_notes="y" * 10_001)
    assert answer.status_code == 422
    assert "Please use at most 10000 characters." in said(answer)
    assert "y" * 10_001 in answer.text
    with office.app.app_context():
        assert row(public_id).host_notes == "short\n" + "x" * 9994
    assert "short" in ann.post(f"/bookings/{public_id}/reassign", to="nobody").text


def test_a_meeting_is_moved_to_a_free_time(office: Office, ann: Screens) -> None:
    public_id = office.booking("ann", tomorrow(9))
    office.booking("ann", tomorrow(11), email="other@example.com")
    path = f"/bookings/{public_id}/reschedule"
    page = ann.get(path, date=tomorrow().date().isoformat(), month=f"{tomorrow():%Y-%m}").text
    offered = re.findall(r'name="start" value="([^"]+)"', page)
    assert tomorrow(10).isoformat() in offered
    assert tomorrow(11).isoformat() not in offered
    assert tomorrow(9).isoformat() in offered  # a meeting isn't in its own way

    assert ann.post(path, start=tomorrow(10).isoformat(), reason="Train").status_code == 303
    with office.app.app_context():
        assert row(public_id).starts_at == tomorrow(10)
    assert "Moved by the host" in ann.text(f"/bookings/{public_id}")


@pytest.mark.parametrize(
    ("start", "status"), [("", 422), ("soon", 422), ("2020-01-01T10:00:00+00:00", 409), ("2026-01-01T10:00:00", 422)]
)
def test_a_wrong_time_moves_nothing(office: Office, ann: Screens, start: str, status: int) -> None:
    public_id = office.booking("ann", tomorrow(9))
    answer = ann.post(f"/bookings/{public_id}/reschedule", start=start, reason="kept words")
    assert answer.status_code == status
    assert "kept words" in answer.text
    with office.app.app_context():
        assert row(public_id).starts_at == tomorrow(9)


def test_a_time_taken_meanwhile_is_told(office: Office, ann: Screens) -> None:
    public_id = office.booking("ann", tomorrow(9))
    office.booking("ann", tomorrow(10), email="other@example.com")
    answer = ann.post(f"/bookings/{public_id}/reschedule", start=tomorrow(10).isoformat())
    assert answer.status_code == 409
    assert "That time was just taken." in said(answer)


def test_a_meeting_of_an_event_type_that_was_switched_off_can_still_be_moved(office: Office, ann: Screens) -> None:
    public_id = office.booking("ann", tomorrow(9))
    ann.post(f"/event-types/{office.events['ann']}/archive", archived="1")
    assert ann.post(f"/bookings/{public_id}/reschedule", start=tomorrow(10).isoformat()).status_code == 303


def test_what_the_crm_refused_is_shown(office: Office, ann: Screens) -> None:
    public_id = office.booking()
    with office.app.app_context():
        row(public_id).crm_error = "IntegrityError: company is missing"
        session().commit()
    assert "company is missing" in ann.text(f"/bookings/{public_id}")
    assert "The CRM couldn't take up" in ann.text("/")


def test_a_failed_message_is_seen_and_tried_again(office: Office, ann: Screens) -> None:
    public_id = office.booking()
    with office.app.app_context():
        message = session().query(OutboxMessage).filter_by(recipient="sam@example.com", kind="booked").one()
        message.state, message.attempts, message.last_error = MessageState.FAILED, 12, "refused for good (550)"
        session().commit()
        message_id = message.public_id
    assert "1 message wasn't sent" in ann.text("/")
    assert "refused for good (550)" in ann.text("/messages/log", state="failed")
    assert "refused for good (550)" in ann.text(f"/bookings/{public_id}")

    ann.post(f"/messages/log/{message_id}/retry")
    with office.app.app_context():
        again = session().query(OutboxMessage).filter_by(public_id=message_id).one()
        assert again.state in (MessageState.WAITING, MessageState.DONE)
    assert "No message failed." in ann.text("/messages/log", state="failed")


def test_a_reminder_that_is_only_planned_is_not_sent_early(office: Office, ann: Screens) -> None:
    office.booking("ann", tomorrow(days=9))
    with office.app.app_context():
        planned = session().query(OutboxMessage).filter_by(kind="reminder").one()
        message_id, due_at = planned.public_id, planned.due_at
    ann.post(f"/messages/log/{message_id}/retry")
    assert "Only messages that failed can be tried again." in ann.text("/messages/log")
    with office.app.app_context():
        assert session().query(OutboxMessage).filter_by(public_id=message_id).one().due_at == due_at


def test_the_overview_counts_this_week_and_todays_meetings(office: Office, ann: Screens) -> None:
    assert "Nothing is coming" in ann.text("/")
    office.booking("ann", tomorrow(9))
    text = ann.text("/")
    assert "Next Sam Guest Tomorrow, 09:00 – 09:30" in text
    assert "First steps" not in text
    assert f"{ROOT}/book" in ann.get("/").text
    with office.app.app_context():
        assert scheduling.booking_by_public_id(session().query(Booking).one().public_id)
