"""Which language a guest reads, how it stays along the way, and how weeks are written in it."""

from __future__ import annotations

import dataclasses
import urllib.parse

from babel.dates import get_day_names
from flask import g, request

from ..i18n import (
    current_locale,
    default_locale,
    first_spoken,
    first_weekday,
    language_name,
    language_tag,
    languages,
    set_locale,
    spoken,
)


def choose_language() -> None:
    """Speak the language of ``?lang=``, else the first of the browser's that there are words in, else the default."""
    linked = spoken(request.args.get("lang"))
    preferred = first_spoken(tag for tag, _quality in request.accept_languages)
    g.booking_link_language = language_tag(linked) if linked else ""
    g.booking_language_open = not (linked or preferred)
    set_locale(linked or preferred or default_locale())


def speak_of_host(locale: str) -> None:
    """Speak the host's language to a guest whose link and browser don't say which."""
    if g.get("booking_language_open") and spoken(locale):
        set_locale(locale)


def speak_of_booking(locale: str) -> None:
    """Speak the language that a meeting was booked in, whatever browser it is looked at with; a link's wins."""
    if not link_language() and spoken(locale):
        set_locale(locale)


def link_language() -> str:
    """The tag of the language that the visitor's link asks for; it goes along to every page.  Empty for none."""
    return str(g.get("booking_link_language", ""))


@dataclasses.dataclass(frozen=True)
class Choice:
    """A language to switch to: its tag, what its speakers call it, and the address of this page in it."""

    tag: str
    name: str
    url: str
    chosen: bool


def choices() -> list[Choice]:
    """The languages that this page can be read in; none where the address alone doesn't lead back to it."""
    if request.method not in ("GET", "HEAD") or len(languages()) < 2:
        return []
    now = current_locale()
    best = now if now in languages() else now.partition("_")[0]
    return [Choice(language_tag(one), language_name(one), _here(language_tag(one)), one == best) for one in languages()]


def alternates(canonical: str) -> list[tuple[str, str]]:
    """For search engines: each language, and ``x-default`` for the page that chooses by itself.

    ``canonical`` is the page's address without a language, empty when only this request tells it.
    """
    if len(languages()) < 2:
        return []
    base = canonical or request.base_url
    listed = [(language_tag(one), f"{base}?lang={language_tag(one)}") for one in languages()]
    return [*listed, ("x-default", base)]


def _here(tag: str) -> str:
    given = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return "?" + urllib.parse.urlencode([*given, ("lang", tag)])


def weekdays() -> list[tuple[str, str]]:
    """The days of the week in order, short and in full."""
    locale = current_locale()
    short, full = get_day_names("abbreviated", locale=locale), get_day_names("wide", locale=locale)
    return [(short[day % 7], full[day % 7]) for day in range(first_weekday(), first_weekday() + 7)]
