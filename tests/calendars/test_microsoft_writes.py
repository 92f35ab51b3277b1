"""Bookings as events in Outlook: made once, moved with as little as possible, removed, and looked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from flask_booking.calendars.provider import EventDraft, Guest, Written
from flask_booking.connections.problems import Changed, Gone, NotAllowed, Unreachable
from tests.fakes.microsoft import Mailbox

from .outlook import BERLIN, GUEST, Outlook, at, draft, outlook

HOUR = 3600
INVITING = draft(invite=True)
TEAMS = draft(invite=True, conference="teams")
PAT = Guest("Pat", "Pat@example.org")


@pytest.fixture
def ann() -> Iterator[Outlook]:
    with outlook() as world:
        yield world


def later(one: EventDraft, hours: float = 2, **more: Any) -> EventDraft:
    seconds = int(hours * HOUR)
    return replace(one, starts=one.starts + seconds, ends=one.ends + seconds, sequence=one.sequence + 1, **more)


def mails(mailbox: Mailbox) -> list[tuple[str, str]]:
    return [(mail.kind, mail.to) for mail in mailbox.mails]


# -- making ---------------------------------------------------------------------------------------------------------


def test_a_booking_becomes_an_event_that_is_recognised_as_ours(ann: Outlook) -> None:
    made = ann.write(draft(location="Room 5", url="https://crm.example/b/1"))
    (item,) = ann.ann.events()
    assert (item.id, item.subject, item.location, item.zone) == (made.id, "Intro call", "Room 5", "Europe/Berlin")
    assert (item.start, item.end) == (made.starts, made.ends) == (draft().starts, draft().ends)
    assert (made.uid, made.etag) == (item.uid, item.etag)
    assert made.page_url.startswith("https://outlook.")
    assert ann.only().booking == "bk-42"
    assert "Bring your questions." in item.body["content"]
    assert "https://crm.example/b/1" in item.body["content"]


def test_guests_are_listed_only_where_outlook_shall_invite_them(ann: Outlook) -> None:
    ann.write(draft())
    (item,) = ann.ann.events()
    assert (item.attendees, ann.ann.mails) == ([], [])
    assert "Gil Guest &lt;gil@example.net&gt;" in item.body["content"]


def test_guests_whom_outlook_invites_get_one_invitation_and_do_not_see_each_other(ann: Outlook) -> None:
    made = ann.write(draft(invite=True, guests=(GUEST, PAT)))
    (item,) = ann.ann.events()
    assert mails(ann.ann) == [("invitation", "gil@example.net"), ("invitation", "Pat@example.org")]
    assert item.hide_attendees
    assert {mail.uid for mail in ann.ann.mails} == {made.uid}
    assert "gil@example.net" not in item.body["content"]


def test_an_event_gets_a_link_to_teams_where_the_account_has_teams(ann: Outlook) -> None:
    made = ann.write(TEAMS)
    assert made.join_url.startswith("https://teams.microsoft.com/")
    assert not made.join_pending
    with outlook(personal=True) as personal:
        made = personal.write(TEAMS)
    assert (made.join_url, made.join_pending) == ("", False)


def test_a_link_that_is_refused_is_left_out(ann: Outlook) -> None:
    ann.fake.refuses_teams = True
    made = ann.write(TEAMS)
    assert made.join_url == ""
    assert ann.write(later(TEAMS), made).starts == later(TEAMS).starts
    assert len(ann.ann.events()) == 1


def test_a_link_that_was_missing_is_filled_in_later(ann: Outlook) -> None:
    ann.fake.refuses_teams = True
    made = ann.write(TEAMS)
    ann.fake.refuses_teams = False
    assert ann.write(TEAMS, made).join_url


@pytest.mark.parametrize("wall", [2.5, 3.5], ids=["first", "second"])
def test_an_hour_that_comes_twice_is_not_mistaken(ann: Outlook, wall: float) -> None:
    # On the 25th of October clocks go back from three to two, at one o'clock UTC.
    starts = at(25, wall - 2, month=10)
    made = ann.write(draft(starts=starts, ends=starts + 1800))
    assert (made.starts, ann.ann.events()[0].start) == (starts, starts)


def test_a_zone_that_microsoft_does_not_know_or_knows_otherwise_is_left_out(ann: Outlook) -> None:
    ann.fake.refused_zones.add("Europe/Berlin")
    made = ann.write(draft())
    assert (made.starts, ann.ann.events()[0].zone) == (draft().starts, "UTC")
    made = ann.write(later(draft()), made)
    assert made.starts == later(draft()).starts
    ann.fake.refused_zones.clear()
    ann.fake.zone_skew["Europe/Berlin"] = HOUR
    assert ann.write(later(draft(), 4), made).starts == later(draft(), 4).starts
    other = draft(key="b" * 26, booking="bk-43")
    assert ann.write(other).starts == other.starts
    assert [item.start for item in ann.ann.marked("bk-43")] == [other.starts]


def test_a_calendar_that_can_only_be_read_takes_no_event(ann: Outlook) -> None:
    ann.ann.default.can_edit = False
    with pytest.raises(NotAllowed):
        ann.write(TEAMS)


# -- once, whatever happens -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", [draft(), TEAMS], ids=["mailed by us", "invited by Outlook"])
@pytest.mark.parametrize("lag", [0, 1], ids=["found", "not found yet"])
def test_a_second_try_makes_no_second_event(ann: Outlook, one: EventDraft, lag: int) -> None:
    ann.fake.drop(after_effect=True, method="POST", path="/events")
    with pytest.raises(Unreachable):
        ann.write(one)
    ann.fake.lags = lag
    made = ann.write(one)
    assert [item.id for item in ann.ann.events()] == [made.id]
    assert len(ann.ann.mails) == (1 if one.invite else 0)
    assert bool(made.join_url) == (one.conference == "teams")


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
@pytest.mark.parametrize("lag", [0, 1], ids=["found", "not found yet"])
def test_a_second_try_with_other_times_changes_the_event_of_the_first(
    ann: Outlook, status: int, named: bool, lag: int
) -> None:
    ann.fake.duplicate_status, ann.fake.names_duplicate = status, named
    ann.fake.drop(after_effect=True, method="POST", path="/events")
    with pytest.raises(Unreachable):
        ann.write(INVITING)
    ann.fake.lags = lag
    made = ann.write(later(INVITING))
    (item,) = ann.ann.events()
    assert (item.id, item.start) == (made.id, later(INVITING).starts)
    assert mails(ann.ann) == [("invitation", "gil@example.net"), ("update", "gil@example.net")]


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
@pytest.mark.parametrize("kept", [True, False], ids=["among deleted things", "nowhere"])
def test_an_event_is_made_anew_after_the_one_before_it_was_deleted(ann: Outlook, named: bool, kept: bool) -> None:
    ann.fake.names_duplicate, ann.fake.keeps_deleted = named, kept
    first = ann.write(draft())
    ann.ann.delete_event(first.id)
    second = ann.write(draft())
    assert second.id != first.id
    assert ann.write(draft()).id == second.id
    assert [item.id for item in ann.ann.events()] == [second.id]


# -- changing -------------------------------------------------------------------------------------------------------


def test_writing_the_same_again_changes_nothing_and_mails_nobody(ann: Outlook) -> None:
    made = ann.write(TEAMS)
    ann.ann.mails.clear()
    assert ann.write(TEAMS, made) == made
    assert ann.write(TEAMS).id == made.id
    assert (ann.changed(), ann.ann.mails) == ([], [])


def test_a_moved_booking_moves_its_event_and_leaves_the_rest_alone(ann: Outlook) -> None:
    made = ann.write(TEAMS)
    ann.ann.answer(made.id, GUEST.email, "accepted")
    moved = ann.write(later(TEAMS), made)
    (change,) = ann.changed()
    assert set(change) == {"start", "end", "isAllDay"}
    assert (moved.id, moved.uid, moved.join_url) == (made.id, made.uid, made.join_url)
    assert (moved.starts, moved.etag == made.etag) == (later(TEAMS).starts, False)
    (item,) = ann.ann.events()
    assert made.join_url in item.body["content"]
    assert item.attendees[0]["status"]["response"] == "accepted"
    assert mails(ann.ann)[1:] == [("update", "gil@example.net")]


def test_an_event_that_the_host_dragged_away_is_put_back(ann: Outlook) -> None:
    made = ann.write(draft())
    ann.ann.edit_event(made.id, all_day=True, start=at(5), end=at(6))
    back = ann.write(draft(), made)
    assert (back.starts, back.ends, ann.ann.events()[0].all_day) == (draft().starts, draft().ends, False)


def test_a_new_text_and_place_are_written_except_into_the_block_of_teams(ann: Outlook) -> None:
    made = ann.write(draft())
    new = draft(description="Bring a pen.", title="Second call", location="Room 6")
    ann.write(new, made)
    (item,) = ann.ann.events()
    assert ("Bring a pen." in item.body["content"], item.subject, item.location) == (True, "Second call", "Room 6")
    assert ann.write(new, made).id == made.id
    assert len(ann.changed()) == 1
    teams = replace(TEAMS, key="t" * 26, booking="bk-43")
    made = ann.write(teams)
    changed = ann.write(replace(teams, description="Bring a pen.", title="Second call"), made)
    assert changed.join_url == made.join_url
    assert made.join_url in ann.ann.marked("bk-43")[0].body["content"]
    assert ann.ann.marked("bk-43")[0].subject == "Second call"


def test_a_text_that_the_host_edited_stays_until_ours_changes(ann: Outlook) -> None:
    made = ann.write(draft())
    ann.ann.edit_event(made.id, body={"contentType": "html", "content": "<p>My notes</p>"})
    ann.write(later(draft()), made)
    assert ann.ann.events()[0].body["content"] == "<p>My notes</p>"


def test_guests_come_and_go_and_whom_the_host_added_stays(ann: Outlook) -> None:
    made = ann.write(draft(invite=True, guests=(GUEST, PAT)))
    ann.ann.answer(made.id, PAT.email, "accepted")
    boss = {"emailAddress": {"address": "boss@example.com", "name": "Boss"}, "type": "optional"}
    ann.ann.events()[0].attendees.append(boss)
    ann.ann.mails.clear()
    new = Guest("Nia", "nia@example.net")
    ann.write(draft(invite=True, guests=(Guest("Pat", "pat@EXAMPLE.org"), new)), made)
    (item,) = ann.ann.events()
    there = {each["emailAddress"]["address"]: each["type"] for each in item.attendees}
    assert there == {"Pat@example.org": "required", "boss@example.com": "optional", "nia@example.net": "required"}
    assert item.attendees[0]["status"]["response"] == "accepted"
    assert mails(ann.ann) == [("invitation", "nia@example.net"), ("cancellation", "gil@example.net")]


def test_an_event_that_changed_meanwhile_is_read_again(ann: Outlook) -> None:
    made = ann.write(draft())
    ann.ann.edit_event(made.id, location="My room")
    assert ann.write(later(draft(location="Room 5")), made).starts == later(draft()).starts
    ann.fake.fail(412, {"error": {"code": "ErrorIrresolvableConflict"}}, method="PATCH", times=2)
    moved = ann.write(later(draft(location="Room 5"), 4), made)
    assert (moved.starts, ann.ann.events()[0].location) == (later(draft(), 4).starts, "Room 5")
    assert all(asked.headers["If-Match"].startswith('W/"') for asked in ann.fake.asked("PATCH"))


def test_an_event_that_changes_all_the_time_is_given_up_for_now(ann: Outlook) -> None:
    made = ann.write(draft())
    ann.fake.fail(412, {"error": {"code": "ErrorIrresolvableConflict"}}, method="PATCH", times=99)
    with pytest.raises(Changed):
        ann.write(later(draft()), made)


@pytest.mark.parametrize("kept", [True, False], ids=["among deleted things", "nowhere"])
def test_an_event_that_the_host_deleted_is_gone(ann: Outlook, kept: bool) -> None:
    ann.fake.keeps_deleted = kept
    made = ann.write(INVITING)
    ann.ann.delete_event(made.id)
    assert ann.look(INVITING, made) is None
    with pytest.raises(Gone):
        ann.write(later(INVITING), made)


# -- looking --------------------------------------------------------------------------------------------------------


def test_an_event_is_shown_as_it_is_now(ann: Outlook) -> None:
    made = ann.write(TEAMS)
    assert ann.look(TEAMS, made) == made
    ann.ann.move_event(made.id, at(2, 9), at(2, 10))
    seen = ann.look(TEAMS, made)
    assert seen is not None
    assert (seen.starts, seen.ends, seen.join_url, seen.declined) == (at(2, 9), at(2, 10), made.join_url, False)
    ann.ann.decline_event(made.id)
    seen = ann.look(TEAMS, made)
    assert seen is not None
    assert seen.declined


def test_an_event_in_another_calendar_is_still_there(ann: Outlook) -> None:
    made = ann.write(draft())
    ann.ann.move_to_calendar(made.id, ann.ann.add_calendar("Private").id)
    seen = ann.look(draft(), made)
    assert seen is not None
    assert seen.id == made.id
    assert ann.write(later(draft()), made).starts == later(draft()).starts


def test_an_event_of_all_day_is_seen_in_the_calendars_zone(ann: Outlook) -> None:
    ann.in_zone("Europe/Berlin")
    made = ann.write(draft())
    ann.ann.edit_event(made.id, all_day=True, start=at(5), end=at(6))
    seen = ann.look(draft(), made)
    assert seen is not None
    assert (seen.starts, seen.ends) == (at(5, zone=BERLIN), at(6, zone=BERLIN))


def test_an_event_that_was_called_off_is_gone(ann: Outlook) -> None:
    made = ann.write(draft())
    ann.ann.edit_event(made.id, cancelled=True)
    assert ann.look(draft(), made) is None


# -- removing -------------------------------------------------------------------------------------------------------


def removed(ann: Outlook, one: EventDraft, known: Written | None) -> None:
    ann.remove(one, known)
    assert ann.ann.events() == []


@pytest.mark.parametrize("known", [True, False], ids=["by its id", "by its key"])
@pytest.mark.parametrize("kept", [True, False], ids=["among deleted things", "nowhere"])
def test_a_removed_event_is_called_off_once(ann: Outlook, known: bool, kept: bool) -> None:
    ann.fake.keeps_deleted = kept
    made = ann.write(INVITING)
    for _ in range(2):
        removed(ann, INVITING, made if known else None)
    assert mails(ann.ann) == [("invitation", "gil@example.net"), ("cancellation", "gil@example.net")]


def test_nobody_is_told_of_an_event_without_guests(ann: Outlook) -> None:
    made = ann.write(draft())
    removed(ann, draft(), made)
    assert ann.ann.mails == []
    made = ann.write(replace(INVITING, guests=(), key="c" * 26))
    removed(ann, replace(INVITING, guests=()), made)


def test_what_was_removed_though_no_answer_came_counts_as_removed(ann: Outlook) -> None:
    made = ann.write(INVITING)
    ann.fake.drop(after_effect=True, method="POST", path="/cancel")
    with pytest.raises(Unreachable):
        ann.remove(INVITING, made)
    removed(ann, INVITING, made)
    assert mails(ann.ann)[1:] == [("cancellation", "gil@example.net")]


def test_an_event_that_may_not_be_deleted_is_not_taken_for_removed(ann: Outlook) -> None:
    made = ann.write(draft())
    ann.fake.fail(403, {"error": {"code": "ErrorAccessDenied"}}, method="DELETE")
    with pytest.raises(NotAllowed):
        ann.remove(draft(), made)
