"""Single texts in a CRM's own words: ``BOOKING_TEXTS``, checked when the application starts.

A text is known by its English words, as they stand in the sources and in ``translations/booking.pot``.
"""

from __future__ import annotations

import collections.abc as c
import difflib
import re
import typing as t

from babel.messages.pofile import read_po

from .errors import BookingConfigError
from .i18n import TRANSLATIONS, OwnTexts, known_locale

_PLACEHOLDER = re.compile(r"%\((\w+)\)")


def own_texts(given: c.Mapping[str, t.Any]) -> OwnTexts | None:
    """What finds the CRM's words for a text and a locale; None when there are none.

    ``given`` maps English texts to those said instead, in every language, or languages to such mappings; what is said
    in one language comes first.  Raises :class:`BookingConfigError` for a text or a placeholder that isn't known.
    """
    if not given:
        return None
    known, chosen = known_texts(), {}
    for key, value in given.items():
        if isinstance(value, c.Mapping):
            locale = known_locale(key)
            if locale is None:
                raise BookingConfigError(
                    f"BOOKING_TEXTS: {key!r} is no language; write the language first, and in it the texts: "
                    "{'de': {'Choose a day': …}}"
                )
            chosen[locale] = {text: _checked(text, words, known) for text, words in value.items()}
        else:
            chosen.setdefault("", {})[key] = _checked(key, value, known)

    def find(text: str, locale: str) -> str | None:
        for name in (locale, locale.partition("_")[0], ""):
            found = chosen.get(name, {}).get(text)
            if found is not None:
                return found
        return None

    return find


def known_texts() -> dict[str, frozenset[str]]:
    """Every text of the package, with the names of its placeholders."""
    with (TRANSLATIONS / "booking.pot").open("rb") as file:
        messages = list(read_po(file))
    found: dict[str, frozenset[str]] = {}
    for message in messages:
        forms = [message.id] if isinstance(message.id, str) else list(message.id)
        names = {name for form in forms for name in _PLACEHOLDER.findall(form)}
        for form in forms:
            if form:
                found[form] = frozenset(names | ({"num"} if len(forms) > 1 else set()))
    return found


def _checked(text: str, words: object, known: c.Mapping[str, frozenset[str]]) -> str:
    names = known.get(text)
    if names is None:
        nearest = difflib.get_close_matches(text, known, 1, 0.5)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise BookingConfigError(f"BOOKING_TEXTS: there is no text {text!r}{hint}")
    if not isinstance(words, str) or not words:
        raise BookingConfigError(f"BOOKING_TEXTS: {text!r} needs words to be said instead, not {words!r}")
    wrong = sorted(set(_PLACEHOLDER.findall(words)) - names)
    if wrong:
        may = f"may use {', '.join(f'%({name})s' for name in sorted(names))}" if names else "has no placeholders"
        raise BookingConfigError(f"BOOKING_TEXTS: {words!r} uses %({wrong[0]})s, but the text {text!r} {may}")
    if names:
        try:
            _filled = words % dict.fromkeys(names, 0)
        except (TypeError, ValueError):
            raise BookingConfigError(
                f"BOOKING_TEXTS: {words!r} can't be filled in; write placeholders as in {text!r}, and %% for a percent "
                "sign"
            ) from None
    return words
