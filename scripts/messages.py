"""Brings the catalogues in step with the texts of the sources: ``make messages``.

A catalogue changes when a text does and not otherwise: it holds no dates, no line numbers and no versions.  What was
translated stays, what nobody says any more goes, and nothing is guessed from similar texts.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "flask_booking"
TRANSLATIONS = PACKAGE / "translations"
TEMPLATE = TRANSLATIONS / "booking.pot"
LANGUAGES = ("ar", "de", "es", "fr", "ja", "pt")

# As gettext's own manual has them. Babel's order of the last two in Arabic is another one than everybody's, and since
# 2.19 it has a form of its own for millions in the others.
_PLURALS = {
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
    "es": "nplurals=2; plural=(n != 1);",
    "fr": "nplurals=2; plural=(n > 1);",
    "pt": "nplurals=2; plural=(n != 1);",
}
_METHODS = [("**.py", "python"), ("templates/**.*", "jinja2")]
_KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None, "gettext_noop": None}


def texts_of_the_sources() -> Catalog:
    """Every text that is marked for translation, with the files that say it."""
    catalogue = Catalog()
    for name, _line, text, comments, context in extract_from_dir(PACKAGE, _METHODS, keywords=_KEYWORDS):
        if not name.startswith("translations/"):
            catalogue.add(text, locations=[(f"flask_booking/{name}", 0)], auto_comments=comments, context=context)
    return catalogue


def file_of(language: str) -> Path:
    """Where the translations into a language are."""
    return TRANSLATIONS / language / "LC_MESSAGES" / "booking.po"


def translated(language: str) -> Catalog:
    """The translations into a language as they are written down; an empty catalogue for a new language."""
    path = file_of(language)
    if not path.is_file():
        return _empty(language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def in_step(language: str, texts: Catalog) -> Catalog:
    """The texts of the sources with the translations there are."""
    known, result = translated(language), _empty(language)
    for text in _messages(texts):
        found = known.get(text.id, text.context)
        plural = isinstance(text.id, tuple | list)
        # A text that became countable, or stopped being it, begins anew.
        keep = found is not None and plural == isinstance(found.id, tuple | list)
        empty = ("",) * result.num_plurals if plural else ""
        result.add(
            text.id,
            found.string if found is not None and keep else empty,
            locations=text.locations,
            flags=(found.flags if found is not None and keep else set()) | text.flags,
            auto_comments=text.auto_comments,
            user_comments=found.user_comments if found is not None else [],
            context=text.context,
        )
    return result


def written(catalogue: Catalog) -> bytes:
    """The text of a catalogue's file, in the order in which the files of the sources say the texts."""
    head: Iterable[str] = ["# Every text of flask_booking."]
    if catalogue.locale is not None:
        head = [
            f"# {Locale.parse(catalogue.locale).english_name}",
            'msgid ""',
            'msgstr ""',
            f'"Language: {catalogue.locale}\\n"',
            f'"Plural-Forms: {catalogue.plural_forms}\\n"',
            '"Content-Type: text/plain; charset=utf-8\\n"',
        ]
    body = io.BytesIO()
    write_po(body, catalogue, width=120, omit_header=True, sort_by_file=True, include_lineno=False)
    return "\n".join((*head, "", "")).encode() + body.getvalue().strip() + b"\n"


def _empty(language: str) -> Catalog:
    catalogue = Catalog(locale=language)
    if language in _PLURALS:
        catalogue.mime_headers = [("Plural-Forms", _PLURALS[language])]
    return catalogue


def _messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def main() -> None:
    """Write the template, and each language's catalogue."""
    texts = texts_of_the_sources()
    TEMPLATE.write_bytes(written(texts))
    for language in LANGUAGES:
        path = file_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(in_step(language, texts)))


if __name__ == "__main__":
    main()
