"""Texts in the reader's language: :func:`gettext` and :func:`ngettext` are the only places where one is looked up."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from babel.lists import format_list
from babel.support import LazyProxy
from flask import current_app, has_app_context

from .catalogues import catalogue
from .locale import current_locale, formats_of, text_direction, use_locale

# Between two names in Latin letters a mark of direction (U+200F) keeps the first one on the right.
_COMMAS = {"ar": "،\u200f ", "fa": "،\u200f ", "ur": "،\u200f ", "ja": "、", "zh": "、"}
_MARKS = ("?", "!", ":", ".", "？", "！", "：", "。", "؟", "…")
_LEFT_TO_RIGHT = "\u200e"

OwnTexts: t.TypeAlias = t.Callable[[str, str], str | None]
"""Given an English text and the locale of its reader: what the operator says instead, or None."""

OWN_TEXTS = "own_texts"
"""Under this name, :class:`OwnTexts` of an app are among the ``extras`` of its state."""


def gettext(text: str, /, **variables: t.Any) -> str:
    """``text`` in the current language, with ``%(name)s`` filled in when variables are given."""
    locale = current_locale()
    return _filled(_own(text, locale) or str(catalogue(locale).ugettext(text)), text, variables)


def ngettext(singular: str, plural: str, num: int, /, **variables: t.Any) -> str:
    """The form of the current language for ``num`` things; ``%(num)s`` is filled in."""
    locale, text = current_locale(), singular if num == 1 else plural
    translated = _own(text, locale) or str(catalogue(locale).ungettext(singular, plural, num))
    return _filled(translated, text, {"num": num, **variables})


def lazy_gettext(text: str, /, **variables: t.Any) -> LazyProxy:
    """Like :func:`gettext`, but in the language of whoever reads it later: for labels made at import."""
    return LazyProxy(gettext, text, enable_cache=False, **variables)


def gettext_noop(text: str, /) -> str:
    """``text`` itself: marks it for translation where it is written, for a :func:`gettext` elsewhere."""
    return text


def list_of(texts: Iterable[str], style: t.Literal["comma", "or"] = "comma") -> str:
    """Several names in one line, between them the comma of the language; with ``or`` its word before the last one."""
    if style == "or":
        return format_list(list(texts), style="or", locale=formats_of())
    return _COMMAS.get(current_locale().partition("_")[0], ", ").join(texts)


def labelled(label: str, text: str) -> str:
    """A text behind its label, with the colon of the language; none behind a label with a mark of its own at its end,
    such as a question.  Where one of the two is empty, the other stands alone."""
    if not label or not text:
        return label or text
    if label.endswith(_MARKS):
        return f"{label} {text}"
    return gettext("%(label)s: %(text)s", label=label, text=text)


def sentences(first: str, second: str) -> str:
    """Two sentences in one paragraph, with the space that the language has between them, or none."""
    return gettext("%(first)s %(second)s", first=first, second=second) if first and second else first or second


def bracketed(text: str, remark: str, locale: str | None = None) -> str:
    """A text and a remark behind it, in the brackets of the language."""
    with use_locale(locale or current_locale()):
        return gettext("%(text)s (%(remark)s)", text=text, remark=remark)


def left_to_right(text: str) -> str:
    """A phone number inside a sentence: where script runs from right to left its plus sign would end up behind it."""
    return f"{_LEFT_TO_RIGHT}{text}{_LEFT_TO_RIGHT}" if text and text_direction() == "rtl" else text


def _own(text: str, locale: str) -> str | None:
    mounted = current_app.extensions.get("booking") if has_app_context() else None
    own: OwnTexts | None = mounted.extras.get(OWN_TEXTS) if mounted else None
    return own(text, locale) if own else None


def _filled(translated: str, text: str, variables: dict[str, t.Any]) -> str:
    if not variables:
        return translated
    try:
        return translated % variables
    except (KeyError, TypeError, ValueError):
        # A CRM's own catalogue names something else, or has a lone percent sign: no reason to show nobody anything.
        return text % variables
