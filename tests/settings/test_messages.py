"""Reminders and follow-ups: written, seen, tried on oneself, switched off and deleted."""

from __future__ import annotations

import re

import pytest

from flask_booking import catalog
from flask_booking.models import MessageRule, OutboxMessage
from flask_booking.state import session

from .conftest import Office, Screens, said, tomorrow

RULE = {
    "minutes": "2",
    "minutes_unit": "days",
    "when": "before-start",
    "audience": "guest",
    "event": "",
    "subject": "See you soon, {guest_first_name}",
    "body": "Bring your {title} papers.\n\n{manage_url}",
    "active": "1",
    "do": "save",
}


def newest() -> MessageRule:
    return session().query(MessageRule).order_by(MessageRule.id.desc()).first()  # type: ignore[return-value]


def test_a_rule_is_kept_and_planned_for_meetings_that_are_booked_already(office: Office, ann: Screens) -> None:
    office.booking("ann", tomorrow(days=9))
    assert ann.post("/messages/new", **RULE | {"event": office.events["ann"]}).status_code == 303
    with office.app.app_context():
        rule = newest()
        assert (rule.minutes, rule.anchor, rule.audience, rule.event_type_id) == (
            -2880,
            "start",
            "guest",
            office.event().id,
        )
        assert session().query(OutboxMessage).filter_by(rule_id=rule.id).count() == 1
    text = ann.text("/messages")
    assert "2 days before the meeting" in text
    assert "See you soon, {guest_first_name}" in text


def test_the_form_says_again_what_was_saved(office: Office, ann: Screens) -> None:
    ann.post(
        "/messages/new", **RULE | {"when": "after-end", "minutes": "90", "minutes_unit": "minutes", "audience": "host"}
    )
    with office.app.app_context():
        public_id = newest().public_id
        assert newest().minutes == 90
    page = ann.get(f"/messages/{public_id}").text
    assert 'name="minutes" value="90"' in page
    assert 'value="after-end" selected' in page
    assert 'name="audience" value="host" checked' in page


def chosen_event(page: str) -> str:
    """The event type that a browser would send with the form as it is."""
    options = page.partition('<select id="bk-event_type_id"')[2].partition("</select>")[0]
    found = re.search(r'value="([^"]*)" selected', options)
    return found[1] if found else ""


@pytest.mark.parametrize("lost", ["archived", "held by others"])
def test_a_rule_stays_one_of_its_event_type_though_that_is_offered_no_more(
    office: Office, ann: Screens, lost: str
) -> None:
    own = office.events["ann"]
    ann.post("/messages/new", **RULE | {"event": own})
    with office.app.app_context():
        public_id = newest().public_id
        if lost == "archived":
            catalog.set_archived(office.event(), True)
        else:
            catalog.set_hosts(office.event(), [office.host("ben")])
    assert own not in ann.get("/messages/new").text, "other rules can't be made for it"

    kept = chosen_event(ann.get(f"/messages/{public_id}").text)
    assert ann.post(f"/messages/{public_id}", **RULE | {"event": kept, "body": "New"}).status_code == 303
    with office.app.app_context():
        assert (newest().event_type_id, newest().body) == (office.event().id, "New")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"minutes": ""}, "When: Please say when."),
        ({"minutes": "a while"}, "When: Please enter a whole number."),
        ({"minutes": "100", "minutes_unit": "days"}, "When: Please enter a time from 0 minutes to 90 days."),
        ({"minutes": "100", "when": "after-end", "minutes_unit": "days"}, "from 0 minutes to 90 days."),
        ({"minutes": "99999999999"}, "When: Please enter a time from 0 minutes to 90 days."),
        ({"when": "never"}, "When: Please choose when and to whom."),
        ({"event": "of nobody"}, "Event type: Please choose one of your event types."),
        ({"body": "x" * 6000}, "Text: Please use at most 5000 characters."),
    ],
)
def test_a_wrong_rule_is_refused_in_words(office: Office, ann: Screens, changes: dict[str, str], problem: str) -> None:
    answer = ann.post("/messages/new", **RULE | changes)
    assert answer.status_code == 422
    assert problem in said(answer)
    with office.app.app_context():
        assert session().query(MessageRule).filter_by(host_id=office.host().id).count() == 1


