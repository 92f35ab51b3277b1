"""Which language a guest reads, and how weeks and hours are written in it."""

from __future__ import annotations

from babel import Locale
from babel.dates import get_day_names
from flask import request

from ..i18n import current_locale, default_locale, set_locale, spoken


def choose_language() -> None:
    """Speak the language of ``?lang=``, else the first of the browser's that there are words in, else the default."""
    for tag in (request.args.get("lang"), *(tag for tag, _quality in list(request.accept_languages)[:10])):
        if locale := spoken(tag):
            set_locale(locale)
            return
    set_locale(default_locale())


def _calendar_locale() -> Locale:
    # English without a country: Monday comes first for most who read it.
    return Locale.parse("en_150" if current_locale() == "en" else current_locale())


def first_weekday() -> int:
    """The day that weeks begin with, 0 for Monday."""
    return _calendar_locale().first_week_day


def weekdays() -> list[tuple[str, str]]:
    """The days of the week in order, short and in full."""
    locale = _calendar_locale()
    short, full = get_day_names("abbreviated", locale=locale), get_day_names("wide", locale=locale)
    order = [(first_weekday() + step) % 7 for step in range(7)]
    return [(short[day], full[day]) for day in order]
