"""What the doctor says of sign-ins at services, and of connected calendars."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import pytest
import sqlalchemy as sa

from flask_booking.calendars.registry import offered
from flask_booking.models import Connection, ConnectionState
from flask_booking.models.columns import utcnow
from flask_booking.state import session
from tests.calendars.made import new_calendar, new_connection
from tests.fixtures.people import make_host

from .conftest import MakePatient, Patient

GOOGLE = {"BOOKING_GOOGLE_CLIENT_ID": "id.apps.example", "BOOKING_GOOGLE_CLIENT_SECRET": "hush-hush"}
PUBLIC = {"BOOKING_PUBLIC_URL": "https://crm.example.com/x"}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({}, "info no registration at Google, Microsoft or Zoom"),
        (
            {"BOOKING_ZOOM_CLIENT_ID": "x"},
            "fail BOOKING_ZOOM_CLIENT_ID is set and BOOKING_ZOOM_CLIENT_SECRET isn't: hosts aren't offered Zoom",
        ),
        (GOOGLE, "warn without BOOKING_PUBLIC_URL services send browsers back to whatever host was asked for"),
        (
            GOOGLE | PUBLIC,
            "ok hosts can sign in; the registered redirect address must be exactly "
            "https://crm.example.com/x/settings/booking/calendars/callback/google",
        ),
        (GOOGLE | {"BOOKING_PUBLIC_URL": "http://crm.example.com"}, "fail services send browsers back to https://"),
        (GOOGLE | {"BOOKING_PUBLIC_URL": "http://localhost:5000"}, "info nothing tells this machine of changes"),
        (GOOGLE | PUBLIC | {"SESSION_COOKIE_SAMESITE": "Strict"}, "fail browsers bring no session back"),
        (PUBLIC | {"BOOKING_PRIVATE_ADDRESSES": True}, "warn hosts may have this server call any machine"),
    ],
)
def test_registrations_are_judged(patient: MakePatient, config: dict[str, Any], sentence: str) -> None:
    said = patient(tables=False, **config).says("sign-in")
    assert sentence in said
    assert "hush-hush" not in said


def test_calendars_whose_extra_is_not_installed_are_not_offered(
    patient: MakePatient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.startswith("flask_booking.calendars.caldav")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "defusedxml", None)
    bare = patient(tables=False)
    said = bare.says("sign-in")
    assert "hosts can connect iCal calendars" in said
    assert 'aren\'t offered them → Install it with `pip install "flask-booking[caldav]"`.' in said
    with bare.app.test_request_context():
        assert [service.name for service in offered()] == ["ical"]
    assert "CalDAV" not in patient(tables=False, BOOKING_CALENDAR_PROVIDERS={"caldav": None}).says("sign-in")


def make_calendars(patient: Patient, **columns: Any) -> None:
    with patient.app.app_context():
        _user, host = make_host("Ann Meyer")
        new_calendar(host, new_connection(host, "caldav"), **columns)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({}, "ok 1 account, and every calendar is fresh"),
        ({"synced_at": None}, "warn 1 calendar checked for conflicts without a fresh reading"),
        ({"synced_at": utcnow() - dt.timedelta(days=2)}, "warn 1 calendar checked for conflicts without a fresh"),
        ({"due_at": utcnow() - dt.timedelta(hours=1)}, "warn 1 calendar should have been read by now: it is late"),
        ({"problem": "misconfigured"}, "fail 1 calendar can't be read because the CRM's registration is refused"),
        ({"synced_at": None, "check_conflicts": False}, "ok 1 account"),
        ({"synced_at": None, "paused": True}, "ok 1 account"),
    ],
)
def test_calendars_are_judged(patient: MakePatient, columns: dict[str, Any], sentence: str) -> None:
    examined = patient()
    assert examined.says("calendars").startswith("ok no account is connected")
    make_calendars(examined, **columns)
    said = examined.says("calendars")
    assert sentence in said
    assert "Ann" not in said
    assert "example.com" not in said


def test_accounts_that_nobody_can_use_are_told(patient: MakePatient) -> None:
    examined = patient()
    make_calendars(examined)
    with examined.app.app_context():
        session().query(Connection).update({"state": ConnectionState.BROKEN})
        session().commit()
    assert "info 1 account waiting for the owner to sign in again" in examined.says("calendars")
    with examined.app.app_context():
        session().execute(sa.text("UPDATE booking_connection SET secret = 'gAAAA', provider = 'acme'"))
        session().commit()
    said = examined.says("calendars")
    assert "fail the secrets of 1 account (acme) are opened by no key" in said
    assert "warn accounts are connected with services that this app doesn't know: acme" in said