def test_the_preview_shows_what_is_typed_and_nothing_of_it_is_obeyed(ann: Screens) -> None:
    page = ann.post("/messages/new", **RULE | {"do": "preview", "body": "Hi {guest_name} {nonsense}"})
    assert "See you soon, Sam" in said(page)
    assert "nonsense" in said(page)
    mail = ann.post("/preview/message", **RULE | {"body": "<script>alert(1)</script>"})
    assert "&lt;script&gt;" in mail.text
    assert "sandbox" in mail.headers["Content-Security-Policy"]
    assert mail.headers["X-Frame-Options"] == "SAMEORIGIN"


MISTYPED = "These mean nothing and will be sent as they are: guest_nam"


def test_a_mistyped_variable_is_told_while_typing_and_after_saving(ann: Screens) -> None:
    mistyped = RULE | {"subject": "Hi {guest_nam}"}
    assert MISTYPED in said(ann.post("/preview/variables", **mistyped))
    assert said(ann.post("/preview/variables", **RULE)) == ""
    ann.post("/messages/new", **mistyped)
    page = ann.get("/messages")
    assert f"The message is saved. It is planned for all coming meetings. {MISTYPED}" in said(page)
    assert "bk-notice-warning" in page.text
    ann.post("/messages/new", **RULE)
    assert "bk-notice-success" in ann.get("/messages").text


def test_however_much_is_mistyped_the_notice_fits_into_a_cookie(ann: Screens) -> None:
    names = "".join(f"{{{letter * 200}}}" for letter in "abcdefghijklmnopqrstuvw")
    ann.post("/messages/new", **RULE | {"body": names})
    text = ann.text("/messages")
    assert f"as they are: {'a' * 40}, {'b' * 40}, " in text


def test_a_test_reaches_the_host_and_saves_nothing(office: Office, ann: Screens) -> None:
    from example_app.models import Mail

    answer = ann.post("/messages/new", **RULE | {"do": "test"})
    assert answer.status_code == 200
    assert "A test is on its way to ann@example.com." in said(answer)
    with office.app.app_context():
        mail = session().query(Mail).one()
        assert "ann@example.com" in mail.recipient
        assert mail.subject == "Test: See you soon, Sam"
        assert session().query(MessageRule).filter_by(host_id=office.host().id).count() == 1


@pytest.mark.parametrize("error", [OSError("no way"), RuntimeError("secret address")])
def test_a_test_that_fails_says_so(
    office: Office, ann: Screens, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(message: object) -> bool:
        raise error

    monkeypatch.setattr(office.app.extensions["booking"].crm, "send_mail", fail)
    answer = ann.post("/messages/new", **RULE | {"do": "test"})
    assert answer.status_code == 502
    assert "The test wasn't sent." in said(answer)
    assert "secret" not in answer.text
    assert "Bring your {title} papers." in answer.text


def test_switching_off_and_deleting_can_be_taken_back(office: Office, ann: Screens) -> None:
    ann.post("/messages/new", **RULE)
    with office.app.app_context():
        public_id = newest().public_id

    ann.post(f"/messages/{public_id}/active", active="0")
    with office.app.app_context():
        assert not newest().active
    ann.post("/undo", token=token_of(ann.get("/messages").text))
    with office.app.app_context():
        assert newest().active

    ann.post(f"/messages/{public_id}/delete")
    with office.app.app_context():
        assert session().query(MessageRule).filter_by(public_id=public_id).count() == 0
    ann.post("/undo", token=token_of(ann.get("/messages").text))
    with office.app.app_context():
        assert (newest().minutes, newest().body) == (-2880, RULE["body"])


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_what_cannot_be_taken_back_says_so(ann: Screens) -> None:
    ann.post("/undo", token="made up")
    assert "That can't be taken back any more." in ann.text("/")


def test_an_undo_of_another_host_is_refused(office: Office, ann: Screens) -> None:
    ben = office.as_user("ben")
    with office.app.app_context():
        rule = session().query(MessageRule).filter_by(host_id=office.host("ben").id).one().public_id
        before = session().query(MessageRule).count()
    ben.post(f"/messages/{rule}/delete")
    token = token_of(ben.get("/messages").text)
    assert ann.post("/undo", token=token).status_code == 404
    with office.app.app_context():
        assert session().query(MessageRule).count() == before - 1
    assert ben.post("/undo", token=token).status_code == 303
    with office.app.app_context():
        assert session().query(MessageRule).filter_by(host_id=office.host("ben").id).count() == 1
