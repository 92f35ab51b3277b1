"""Words that are longer than a screen is wide, such as pasted links: no screen of the settings grows with them."""

from __future__ import annotations

import datetime as dt

import pytest

from flask_booking import catalog
from flask_booking.models import MessageRule, Schedule
from flask_booking.state import session
from tests.browser.steps import no_sideways_scrolling
from tests.fixtures.browser import NewPage
from tests.fixtures.servers import LiveServer

from .conftest import Office, tomorrow
from .test_browser import Desk
from .test_browser import office as office  # the fixture: an office behind a socket

pytestmark = pytest.mark.browser

LINK = "https://docs.example.com/document/".ljust(120, "x")
RULE = "FREQ=MONTHLY;BYMONTHDAY=" + ",".join(map(str, range(1, 29)))
SCREENS = ["/", "/bookings", "/event-types", "/event-types/{event}", "/schedules", "/blocked", "/messages", "/page"]


@pytest.mark.parametrize("screen", ["phone", "desktop"])
def test_no_screen_is_wider_than_the_window_whatever_was_pasted(
    live_server: LiveServer, office: Office, new_page: NewPage, screen: str
) -> None:
    with office.app.app_context():
        host = office.host()
        words = {"description": LINK, "policy": LINK, "locations": [{"kind": "in_person", "text": LINK}]}
        catalog.update_event_type(office.event(), {"title": LINK, **words})
        catalog.update_page(office.event().page, {"title": LINK, "welcome": LINK})
        schedule = session().query(Schedule).filter_by(host_id=host.id).one()
        catalog.update_schedule(schedule, name=LINK, time_zone="UTC", weekly=schedule.weekly)
        day = dt.datetime.combine(tomorrow().date(), dt.time(15))
        catalog.block_time(host, starts=day, ends=day + dt.timedelta(hours=1), title=LINK, rrule=RULE)
        session().query(MessageRule).filter_by(host_id=host.id).one().subject = LINK
        session().commit()
    office.booking("ann", tomorrow(9), name=LINK, notes=LINK)
    desk = Desk(live_server, office, new_page(screen))
    wide = [path for path in SCREENS if not no_sideways_scrolling(desk.open(path.format(event=office.events["ann"])))]
    assert wide == []
