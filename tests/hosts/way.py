"""The whole way through a CRM with booking in it, whatever its habits are: both people's, by what they see.

``walk`` knows nothing of the CRM but a client of somebody who is logged in; ``snapshot`` is what a CRM's own pages
answer, to be compared with the same CRM without booking.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_booking import CRM
from flask_booking.jobs.outbox import deliver_due
from flask_booking.models import Booking, HistoryEntry, OutboxMessage
from flask_booking.state import crm, session
from flask_booking.testing.reading import Form, form_to, text_of
from flask_booking.testing.reading import _Reader as Reader
from tests.public.guest import ahead, choose, heading, send

ZONE = "Europe/Paris"
DONE = ("booked", "rescheduled", "cancelled")


class Sender(CRM):
    """A CRM that keeps its mails where a test can read them."""

    def __init__(self, *models: Any, **fields: Any) -> None:
        super().__init__(*models, **fields)
        self.sent: list[EmailMessage] = []

    def send_mail(self, message: EmailMessage) -> bool:
        self.sent.append(message)
        return True


@dataclasses.dataclass(frozen=True)
class Walked:
    """What a walk left behind: the host's page and the keys of the two bookings, by form and by program."""

    slug: str
    bookings: tuple[int, ...]


def walk(
    app: Flask,
    host: FlaskClient,
    guest: FlaskClient | None = None,
    *,
    root: str = "",
    recorded: Iterable[str] = DONE,
) -> Walked:
    """Set up a page as ``host``, book, move and cancel as ``guest`` by form and by JSON, and look at what is left.

    ``host`` is logged in, ``guest`` a stranger.  ``root`` is where the CRM is mounted (SCRIPT_NAME) when addresses have
    to begin with it, ``recorded`` the kinds of happenings that become activities.  Delivers mails at the end.
    """
    guest = guest or app.test_client()
    settings, book, api = (root + app.config[f"BOOKING_{name}URL_PREFIX"] for name in ("SETTINGS_", "", "API_"))
    slug = _set_up(host, settings)
    manage = _book_by_form(guest, f"{book}/{slug}")
    _move_and_cancel_by_form(guest, manage)
    other = _by_program(guest, f"{api}/public", slug)
    _wrong_turns(guest, book, api, slug)
    keys = _seen_by_host(app, host, settings, other)
    for key in keys:
        check_rows(app, key, recorded)
    with app.app_context():
        expected = session().scalar(sa.select(sa.func.count()).select_from(OutboxMessage))
    assert expected
    deliver_due(app)
    return Walked(slug, keys)


def filled(page: TestResponse) -> Form:
    """The form of a settings screen that saves it, as a browser would send it as it stands."""
    reader = _WithChoices()
    reader.feed(page.text)
    found = [form for form in reader.forms if form.method == "post" and {"name", "title"} & form.values.keys()]
    assert found, text_of(page)
    values = {name: value for name, value in found[0].values.items() if "__row__" not in name}  # of a <template>
    return dataclasses.replace(found[0], values=values)


def ok(answer: TestResponse, status: int = 200) -> TestResponse:
    """The answer, if it has this status."""
    assert answer.status_code == status, (answer.request.path, answer.status_code, answer.location, text_of(answer))
    return answer


def follow(client: FlaskClient, answer: TestResponse) -> TestResponse:
    """The page that a form that was taken leads to."""
    return ok(client.get(_path(ok(answer, 303).location)))


def check_rows(app: Flask, key: int, recorded: Iterable[str] = DONE) -> None:
    """The guest of a booking is a contact now, and each thing that happened is an activity, where the CRM has them."""
    with app.app_context():
        booking, models = session().get(Booking, key), crm().models
        assert booking is not None
        user = booking.hosts[0].user
        if models.contact is not None:
            assert booking.contact_id is not None
            assert crm().find_contact(session(), "sam@example.com", user) is not None
        query = sa.select(HistoryEntry).where(HistoryEntry.booking_id == key).order_by(HistoryEntry.id)
        history = session().scalars(query).all()
        assert [entry.kind.value for entry in history] == list(DONE)
        if models.activity is not None:
            written = [entry.kind.value for entry in history if entry.activity_id is not None]
            assert written == [kind for kind in DONE if kind in set(recorded)]
            for entry in history:
                assert entry.activity_id is None or session().get(models.activity, entry.activity_id) is not None
        session().rollback()


def _set_up(host: FlaskClient, settings: str) -> str:
    """The first visit, hours, an event type; returns the page's slug."""
    ok(host.get(f"{settings}/"))
    own = re.search(rf"{re.escape(settings)}/schedules/(?!new)[\w-]+", ok(host.get(f"{settings}/schedules")).text)
    assert own
    hours = filled(ok(host.get(own[0]))).values
    days = {f"day{day}-{edge}": "00:00" for day in range(7) for edge in ("start", "end")}
    saved = host.post(own[0], data={**hours, **days, "name": "Always", "time_zone": ZONE, "do": "save"})
    assert "Always" in text_of(follow(host, saved))
    event = filled(ok(host.get(f"{settings}/event-types/new"))).values
    made = host.post(
        f"{settings}/event-types/new", data={**event, "title": "Talk", "slug": "talk", "notice": "0", "do": "save"}
    )
    assert "Talk" in text_of(follow(host, made))
    return str(filled(ok(host.get(f"{settings}/page"))).values["slug"])


