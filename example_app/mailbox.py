"""Mails the CRM kept because it has no mail server: each as its reader would see it, and as it would travel.

In the demo everybody may look, because the guest who books a meeting has no account here.
"""

from __future__ import annotations

import re
from email.message import EmailMessage

from flask import Blueprint, Response, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import or_, select
from sqlalchemy.orm import defer

from example_app.extensions import db, login_manager
from example_app.models import Mail
from example_app.pages import paged

bp = Blueprint("mailbox", __name__, url_prefix="/mailbox")

PER_PAGE = 20

# A foreign document: no script, no form, no request elsewhere. Its links open in a tab of their own.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
MAIL_POLICY = (
    f"sandbox {SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'none'; frame-ancestors 'self'"
)


@bp.before_request
def require_reader() -> ResponseReturnValue | None:
    if current_app.config["DEMO"] or current_user.is_authenticated:
        return None
    answer: ResponseReturnValue = login_manager.unauthorized()
    return answer


def text_of(message: EmailMessage, subtype: str) -> str | None:
    """The body part ``text/<subtype>``, or None when the mail has none."""
    part = message.get_body((subtype,))
    return str(part.get_content()) if part is not None else None


def calendar_of(message: EmailMessage) -> tuple[str, str] | None:
    """Method (``REQUEST``, ``CANCEL`` …) and text of the mail's calendar part, or None."""
    for part in message.walk():
        if part.get_content_type() == "text/calendar":
            payload = part.get_payload(decode=True)
            text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)
            method = part.get_param("method")
            return (method if isinstance(method, str) else "PUBLISH").upper(), text
    return None


@bp.get("/")
def index() -> str:
    q = request.args.get("q", "").strip()
    query = select(Mail).options(defer(Mail.raw)).order_by(Mail.sent_at.desc(), Mail.id.desc())
    if q:
        query = query.where(
            or_(Mail.recipient.icontains(q, autoescape=True), Mail.subject.icontains(q, autoescape=True))
        )
    page = paged(query, PER_PAGE)
    return render_template("crm/mailbox.html", page=page, q=q)


@bp.get("/<key:mail_id>")
def show(mail_id: int) -> str:
    mail = db.get_or_404(Mail, mail_id)
    message = mail.message
    return render_template(
        "crm/mail.html",
        mail=mail,
        reply_to=message["Reply-To"],
        headers="\n".join(f"{name}: {value}" for name, value in message.items()),
        text=text_of(message, "plain"),
        has_html=message.get_body(("html",)) is not None,
        calendar=calendar_of(message),
        attachments=[
            (number, part.get_filename() or "Attachment")
            for number, part in enumerate(message.iter_attachments())
            if part.get_content_type() not in {"text/calendar", "application/ics"}
        ],
        sandbox=SANDBOX,
    )


@bp.get("/<key:mail_id>/html")
def html(mail_id: int) -> Response:
    """The HTML body alone, for the sandboxed frame on the mail's page."""
    body = text_of(db.get_or_404(Mail, mail_id).message, "html")
    if body is None:
        abort(404)
    base = '<base target="_blank">'
    page, heads = re.subn(r"<head[^>]*>", lambda head: head[0] + base, body, count=1, flags=re.IGNORECASE)
    response = Response(page if heads else base + body, mimetype="text/html")
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@bp.get("/<key:mail_id>/calendar.ics")
def calendar(mail_id: int) -> Response:
    found = calendar_of(db.get_or_404(Mail, mail_id).message)
    if found is None:
        abort(404)
    return download(found[1].encode(), "text/calendar; charset=utf-8", "invite.ics")


@bp.get("/<key:mail_id>/attachments/<key:number>")
def attachment(mail_id: int, number: int) -> Response:
    parts = list(db.get_or_404(Mail, mail_id).message.iter_attachments())
    if number >= len(parts):
        abort(404)
    content = parts[number].get_payload(decode=True)
    name = parts[number].get_filename() or f"attachment-{number + 1}"
    return download(content if isinstance(content, bytes) else b"", "application/octet-stream", name)


@bp.get("/<key:mail_id>/raw.eml")
def raw(mail_id: int) -> Response:
    return download(db.get_or_404(Mail, mail_id).raw, "message/rfc822", f"mail-{mail_id}.eml")


def download(content: bytes, mimetype: str, name: str) -> Response:
    """A file to save; a browser is never to show what a stranger wrote as a page of ours."""
    response = Response(content, content_type=mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
