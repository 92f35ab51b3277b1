"""What a program is told of each field that is wrong: one sentence, in the language it asks for."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from flask_booking.api.public import BookingBody
from tests.fixtures.people import Bookable

ROOT = "/api/booking/v1/public"
FILLED = {"start": "2026-12-01T14:00:00Z", "name": "Sam", "email": "sam@example.com", "time_zone": "UTC"}
ODD: tuple[Any, ...] = (None, 4711, 1.5, True, "x" * 5001, [], [[]], {}, {"str": None}, {"q": ["a", 1]}, {"list": {}})
ODD += ({str(number): "" for number in range(101)},)


def errors(client: FlaskClient, language: str = "en", **body: Any) -> dict[str, str]:
    answer = client.post(f"{ROOT}/ann/intro/bookings", json=body, headers={"Accept-Language": language})
    found: dict[str, str] = answer.json.get("errors", {})
    return found


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {"name": 3, "duration": "30"},
            {
                "start": "Remplissez ce champ.",
                "name": "Indiquez un texte.",
                "email": "Remplissez ce champ.",
                "time_zone": "Remplissez ce champ.",
                "duration": "Saisissez un nombre entier.",
            },
        ),
        (FILLED | {"duration": 30.5}, {"duration": "Saisissez un nombre entier."}),
        (FILLED | {"phone": "5" * 201}, {"phone": "Utilisez au plus 200 caractères."}),
        (
            FILLED | {"idempotency_key": "k" * 201},
            {"idempotency_key": "Utilisez au plus 200 caractères."},
        ),
        (FILLED | {"answers": []}, {"answers": "Indiquez un objet JSON."}),
        (FILLED | {"answers": ODD[-1]}, {"answers": "Indiquez au plus 100 éléments."}),
        (
            FILLED | {"answers": {"str": None, "topic": ["a", 1], "people": "2"}},
            dict.fromkeys(
                ("answers.str", "answers.topic"),
                "Répondez par un texte, par true ou false, ou par une liste de textes.",
            ),
        ),
    ],
)
def test_each_field_has_one_sentence_in_the_language_asked_for(
    client: FlaskClient, ann: Bookable, body: dict[str, Any], told: dict[str, str]
) -> None:
    assert errors(client, "fr", **body) == told


def test_there_is_a_sentence_for_whatever_is_sent(client: FlaskClient, ann: Bookable) -> None:
    """None is pydantic's own, and none the one for what nobody has thought of."""
    fields = BookingBody.model_fields
    for odd in ODD:
        wrong = errors(client, **FILLED | dict.fromkeys(fields, odd))
        assert wrong, odd
        assert {place.partition(".")[0] for place in wrong} <= fields.keys()
        assert all(sentence.startswith("Please ") for sentence in wrong.values()), wrong
        assert "Please check this value." not in wrong.values()
        in_german = errors(client, "de", **FILLED | dict.fromkeys(fields, odd))
        assert in_german.keys() == wrong.keys()
        assert not {*in_german.values()} & {*wrong.values()}