def _book_by_form(guest: FlaskClient, page: str) -> str:
    """The address of the guest's booking."""
    assert "Talk" in text_of(ok(guest.get(page)))
    answer = send(guest, ok(choose(guest, f"{page}/talk?tz={ZONE}")))
    confirmation = follow(guest, answer)
    assert heading(confirmation) == "You are booked"
    return _path(answer.location).partition("?")[0]


def _move_and_cancel_by_form(guest: FlaskClient, manage: str) -> None:
    ok(guest.get(manage))
    start = form_to(ok(guest.get(ahead(f"{manage}/reschedule"))), "/reschedule").starts[3]
    asked = form_to(ok(guest.get(f"{manage}/reschedule?start={start.replace('+', '%2B')}")), "/reschedule")
    follow(guest, guest.post(asked.action, data=asked.values))
    cancel = form_to(ok(guest.get(f"{manage}/cancel")), "/cancel")
    gone = follow(guest, guest.post(cancel.action, data={**cancel.values, "reason": "Ill"}))
    assert "cancelled" in text_of(gone).lower()


def _by_program(guest: FlaskClient, public: str, slug: str) -> str:
    """Everything again over the JSON API; returns the booking's public id."""
    assert [event["slug"] for event in ok(guest.get(f"{public}/{slug}")).get_json()["event_types"]] == ["talk"]
    day = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)).isoformat()
    found = ok(guest.get(f"{public}/{slug}/talk/slots?start={day}&end={day}&tz=UTC")).get_json()
    starts = [slot["start"] for slot in found["slots"]]
    person = {"start": starts[0], "name": "Sam Hill", "email": "sam@example.com", "time_zone": ZONE}
    booked = ok(guest.post(f"{public}/{slug}/talk/bookings", json=person), 201).get_json()
    taken = ok(guest.post(f"{public}/{slug}/talk/bookings", json=person), 409)
    assert (taken.mimetype, taken.get_json()["code"]) == ("application/problem+json", "slot_taken")
    own = f"{public}/bookings/{booked['manage_url'].rpartition('/')[2]}"
    moved = ok(guest.post(f"{own}/reschedule", json={"start": starts[1]})).get_json()
    assert moved["start"] == starts[1]
    assert ok(guest.post(f"{own}/cancel", json={"reason": "Ill"})).get_json()["status"] == "cancelled"
    return str(ok(guest.get(own)).get_json()["id"])


def _wrong_turns(guest: FlaskClient, book: str, api: str, slug: str) -> None:
    """Errors keep their status and form, whatever the CRM makes of errors."""
    assert ok(guest.get(f"{book}/nobody-here"), 404).mimetype == "text/html"
    assert ok(guest.get(f"{book}/manage/unknown"), 404).mimetype == "text/html"
    unknown = ok(guest.get(f"{api}/public/nobody-here"), 404)
    assert (unknown.mimetype, unknown.get_json()["code"]) == ("application/problem+json", "not_found")
    assert ok(guest.post(f"{api}/public/{slug}/talk/bookings", json={}), 422).get_json()["code"] == "invalid"


def _seen_by_host(app: Flask, host: FlaskClient, settings: str, other: str) -> tuple[int, ...]:
    """The host finds both bookings; returns their keys."""
    assert "Sam Hill" in text_of(ok(host.get(f"{settings}/bookings?show=cancelled")))
    with app.app_context():
        rows = session().execute(sa.select(Booking.id, Booking.public_id).order_by(Booking.id)).all()[-2:]
        session().rollback()
    assert rows[1].public_id == other
    for row in rows:
        assert "Sam Hill" in text_of(ok(host.get(f"{settings}/bookings/{row.public_id}")))
    return tuple(row.id for row in rows)


# What a CRM's own pages answer

Ask = tuple[str, str] | tuple[str, str, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer, without what no two answers share."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


def snapshot(
    app: Flask, asks: Iterable[Ask], client: Callable[[Flask], FlaskClient] = lambda app: app.test_client()
) -> dict[str, Answer]:
    """What ``app`` answers to each of ``asks``: method, path, and what else :meth:`FlaskClient.open` takes.

    Each is asked by a new ``client``; headers include cookies.  Time stands still, so that signatures are the same.
    """
    found: dict[str, Answer] = {}
    with time_machine.travel(dt.datetime(2030, 1, 1, tzinfo=dt.UTC), tick=False):
        for number, ask in enumerate(asks):
            method, path, more = (*ask, {})[:3]
            answer = client(app).open(path, method=method, **more)
            headers = tuple(sorted((name, _steady(value)) for name, value in answer.headers if name != "Date"))
            found[f"{number}: {method} {path}"] = Answer(answer.status_code, headers, _steady(answer.text))
    return found


def _steady(text: str) -> str:
    """CSRF tokens are random: the text of one is a hash in Base64, signed; a session cookie holds one."""
    text = re.sub(r"I[jm][\w-]{50,}\.[\w-]+\.[\w-]+", "<token>", text)
    return re.sub(r"\b(session=)[^;]+", r"\1<session>", text)


def _path(location: str | None) -> str:
    """Path and query of an address, which may be absolute."""
    parts = urlsplit(location or "")
    return parts.path + (f"?{parts.query}" if parts.query else "")


class _WithChoices(Reader):
    """Reads the choice of each list as well."""

    _list: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        given = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._list = given.get("name")
        elif tag == "option" and self._list and self.forms:
            values = self.forms[-1].values
            if "selected" in given or self._list not in values:
                values[self._list] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        super().handle_endtag(tag)
        if tag == "select":
            self._list = None
