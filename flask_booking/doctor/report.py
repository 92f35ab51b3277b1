"""The report as people and programs read it."""

from __future__ import annotations

import collections
import collections.abc as c
import dataclasses
import textwrap
import typing as t

from .finding import Finding, Level, counted

_COLOURS = {Level.OK: "green", Level.INFO: "blue", Level.WARN: "yellow", Level.FAIL: "red"}


def healthy(found: c.Iterable[Finding], *, strict: bool = False) -> bool:
    """Whether nothing is broken; ``strict`` counts warnings as well."""
    return not any(one.level is Level.FAIL or (strict and one.level is Level.WARN) for one in found)


def as_json(found: c.Sequence[Finding], *, strict: bool = False) -> dict[str, t.Any]:
    """The report for programs; names of checks and levels stay, sentences may change."""
    return {"ok": healthy(found, strict=strict), "findings": [dataclasses.asdict(one) for one in found]}


def as_text(found: c.Sequence[Finding], *, width: int, style: t.Callable[..., str]) -> str:
    """The report for people, wrapped to ``width``; ``style`` colours a text, as :func:`click.style` does."""
    names = max((len(one.check) for one in found), default=0)
    indent = " " * (6 + names + 2)
    lines: list[str] = []
    before = ""
    for one in found:
        name = "" if one.check == before else one.check
        before = one.check
        wrapped = _wrapped(one.text, width - len(indent))
        first, *rest = wrapped
        lines.append(f"{style(f'{one.level.value:<6}', fg=_COLOURS[one.level])}{name:<{names}}  {first}")
        lines += [indent + line for line in rest]
        advice = [line for given in one.advice.splitlines() for line in _wrapped(given, width - len(indent) - 2)]
        lines += [f"{indent}{'  ' if place else '→ '}{line}" for place, line in enumerate(advice)]
    return "\n".join([*lines, "", _summary(found)])


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(30, width), break_long_words=False, break_on_hyphens=False) or [""]


def _summary(found: c.Iterable[Finding]) -> str:
    counts = collections.Counter(one.level for one in found)
    said = [
        f"{counts[Level.FAIL]} broken" if counts[Level.FAIL] else "Nothing is broken",
        counted(counts[Level.WARN], "warning") if counts[Level.WARN] else "no warnings",
    ]
    return ", ".join(said) + "."
