"""What all forms share: typed text and its problems side by side, and fields that people fill in their own units.

A form keeps what was typed as text, so that a page shown again says the same.  Only the last step turns the text into
the values that :mod:`flask_booking.catalog` checks; what can't be read is passed on as it is, to be refused there.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import decimal
import re
import typing as t

from werkzeug.datastructures import MultiDict

from ..errors import BookingError

UNITS = {"minutes": 1, "hours": 60, "days": 1440}
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?::00)?")
_LENGTH = re.compile(r"(?:(\d{1,9})\s*h(?:ours?)?)?\s*(?:(\d{1,9})\s*(?:m|min|minutes?)?)?", re.IGNORECASE)

Fields: t.TypeAlias = "MultiDict[str, str]"


@dataclasses.dataclass
class Form:
    """What a form shows: ``values`` as typed, ``problems`` by field, and ``labels`` for the summary of problems."""

    values: dict[str, t.Any]
    labels: c.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    problems: dict[str, str] = dataclasses.field(default_factory=dict)
    problem: str = ""
    own: t.Any = None
    """What the CRM adds, a :class:`~flask_booking.settings.own_forms.SettingsForm`."""

    def refuse(self, error: BookingError) -> None:
        """Note what a writer refused."""
        self.problems, self.problem = dict(error.fields), error.description

    def label(self, field: str) -> str:
        """What a field is called, or the row of a list (``questions.2``): by a label of its own, or by its number."""
        if field in self.labels:
            return str(self.labels[field])
        name, _dot, number = field.partition(".")
        found = str(self.labels.get(name, ""))
        return f"{found} {int(number) + 1}" if found and number.isdigit() else found


def split_length(minutes: int | None) -> tuple[str, str]:
    """A length as a number and the largest unit that says it in whole numbers."""
    if minutes is None:
        return "", "minutes"
    for unit in ("days", "hours"):
        if minutes and minutes % UNITS[unit] == 0:
            return str(minutes // UNITS[unit]), unit
    return str(minutes), "minutes"


def shown_lengths(row: object, names: c.Iterable[str]) -> dict[str, str]:
    """The fields ``<name>`` and ``<name>_unit`` of each length."""
    found = {}
    for name in names:
        found[name], found[f"{name}_unit"] = split_length(getattr(row, name))
    return found


def typed_lengths(form: Fields, names: c.Iterable[str], usual: c.Mapping[str, str]) -> dict[str, str]:
    """The same fields as they were typed; ``usual`` has those that the form doesn't ask for."""
    return {
        field: form.get(field, "").strip() if name in form else usual[field]
        for name in names
        for field in (name, f"{name}_unit")
    }


def minutes_of(values: c.Mapping[str, t.Any], name: str) -> int | str:
    """A length in minutes; "" for none, and the text itself when it is no number."""
    text = str(values.get(name, "")).strip().replace(",", ".")
    if not text:
        return ""
    try:
        number = decimal.Decimal(text) * UNITS.get(values.get(f"{name}_unit", ""), 1)
    except decimal.DecimalException:
        return text
    if not number.is_finite() or number != number.to_integral_value() or abs(number) > 10**9:
        return text
    return int(number)


def length_of(text: str) -> int | str:
    """The minutes of ``45``, ``1h``, ``1:30`` or ``1 h 30 min``; the text itself when it says something else."""
    clean = text.strip()
    if clock := _CLOCK.fullmatch(clean):
        return int(clock[1]) * 60 + int(clock[2])
    found = _LENGTH.fullmatch(clean)
    if not clean or found is None:
        return text
    return int(found[1] or 0) * 60 + int(found[2] or 0)


def length_text(minutes: int) -> str:
    """A length as :func:`length_of` reads it."""
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)


def clock(minutes: int) -> str:
    """Minutes after midnight as a time input shows them."""
    hours, rest = divmod(minutes % 1440, 60)
    return f"{hours:02}:{rest:02}"


def minute_of(text: str) -> int | None:
    """Minutes after midnight of a time on the clock; None when it is none.  24:00 is the day's end."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    minute = int(found[1]) * 60 + int(found[2])
    return minute if int(found[2]) < 60 and minute <= 1440 else None


def shown_ranges(ranges: c.Iterable[c.Sequence[int]]) -> list[list[str]]:
    """Ranges of minutes as pairs of times."""
    return [[clock(start), clock(end)] for start, end in ranges]


def typed_ranges(form: Fields, name: str) -> list[list[str]]:
    """The pairs ``<name>-start`` and ``<name>-end`` as they were typed, without those left empty."""
    starts, ends = form.getlist(f"{name}-start"), form.getlist(f"{name}-end")
    return [[start, end] for start, end in zip(starts, ends, strict=False) if start.strip() or end.strip()]


def ranges_of(pairs: c.Iterable[c.Sequence[str]]) -> list[tuple[int | None, int | None]]:
    """Typed pairs as minutes, None for what is no time."""
    return [(minute_of(start), minute_of(end)) for start, end in pairs]


def typed_rows(form: Fields, name: str, fields: c.Iterable[str]) -> list[dict[str, t.Any]]:
    """The rows of a list, typed in fields ``<name>-<key>-<field>``, in the order in which the page had them."""
    pattern = re.compile(rf"{name}-(\w+)-\w+")
    keys = dict.fromkeys(found[1] for key in form if (found := pattern.fullmatch(key)))
    return [{field: form.get(f"{name}-{key}-{field}", "") for field in fields} for key in keys]


def rearranged(rows: list[dict[str, t.Any]], action: str, name: str, blank: dict[str, t.Any]) -> bool:
    """Do what a button asked of a list: ``add-<name>``, or ``remove-``, ``up-``, ``down-<name>-<index>``.

    Returns whether ``action`` was one of these.
    """
    if action == f"add-{name}":
        rows.append(dict(blank))
        return True
    found = re.fullmatch(rf"(remove|up|down)-{name}-(\d{{1,3}})", action)
    if found is None:
        return False
    index = int(found[2])
    if index < len(rows):
        row = rows.pop(index)
        if found[1] != "remove":
            rows.insert(max(0, index + (-1 if found[1] == "up" else 1)), row)
    return True


def ticked(form: Fields, name: str) -> bool:
    """Whether a box was ticked."""
    return form.get(name) not in (None, "", "0")
