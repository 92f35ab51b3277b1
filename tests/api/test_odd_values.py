"""Addresses, queries, forms and bodies that no page of ours wrote: refused with a sentence, never by the database."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from flask import Request
from flask.testing import FlaskClient
from werkzeug.datastructures import ImmutableMultiDict

from flask_booking.models import Booking
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.databases import Databases
from tests.public import guest
from tests.scheduling.bookable import instant, midnight
from tests.settings.conftest import ROOT, Office, open_office
from tests.settings.test_permissions import COLLECTIONS, OBJECTS, things_of

NUL = "a%00b"
# A lone surrogate, an integer that no column holds, more digits than Python reads, a number beyond decimals, too much.
ODD = ["%ED%A0%80", "9" * 30, "9" * 5000, "9e999999", "x" * 20_000]
ROOMS = ("booking_public.", "booking_api.", "booking_settings.")
PUBLIC = ["/book/ann", "/book/ann/{slug}", "/book/ann/{slug}/details", "/book/manage/{token}"]
PUBLIC += ["/book/manage/{token}/cancel", "/book/manage/{token}/reschedule", "/api/booking/v1/public/ann/{slug}/slots"]
BODIES: dict[str, dict[str, Any]] = {
    "/api/booking/v1/public/ann/{slug}/bookings": {"start": "", "name": "Sam", "email": "sam@example.com", "phone": "",
        "time_zone": "UTC", "duration": 30, "location": "", "notes": "", "hold": "", "idempotency_key": "",
        "altcha": "", "answers": {}},
    "/api/booking/v1/public/bookings/{token}/reschedule": {"start": "", "reason": ""},
    "/api/booking/v1/public/bookings/{token}/cancel": {"reason": ""},
}  # fmt: skip


class Noted(ImmutableMultiDict[str, str]):
    """Parameters that note which of them a view asks for."""

    asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, *default: Any, **options: Any) -> Any:
        self.asked.add(name)
        return super().get(name, *default, **options)

    def getlist(self, name: str, *kind: Any, **options: Any) -> Any:
        self.asked.add(name)
        return super().getlist(name, *kind, **options)


@pytest.fixture
def office(make_app: MakeApp, databases: Databases) -> Office:
    """The office on the database that is strictest about what it is asked."""
    app = make_app(databases.clean("postgresql"), PROPAGATE_EXCEPTIONS=False)
    app.request_class = type("NotingRequest", (Request,), {"parameter_storage_class": Noted})
    return open_office(app)


@pytest.fixture
def values(office: Office) -> dict[str, str]:
    """What is in the addresses of Ann's things."""
    things = things_of(office, "ann")
    with office.app.app_context():
        token = session().query(Booking).filter_by(public_id=things["booking"]).one().manage_token
        return things | {"token": token, "slug": office.event("ann").slug}


@pytest.fixture
def client(office: Office) -> FlaskClient:
    """Ann's browser, which is a guest's as well."""
    return office.as_user("ann").client


def pages(values: dict[str, str]) -> list[str]:
    own = [*COLLECTIONS, *(path for method, path in OBJECTS if method == "GET")]
    return [path.format(**values) for path in (*PUBLIC, *(ROOT + path for path in own))]


def failures(asked: Iterator[tuple[str, int]]) -> list[str]:
    return [f"{what[:200]}: {status}" for what, status in asked if status >= 500]


def odd_ones(names: Iterable[str]) -> Iterator[dict[str, str]]:
    """Each name with a NUL alone, since it is refused at once; and all of them with each of the other odd values."""
    yield from ({name: NUL} for name in names)
    yield from (dict.fromkeys(names, odd) for odd in ODD)


def test_parts_of_addresses(office: Office, client: FlaskClient) -> None:
    def ask() -> Iterator[tuple[str, int]]:
        for rule in office.app.url_map.iter_rules():
            if rule.endpoint.startswith(ROOMS) and rule.arguments:
                for odd in (NUL, *ODD[:2]):
                    path = re.sub(r"<[^>]+>", odd, rule.rule)
                    for method in {"GET", "POST"} & (rule.methods or set()):
                        yield f"{method} {path}", client.open(path, method=method).status_code

    assert failures(ask()) == []


def test_queries(client: FlaskClient, values: dict[str, str]) -> None:
    def ask() -> Iterator[tuple[str, int]]:
        for page in pages(values):
            Noted.asked.clear()
            assert client.get(page).status_code in (200, 400, 422), page
            for odd in odd_ones(Noted.asked - {"host"}):
                address = f"{page}{'&' if '?' in page else '?'}{'&'.join(f'{name}={odd[name]}' for name in odd)}"
                yield address, client.get(address).status_code
        for slug in (NUL, *ODD):
            yield f"host={slug}", client.get(f"{ROOT}/page?host={slug}").status_code

    assert failures(ask()) == []


def test_forms(client: FlaskClient, values: dict[str, str]) -> None:
    start = f"{instant(midnight()):%Y-%m-%dT%H:%M:%SZ}"
    seen = set()

    def ask() -> Iterator[tuple[str, int]]:
        for page in (*pages(values), f"/book/ann/{values['slug']}/details?start={start}"):
            answer = client.get(page)
            choices = re.findall(r'<(?:select|input type="radio")[^>]* name="([^"]+)"', answer.text)
            for form in guest.forms(answer):
                action = form.action or page
                names = {*form.values, *choices} - {"csrf_token"}
                if form.method == "post" and action.startswith(("/book", ROOT)) and (action, *names) not in seen:
                    seen.add((action, *names))
                    for odd in odd_ones(names):
                        typed = {name: urllib.parse.unquote(value, errors="replace") for name, value in odd.items()}
                        done = client.post(action, data={**form.values, "do": "save", **typed})
                        yield f"{action} {odd}", done.status_code

    assert failures(ask()) == []
    assert len(seen) > 20


def test_bodies(client: FlaskClient, values: dict[str, str]) -> None:
    odds = ['"a\\u0000b"', '"\\ud800"', "9" * 30, "-9223372036854775809", f'"{"x" * 20_000}"', '"🦄"', "NaN", "[[]]"]

    def ask() -> Iterator[tuple[str, int]]:
        for path, body in BODIES.items():
            for name in body:
                for odd in odds:
                    full = {**body, "start": instant(midnight()).isoformat()}
                    text = ",".join(f'"{key}":{odd if key == name else _json(value)}' for key, value in full.items())
                    answer = client.post(path.format(**values), data=f"{{{text}}}", content_type="application/json")
                    yield f"{path} {name}={odd}", answer.status_code

    assert failures(ask()) == []


def _json(value: object) -> str:
    return str(value) if isinstance(value, int) else "{}" if isinstance(value, dict) else f'"{value}"'
