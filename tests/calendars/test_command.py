"""``flask booking sync`` and what ``flask booking status`` says of calendars."""

from __future__ import annotations

import datetime as dt
import json

from flask_booking.connections.problems import Unreachable
from flask_booking.models import BusyTime, ConnectionState
from flask_booking.models.columns import utcnow
from flask_booking.state import session

from .conftest import Office


def run(office: Office, *args: str) -> tuple[int, str]:
    session().rollback()
    result = office.app.test_cli_runner().invoke(args=["booking", *args])
    return result.exit_code, result.output


def test_nothing_is_read_that_isnt_due(office: Office) -> None:
    assert run(office, "sync") == (0, "No calendar is due.\n")


def test_a_calendar_is_read_by_its_id(office: Office) -> None:
    start = int(office.ann.tomorrow(9).timestamp())
    office.service.add(start, start + 3600, "Dentist")
    status, said = run(office, "sync", office.calendar.public_id)
    assert (status, said) == (0, f"{office.calendar.public_id} memory: read\n")
    assert session().query(BusyTime).count() == 1
    assert run(office, "sync", "--full", office.calendar.public_id)[0] == 0
    assert run(office, "sync", "nobody")[0] == 1


def test_what_cant_be_read_is_said_and_fails(office: Office) -> None:
    office.calendar.due_at = utcnow()
    session().commit()
    office.service.troubles.append(Unreachable("503"))
    status, said = run(office, "sync")
    assert status == 1
    assert f"{office.calendar.public_id} memory: not read: unreachable" in said
    office.calendar.paused = True
    session().commit()
    assert "not read: paused" in run(office, "sync", office.calendar.public_id)[1]


def test_the_status_counts_calendars_and_accounts(office: Office) -> None:
    found = json.loads(run(office, "status", "--json")[1])
    assert (found["calendars"], found["calendars_due"], found["calendars_since"], found["accounts_broken"]) == (
        1, 0, None, 0,
    )  # fmt: skip
    office.calendar.due_at = utcnow() - dt.timedelta(hours=1)
    session().commit()
    status, said = run(office, "status")
    assert status == 0
    assert "calendars        1   1 due now   since" in said
    assert run(office, "status", "--check", "30")[0] == 1
    office.calendar.connection.state = ConnectionState.BROKEN
    session().commit()
    assert "broken           1   accounts wait for their owners" in run(office, "status", "--check", "30")[1]
