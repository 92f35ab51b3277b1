"""The public page's name and looks, and what holds for all of a host's meetings."""

from __future__ import annotations

import typing as t

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from .. import catalog
from ..colour import contrast, house_accent, parsed, shades
from ..errors import InvalidInput
from ..i18n import gettext as _
from ..i18n import language_name, languages, lazy_gettext, left_to_right, spoken
from ..models import Appearance, BookingPage, Host
from ..state import crm
from ..zones import zone_names
from . import notices, own_forms
from .access import desk
from .blueprint import blueprint
from .forms import Fields, Form, ticked
from .screen import fragment, render

_PAGE = ("slug", "title", "welcome", "accent", "banner_url", "logo_url", "appearance")
_LIMITS = ("limit_day", "limit_week", "limit_month")

LABELS = {
    "slug": lazy_gettext("Address"),
    "title": lazy_gettext("Title"),
    "welcome": lazy_gettext("Welcome"),
    "accent": lazy_gettext("Colour"),
    "banner_url": lazy_gettext("Banner image"),
    "logo_url": lazy_gettext("Logo"),
    "appearance": lazy_gettext("Light or dark"),
    "active": lazy_gettext("Open for booking"),
    "time_zone": lazy_gettext("Time zone"),
    "locale": lazy_gettext("Language"),
    "week_start": lazy_gettext("The week begins on"),
    "limit_day": lazy_gettext("Most meetings a day"),
    "limit_week": lazy_gettext("Most meetings a week"),
    "limit_month": lazy_gettext("Most meetings a month"),
}


@blueprint.route("/page", methods=["GET", "POST"])
def page() -> ResponseReturnValue:
    """The page's form."""
    row = desk().page
    form = own_forms.begin("page", row, Form(_shown(row), LABELS))
    if request.method == "GET":
        return _render(form)
    own_forms.read(form, _typed(request.form))
    if request.form.get("do") == "preview":
        return _render(form)
    try:
        own_forms.check(form, row)
        catalog.update_page(row, form.values)
    except InvalidInput as error:
        form.refuse(error)
        return _render(form), 422
    own_forms.saved(form, row)
    text = _("Your page is saved.")
    notices.tell(notices.with_address(text, form.values["slug"], row.slug))
    return redirect(url_for("booking_settings.page", host=row.slug if desk().foreign else None), 303)


@blueprint.route("/you", methods=["GET", "POST"])
def host() -> ResponseReturnValue:
    """What holds for all of the host's event types."""
    form = own_forms.begin("host", desk().host, Form(_shown_host(desk().host), LABELS))
    if request.method == "GET":
        return _render_host(form)
    own_forms.read(form, _typed_host(request.form))
    try:
        own_forms.check(form, desk().host)
        catalog.update_host(desk().host, form.values)
    except InvalidInput as error:
        form.refuse(error)
        return _render_host(form), 422
    own_forms.saved(form, desk().host)
    notices.tell(_("Your settings are saved."))
    return redirect(url_for("booking_settings.host"), 303)


@blueprint.post("/you/zone")
def take_zone() -> ResponseReturnValue:
    """The time zone of the device, which a new host is offered."""
    try:
        catalog.move_to_zone(desk().host, request.form.get("time_zone", ""))
    except InvalidInput as error:
        notices.tell(str(next(iter(error.fields.values()))), kind="warning")
    else:
        notices.tell(_("Your hours are in %(zone)s now.", zone=desk().host.time_zone.replace("_", " ")))
    return redirect(url_for("booking_settings.overview"), 303)


def contrast_note(accent: str) -> tuple[bool, str]:
    """Whether a colour can be read as it is, and what guests will see."""
    wanted = parsed(accent) if accent.strip() else house_accent()
    if wanted is None:
        return False, _("A colour is written like #2456d6.")
    light, dark = (left_to_right(shades(wanted, dark=dark).accent) for dark in (False, True))
    ratio = contrast(wanted, "#ffffff")
    if shades(wanted).accent == wanted:
        return True, _("Easy to read on light pages (%(ratio)s : 1). On dark pages it is made lighter: %(dark)s.",
                       ratio=f"{ratio:.1f}", dark=dark)  # fmt: skip
    return False, _("Too pale to be read as it is (%(ratio)s : 1). Guests see %(light)s, on dark pages %(dark)s.",
                    ratio=f"{ratio:.1f}", light=light, dark=dark)  # fmt: skip


@blueprint.post("/preview/accent")
def preview_accent() -> ResponseReturnValue:
    """The note on a colour, for the live preview."""
    accent = request.form.get("accent", "")
    return fragment("_accent.html", accent=accent, **_colours(accent))


def _colours(accent: str) -> dict[str, t.Any]:
    good, note = contrast_note(accent)
    accent = accent.strip() or house_accent()
    return {
        "house_accent": house_accent(),
        "good": good,
        "note": note,
        "light": shades(accent),
        "dark": shades(accent, dark=True),
    }


def _render_host(form: Form) -> str:
    own = not spoken(crm().locale_of(desk().host.user))
    return render("host.html", form=form, zones=zone_names(), languages=_languages(desk().host) if own else [])


def _languages(host: Host) -> list[tuple[str, str]]:
    """The languages to choose from; English once more with the dates and twelve hours of the United States."""
    tags = {*languages(), *(["en_US"] if "en" in languages() else []), *([host.locale] if spoken(host.locale) else [])}
    return [(one, language_name(one)) for one in sorted(tags)]


def _render(form: Form) -> str:
    return render(
        "page.html",
        form=form,
        appearances=[
            (Appearance.AUTO.value, _("As the guest's device is set")),
            (Appearance.LIGHT.value, _("Always light")),
            (Appearance.DARK.value, _("Always dark")),
        ],
        **_colours(form.values["accent"]),
    )


def _shown(row: BookingPage) -> dict[str, t.Any]:
    return {**{name: str(getattr(row, name)) for name in _PAGE}, "active": row.active}


def _typed(form: Fields) -> dict[str, t.Any]:
    return {**{name: form.get(name, "") for name in _PAGE}, "active": ticked(form, "active")}


def _shown_host(row: Host) -> dict[str, t.Any]:
    limits = {name: "" if getattr(row, name) is None else str(getattr(row, name)) for name in _LIMITS}
    return {
        **limits,
        "time_zone": row.time_zone,
        "locale": row.locale,
        "week_start": str(row.week_start),
        "notify_by_email": row.notify_by_email,
        "active": row.active,
    }


def _typed_host(form: Fields) -> dict[str, t.Any]:
    names = ("time_zone", *(["locale"] if "locale" in form else []), "week_start", *_LIMITS)
    flags = {name: ticked(form, name) for name in ("notify_by_email", "active")}
    return {**{name: form.get(name, "") for name in names}, **flags}
