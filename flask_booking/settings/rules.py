"""Reminders and follow-ups: when, to whom and in which words, seen before anybody gets them."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from .. import catalog
from ..errors import BookingConfigError, InvalidInput, frames_of
from ..i18n import gettext as _
from ..i18n import sentences
from ..messages.rules import preview, send_test
from ..messages.transport import MailError
from ..messages.variables import VARIABLES
from ..models import EventType, MessageRule
from ..state import crm, session
from . import access, forms_rule, notices, own_forms, undo
from .access import desk
from .blueprint import blueprint
from .forms import Form
from .screen import fragment, render

_log = logging.getLogger(__name__)

# A mail carries its styles in its tags.  It may show itself and nothing else: no script, no form, no frame around it
# but ours.
_MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)


@blueprint.get("/messages")
def rules() -> ResponseReturnValue:
    """The host's rules, in the order of time."""
    rows = session().scalars(
        sa.select(MessageRule).where(MessageRule.host_id == desk().host.id).order_by(MessageRule.id)
    )
    titles = {event.id: event.title for event in desk().page.event_types}
    return render(
        "rules.html",
        rules=sorted(rows, key=lambda rule: (rule.anchor.value == "end", rule.minutes, rule.id)),
        titles=titles,
    )


@blueprint.route("/messages/new", methods=["GET", "POST"])
def new_rule() -> ResponseReturnValue:
    """The form of a new rule."""
    form = own_forms.begin("rule", None, Form(forms_rule.blank(), forms_rule.LABELS))
    return _page(None, form) if request.method == "GET" else _save(None, form)


@blueprint.route("/messages/<public_id>", methods=["GET", "POST"])
def edit_rule(public_id: str) -> ResponseReturnValue:
    """The form of a rule."""
    rule = access.rule(public_id)
    form = own_forms.begin("rule", rule, Form(forms_rule.shown(rule), forms_rule.LABELS))
    return _page(rule, form) if request.method == "GET" else _save(rule, form)


@blueprint.post("/messages/<public_id>/active")
def set_rule_active(public_id: str) -> ResponseReturnValue:
    """Switch on or off."""
    rule, active = access.rule(public_id), request.form.get("active") == "1"
    catalog.save_rule(desk().host, {**undo.of_rule(rule), "active": active}, rule)
    text = _("This message is sent again.") if active else _("This message isn't sent any more.")
    notices.tell(text, undo=("rule_active", {"id": rule.public_id, "active": not active}))
    return redirect(url_for("booking_settings.rules"), 303)


@blueprint.post("/messages/<public_id>/delete")
def delete_rule(public_id: str) -> ResponseReturnValue:
    """Delete, with what it has still to send."""
    rule = access.rule(public_id)
    back = undo.of_rule(rule)
    catalog.delete_rule(rule)
    notices.tell(_("The message is deleted, and what was still to be sent by it."), undo=("rule", back))
    return redirect(url_for("booking_settings.rules"), 303)


@blueprint.route("/preview/message", methods=["GET", "POST"])
def preview_rule() -> ResponseReturnValue:
    """The mail that is typed, as its reader will see it: shown in a frame of the form."""
    saved = access.rule(request.args["rule"]) if request.args.get("rule") else None
    if request.method == "POST":
        shown = forms_rule.typed(request.form)
    else:
        shown = forms_rule.shown(saved) if saved is not None else forms_rule.blank()
    values = forms_rule.values(shown)
    try:
        rendered = preview(forms_rule.draft(values, desk().host), desk().host)
    except MailError as error:
        return Response(str(error), 500, mimetype="text/plain", headers={"X-Frame-Options": "SAMEORIGIN"})
    response = Response(rendered.html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _MAIL_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@blueprint.post("/preview/variables")
def preview_variables() -> ResponseReturnValue:
    """What is probably mistyped in the words of a message, for the live preview."""
    return fragment("_unknown.html", unknown=forms_rule.unknown_text(forms_rule.typed(request.form)))


def _save(rule: MessageRule | None, form: Form) -> ResponseReturnValue:
    own_forms.read(form, forms_rule.typed(request.form))
    values = forms_rule.values(form.values)
    action = request.form.get("do", "")
    if action == "preview":
        return _page(rule, form)
    if action == "test":
        return _test(rule, form, values)
    try:
        own_forms.check(form, rule)
        kept = catalog.save_rule(desk().host, values, rule)
    except InvalidInput as error:
        form.refuse(error)
        return _page(rule, form), 422
    own_forms.saved(form, kept)
    unknown = forms_rule.unknown_text(form.values)
    text = sentences(_("The message is saved. It is planned for all coming meetings."), unknown)
    notices.tell(text, kind="warning" if unknown else "success")
    return redirect(url_for("booking_settings.rules"), 303)


def _test(rule: MessageRule | None, form: Form, values: dict[str, object]) -> ResponseReturnValue:
    address = crm().email_of(desk().host.user)
    try:
        send_test(forms_rule.draft(values, desk().host), desk().host)
    except (MailError, BookingConfigError) as error:
        form.problem = _("The test wasn't sent: %(why)s.", why=str(error))
        return _page(rule, form), 502
    except Exception as error:
        # The CRM's own mailer may raise anything; its text may hold addresses.
        _log.error("the CRM's send_mail failed for a test message: %s\n%s", type(error).__name__, frames_of(error))
        session().rollback()
        form.problem = _("The test wasn't sent. The CRM's log says why.")
        return _page(rule, form), 502
    return _page(rule, form, sent_to=address)


def _page(rule: MessageRule | None, form: Form, sent_to: str = "") -> str:
    values = forms_rule.values(form.values)
    offered = EventType.hosts.any(id=desk().host.id) & EventType.archived_at.is_(None)
    if rule is not None and rule.event_type_id is not None:  # else saving would make it a rule for all event types
        offered |= EventType.id == rule.event_type_id
    events = session().scalars(sa.select(EventType).where(offered).order_by(EventType.position, EventType.id))
    return render(
        "rule.html",
        rule=rule,
        form=form,
        events=events.all(),
        variables=VARIABLES,
        unknown=forms_rule.unknown_text(form.values),
        rendered=preview(forms_rule.draft(values, desk().host), desk().host),
        sent_to=sent_to,
    )
