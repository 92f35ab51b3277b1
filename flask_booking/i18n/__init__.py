"""Words and times in the reader's language.

The package translates for itself, from catalogues of its own, because it is mounted in CRMs that have no translations,
or have Flask-Babel with a domain and a locale of their own.  It works outside a request too: mails are written by
workers, each in the language of who reads it.
"""

from __future__ import annotations

import typing as t

from .catalogues import TRANSLATIONS, first_spoken, language_name, languages, spoken
from .locale import (
    DEFAULT_LOCALE,
    current_locale,
    default_locale,
    known_locale,
    language_tag,
    normal_locale,
    set_locale,
    text_direction,
    use_locale,
)
from .times import (
    DateStyle,
    duration_text,
    first_weekday,
    format_ago,
    format_date,
    format_time,
    format_times,
    format_when,
    together,
    twelve_hours,
    utc_offset,
    zone_label,
    zone_name,
)
from .words import (
    OWN_TEXTS,
    OwnTexts,
    bracketed,
    gettext,
    gettext_noop,
    labelled,
    lazy_gettext,
    left_to_right,
    list_of,
    ngettext,
    sentences,
)

__all__ = [
    "DEFAULT_LOCALE",
    "OWN_TEXTS",
    "TRANSLATIONS",
    "DateStyle",
    "OwnTexts",
    "bracketed",
    "current_locale",
    "default_locale",
    "duration_text",
    "first_spoken",
    "first_weekday",
    "format_ago",
    "format_date",
    "format_time",
    "format_times",
    "format_when",
    "gettext",
    "gettext_noop",
    "known_locale",
    "labelled",
    "language_name",
    "language_tag",
    "languages",
    "lazy_gettext",
    "left_to_right",
    "list_of",
    "ngettext",
    "normal_locale",
    "sentences",
    "set_locale",
    "spoken",
    "template_names",
    "text_direction",
    "together",
    "twelve_hours",
    "use_locale",
    "utc_offset",
    "zone_label",
    "zone_name",
]


def template_names() -> dict[str, t.Any]:
    """What every template of the package may call."""
    return {
        "_": gettext,
        "gettext": gettext,
        "ngettext": ngettext,
        "list_of": list_of,
        "labelled": labelled,
        "sentences": sentences,
        "bracketed": bracketed,
        "left_to_right": left_to_right,
        "current_locale": current_locale,
        "language_tag": language_tag,
        "text_direction": text_direction,
        "format_ago": format_ago,
        "format_date": format_date,
        "format_time": format_time,
        "format_times": format_times,
        "format_when": format_when,
        "together": together,
        "zone_label": zone_label,
        "duration_text": duration_text,
    }
