"""The mail to a host about an account that stopped working: which one, what doesn't work without it, and where to
mend it.

Like every other it is composed from the row of the outbox alone, which says what was so when it became necessary.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t
from collections.abc import Mapping

from flask import current_app

from ..colour import Shades, house_accent, shades
from ..connections.problems import ALL, NeedsReconnect
from ..i18n import gettext as _
from ..i18n import list_of, template_names, use_locale
from ..links import base_url, calendars_url
from ..models import Host, StaleCalendars
from ..templating import environment, told
from .gather import house_logo
from .plain import LINE_LENGTH, NAME_LENGTH, html_lines, one_line, some_lines
from .render import BrokenTemplate, Rendered, tidied
from .words import Words

KIND = "connection_broken"


@dataclasses.dataclass(frozen=True)
class AccountView:
    """What a template sees.  ``effects`` are sentences, each about something that doesn't work meanwhile."""

    service: str
    account: str
    effects: tuple[str, ...]
    action: str
    url: str
    logo_url: str
    brand_name: str
    accent: str
    locale: str
    host_name: str = ""

    @property
    def light(self) -> Shades:
        """``accent`` as readable colours upon white."""
        return shades(self.accent)

    @property
    def dark(self) -> Shades:
        """The same upon a dark card."""
        return shades(self.accent, dark=True)


def render_account(host: Host, said: Mapping[str, t.Any]) -> Rendered:
    """The mail for ``host``, in the host's language; ``said`` is the payload of its row."""
    base, service = str(said.get("base_url") or base_url()), str(said.get("service") or "")
    with use_locale(host.language):
        view = AccountView(
            service=one_line(_(service) if service else "", NAME_LENGTH),
            account=one_line(str(said.get("account") or ""), NAME_LENGTH),
            effects=tuple(_effects(host, said)),
            action=_("Sign in again") if said.get("signs_in", True) else _("Mend it"),
            url=calendars_url(base=base) if base else "",
            logo_url=house_logo(base),
            brand_name=current_app.config["BOOKING_BRAND_NAME"],
            accent=house_accent(),
            locale=host.language,
        )
        words = _words(view, str(said.get("problem") or ""))
        context: dict[str, t.Any] = {
            **template_names(),
            "kind": KIND,
            "reader": "host",
            "view": view,
            "words": words,
            "own": "",
            "over": False,
            "struck": False,
            "one_line": one_line,
            "some_lines": some_lines,
            "html_lines": html_lines,
        }
        try:
            read = functools.partial(_read, context)
            subject = one_line(read("subject.txt", subject=words.subject), LINE_LENGTH) or words.subject
            return Rendered(subject, tidied(read("txt")), read("html"))
        except Exception as error:
            raise BrokenTemplate(f"the template of the mail failed: {told(error)}") from error


def _read(context: Mapping[str, t.Any], ending: str, **more: t.Any) -> str:
    names = [f"booking/mail/host/{KIND}.{ending}", f"booking/mail/{KIND}.{ending}"]
    names += ["booking/mail/message.subject.txt"] if ending == "subject.txt" else []
    return environment().select_template(names).render(**context, **more)


def _words(view: AccountView, problem: str) -> Words:
    names = {"service": view.service, "account": view.account}
    if problem == NeedsReconnect.code:
        return Words(
            _("%(service)s asks you to sign in again: %(account)s", **names),
            _("%(service)s asks you to sign in again", **names),
            _("Your account %(account)s isn't connected any more: its access was taken back, or has ended.", **names),
        )
    sentence = ALL[problem]().sentence if problem in ALL else ""
    return Words(
        _("%(service)s can't be used any more: %(account)s", **names),
        _("%(service)s can't be used any more", **names),
        sentence,
    )


def _effects(host: Host, said: Mapping[str, t.Any]) -> list[str]:
    found = []
    closing, targets = (said.get(key) or [] for key in ("closing", "targets"))
    if closing:
        names = list_of(one_line(str(name), NAME_LENGTH) for name in closing)
        if host.stale_calendars is StaleCalendars.CLOSE:
            found.append(_("%(calendars)s can't be read, so soon no time is offered to guests.", calendars=names))
        else:
            text = _("%(calendars)s can't be read: times are still offered, but can't be booked.", calendars=names)
            found.append(text)
    if targets:
        found.append(_("New bookings aren't entered into %(calendar)s until then.", calendar=targets[0]))
    if said.get("links"):
        found.append(_("New meetings get no link of %(service)s until then.", service=said.get("service", "")))
    found.append(_("Your bookings stay as they are, and what was missed is made up for."))
    return found
