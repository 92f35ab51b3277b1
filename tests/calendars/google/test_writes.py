"""Bookings as events in a Google Calendar, once, whatever gets lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests

from flask_booking.calendars.provider import Guest, RemoteCalendar, Written
from flask_booking.connections.access import OAuthAccess
from flask_booking.connections.problems import Changed, Gone, MissingScope, NotAllowed, Unreachable
from tests.calendars.google.given import ANN, DAY, HOUR, T0, WINDOW, draft, only, provider, signed_in, write
from tests.fakes.google import Google as FakeGoogle


def test_a_booking_becomes_an_event(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    wanted = draft(location="Main street 1", url="https://crm.example/m/1")
    made = write(access, calendar, wanted)
    event = google.event(ANN, made.id)
    assert made == Written(
        wanted.key, event["etag"], wanted.uid, wanted.starts, wanted.ends, event["htmlLink"], "", False, False
    )
    assert (event["summary"], event["description"], event["location"]) == (
        "Intro call with Gus", "What it is about", "Main street 1",
    )  # fmt: skip
    assert event["start"] == {"dateTime": "2030-03-01T11:00:00+01:00", "timeZone": "Europe/Berlin"}
    assert event["extendedProperties"]["private"]["flask_booking_id"] == "42"
    assert [one["email"] for one in event["attendees"]] == ["gus@example.net"]
    assert event["source"]["url"] == "https://crm.example/m/1"
    assert event["guestsCanModify"] is False
    assert google.mails == []
    assert only(provider.changes(access, calendar, "", WINDOW)).booking == "42"


def test_google_invites_where_it_shall(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    wanted = draft(invite=True, uid="another@crm.example")
    made = write(access, calendar, wanted)
    write(access, calendar, wanted, made)
    write(access, calendar, wanted)
    assert [(mail.kind, mail.to, mail.uid) for mail in google.mails] == [("invite", "gus@example.net", made.uid)]
    moved = replace(wanted, starts=wanted.starts + HOUR, ends=wanted.ends + HOUR)
    write(access, calendar, moved, made)
    write(access, calendar, moved, made)
    provider.remove(access, calendar, moved, made)
    provider.remove(access, calendar, moved, made)
    assert [(mail.kind, mail.starts) for mail in google.mails] == [
        ("invite", wanted.starts), ("update", moved.starts), ("cancel", moved.starts),
    ]  # fmt: skip


def test_guests_with_an_invitation_of_another_uid_are_named_but_not_listed(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft(uid="another@crm.example"))
    event = google.event(ANN, made.id)
    assert "attendees" not in event
    assert event["description"] == "What it is about\n\nGus, gus@example.net"
    write(access, calendar, draft(uid="another@crm.example", description="Write to gus@example.net"), made)
    assert google.event(ANN, made.id)["description"] == "Write to gus@example.net"


def test_what_guests_wrote_makes_no_tags(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    wanted = draft(description='a < b <a href="https://evil.example">our bank</a>')
    made = write(access, calendar, wanted)
    description = google.event(ANN, made.id)["description"]
    assert "<a" not in description
    assert "</" not in description
    assert description.replace("\u200b", "") == wanted.description
    before = len(google.asked("PATCH"))
    write(access, calendar, wanted, made)
    assert len(google.asked("PATCH")) == before


def test_a_lost_answer_makes_no_second_event(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    google.drop(after_effect=True, method="POST")
    with pytest.raises(Unreachable):
        write(access, calendar, draft(invite=True))
    made = write(access, calendar, draft(invite=True))
    assert made.id == draft().key
    assert len(google.events(ANN)) == 1
    assert len(google.mails) == 1


def test_an_unknown_earlier_try_that_differs_is_changed(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    write(access, calendar, draft())
    later = write(access, calendar, draft(starts=T0 + 20 * HOUR, ends=T0 + 21 * HOUR, sequence=1))
    assert (later.id, later.starts) == (draft().key, T0 + 20 * HOUR)
    assert google.times(ANN, draft().key) == (T0 + 20 * HOUR, T0 + 21 * HOUR)


def test_the_id_of_a_deleted_event_is_spent_so_the_next_has_another(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    names = []
    for _ in range(3):
        made = write(access, calendar, draft())
        assert write(access, calendar, draft()).id == made.id
        names.append(made.id)
        provider.remove(access, calendar, draft(), made)
    assert names == [draft().key, f"{draft().key}v1", f"{draft().key}v2"]
    assert google.events(ANN) == []
    assert "attendees" in google.event(ANN, names[0])
    assert "attendees" not in google.event(ANN, names[1]), "its UID is not that of the invitation"
    assert "gus@example.net" in google.event(ANN, names[1])["description"]


def test_an_event_of_somebody_else_under_our_id_is_left_alone(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.add_event(ANN, T0, T0 + HOUR, id=draft().key, summary="Not ours")
    made = write(access, calendar, draft())
    assert made.id == f"{draft().key}v1"
    assert google.event(ANN, draft().key)["summary"] == "Not ours"
    provider.remove(access, calendar, draft(), None)
    assert [event["summary"] for event in google.events(ANN)] == ["Not ours"]


def test_when_googles_servers_disagree_it_is_tried_again_later(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.refuse("duplicate", method="POST")
    with pytest.raises(Changed):
        write(access, calendar, draft())
    assert google.events(ANN) == []


def test_answers_and_other_attendees_stay_when_a_booking_moves(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    guests = (Guest("Gus", "gus@example.net"), Guest("Mia", "mia@example.net"))
    made = write(access, calendar, draft(guests=guests))
    google.respond(ANN, made.id, "gus@example.net", "accepted")
    google.respond(ANN, made.id, "colleague@example.com", "tentative")
    google.respond(ANN, made.id, ANN, "accepted")
    moved = draft(starts=T0 + 20 * HOUR, ends=T0 + 21 * HOUR, guests=(guests[0], Guest("", "New@example.net")))
    write(access, calendar, moved, made)
    answers = {one["email"]: one["responseStatus"] for one in google.event(ANN, made.id)["attendees"]}
    assert answers == {
        "gus@example.net": "accepted", "colleague@example.com": "tentative", ANN: "accepted",
        "New@example.net": "needsAction",
    }  # fmt: skip


def test_a_host_who_is_a_guest_as_well_stays(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft(guests=(Guest("Gus", "gus@example.net"), Guest("Ann", ANN))))
    google.respond(ANN, made.id, ANN, "accepted")
    write(access, calendar, draft(guests=(Guest("Gus", "gus@example.net"),)), made)
    answers = {one["email"]: one["responseStatus"] for one in google.event(ANN, made.id)["attendees"]}
    assert answers == {"gus@example.net": "needsAction", ANN: "accepted"}


def test_attendees_that_were_not_all_told_are_left_alone(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    google.change_event(ANN, made.id, attendeesOmitted=True)
    write(access, calendar, draft(title="New", guests=(Guest("Mia", "mia@example.net"),)), made)
    assert [one["email"] for one in google.event(ANN, made.id)["attendees"]] == ["gus@example.net"]


def test_guests_of_a_meeting_for_several_do_not_see_each_other(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    guests = tuple(Guest(name, f"{name}@example.net") for name in ("a", "b", "c"))
    made = write(access, calendar, draft(guests=guests[:1]))
    assert "guestsCanSeeOtherGuests" not in google.event(ANN, made.id)
    write(access, calendar, draft(guests=guests[:2]), made)
    assert google.event(ANN, made.id)["guestsCanSeeOtherGuests"] is False
    google.change_event(ANN, made.id, guestsCanSeeOtherGuests=True)
    write(access, calendar, draft(guests=guests), made)
    assert google.event(ANN, made.id)["guestsCanSeeOtherGuests"] is True, "the host wants it so"
    other = write(access, calendar, draft(key="v" * 26, uid=f"{'v' * 26}@google.com", guests=guests))
    assert google.event(ANN, other.id)["guestsCanSeeOtherGuests"] is False


def test_two_hundred_guests_fit(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    guests = tuple(Guest("", f"guest{number}@example.net") for number in range(200))
    made = write(access, calendar, draft(guests=guests))
    google.respond(ANN, made.id, "colleague@example.com", "accepted")
    write(access, calendar, draft(guests=guests[100:]), made)
    left = [one["email"] for one in google.event(ANN, made.id)["attendees"]]
    assert left == [guest.email for guest in guests[100:]] + ["colleague@example.com"]


def test_a_guest_given_twice_is_listed_once(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    twice = (Guest("Gus", "gus@example.net"), Guest("Gus", "GUS@example.net"))
    made = write(access, calendar, draft(guests=twice))
    assert len(google.event(ANN, made.id)["attendees"]) == 1


class Meddled:
    """An access during which somebody else is quicker: before each PATCH ``meddle`` is called."""

    def __init__(self, access: OAuthAccess, meddle: Callable[[], None], times: int) -> None:
        self.settings: Mapping[str, Any] = {}
        self.account, self.access, self.meddle, self.times = "", access, meddle, times

    def request(self, method: str, url: str, **more: Any) -> requests.Response:
        if method == "PATCH" and self.times:
            self.times -= 1
            self.meddle()
        return self.access.request(method, url, **more)


def test_a_change_in_between_is_merged(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft())
    answers = iter(["tentative", "declined", "accepted"])
    meddled = Meddled(access, lambda: google.respond(ANN, made.id, "gus@example.net", next(answers)), 3)
    new = Guest("Mia", "mia@example.net")
    provider.write(meddled, calendar, draft(title="New", guests=(*draft().guests, new)), made)
    event = google.event(ANN, made.id)
    assert event["summary"] == "New"
    assert [one["responseStatus"] for one in event["attendees"]] == ["accepted", "needsAction"]


def test_changes_in_between_without_end_are_told(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    meddled = Meddled(access, lambda: google.change_event(ANN, made.id, colorId="7"), 99)
    with pytest.raises(Changed):
        provider.write(meddled, calendar, draft(title="New"), made)
    assert google.event(ANN, made.id)["summary"] == draft().title


def test_guests_whom_google_invites_no_more_learn_it_from_google(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft(invite=True))
    google.mails.clear()
    write(access, calendar, draft(uid="booking-1-2@flask-booking", sequence=1), made)
    assert [(mail.kind, mail.to, mail.uid) for mail in google.mails] == [("cancel", "gus@example.net", made.uid)]
    assert "attendees" not in google.event(ANN, made.id) or not google.event(ANN, made.id)["attendees"]


def test_nothing_is_sent_when_nothing_differs(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    wanted = draft(description="Two lines\r\nand a margin \n", conference="google_meet")
    made = write(access, calendar, wanted)
    google.change_event(ANN, made.id, description="Two lines\nand a margin", colorId="7")
    write(access, calendar, wanted, made)
    assert google.asked("PATCH") == []


def test_an_event_that_the_host_made_all_day_gets_its_time_back(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    google.change_event(ANN, made.id, start={"date": "2030-03-05"}, end={"date": "2030-03-06"})
    assert provider.look(access, calendar, draft(), made) == replace(
        made, etag=google.event(ANN, made.id)["etag"], starts=T0 + 4 * DAY - HOUR, ends=T0 + 5 * DAY - HOUR
    )
    again = write(access, calendar, draft(), made)
    assert (again.starts, again.ends) == (draft().starts, draft().ends)
    assert "date" not in google.event(ANN, made.id)["start"]


@pytest.mark.parametrize("how", ["deleted", "never was", "calendar"])
def test_a_known_event_that_is_no_more_is_gone(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, how: str
) -> None:
    made = write(access, calendar, draft())
    if how == "deleted":
        google.delete_event(ANN, made.id)
    elif how == "calendar":
        google.remove_calendar(ANN)
    else:
        made = replace(made, id="neverwas")
    with pytest.raises(Gone):
        write(access, calendar, draft(title="New"), made)
    assert not google.asked("PATCH")


def test_texts_are_cut_rather_than_refused(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft(title="T" * 2_000, description="D" * 20_000, location="L" * 2_000))
    event = google.event(ANN, made.id)
    assert (len(event["summary"]), len(event["description"]), len(event["location"])) == (1_000, 8_000, 1_000)


def test_a_calendar_that_may_only_be_read_is_not_written_to(google: FakeGoogle, access: OAuthAccess) -> None:
    google.add_account("bob@example.com")
    google.share("bob@example.com", ANN, "reader")
    with pytest.raises(NotAllowed):
        write(access, RemoteCalendar("bob@example.com", "Bob"), draft())


def test_a_missing_permission_is_told_apart(google: FakeGoogle, calendar: RemoteCalendar) -> None:
    less = signed_in(
        google, scopes=("openid", "email", "https://www.googleapis.com/auth/calendar.calendarlist.readonly")
    )
    assert provider.calendars(less)
    with pytest.raises(MissingScope):
        write(less, calendar, draft())
    with pytest.raises(MissingScope):
        provider.changes(less, calendar, "", WINDOW)


def test_a_service_account_that_may_not_invite_is_not_allowed(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.accounts[ANN].service = True
    with pytest.raises(NotAllowed):
        write(access, calendar, draft(invite=True))
