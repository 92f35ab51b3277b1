"""What a check says: how bad it is, what is so and why it matters, and what to change."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import enum
import typing as t

from flask import current_app


class Level(enum.StrEnum):
    """How much a finding matters; only ``fail`` says that something is broken."""

    OK = "ok"
    INFO = "info"
    WARN = "warn"
    FAIL = "fail"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the report, with what to do beneath it.  Never holds a secret or anything about a person."""

    level: Level
    text: str
    advice: str = ""
    check: str = ""


def ok(text: str) -> Finding:
    """Nothing is to be done."""
    return Finding(Level.OK, text)


def info(text: str, advice: str = "") -> Finding:
    """Good to know; nothing has to be done."""
    return Finding(Level.INFO, text, advice)


def warn(text: str, advice: str) -> Finding:
    """It works, though not as it should in production."""
    return Finding(Level.WARN, text, advice)


def production(text: str, advice: str) -> Finding:
    """A warning that matters only where others use the app: with the debugger on it is good to know."""
    return (info if current_app.debug else warn)(text, advice)


def fail(text: str, advice: str) -> Finding:
    """Something is broken."""
    return Finding(Level.FAIL, text, advice)


class Check(t.NamedTuple):
    """A part of the mounting to look at.  ``rows`` needs the tables; ``network`` asks another server."""

    name: str
    look: c.Callable[[], c.Iterable[Finding]]
    rows: bool = False
    network: bool = False


def some(names: c.Iterable[str], most: int = 4) -> str:
    """The first of some names, and how many more there are."""
    known = sorted(set(names))
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def name_of(function: t.Any) -> str:
    """Where a function of the CRM is to be found: its module and name."""
    while hasattr(function, "func"):  # functools.partial
        function = function.func
    name = getattr(function, "__qualname__", type(function).__qualname__).replace("<locals>.", "")
    return f"{getattr(function, '__module__', '')}.{name}"


def place_of(error: BaseException) -> str:
    """The file and line that raised, without the error's words: those may name people or hold secrets."""
    trace, place = error.__traceback__, "?"
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{'/'.join(code.co_filename.replace(chr(92), '/').split('/')[-2:])}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
