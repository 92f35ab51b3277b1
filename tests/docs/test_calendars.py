"""The calendar service of docs/calendars.md is connected, and closes the days that it says."""

from __future__ import annotations

import datetime as dt
import sys
import types

import pytest

from flask_booking.calendars import connecting, mirror, registry
from flask_booking.models import BusyTime, ConnectedCalendar
from flask_booking.state import session
from tests.docs.snippets import DOCS, captioned
from tests.fixtures.apps import MakeApp
from tests.fixtures.people import make_bookable

PAGE = DOCS / "calendars.md"


def test_a_service_of_ones_own(make_app: MakeApp, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("crm.holidays")
    exec(captioned(PAGE, "crm/holidays.py"), module.__dict__)  # noqa: S102 - the page's own example
    monkeypatch.setitem(sys.modules, "crm", types.ModuleType("crm"))
    monkeypatch.setitem(sys.modules, "crm.holidays", module)
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    module.CLOSED.update({tomorrow: "Works outing"})
    config: dict[str, object] = {}
    exec(captioned(PAGE, "config.py"), config)  # noqa: S102 - the same
    app = make_app(database_url, BOOKING_CALENDAR_PROVIDERS=config["BOOKING_CALENDAR_PROVIDERS"])
    with app.app_context():
        ann = make_bookable(app)
        connecting.open_account(ann.host, registry.provider("holidays"), secret={}, settings={}, name="")
        calendar = session().query(ConnectedCalendar).one()
        assert mirror.sync(calendar.id)
        assert "Works outing" in {row.title for row in session().query(BusyTime)}
