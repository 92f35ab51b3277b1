"""The translations: ``<language>/LC_MESSAGES/booking.po``, ours and those of the CRM.

They are read as they are written, once for each language and process and only when somebody reads that language: there
is no compiled file that could be missing from a checkout or be older than its source.
"""

from __future__ import annotations

import functools
import io
import itertools
import logging
import os
import typing as t
from collections.abc import Iterable
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import NullTranslations, Translations
from flask import current_app, has_app_context

from .locale import DEFAULT_LOCALE, known_locale, normal_locale

DOMAIN = "booking"
TRANSLATIONS = Path(__file__).parents[1] / "translations"

_log = logging.getLogger(__name__)


def folders() -> tuple[Path, ...]:
    """Where there are catalogues: the CRM's own (``BOOKING_TRANSLATIONS``) come before ours."""
    own = current_app.config.get("BOOKING_TRANSLATIONS") if has_app_context() else None
    listed: t.Iterable[t.Any] = [own] if isinstance(own, str | os.PathLike) else own or ()
    return (*map(Path, listed), TRANSLATIONS)


def languages() -> tuple[str, ...]:
    """The languages to offer, in order of their codes: those of ``BOOKING_LANGUAGES`` that there are words in."""
    found = translated()
    wanted = current_app.config.get("BOOKING_LANGUAGES") if has_app_context() else None
    wanted = [normal_locale(tag) for tag in wanted or ()]
    names = {*wanted, *(name.partition("_")[0] for name in wanted)}
    return tuple(name for name in found if name in names) or found


def translated() -> tuple[str, ...]:
    """The languages that there are words in, whichever of them are offered."""
    return _languages(folders())


@functools.cache
def _languages(places: tuple[Path, ...]) -> tuple[str, ...]:
    for place in places:
        if not place.is_dir():
            _log.error("BOOKING_TRANSLATIONS names %s, which is no folder.", place)
    found = {path.parents[1].name for place in places for path in place.glob(f"*/LC_MESSAGES/{DOMAIN}.po")}
    return tuple(sorted({DEFAULT_LOCALE, *(name for name in found if known_locale(name))}))


def spoken(tag: str | None) -> str | None:
    """The locale of a language tag when there are words in its language, else None.

    It keeps its country: that decides about 12 or 24 hours, and about the first day of the week.
    """
    locale = known_locale(tag)
    return locale if locale and {locale, locale.partition("_")[0]}.intersection(languages()) else None


def first_spoken(tags: Iterable[str]) -> str | None:
    """The locale of the first language tag of a reader's list that there are words in."""
    return next((locale for tag in itertools.islice(tags, 10) if (locale := spoken(tag))), None)


def language_name(language: str) -> str:
    """What those who speak a language call it: Deutsch."""
    name = Locale.parse(language).get_display_name(language) or language
    return name[:1].upper() + name[1:]


def catalogue(locale: str) -> NullTranslations:
    """The words of a locale: what the CRM's own catalogues lack comes from ours, what a country's lacks from its
    language's."""
    return _catalogue(locale, folders())


@functools.lru_cache(maxsize=64)
def _catalogue(locale: str, places: tuple[Path, ...]) -> NullTranslations:
    names = dict.fromkeys((locale, Locale.parse(locale).language))
    found = [words for place in places for name in names if (words := _read(place, name))]
    for first, second in itertools.pairwise(found):
        first.add_fallback(second)
    return found[0] if found else NullTranslations()


def _read(place: Path, name: str) -> Translations | None:
    path = place / name / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            messages = read_po(file, locale=name, abort_invalid=True)
    except (PoFileError, ValueError) as error:
        _log.error("The catalogue %s can't be read (%s): its texts stay in English.", path, error)
        return None
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled, DOMAIN)
