"""What a CRM adds to the forms of the screens: fields, checks, and what is done with them after saving."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from flask import request

from ..errors import BookingConfigError, InvalidInput
from ..state import state
from .forms import Form, ticked

_MOST = 5000


@dataclasses.dataclass(frozen=True)
class OwnField:
    """A field: ``kind`` is text, area, number, tick or choice, whose ``options`` are pairs of value and text."""

    name: str
    label: str
    kind: t.Literal["text", "area", "number", "tick", "choice"] = "text"
    help: str = ""
    options: c.Sequence[tuple[str, str]] = ()


class SettingsForm:
    """A form of the screens; subclass it and name the class in ``BOOKING_FORMS``."""

    fields: c.Sequence[OwnField] = ()
    """What is asked beneath the form's own fields."""

    def shown(self, row: t.Any | None) -> dict[str, t.Any]:
        """The values of the fields for what is edited, None for something new; fields left out are empty."""
        return {}

    def problems(self, values: c.Mapping[str, t.Any], row: t.Any | None) -> c.Mapping[str, str]:
        """What is wrong, by field: with the form's own fields too, as they were typed."""
        return {}

    def saved(self, row: t.Any, values: c.Mapping[str, t.Any]) -> None:
        """Keep the fields somewhere; runs after ``row`` was saved and committed, so commit what you write."""


def begin(name: str, row: t.Any | None, form: Form) -> Form:
    """``form`` with what the CRM adds to the form called ``name``."""
    own: SettingsForm = state().extras.get("forms", {}).get(name) or SettingsForm()
    taken = sorted({field.name for field in own.fields} & set(form.values))
    if taken:
        raise BookingConfigError(f'BOOKING_FORMS["{name}"]: the form has a field {taken[0]!r} already')
    empty = {field.name: False if field.kind == "tick" else "" for field in own.fields}
    form.values = {**form.values, **empty, **own.shown(row)}
    form.labels = {**form.labels, **{field.name: field.label for field in own.fields}}
    form.own = own
    return form


def read(form: Form, typed: dict[str, t.Any]) -> None:
    """Take over what was ``typed``, and the CRM's fields from the request."""
    form.values = typed
    for field in form.own.fields if form.own else ():
        text = request.form.get(field.name, "")[:_MOST].strip()
        form.values[field.name] = ticked(request.form, field.name) if field.kind == "tick" else text


def check(form: Form, row: t.Any | None) -> None:
    """Raise :class:`InvalidInput` for what the CRM finds wrong."""
    problems = form.own.problems(form.values, row) if form.own else {}
    if problems:
        raise InvalidInput(fields=dict(problems))


def saved(form: Form, row: t.Any) -> None:
    """Let the CRM keep its fields."""
    if form.own:
        form.own.saved(row, form.values)
