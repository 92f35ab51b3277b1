"""Accounts are connected and mended on the screens, and nobody else's way in is open."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_booking.calendars import mirror
from flask_booking.calendars.memory import Memory
from flask_booking.connections.opening import secret_of
from flask_booking.connections.problems import NeedsReconnect
from flask_booking.models import (
    ConnectedCalendar,
    ConnectionState,
)
from flask_booking.signals import calendars_due
from flask_booking.state import session
from tests.fakes.google import Google
from tests.fakes.microsoft import FakeMicrosoft
from tests.settings.calendars.ways import (
    ANN,
    WORK,
    account_path,
    calendars,
    come_back,
    connections,
    consent,
    leave,
    path_of,
    read_all,
    sign_in,
)
from tests.settings.conftest import ROOT, Office, Screens, open_office, said


def test_without_accounts_the_screen_says_what_they_are_good_for(ann: Screens) -> None:
    text = ann.text("/calendars")
    for words in ("never be booked twice", "Google Calendar With Google Meet", "Outlook / Microsoft 365", "iCloud"):
        assert words in text


def test_a_host_signs_in_and_the_calendars_are_there(office: Office, ann: Screens, google: Google) -> None:
    rung: list[int] = []

    def ring(_app: Flask, ids: list[int]) -> None:
        rung.extend(ids)

    with calendars_due.connected_to(ring, sender=office.app):
        text = sign_in(ann)
    assert f"{ANN} is connected, and its calendar is being read." in text
    assert "Being read for the first time" in text
    with office.app.app_context():
        (account,) = connections(office)
        found = calendars(office)
        assert (account.provider, account.account_name, account.state) == ("google", ANN, ConnectionState.ACTIVE)
        assert secret_of(account)["refresh_token"] == google.grants[-1].refresh_token
        checked = {name: (row.check_conflicts, row.target, row.writable) for name, row in found.items()}
        assert checked == {
            ANN: (True, True, True),
            "Family": (False, False, True),
            "Public holidays": (False, False, False),
        }
        assert mirror.due() == rung == [found[ANN].id]
    read_all(office)
    assert "Read just now." in ann.text("/calendars")


def test_microsoft_beside_it_closes_time_too_and_leaves_the_target_alone(office: Office, ann: Screens) -> None:
    sign_in(ann)
    assert f"{WORK} is connected" in sign_in(ann, "microsoft")
    with office.app.app_context():
        assert [row.provider for row in connections(office)] == ["google", "microsoft"]
        rows = session().query(ConnectedCalendar).filter_by(provider_primary=True).order_by(ConnectedCalendar.id)
        assert [(row.check_conflicts, row.target) for row in rows] == [(True, True), (True, False)]


def test_signing_in_again_mends_the_account_and_keeps_its_calendars(
    office: Office, ann: Screens, google: Google
) -> None:
    sign_in(ann)
    read_all(office)
    ann.post(path_of(office, "Family", "switches"), check="1", tentative="1")
    google.revoke_grants()
    google.expire_tokens()
    read_all(office)
    with office.app.app_context():
        (account,) = connections(office)
        mirror.request([row.id for row in account.calendars])
    read_all(office)
    text = ann.text("/calendars")
    assert "Google Calendar asks you to sign in again." in text
    with office.app.app_context():
        (account,) = connections(office)
        again, before = account.public_id, {name: row.id for name, row in calendars(office).items()}
    address = leave(ann, again=again)
    assert dict(parse_qsl(urlsplit(address).query))["login_hint"] == ANN
    assert come_back(ann, consent(address)).status_code == 303
    text = ann.text("/calendars")
    assert f"{ANN} is connected again. Its calendars are as they were." in text
    assert "asks you to sign in" not in text
    with office.app.app_context():
        (account,) = connections(office)
        assert (account.state, account.public_id) == (ConnectionState.ACTIVE, again)
        found = calendars(office)
        assert {name: row.id for name, row in found.items()} == before
        assert found["Family"].check_conflicts
        assert set(mirror.due()) == {found[ANN].id, found["Family"].id}


def test_another_account_than_the_one_to_be_mended_is_said_to_be_another(
    office: Office, ann: Screens, google: Google
) -> None:
    sign_in(ann)
    with office.app.app_context():
        (account,) = connections(office)
        account.state, account.problem = ConnectionState.BROKEN, "needs_reconnect"
        session().commit()
        again = account.public_id
    google.add_account("ben@example.com")
    google.signs_in = "ben@example.com"
    text = sign_in(ann, again=again)
    assert f"You signed in as ben@example.com, and wanted to connect {ANN} again." in text
    assert "Google Calendar asks you to sign in again." in text
    with office.app.app_context():
        first, second = connections(office)
        assert (first.state, second.state) == (ConnectionState.BROKEN, ConnectionState.ACTIVE)
        assert {row.connection_id for row in calendars(office).values() if row.name == ANN} == {first.id}
        assert [row.name for row in calendars(office).values() if row.target] == [ANN]


def test_a_box_that_was_unticked_is_asked_for_and_nothing_is_connected(
    office: Office, ann: Screens, google: Google
) -> None:
    google.unticked = {"calendar.events"}
    text = sign_in(ann)
    assert "A permission is missing. Connect the account again, and leave all boxes ticked." in text
    with office.app.app_context():
        assert connections(office) == []


def test_who_refuses_the_access_is_told_that_nothing_happened(office: Office, ann: Screens, google: Google) -> None:
    google.refuses_consent = True
    assert "You didn't allow the access, so nothing was connected." in sign_in(ann)
    with office.app.app_context():
        assert connections(office) == []


def test_an_organization_that_forbids_it_is_named(ann: Screens, microsoft: FakeMicrosoft) -> None:
    microsoft.denies = ("access_denied", "AADSTS90094: The grant requires administrator permissions.")
    assert "Ask its administrator to allow this application" in sign_in(ann, "microsoft")


def test_a_service_that_fails_on_the_way_leaves_nothing_behind(office: Office, ann: Screens, google: Google) -> None:
    google.fail(503, path="calendarList", times=9)
    assert "Google Calendar doesn't answer at the moment." in sign_in(ann)
    with office.app.app_context():
        assert connections(office) == []


# What isn't let in


def refused(answer: TestResponse) -> bool:
    return answer.status_code == 400 and "This sign-in can't be finished" in said(answer)


def test_a_way_back_is_good_once(office: Office, ann: Screens) -> None:
    way = consent(leave(ann))
    assert come_back(ann, way).status_code == 303
    assert refused(come_back(ann, way))
    with office.app.app_context():
        assert len(connections(office)) == 1


def test_a_way_back_is_good_for_nobody_else(office: Office, ann: Screens) -> None:
    way = consent(leave(ann))
    ben = office.as_user("ben")
    assert refused(come_back(ben, way))
    assert come_back(office.as_user(None), way).status_code == 302, "a stranger has to log in first"
    # Not even in the same browser, when somebody else has logged in there.
    with ann.client.session_transaction() as cookie:
        cookie["_user_id"] = str(office.users["ben"])
    assert refused(come_back(ann, way))
    with office.app.app_context():
        assert connections(office) == []


@pytest.mark.parametrize(
    "query",
    ["", "?code=guessed", "?state=guessed&code=guessed", "?error=access_denied", "?state=%00", "?state=x&state=y"],
)
def test_a_way_back_that_was_made_up_is_refused(office: Office, ann: Screens, query: str) -> None:
    leave(ann)
    answer = come_back(ann, f"{ROOT}/calendars/callback/google{query}")
    assert answer.status_code in (400, 404)
    with office.app.app_context():
        assert connections(office) == []


def test_the_state_of_one_service_doesnt_do_for_another(ann: Screens) -> None:
    way = consent(leave(ann))
    assert refused(come_back(ann, way.replace("/google?", "/microsoft?")))
    assert refused(come_back(ann, way)), "and is used up"


def test_nothing_begins_by_a_mere_link(office: Office, ann: Screens) -> None:
    answer = ann.get("/calendars/connect/google")
    assert (answer.status_code, "Refresh" in answer.headers) == (303, False)


@pytest.mark.parametrize("name", ["nobody", "zoom2", "%00"])
def test_services_that_arent_offered_cant_be_connected(ann: Screens, name: str) -> None:
    assert ann.post(f"/calendars/connect/{name}").status_code == 404
    assert ann.get(f"/calendars/connect/{name}").status_code == 404
    assert ann.get(f"/calendars/callback/{name}").status_code == 404


def test_google_isnt_offered_to_a_crm_that_isnt_registered_there(app: Flask) -> None:
    plain = open_office(app)
    text = plain.as_user("ann").text("/calendars")
    assert "Google" not in text.replace("Google Calendar: the calendar's", "")
    assert "iCloud" in text
    assert "Google Calendar, Outlook / Microsoft 365, Zoom can be connected once" in plain.as_user("cleo").text(
        "/calendars"
    )


def test_services_are_called_as_their_reader_calls_them(office: Office, ann: Screens) -> None:
    with office.app.app_context():
        office.host().locale = "de"
        session().commit()
    assert "Kalenderadresse (iCal)" in ann.text("/calendars")


def test_an_administrator_connects_for_a_colleague(office: Office) -> None:
    cleo = office.as_user("cleo")
    answer = come_back(cleo, consent(leave(cleo, "google?host=ann")))
    assert answer.location.endswith("/calendars?host=ann")
    with office.app.app_context():
        (account,) = connections(office)
        assert account.host_id == office.host("ann").id


def test_no_token_is_in_any_page_or_log(
    office: Office, ann: Screens, google: Google, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    sign_in(ann)
    read_all(office)
    google.revoke_grants()
    google.expire_tokens()
    ann.post(account_path(office, "test"))
    pages = [ann.get("/calendars").text, ann.get("/").text, ann.get(account_path(office, "disconnect")).text]
    with office.app.app_context():
        (account,) = connections(office)
        kept = secret_of(account)
        pages += [repr(account), repr(kept.keys()), caplog.text]
    for secret in (kept["access_token"], kept["refresh_token"], google.client_secret):
        assert not [page for page in pages if secret in page]


# Connecting by a form


def test_an_account_with_a_password_is_connected_by_a_form(office: Office, ann: Screens, memory: Memory) -> None:
    assert "User name" in ann.text("/calendars/connect/memory")
    answer = ann.post("/calendars/connect/memory", username="", password="")
    assert answer.status_code == 422
    assert said(answer).count("Please fill this in.") == 4, "each in the summary and at its field"
    answer = ann.post("/calendars/connect/memory", username="ann", password="s3cret")
    assert answer.status_code == 303
    assert "ann is connected" in ann.text("/calendars")
    with office.app.app_context():
        (account,) = connections(office)
        assert secret_of(account) == {"username": "ann", "password": "s3cret"}
        assert calendars(office)["Work"].check_conflicts


def test_a_refused_password_is_said_and_never_shown_again(office: Office, ann: Screens, memory: Memory) -> None:
    memory.troubles.append(NeedsReconnect("401"))
    answer = ann.post("/calendars/connect/memory", username="ann", password="s3cret")
    assert answer.status_code == 422
    assert "The server doesn't accept this user name and password." in said(answer)
    assert 'value="ann"' in answer.text
    assert "s3cret" not in answer.text
    with office.app.app_context():
        assert connections(office) == []


@pytest.mark.parametrize(
    ("provider", "data"),
    [
        ("caldav", {"url": "https://127.0.0.1/", "username": "ann", "password": "x"}),
        ("caldav", {"url": "http://cloud.example.com/", "username": "ann", "password": "x"}),
        ("caldav", {"url": "https://169.254.169.254/latest", "username": "ann", "password": "x"}),
        ("caldav", {"url": "file:///etc/passwd", "username": "ann", "password": "x"}),
        ("ical", {"address": "https://localhost/basic.ics"}),
        ("ical", {"address": "https://[::1]/basic.ics"}),
        ("ical", {"address": "https://user:word@10.0.0.1/basic.ics"}),
    ],
)
def test_addresses_in_private_networks_are_refused_beside_their_field(
    office: Office, ann: Screens, provider: str, data: dict[str, str]
) -> None:
    answer = ann.post(f"/calendars/connect/{provider}", **data)
    assert answer.status_code == 422
    assert "This address can't be used. Give the public https:// address of the calendar." in said(answer)
    assert 'aria-invalid="true"' in answer.text
    with office.app.app_context():
        assert connections(office) == []


def test_a_new_password_mends_the_account(office: Office, ann: Screens, memory: Memory) -> None:
    ann.post("/calendars/connect/memory", username="ann", password="old")
    with office.app.app_context():
        (account,) = connections(office)
        account.state, account.problem = ConnectionState.BROKEN, "needs_reconnect"
        session().commit()
        again = account.public_id
    assert "The server doesn't accept the password any more." in ann.text("/calendars")
    assert 'value="ann"' in ann.get("/calendars/connect/memory", again=again).text
    ann.post("/calendars/connect/memory", again=again, username="ann", password="new")
    with office.app.app_context():
        (account,) = connections(office)
        assert (account.state, secret_of(account)["password"]) == (ConnectionState.ACTIVE, "new")
    assert "doesn't accept the password" not in ann.text("/calendars")
