"""Times and words are those of the reader's country, inside a request and outside."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from babel import Locale, localedata
from babel.dates import format_date as cldr_date
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from flask import Flask

from flask_booking.i18n import (
    bracketed,
    catalogues,
    current_locale,
    duration_text,
    format_date,
    format_time,
    format_times,
    format_when,
    gettext,
    labelled,
    language_tag,
    lazy_gettext,
    list_of,
    ngettext,
    normal_locale,
    sentences,
    set_locale,
    text_direction,
    use_locale,
    zone_label,
)
from tests.fixtures.apart import apart

STARTS = dt.datetime(2026, 12, 3, 13, tzinfo=dt.UTC)
ENDS = STARTS + dt.timedelta(hours=1)


def uniform(text: str) -> str:
    """A text without commas after English weekdays: releases of CLDR differ in them."""
    return text.replace("day,", "day")


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "Thursday, 3 December 2026, 14:00 – 15:00 (Europe/Paris)"),
        ("en_US", "Thursday, December 3, 2026, 2:00 – 3:00 PM (Europe/Paris)"),
        ("en-GB", "Thursday, 3 December 2026, 14:00 – 15:00 (Europe/Paris)"),
        ("de", "Donnerstag, 3. Dezember 2026, 14:00 – 15:00 Uhr (Europe/Paris)"),  # codespell:ignore dezember
        ("fr_CA", "jeudi 3 décembre 2026, 14 h 00 – 15 h 00 (Europe/Paris)"),
        ("ja", "2026年12月3日木曜日 14:00～15:00（Europe/Paris）"),
        ("no such", "Thursday, 3 December 2026, 14:00 – 15:00 (Europe/Paris)"),
    ],
)
def test_a_time_is_written_as_the_reader_writes_it(locale: str, text: str) -> None:
    assert uniform(format_when(STARTS, ENDS, "Europe/Paris", locale)) == uniform(text)


def test_a_meeting_over_midnight_names_both_days() -> None:
    ends = STARTS + dt.timedelta(hours=11)
    assert uniform(format_when(STARTS, ends, "Europe/Paris")) == (
        "Thursday 3 December 2026, 14:00 – Friday 4 December, 01:00 (Europe/Paris)"
    )


def test_in_japanese_a_range_has_the_same_clock_within_a_day_and_over_midnight() -> None:
    ends = STARTS + dt.timedelta(hours=11)
    assert format_times(STARTS, ENDS, "Europe/Paris", "ja") == "14:00～15:00"
    assert format_times(STARTS, ends, "Europe/Paris", "ja") == "14:00～12月4日(金曜日) 1:00"
    assert format_times(STARTS, ends, "Europe/Paris", "ja", 12) == "午後2:00～12月4日(金曜日) 午前1:00"


def test_a_time_that_comes_twice_says_which_one_it_is() -> None:
    first = dt.datetime(2026, 11, 1, 5, 30, tzinfo=dt.UTC)
    second = first + dt.timedelta(hours=1)
    half = dt.timedelta(minutes=15)
    assert format_when(first, first + half, "America/New_York").endswith("01:30 – 01:45 (America/New York, UTC-4)")
    assert format_when(second, second + half, "America/New_York").endswith("01:30 – 01:45 (America/New York, UTC-5)")
    assert "01:30 – 01:30" in format_when(first, second, "America/New_York")


def test_a_naive_time_means_nothing() -> None:
    with pytest.raises(ValueError, match="aware"):
        format_time(STARTS.replace(tzinfo=None))


def test_times_in_12_and_24_hours() -> None:
    assert format_time(STARTS, "Europe/Paris") == "14:00"
    assert format_time(STARTS, "Europe/Paris", "en_US") == "2:00 PM"
    assert format_time(STARTS, "Europe/Paris", "en_US", 24) == "14:00"
    assert format_time(STARTS, "Europe/Paris", "en_GB", 12) == "2:00 pm"


def test_dates_in_each_style() -> None:
    day = dt.date(2026, 12, 3)
    assert uniform(format_date(day, style="day")) == "Thursday 3 December"
    assert format_date(day, style="month") == "December 2026"
    assert format_date(day, locale="pt-BR", style="day") == "quinta-feira, 3 de dezembro"
    assert format_date(day, locale="de", style="month") == "Dezember 2026"  # codespell:ignore dezember
    assert format_date(dt.datetime(2026, 12, 3, 23, tzinfo=dt.UTC), "Asia/Tokyo", "en_US", "long") == "December 4, 2026"


@pytest.mark.parametrize(
    ("zone", "label"),
    [
        ("Europe/Paris", "Paris (UTC+1)"),
        ("Asia/Kolkata", "Kolkata (UTC+5:30)"),
        ("America/New_York", "New York (UTC-5)"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires (UTC-3)"),
        ("UTC", "UTC"),
        ("Etc/GMT+5", "UTC-5"),
    ],
)
def test_a_zone_is_named_by_its_city_and_offset(zone: str, label: str) -> None:
    assert zone_label(zone, STARTS) == label


def test_the_offset_is_that_of_the_instant() -> None:
    summer = STARTS.replace(month=7)
    assert zone_label("Europe/Paris", summer) == "Paris (UTC+2)"


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "0 minutes"), (1, "1 minute"), (60, "1 hour"), (90, "1 hour 30 minutes"), (2880, "2 days")],
)
def test_durations_in_words(minutes: int, text: str) -> None:
    assert duration_text(minutes) == text


def test_durations_in_other_languages() -> None:
    assert duration_text(90, "de") == "1 Stunde 30 Minuten"
    assert duration_text(90, "ja") == "1時間30分"


@pytest.mark.parametrize(
    ("locale", "label", "remark", "either"),
    [
        ("en", "Reason: ill", "Ann (you)", "15, 30 or 60"),
        ("fr", "Reason\xa0: ill", "Ann (you)", "15, 30 ou 60"),
        ("ja", "Reason：ill", "Ann（you）", "15、30、または60"),
    ],
)
def test_what_stands_together_is_joined_as_the_language_does(locale: str, label: str, remark: str, either: str) -> None:
    with use_locale(locale):
        assert labelled("Reason", "ill") == label
        assert bracketed("Ann", "you") == remark
        assert list_of(("15", "30", "60"), style="or") == either


def test_no_space_between_sentences_in_japanese() -> None:
    assert sentences("Booked.", "Bye.") == "Booked. Bye."
    with use_locale("ja"):
        assert sentences("予約しました。", "失礼します。") == "予約しました。失礼します。"


def months_after_rare_languages() -> None:
    day = dt.date(2026, 12, 3)
    for name in ("root", "smj", "iu_Latn", "ja"):
        cldr_date(day, "LLL MMM EEE", locale=name)
    named = [format_date(day, locale=locale, style="month name") for locale in ("ja", "fr", "es", "ar", "en")]
    assert named == ["12月", "déc.", "dic", "ديسمبر", "Dec"]


def test_no_month_is_named_in_the_language_that_was_read_before() -> None:
    # Before 2.19, what Babel reads of rare languages changes what it reads of others in that process.
    apart(months_after_rare_languages)


def test_a_label_that_ends_with_a_mark_gets_no_colon_and_an_empty_one_none_either() -> None:
    assert labelled("How are you?", "Well") == "How are you? Well"
    assert labelled("", "Well") == labelled("Well", "") == "Well"


def every_language() -> None:
    for locale in localedata.locale_identifiers():
        if str(Locale.parse(locale)) != locale or Locale.parse(locale).territory:
            continue
        assert format_when(STARTS, ENDS, "Europe/Paris", locale)
        assert format_date(STARTS, "Europe/Paris", locale, "day")
        assert format_date(STARTS, "Europe/Paris", locale, "month")
        assert zone_label("Europe/Paris", STARTS, locale).rstrip(")）").endswith("UTC+1")
        assert duration_text(90, locale)
        assert text_direction(locale) in ("ltr", "rtl")


def test_every_language_that_babel_knows_formats_everything() -> None:
    apart(every_language)


def test_locales_are_understood_in_any_spelling() -> None:
    spellings = ["pt-BR", "pt_br", " pt_BR ", "zh-Hans-CN", "", "xx", "en-US,en;q=0.9", None, "../../etc", "x" * 500]
    assert [normal_locale(tag) for tag in spellings] == ["pt_BR", "pt_BR", "pt_BR", "zh_Hans_CN", *["en"] * 6]
    assert language_tag("pt_BR") == "pt-BR"


def test_a_language_is_spoken_inside_the_block_only() -> None:
    assert current_locale() == "en"
    with use_locale("de"):
        assert current_locale() == "de"
        with use_locale("fr"):
            assert current_locale() == "fr"
        assert current_locale() == "de"
    assert current_locale() == "en"


def test_a_request_has_its_own_language() -> None:
    app = Flask(__name__)
    with app.test_request_context():
        assert current_locale() == "en"
        assert set_locale("de-AT") == "de_AT"
        assert format_date(STARTS, style="month") == "Dezember 2026"  # codespell:ignore dezember
        with use_locale("fr"):
            assert current_locale() == "fr"
        assert current_locale() == "de_AT"
    with app.test_request_context():
        assert current_locale() == "en"


def test_texts_are_translated_from_our_own_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalog(locale="de")
    catalogue.add("Hello %(name)s", "Hallo %(name)s")
    catalogue.add(("%(num)s seat", "%(num)s seats"), ("%(num)s Platz", "%(num)s Plätze"))
    (tmp_path / "de" / "LC_MESSAGES").mkdir(parents=True)
    with (tmp_path / "de" / "LC_MESSAGES" / "booking.po").open("wb") as file:
        write_po(file, catalogue)
    monkeypatch.setattr(catalogues, "TRANSLATIONS", tmp_path)
    label = lazy_gettext("Hello %(name)s", name="Ann")
    assert gettext("Hello %(name)s", name="Ann") == str(label) == "Hello Ann"
    with use_locale("de_AT"):
        assert gettext("Hello %(name)s", name="Ann") == str(label) == "Hallo Ann"
        assert ngettext("%(num)s seat", "%(num)s seats", 2) == "2 Plätze"
        assert gettext("Nobody translated this") == "Nobody translated this"


def test_a_percent_sign_needs_no_care_without_variables() -> None:
    assert gettext("100% sure") == "100% sure"
    assert ngettext("%(num)s seat", "%(num)s seats", 1) == "1 seat"


def test_names_in_latin_letters_follow_each_other_from_right_to_left() -> None:
    with use_locale("ar"):
        assert list_of(("Ann Meyer", "Ben Ode")) == "Ann Meyer،\u200f Ben Ode"
