"""Which language a guest reads, and how weeks and hours are written in it."""

from __future__ import annotations

import functools

from babel import Locale
from babel.dates import get_day_names
from flask import request

from ..i18n import DEFAULT_LOCALE, TRANSLATIONS, current_locale, normal_locale, set_locale


@functools.cache
def languages() -> frozenset[str]:
    """The languages there are words in."""
    return frozenset({DEFAULT_LOCALE, *(path.parent.parent.name for path in TRANSLATIONS.glob("*/LC_MESSAGES/*.mo"))})


def choose_language() -> None:
    """Speak the language of ``?lang=``, else the first of the browser's that we have words in, else English.

    A browser's English keeps its country: it decides about 12 or 24 hours and about the first day of the week.
    """
    for tag in (request.args.get("lang", "")[:20], *(tag for tag, _quality in list(request.accept_languages)[:10])):
        locale = normal_locale(tag) if tag and tag != "*" else ""
        if locale and (locale in languages() or locale.partition("_")[0] in languages()):
            # An unknown tag reads as English too, though somebody who reads English comes further down the list.
            if locale == DEFAULT_LOCALE and not tag.lower().startswith("en"):
                continue
            set_locale(locale)
            return
    set_locale(DEFAULT_LOCALE)


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
