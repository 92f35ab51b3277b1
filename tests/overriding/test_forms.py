"""Forms that a CRM adds to: questions and refusals for guests, fields and checks for hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flask_booking.errors import BookingConfigError
from flask_booking.forms import GuestForm, OwnField, SettingsForm, own_forms, question
from flask_booking.models import Booking
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.people import make_bookable
from tests.overriding.conftest import logged_in
from tests.public.guest import book, choose, send, text_of


class BusinessForm(GuestForm):
    """Asks for the company, and takes no free mail from guests."""

    def questions(self, event: Any) -> list[dict[str, Any]]:
        return [question("company", "Your company", required=True), *event.questions]

    def problems(self, event: Any, intake: Any, by: str) -> Mapping[str, str]:
        if by == "guest" and intake.guest.email.endswith("@gmail.com"):
            return {"email": "Please use your address at work."}
        return {}


class CostCentre(SettingsForm):
    """Keeps a cost centre for each row."""

    fields = (OwnField("cost_centre", "Cost centre", help="Four digits."), OwnField("billed", "Is billed", "tick"))
    kept: dict[str, dict[str, Any]] = {}

    def shown(self, row: Any) -> dict[str, Any]:
        return self.kept.get(row.title, {}) if row is not None else {"cost_centre": "1000"}

    def problems(self, values: Mapping[str, Any], row: Any) -> Mapping[str, str]:
        return {} if values["cost_centre"].isdigit() else {"cost_centre": "Digits only, please."}

    def saved(self, row: Any, values: Mapping[str, Any]) -> None:
        self.kept[row.title] = {name: values[name] for name in ("cost_centre", "billed")}


def test_a_question_of_the_crm_is_asked_everywhere_and_answered(make_app: MakeApp, database_url: str) -> None:
    app = make_app(database_url, BOOKING_FORMS={"guest": BusinessForm})
    screens = logged_in(app)
    client = app.test_client()
    form = choose(client, "/book/ann/intro")
    assert "Your company" in text_of(form)
    refused = send(client, form)
    assert (refused.status_code, "Please answer this question." in text_of(refused)) == (422, True)
    book(client, "/book/ann/intro", a_company="Acme & Sons")
    with app.app_context():
        (booking,) = session().query(Booking)
        assert [(one["label"], one["text"]) for one in booking.answers] == [("Your company", "Acme & Sons")]
        step = {"event": booking.event_type.public_id, "start": booking.starts_at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        assert "Your company" in screens.get("/settings/booking/book", query_string=step).text
    api = client.get("/api/booking/v1/public/ann/intro").json
    assert api["questions"][0]["id"] == "company"


def test_a_refusal_of_the_crm_holds_for_the_page_and_the_api(make_app: MakeApp, database_url: str) -> None:
    app = make_app(database_url, BOOKING_FORMS={"guest": f"{__name__}:BusinessForm"})
    with app.app_context():
        start = make_bookable(app).tomorrow().isoformat()
    client = app.test_client()
    answer = send(client, choose(client, "/book/ann/intro"), email="sam@gmail.com", a_company="Acme")
    assert (answer.status_code, "Please use your address at work." in text_of(answer)) == (422, True)
    details = {"name": "Sam", "email": "sam@gmail.com", "time_zone": "UTC", "answers": {"company": "Acme"}}
    refused = client.post("/api/booking/v1/public/ann/intro/bookings", json={"start": start, **details})
    assert refused.status_code == 422
    assert "Please use your address at work." in refused.text


FORMS = {
    "event_type": ("/event-types/new", {"title": "Call", "duration": "30", "window_kind": "days", "window_days": "9"}),
    "page": ("/page", {"slug": "ann", "title": "Ann Meyer", "appearance": "auto"}),
    "host": ("/you", {"time_zone": "UTC", "week_start": "0"}),
    "rule": ("/messages/new", {"minutes": "1", "minutes_unit": "hours", "when": "before-start", "audience": "guest"}),
    "schedule": ("/schedules/new", {"name": "Evenings", "time_zone": "UTC"}),
    "blocked_time": ("/blocked/new", {"title": "Away", "first": "2031-01-01", "last": "2031-01-02", "all_day": "1"}),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_of_the_screens_takes_fields_of_the_crm(make_app: MakeApp, database_url: str, name: str) -> None:
    class Own(CostCentre):
        kept: dict[str, dict[str, Any]] = {}

        def shown(self, row: Any) -> dict[str, Any]:
            return self.kept.get(name, {"cost_centre": "1000"})

        def saved(self, row: Any, values: Mapping[str, Any]) -> None:
            assert row.id
            self.kept[name] = {"cost_centre": values["cost_centre"], "billed": values["billed"]}

    screens = logged_in(make_app(database_url, BOOKING_FORMS={name: Own}))
    path, values = FORMS[name]
    path = f"/settings/booking{path}"
    assert 'value="1000"' in screens.get(path).text
    wrong = screens.post(path, data={**values, "cost_centre": "<x>", "do": "save"})
    assert (wrong.status_code, "Digits only, please." in wrong.text, 'value="&lt;x&gt;"' in wrong.text) == (
        422,
        True,
        True,
    )
    assert Own.kept == {}
    done = screens.post(path, data={**values, "cost_centre": "4711", "billed": "1", "do": "save"})
    assert done.status_code == 303, done.text
    assert Own.kept == {name: {"cost_centre": "4711", "billed": True}}
    assert 'value="4711"' in screens.get(path).text


@pytest.mark.parametrize(
    ("forms", "told"),
    [
        ({"guests": GuestForm}, "there is no form 'guests'; the forms are guest, event_type, page"),
        ({"guest": SettingsForm}, "must be a subclass of flask_booking.forms.GuestForm"),
        ({"page": "crm.nowhere:Form"}, "'crm.nowhere:Form' can't be imported"),
        ({"page": CostCentre()}, "must be a subclass of flask_booking.forms.SettingsForm"),
    ],
)
def test_forms_that_would_never_be_used_are_refused(forms: dict[str, Any], told: str) -> None:
    with pytest.raises(BookingConfigError) as raised:
        own_forms(forms)
    assert told in str(raised.value)
