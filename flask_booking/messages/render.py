"""From a view of a meeting to the subject, text and HTML of a mail.

A CRM changes any mail by a template of its own: ``booking/mail/guest/booked.html`` (reader, kind) comes before
``booking/mail/booked.html``, that before ``booking/mail/message.html``; the same for ``.txt`` and, for the subject
alone, for ``.subject.txt``.  Such a template may extend ``booking/mail/message.html`` and fill its blocks.
"""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass, replace

from jinja2 import Template
from markupsafe import Markup

from ..i18n import template_names, use_locale
from ..templating import environment, told
from .plain import LINE_LENGTH, host_html, host_lines, html_lines, one_line, some_lines
from .transport import MailError
from .variables import fill, fill_html, variable_values
from .view import Kind, MeetingView, Reader
from .words import Words, words_for

# Kinds after which there is nothing left to move, cancel or join.
_OVER = frozenset({Kind.DECLINED, Kind.CANCELLED, Kind.FOLLOW_UP})


class BrokenTemplate(MailError):
    """A template of the CRM's failed; the mail waits until it is mended.  The text says which and where."""


@dataclass(frozen=True)
class Rendered:
    """A mail's words, complete."""

    subject: str
    text: str
    html: str


def render(
    kind: Kind | str,
    audience: Reader | str,
    view: MeetingView,
    *,
    subject_template: str | None = None,
    body_template: str | None = None,
) -> Rendered:
    """The mail of one kind for ``audience``, in the language and zone of ``view``.

    ``subject_template`` and ``body_template`` are a host's own plain text with ``{variables}``; they replace the
    subject, and headline and first sentence.  Needs an application context, no request.
    """
    kind, reader = Kind(kind), Reader(audience)
    with use_locale(view.locale):
        words = words_for(kind, reader, view)
        values = variable_values(view)
        subject = one_line(fill(subject_template, values) if subject_template else words.subject, LINE_LENGTH)
        own = some_lines(body_template) if body_template else ""
        # A headline said beneath a host's own words would be said by somebody else.
        shown = Words(subject, "" if own else words.headline, "" if own else words.lead)
        link_style = f"color:{view.light.accent}"
        context: dict[str, t.Any] = {
            **template_names(),
            "kind": kind.value,
            "reader": reader.value,
            "view": view,
            "words": shown,
            "over": kind in _OVER,
            "struck": kind in (Kind.CANCELLED, Kind.DECLINED),
            "some_lines": some_lines,
            "html_lines": html_lines,
            "host_lines": host_lines,
            "host_html": functools.partial(host_html, link_style=link_style),
            "one_line": one_line,
        }
        try:
            said = _template(kind, reader, "subject.txt").render(**context, subject=subject, own=fill(own, values))
            subject = one_line(said, LINE_LENGTH) or subject
            context["words"] = replace(shown, subject=subject)
            html = _template(kind, reader, "html").render(
                **context, own=fill_html(own, values, link_style) if own else Markup("")
            )
            text = _template(kind, reader, "txt").render(**context, own=fill(own, values))
        except Exception as error:
            raise BrokenTemplate(f"the template of the mail failed: {told(error)}") from error
    return Rendered(subject, tidied(text), html)


def _template(kind: Kind, reader: Reader, ending: str) -> Template:
    names = [
        f"booking/mail/{reader}/{kind}.{ending}",
        f"booking/mail/{kind}.{ending}",
        f"booking/mail/message.{ending}",
    ]
    return environment().select_template(names)


def tidied(text: str) -> str:
    """The same text whatever ``trim_blocks`` and ``lstrip_blocks`` the CRM has set."""
    lines = "\n".join(line.strip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
