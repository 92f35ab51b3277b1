"""What CalDAV needs beyond the package comes with an extra, and is imported with CalDAV alone."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
from flask import Flask

from flask_booking.calendars.caldav import CalDAV
from flask_booking.calendars.ics import ICal
from flask_booking.calendars.provider import CalendarProvider, OwnAccess, Sign
from flask_booking.connections.problems import ForbiddenAddress, Unreachable
from tests.fixtures.caldav import HostsCalendar


def test_it_is_a_provider() -> None:
    provider: CalendarProvider = CalDAV()
    assert (provider.name, provider.label, provider.sign) == ("caldav", "CalDAV", Sign.PASSWORD)
    assert (provider.can_write, provider.can_watch) == (True, False)


def test_accounts_are_opened_by_what_is_kept_of_them(app: Flask, radicale_calendar: HostsCalendar) -> None:
    host = radicale_calendar
    providers = (CalDAV(), ICal())
    assert all(isinstance(one, OwnAccess) for one in providers)
    secret = {"username": host.account, "password": host.password}
    address = {"address": host.url.replace("http://", "webcal://")}
    with app.app_context():
        with pytest.raises(ForbiddenAddress):
            CalDAV().account(CalDAV().open(secret, {"url": host.server.url}, ""))
        with pytest.raises(ForbiddenAddress):
            ICal().account(ICal().open(address, {}, ""))
        app.config["BOOKING_PRIVATE_ADDRESSES"] = True
        access = CalDAV().open(secret, {"url": host.server.url}, "ann@example.com")
        assert CalDAV().account(access).name == access.account == "ann@example.com"
        with pytest.raises(Unreachable):  # a webcal address is one over TLS
            ICal().account(ICal().open(address, {}, ""))


def test_nothing_replaces_the_applications_urllib3() -> None:
    """The package ``caldav`` does so by a ``.pth`` file, for every program of the environment."""
    assert importlib.util.find_spec("urllib3_future") is None
    assert importlib.util.find_spec("caldav") is None


def test_the_extra_is_imported_only_with_what_needs_it() -> None:
    program = (
        "import sys, flask_booking, flask_booking.calendars.registry, flask_booking.calendars.ics\n"
        "print(sorted({'defusedxml', 'recurring_ical_events'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
