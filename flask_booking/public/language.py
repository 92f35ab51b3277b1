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
    here = f"?{urllib.parse.urlencode(list(request.args.items(multi=True)))}"
    return choices_at(here) if request.method in ("GET", "HEAD") else []


def choices_at(url: str) -> list[Choice]:
    """The languages that the page at ``url`` can be read in; none where there is only one."""
    if len(languages()) < 2:
        return []
    now = current_locale()
    best = now if now in languages() else now.partition("_")[0]
    parts = urllib.parse.urlsplit(url)
    given = [pair for pair in urllib.parse.parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "lang"]

    def choice(locale: str) -> Choice:
        tag = language_tag(locale)
        query = urllib.parse.urlencode([*given, ("lang", tag)])
        return Choice(tag, language_name(locale), parts._replace(query=query).geturl(), locale == best)

    return [choice(one) for one in languages()]


def alternates(canonical: str) -> list[tuple[str, str]]:
    """For search engines: each language, and ``x-default`` for the page that chooses by itself.

    ``canonical`` is the page's address without a language, empty when only this request tells it.
    """
    if len(languages()) < 2:
        return []
    base = canonical or request.base_url
    listed = [(language_tag(one), f"{base}?lang={language_tag(one)}") for one in languages()]
    return [*listed, ("x-default", base)]


def weekdays() -> list[tuple[str, str]]:
    """The days of the week in order, short and in full."""
    locale = current_locale()
    short, full = get_day_names("abbreviated", locale=locale), get_day_names("wide", locale=locale)
    return [(short[day % 7], full[day % 7]) for day in range(first_weekday(), first_weekday() + 7)]
