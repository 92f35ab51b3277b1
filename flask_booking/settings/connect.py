"""Connecting accounts: by signing in at a service, or by a form for a password or a secret address.

The way back from a service is a GET by nature.  What protects it is the state: given to this session and user, for this
service, good once and for ten minutes.
"""

from __future__ import annotations

import typing as t

import sqlalchemy as sa
from flask import Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..calendars.provider import Sign
from ..connections import oauth
from ..connections.accounts import Connected
from ..connections.oauth import OAuthStateRefused, SignInRefused
from ..connections.opening import secret_of
from ..connections.problems import ForbiddenAddress, ProviderProblem
from ..guards import check_rate
from ..i18n import gettext as _
from ..i18n import lazy_gettext
from ..links import callback_url
from ..models import BookingPage, Connection
from ..state import session
from . import access, calendar_words, notices, services
from .access import desk
from .blueprint import blueprint
from .calendar_places import PLACES, Place
from .calendars import back
from .forms import Form
from .screen import render
from .services import Service

LABELS = {
    "url": lazy_gettext("Server"),
    "username": lazy_gettext("User name"),
    "password": lazy_gettext("Password"),
    "address": lazy_gettext("Address of the calendar"),
}
_LONGEST = 1000


@blueprint.get("/calendars/connect/<name>")
def connect_form(name: str) -> ResponseReturnValue:
    """The form for an account that nobody signs in to elsewhere."""
    service = _offered(name)
    if service.sign is Sign.OAUTH:
        return back()
    return _form_page(service, _known())


@blueprint.post("/calendars/connect/<name>")
def connect(name: str) -> ResponseReturnValue:
    """Send the browser to the service, or try what the form says."""
    service = _offered(name)
    check_rate("connect")
    again = _known()
    if service.sign is Sign.OAUTH:
        return _leave(service, again)
    form = Form(_typed(service), LABELS)
    form.problems = {field: _("Please fill this in.") for field in _fields(service) if not form.values[field]}
    if form.problems:
        return _form_page(service, again, form), 422
    try:
        made = _opened(service, form, again)
    except ProviderProblem as problem:
        session().rollback()
        label = _("The server") if service.name in ("caldav", "ical") else service.label
        text = calendar_words.refused(problem, label, service.sign)
        where = "address" if service.sign is Sign.ADDRESS else "url"
        if isinstance(problem, ForbiddenAddress):
            form.problems = {where: text}
        else:
            form.problem = text
        return _form_page(service, _known(), form), 422
    return _tell(made, again, links=service.links)


def _offered(name: str) -> Service:
    found = services.offered(name)
    if found is None:
        raise access.missing()
    return found


def _known() -> Connection | None:
    """The account that is to be connected again, if the request names one."""
    public_id = request.values.get("again", "")[:40]
    return access.connection(public_id) if public_id else None


# By signing in at the service


def _leave(service: Service, again: Connection | None) -> Response:
    """A page that leads on to the service by itself.

    No redirect: many a CRM's policy holds the redirects of a form against ``form-action``, and this isn't one.
    """
    address = oauth.begin(
        service.oauth(),
        user_key=_user_key(),
        redirect_url=callback_url(service.name),
        reconnect=again.public_id if again is not None else None,
        login_hint=again.account_name if again is not None else "",
        for_host=desk().page.public_id,
    )
    answer = make_response(render("calendar_leave.html", label=service.label, address=address))
    answer.headers["Refresh"] = f"0; url={address}"
    return answer


def _user_key() -> str:
    """Who is logged in, whoever's calendars are being looked after."""
    return str(desk().own.id)


@blueprint.get("/calendars/callback/<name>")
def connected(name: str) -> ResponseReturnValue:
    """Take up what a service has given to the browser."""
    service = _offered(name)
    if service.sign is not Sign.OAUTH:
        raise access.missing()
    check_rate("connect")
    try:
        granted = oauth.finish(
            service.oauth(),
            request.args,
            user_key=_user_key(),
            redirect_url=callback_url(service.name),
        )
        host = access.look_after(_host_of(granted.for_host))
        made = service.sign_in(host, granted)
    except SignInRefused as error:
        notices.tell(str(error.description), kind="warning")
        return back()
    except ProviderProblem as problem:
        session().rollback()
        notices.tell(calendar_words.refused(problem, service.label, service.sign), kind="warning")
        return back()
    again = session().scalar(sa.select(Connection).where(Connection.public_id == (granted.reconnect or "")))
    return _tell(made, again, links=service.links)


def _host_of(page_id: str) -> t.Any:
    found = session().scalar(sa.select(BookingPage).where(BookingPage.public_id == page_id))
    if found is None:
        raise OAuthStateRefused
    return found.host


# By a form


def _fields(service: Service) -> tuple[str, ...]:
    if service.sign is Sign.ADDRESS:
        return ("address",)
    # A service of the CRM's own knows where it is.
    return ("url", "username", "password") if service.name == "caldav" else ("username", "password")


def _typed(service: Service) -> dict[str, t.Any]:
    return {name: request.form.get(name, "")[:_LONGEST].strip() for name in _fields(service)}


def _place() -> Place | None:
    asked = request.values.get("at", "")
    return next((one for one in PLACES if one.name == asked), None)


def _shown(service: Service, again: Connection | None) -> Form:
    values = dict.fromkeys(_fields(service), "")
    place = _place()
    if again is not None and again.provider == service.name and service.sign is Sign.PASSWORD:
        if "url" in values:
            values["url"] = str(again.settings.get("url") or "")
        try:
            values["username"] = str(secret_of(again).get("username") or "")
        except ProviderProblem:
            values["username"] = again.account_name
    elif place is not None and "url" in values:
        values["url"] = place.url
    return Form(values, LABELS)


def _form_page(service: Service, again: Connection | None, form: Form | None = None) -> str:
    form = form or _shown(service, again)
    for secret in ("password", "address"):  # what opens an account is typed again, and never shown
        if secret in form.values:
            form.values[secret] = ""
    return render("calendar_connect.html", form=form, service=service, place=_place(), again=again, said=calendar_words)


def _opened(service: Service, form: Form, again: Connection | None) -> Connected:
    values = form.values
    if service.sign is Sign.ADDRESS:
        secret, settings, name = {"address": values["address"]}, {}, ""
    else:
        secret = {"username": values["username"], "password": values["password"]}
        settings, name = {"url": values["url"]} if "url" in values else {}, values["username"]
    return service.open_account(
        desk().host,
        secret=secret,
        settings=settings,
        name=name,
        reconnect=again.public_id if again is not None else None,
    )


def _tell(made: Connected, again: Connection | None, *, links: bool) -> ResponseReturnValue:
    account = made.connection.account_name
    if made.other and again is not None:
        text = _(
            "You signed in as %(account)s, and wanted to connect %(other)s again. Both are here now: %(other)s still "
            "waits for you, and no calendar was changed.",
            account=account,
            other=again.account_name,
        )
        notices.tell(text, kind="warning")
    elif made.created and links:
        notices.tell(_("%(account)s is connected, and makes links for your meetings.", account=account))
    elif made.created:
        notices.tell(_("%(account)s is connected, and its calendar is being read.", account=account))
    elif links:
        notices.tell(_("%(account)s is connected again.", account=account))
    else:
        notices.tell(_("%(account)s is connected again. Its calendars are as they were.", account=account))
    return redirect(url_for("booking_settings.calendars"), 303)
