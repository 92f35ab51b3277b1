"""Settings come from environments too, where all is text: it is read as what it means, or refused in a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flask_booking.config import defaults, read_values
from flask_booking.errors import BookingConfigError
from tests.fixtures.apps import MakeApp

CONFIGURATION = Path(__file__).parents[1] / "docs" / "configuration.md"


def read(**given: Any) -> Any:
    """What a value is read as, or the sentence that refuses it."""
    config = {**defaults(), **given}
    problems = read_values(config)
    return problems[0] if problems else config[next(iter(given))]


@pytest.mark.parametrize("key", [key for key, default in defaults().items() if isinstance(default, bool)])
def test_yes_and_no_may_be_words(key: str) -> None:
    for word in ("False", "false", "NO", "off", " 0 ", "0", 0, False):
        assert read(**{key: word}) is False, word
    for word in ("True", "true", "YES", "on", "1\n", 1, True):
        assert read(**{key: word}) is True, word
    for word in ("", "perhaps", None, 2, 0.0, [], "truefalse"):
        assert read(**{key: word}) == f"{key}: {word!r} is neither True nor False"


def test_numbers_may_be_digits() -> None:
    assert read(BOOKING_CLAIM_SECONDS="120") == 120
    assert read(BOOKING_MIN_FORM_SECONDS=" 0.5 ") == 0.5
    assert read(BOOKING_CALENDAR_POLL_MINUTES=0.25) == 0.25
    assert read(BOOKING_MAX_ATTEMPTS="+3") == 3
    assert isinstance(read(BOOKING_CACHE_SIZE="512"), int)
    assert read(BOOKING_KEEP_DELIVERED_DAYS="0") == read(BOOKING_CACHE_SIZE=0) == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("BOOKING_CLAIM_SECONDS", value) for value in ("60s", "", "1e3", "inf", "9" * 30, True, None, [], 0, "0")),
        *(("BOOKING_MIN_FORM_SECONDS", value) for value in (-1, "-0.5", float("nan"), float("inf"), 10**400)),
        *(("BOOKING_MAX_ATTEMPTS", value) for value in (0, 1.5, "1.5", 2.0, "many")),
    ],
)
def test_what_is_no_number_or_too_small_is_refused(key: str, value: object) -> None:
    whole, least = ("whole ", 1) if key.endswith("ATTEMPTS") else ("", 0 if "FORM" in key else 1)
    example = defaults()[key]
    assert read(**{key: value}) == f"{key}: {value!r} is no {whole}number of at least {least}, such as {example}"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"BOOKING_QUEUE": 7}, "BOOKING_QUEUE: 7 is no text, such as 'booking'"),
        ({"BOOKING_BRAND_NAME": 365}, "BOOKING_BRAND_NAME: 365 is no text, such as '365'"),
        ({"BOOKING_ACCENT": None}, "BOOKING_ACCENT: None is no text, such as '#2456d6'"),
        ({"BOOKING_BASE_BLOCKS": "main"}, "BOOKING_BASE_BLOCKS: 'main' is no dictionary"),
        ({"BOOKING_FORMS": None}, "BOOKING_FORMS: None is no dictionary"),
        ({"BOOKING_RESERVED_SUBDOMAINS": "www"}, "BOOKING_RESERVED_SUBDOMAINS: 'www' is no list, such as ['www']"),
        ({"BOOKING_RESERVED_SUBDOMAINS": 5}, "BOOKING_RESERVED_SUBDOMAINS: 5 is no list"),
    ],
)
def test_texts_lists_and_dictionaries_are_nothing_else(given: dict[str, Any], told: str) -> None:
    assert read(**given) == told


def test_what_may_be_left_out_may_be_none() -> None:
    assert read(BOOKING_BASE_TEMPLATE=None) is read(BOOKING_CSP=None) is read(BOOKING_REDIS_URL=None) is None
    assert read(BOOKING_LOGO_URL=None) == ""


def test_defaults_are_what_they_ask_for() -> None:
    config = defaults()
    assert read_values(config) == []
    assert config == defaults()


def test_an_app_goes_by_what_an_environment_means(make_app: MakeApp, database_url: str) -> None:
    """The addresses of private networks stay closed, and no thread starts."""
    given = {"BOOKING_PRIVATE_ADDRESSES": "False", "BOOKING_WORKER": "no", "BOOKING_CLAIM_SECONDS": "90"}
    config = make_app(database_url, **given).config
    assert [config[key] for key in given] == [False, False, 90]


def test_every_value_that_means_nothing_is_told_at_once(make_app: MakeApp, database_url: str) -> None:
    given = {"BOOKING_WORKER": "perhaps", "BOOKING_CLAIM_SECONDS": "60s", "BOOKING_RATE_LIMITS": {"hold": "often"}}
    with pytest.raises(BookingConfigError) as refused:
        make_app(database_url, **given)
    assert [re.split(r"[:\[]", line)[0] for line in str(refused.value).splitlines()] == list(given)


def test_the_page_names_the_words_that_are_understood() -> None:
    row = next(line for line in CONFIGURATION.read_text("utf-8").splitlines() if line.startswith("| `True` or `False`"))
    words = re.findall("`([^`]+)`", row.split("|")[2])
    assert {word: read(BOOKING_WORKER=word) for word in words} == dict.fromkeys(words[:4], True) | dict.fromkeys(
        words[4:], False
    )
