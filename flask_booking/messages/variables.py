"""``{guest_name}`` and its like: what a host may write into subjects and texts of reminders and follow-ups.

Replaced by a search for known names, in one pass: no ``format()`` that reaches into objects, no template language, and
a guest who calls himself ``{manage_url}`` stays called that.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from markupsafe import Markup, escape

from ..i18n import labelled
from ..i18n import lazy_gettext as _
from .plain import html_lines, one_line, some_lines
from .view import MeetingView

# Names in the order in which the settings' help shows them.
VARIABLES: t.Final[Mapping[str, t.Any]] = {
    "guest_name": _("The guest's name"),
    "guest_first_name": _("The first word of the guest's name"),
    "guest_email": _("The guest's e-mail address"),
    "guest_phone": _("The guest's phone number"),
    "host_name": _("Your name, or all names when several people attend"),
    "title": _("The name of the event type"),
    "when": _("Date, time and time zone, as its reader's clock shows them"),
    "date": _("The date"),
    "time": _("The time it starts"),
    "time_zone": _("The reader's time zone"),
    "duration": _("How long it lasts"),
    "location": _("Where, with the link to join"),
    "join_url": _("The link to join alone"),
    "answers": _("The guest's answers to your questions"),
    "notes": _("What the guest added"),
    "manage_url": _("The guest's link to see, move or cancel the booking"),
    "reschedule_url": _("The guest's link to choose another time"),
    "cancel_url": _("The guest's link to cancel"),
    "booking_url": _("The link to book again"),
}

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")


def variable_values(view: MeetingView) -> dict[str, str]:
    """What each variable stands for in a message about this meeting."""
    return {
        "guest_name": one_line(view.guest_name),
        "guest_first_name": (one_line(view.guest_name).split() or [""])[0],
        "guest_email": one_line(view.guest_email),
        "guest_phone": one_line(view.guest_phone),
        "host_name": one_line(view.host_name),
        "title": one_line(view.title),
        "when": view.when,
        "date": view.date,
        "time": view.time,
        "time_zone": view.zone,
        "duration": view.duration,
        "location": one_line(view.location),
        "join_url": one_line(view.location_url, 2000),
        "answers": some_lines("\n".join(labelled(answer.question, answer.answer) for answer in view.answers)),
        "notes": some_lines(view.notes),
        "manage_url": view.manage_url,
        "reschedule_url": view.reschedule_url,
        "cancel_url": view.cancel_url,
        "booking_url": view.booking_url,
    }


def unknown_variables(text: str) -> list[str]:
    """Names in braces that mean nothing, in order, each once: probably mistyped."""
    return list(dict.fromkeys(name for name in _VARIABLE.findall(text) if name not in VARIABLES))


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with each known variable replaced; unknown ones stay, to be seen."""
    return _VARIABLE.sub(lambda match: values.get(match[1], match[0]), text)


def fill_html(text: str, values: Mapping[str, str], link_style: str = "") -> Markup:
    """The same as HTML: paragraphs at empty lines, everything escaped.

    Links are made of addresses the host wrote and of our own address variables, never of what a guest typed.
    """
    paragraphs = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip())
    return Markup("\n").join(_paragraph(paragraph.strip("\n"), values, link_style) for paragraph in paragraphs)


def _paragraph(text: str, values: Mapping[str, str], link_style: str) -> Markup:
    parts: list[Markup] = []
    for place, piece in enumerate(_VARIABLE.split(text)):
        if place % 2 == 0:
            parts.append(_linked(piece, link_style))
        elif piece not in values:
            parts.append(escape(f"{{{piece}}}"))
        elif piece.endswith("_url"):
            parts.append(_linked(values[piece], link_style))
        else:
            parts.append(html_lines(values[piece]))
    return Markup('<p style="margin:0 0 16px">') + Markup("").join(parts) + Markup("</p>")


def _linked(text: str, link_style: str) -> Markup:
    parts: list[Markup] = []
    end = 0
    for match in _LINK.finditer(text):
        parts.append(html_lines(text[end : match.start()]))
        parts.append(Markup('<a href="{0}" style="{1}" class="link">{0}</a>').format(match[0], link_style))
        end = match.end()
    return Markup("").join([*parts, html_lines(text[end:])])
