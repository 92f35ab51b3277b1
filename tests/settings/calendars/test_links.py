"""Accounts for meeting links are connected beside calendars."""

from __future__ import annotations

from flask_booking.models import (
    ConnectionState,
)
from flask_booking.state import session
from tests.fakes.zoom import Zoom
from tests.settings.calendars.ways import (
    account_path,
    connections,
    sign_in,
)
from tests.settings.conftest import Office


def test_zoom_is_connected_beside_calendars_and_has_none(linked: Office, zoom: Zoom) -> None:
    ann = linked.as_user("ann")
    text = ann.text("/calendars")
    assert "never be booked twice" in text
    assert "Meeting links" in text
    text = sign_in(ann, "zoom")
    assert "ann@example.com is connected, and makes links for your meetings." in text
    assert "Makes a link for each meeting whose place it is." in text
    assert "never be booked twice" in text, "there is still no calendar"
    assert "Where bookings go" not in text
    ann.post(account_path(linked, "test"))
    assert "Zoom answers, and knows ann@example.com." in ann.text("/calendars")
    ann.post(account_path(linked, "disconnect"))
    assert "ann@example.com is disconnected. Your bookings stay." in ann.text("/calendars")
    assert not any(grant.alive for grant in zoom.grants)
    with linked.app.app_context():
        assert connections(linked) == []


def test_a_broken_zoom_account_is_mended_by_signing_in(linked: Office, zoom: Zoom) -> None:
    ann = linked.as_user("ann")
    sign_in(ann, "zoom")
    with linked.app.app_context():
        (account,) = connections(linked)
        account.state, account.problem = ConnectionState.BROKEN, "needs_reconnect"
        session().commit()
        again = account.public_id
    for page in ("/", "/calendars"):
        assert "Zoom asks you to sign in again." in ann.text(page)
    assert "ann@example.com is connected again." in sign_in(ann, "zoom", again=again)
    with linked.app.app_context():
        (account,) = connections(linked)
        assert (account.public_id, account.state) == (again, ConnectionState.ACTIVE)


def test_a_zoom_account_that_lacks_a_permission_isnt_connected(linked: Office, zoom: Zoom) -> None:
    zoom.granted = ("user:read:user",)
    assert "A permission is missing." in sign_in(linked.as_user("ann"), "zoom")
    with linked.app.app_context():
        assert connections(linked) == []
