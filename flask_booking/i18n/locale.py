"""Which language is spoken now, and what follows from it: its tag and the direction of its script."""

from __future__ import annotations

import contextlib
import functools
import typing as t
from collections.abc import Iterator
from contextvars import ContextVar

from babel import Locale, UnknownLocaleError, localedata
from flask import current_app, g, has_app_context

DEFAULT_LOCALE = "en"
"""The language the texts are written in."""

# English with no country is read all over the world: day before month and 24 hours can't be misread anywhere.
_FORMATS = {"en": "en_150"}

_locale: ContextVar[str | None] = ContextVar("booking_locale", default=None)


@functools.lru_cache(maxsize=1024)
def known_locale(tag: str | None) -> str | None:
    """The locale of a language tag (``pt-BR``, ``pt_br``) as ``pt_BR``; None for anything unknown."""
    try:
        return str(Locale.parse((tag or "").strip()[:64].replace("-", "_")))
    except (UnknownLocaleError, ValueError, TypeError, AttributeError):
        return None


def normal_locale(tag: str | None) -> str:
    """Like :func:`known_locale`, with :data:`DEFAULT_LOCALE` for anything unknown."""
    return known_locale(tag) or DEFAULT_LOCALE


def default_locale() -> str:
    """The language for whoever asks for none that is offered: ``BOOKING_DEFAULT_LOCALE``, or the first of
    ``BOOKING_LANGUAGES`` where it isn't among them."""
    if not has_app_context():
        return DEFAULT_LOCALE
    wanted = normal_locale(current_app.config.get("BOOKING_DEFAULT_LOCALE"))
    offered = [normal_locale(tag) for tag in current_app.config.get("BOOKING_LANGUAGES") or ()]
    return wanted if not offered or {wanted, wanted.partition("_")[0]}.intersection(offered) else offered[0]


def current_locale() -> str:
    """The locale to speak now: that of :func:`use_locale`, else the request's (:func:`set_locale`), else the
    default."""
    if chosen := _locale.get():
        return chosen
    return str(g.get("booking_locale") or default_locale()) if has_app_context() else DEFAULT_LOCALE


def set_locale(tag: str | None) -> str:
    """Speak this language for the rest of the request; returns the locale chosen."""
    g.booking_locale = normal_locale(tag)
    return str(g.booking_locale)


@contextlib.contextmanager
def use_locale(tag: str | None) -> Iterator[str]:
    """Speak another language inside the block, request or none: ``with use_locale(booking.guest_locale): …``."""
    token = _locale.set(normal_locale(tag))
    try:
        yield _locale.get() or DEFAULT_LOCALE
    finally:
        _locale.reset(token)


def formats_of(locale: str | None = None) -> Locale:
    """What CLDR says of writing dates, times and lists in a locale, or in the current one."""
    return formats_named(formats_name(locale))


def formats_name(locale: str | None = None) -> str:
    """The name of :func:`formats_of`: a key for what is written by them."""
    name = normal_locale(locale) if locale else current_locale()
    return _FORMATS.get(name, name)


@functools.lru_cache(maxsize=256)
def formats_named(name: str) -> Locale:
    """What CLDR says, by a :func:`formats_name`, in data that no other locale shares.

    Babel's locales share what they inherit, and what an alias in it means is written there by whichever is read first:
    after Inuktitut's, the last month of the Arabic year would be called M12 until the process ends.
    """
    formats = Locale.parse(name)
    with localedata._cache_lock:
        shared, localedata._cache = localedata._cache, {}
        try:
            alone: t.Any = localedata.load(str(formats))
        finally:
            localedata._cache = shared
    vars(formats)["_Locale__data"] = localedata.LocaleDataDict(alone)
    return formats


def text_direction(locale: str | None = None) -> str:
    """``rtl`` or ``ltr``, for the ``dir`` attribute."""
    order = str(formats_named(normal_locale(locale or current_locale())).character_order)
    return "rtl" if order == "right-to-left" else "ltr"


def language_tag(locale: str | None = None) -> str:
    """The locale as a BCP 47 tag (``pt-BR``), for the ``lang`` attribute."""
    return normal_locale(locale or current_locale()).replace("_", "-")
