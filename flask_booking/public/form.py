"""The details form: what the guest typed, and each field as the template shows it."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from ..i18n import gettext as _
from ..i18n import left_to_right
from ..models import EventType
from ..scheduling.guest_form import questions_of
from ..scheduling.places import Place, made_name
from . import asked

_SHOWN_MOST = 12_000
"""How much of an overlong text comes back into the form."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """Everything a guest typed, unchecked; ``answers`` by question id."""

    name: str = ""
    email: str = ""
    phone: str = ""
    location: str = ""
    notes: str = ""
    answers: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def typed(cls, event: EventType, form: t.Any) -> Entry:
        """What came with a form."""
        texts = {name: form.get(name, "")[:_SHOWN_MOST] for name in ("name", "email", "phone", "location", "notes")}
        return cls(**texts, answers=asked.answers_given(event, form))

    @classmethod
    def prefilled(cls, event: EventType, given: c.Mapping[str, str]) -> Entry:
        """What an address brings along."""
        known = asked.carried(event, given)
        texts = {name: known.get(name, "") for name in ("name", "email", "phone", "location", "notes")}
        return cls(**texts, answers=asked.answers_prefilled(event, known))


@dataclasses.dataclass(frozen=True)
class Field:
    """One field: ``name`` in the form, ``kind`` of control, ``problem`` empty when all is well.

    ``needed_for_calls`` says that it is required if the guest chooses to be called: no page can know beforehand.
    """

    name: str
    kind: str
    label: str
    value: t.Any = ""
    required: bool = False
    autocomplete: str = ""
    help: str = ""
    problem: str = ""
    options: tuple[tuple[str, str], ...] = ()
    icons: dict[str, str] = dataclasses.field(default_factory=dict)
    needed_for_calls: bool = False

    @property
    def id(self) -> str:
        return f"f-{self.name}"

    @property
    def grouped(self) -> bool:
        """Whether it is several controls under one legend."""
        return self.kind in ("choice", "multiple")

    @property
    def first(self) -> str:
        """The id of what gets the focus."""
        return f"{self.id}-0" if self.grouped else self.id

    @property
    def described_by(self) -> str:
        """The ids of what explains it."""
        return " ".join(f"{self.id}-{what}" for what, text in (("help", self.help), ("problem", self.problem)) if text)


def fields_of(
    event: EventType, entry: Entry, problems: c.Mapping[str, str], places: c.Sequence[Place] | None = None
) -> list[Field]:
    """The fields in order: who, where, what the host asks, notes; ``places`` are those on offer."""
    places = event.locations if places is None else places
    calls = any(place["kind"] == "phone_guest" for place in places)
    only_calls = calls and len(places) == 1
    fields = [
        Field("name", "text", _("Name"), entry.name, True, "name", problem=problems.get("name", "")),
        Field("email", "email", _("E-mail"), entry.email, True, "email", problem=problems.get("email", "")),
    ]
    if len(places) > 1:
        fields.append(
            Field(
                "location",
                "choice",
                _("How do you want to meet?"),
                entry.location,
                True,
                problem=problems.get("location", ""),
                options=tuple((place["id"], place_text(place)) for place in places),
                icons={place["id"]: place["kind"] for place in places},
            )
        )
    if calls:
        why = _("You will be called at this number.") if only_calls else _("Needed when you want to be called.")
        fields.append(
            Field(
                "phone",
                "tel",
                _("Phone number"),
                entry.phone,
                only_calls,
                "tel",
                why,
                problems.get("phone", ""),
                needed_for_calls=not only_calls,
            )
        )
    fields += [_question(question, entry, problems) for question in questions_of(event)]
    fields.append(
        Field(
            "notes",
            "long",
            _("Anything that helps to prepare"),
            entry.notes,
            problem=problems.get("notes", ""),
        )
    )
    return fields


_CONTROLS = {"short": "text", "phone": "tel", "choice": "choice", "multiple": "multiple", "number": "number"}
_AUTOCOMPLETE = {"phone": "tel", "email": "email"}


def _question(question: dict[str, t.Any], entry: Entry, problems: c.Mapping[str, str]) -> Field:
    kind = question["kind"]
    return Field(
        name=f"a_{question['id']}",
        kind=_CONTROLS.get(kind, kind),
        label=question["label"],
        value=entry.answers.get(question["id"], [] if kind == "multiple" else ""),
        required=bool(question.get("required")),
        autocomplete=_AUTOCOMPLETE.get(kind, ""),
        help=question.get("help", ""),
        problem=problems.get(f"answers.{question['id']}", ""),
        options=tuple((option, option) for option in question.get("options", ())),
    )


def place_text(place: c.Mapping[str, t.Any]) -> str:
    """A place to meet in words."""
    text = place.get("text") or ""
    match place.get("kind"):
        case "phone_guest":
            return _("Phone call: we call you")
        case "phone_host":
            return _("Phone call: you call us")
        case "link":
            return text or _("Video call")
        case _:
            return made_name(place) or text


def where(place: c.Mapping[str, t.Any], *, asked: bool = False) -> str:
    """Where a meeting is, in words; ``asked`` says that it isn't agreed on, and the place known in part."""
    text = place.get("text") or ""
    if name := made_name(place):
        return _("%(place)s: you get the link once your request is accepted", place=name) if asked else name
    match place.get("kind"):
        case "phone_host" if asked:
            return _("Phone call: you get the number once your request is accepted")
        case "link" if asked:
            return _("%(place)s: you get the link once your request is accepted", place=text or _("Video call"))
        case "phone_guest":
            return (
                _("Phone call: you will be called at %(number)s", number=left_to_right(text))
                if text
                else _("Phone call")
            )
        case "phone_host" if not text:
            return _("Phone call")
        case "phone_host":
            return _("Phone call: please call %(number)s", number=left_to_right(text))
        case "link":
            return text or _("Video call")
        case _:
            return text
