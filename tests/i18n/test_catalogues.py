"""The translations are complete, well formed, and those of the texts that the sources say."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Message, TranslationError
from babel.messages.checkers import num_plurals, python_format

from scripts.messages import LANGUAGES, PACKAGE, TEMPLATE, file_of, in_step, texts_of_the_sources, translated, written

COMPLETE: tuple[str, ...] = LANGUAGES
"""The languages whose catalogue may lack nothing."""

_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd%]")
# Only markup would have these; a text is text.
_MARKUP = re.compile(r"<[a-z/]|&[a-z]+;")


def test_the_catalogues_hold_the_texts_of_the_sources() -> None:
    texts = texts_of_the_sources()
    assert TEMPLATE.read_bytes() == written(texts), "run `make messages`"
    for language in LANGUAGES:
        assert file_of(language).read_bytes() == written(in_step(language, texts)), f"{language}: run `make messages`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_is_well_formed(language: str) -> None:
    catalogue = translated(language)
    problems = []
    for message, english, own in _pairs(language):
        try:
            num_plurals(catalogue, message)
            python_format(catalogue, message)
        except TranslationError as error:
            problems.append(f"{english!r}: {error}")
        problems += [f"{own!r} {problem}" for problem in _amiss(english, own, plural=message.pluralizable)]
    assert problems == []


def _amiss(english: str, own: str, *, plural: bool) -> Iterator[str]:
    wanted, found = sorted(_PLACEHOLDER.findall(english)), sorted(_PLACEHOLDER.findall(own))
    if plural:  # "one" and "two" may be a word
        wanted, found = [sorted({*names} - {"%(num)s"}) for names in (wanted, found)]
    if wanted != found:
        yield f"has other placeholders than {english!r}"
    if (own[:1].isspace(), own[-1:].isspace()) != (english[:1].isspace(), english[-1:].isspace()):
        yield "has other spaces at its ends"
    if own.count("\n") != english.count("\n"):
        yield "has other line breaks"
    if _MARKUP.search(own) and not _MARKUP.search(english):
        yield "has markup"
    if re.search(r"[.。…:?!]$", english.strip()) is None and re.search(r"[.。]$", own.strip()):
        yield "ends as a sentence"


@pytest.mark.parametrize("language", COMPLETE)
def test_everything_is_translated(language: str) -> None:
    catalogue = translated(language)
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []
    assert [message.id for message in catalogue if message.id and not all(_strings(message))] == []


def _strings(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, tuple | list) else (message.string,)


def _pairs(language: str) -> Iterator[tuple[Message, str, str]]:
    """Each translation that there is, with the English text it stands for."""
    for message in translated(language):
        singular, plural = message.id if message.pluralizable else (message.id, message.id)
        for position, own in enumerate(_strings(message)):
            if message.id and own:
                yield message, singular if position == 0 else plural, own


def test_no_text_hides_inside_another_one() -> None:
    # Nothing is collected from within an f-string: its texts would be read in English everywhere.
    hidden = re.compile(r"""f["'][^\n]*\{[^}\n]*\b_\(""")
    found = [str(path) for path in PACKAGE.rglob("*.py") if hidden.search(path.read_text())]
    assert found == []
