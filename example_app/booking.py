"""How this CRM takes up booking: which of its columns mean what, and where its mails go.

Everything a CRM has to write for it is in this module, in one line of ``create_app``, and in one migration.
"""

from __future__ import annotations

from email.message import EmailMessage

from flask import Flask, current_app, url_for

from example_app.extensions import db
from example_app.models import Activity, Contact, Mail, User
from flask_booking import CRM, ActivityFields, ContactFields, FlaskBooking, UserFields
from flask_booking.domains import Claim, check_dns
from flask_booking.models import HistoryKind

# What operators of the CRM set once, for the CRM and for booking.
SHARED = {
    "BASE_URL": "BOOKING_PUBLIC_URL",
    "MAIL_SENDER": "BOOKING_MAIL_FROM",
    "MAIL_URL": "BOOKING_MAIL_URL",
    "REDIS_URL": "BOOKING_REDIS_URL",
}


class RowanCRM(CRM):
    """The CRM's tables by the names of their columns, and two methods for what names can't say."""

    def __init__(self) -> None:
        super().__init__(
            User,
            Contact,
            Activity,
            user_fields=UserFields(time_zone="time_zone", is_admin="is_admin"),
            contact_fields=ContactFields(phone="phone", owner="owner_id", deleted="archived_at"),
            activity_fields=ActivityFields(
                author="user_id",
                kind="kind",
                subject="subject",
                body="body",
                time="happened_at",
                # The timeline knows four kinds only; whatever happens to a booking is a meeting there.
                kinds=dict.fromkeys(HistoryKind, "meeting"),
            ),
        )

    def contact_url(self, contact: Contact) -> str | None:
        return url_for("contacts.show", contact_id=contact.id)

    def send_mail(self, message: EmailMessage) -> bool:
        """Keep mails for the mailbox page while no mail server is configured."""
        if current_app.config["BOOKING_MAIL_URL"]:
            return False
        db.session.add(Mail.of(message))
        db.session.commit()
        return True


def check_domain(claim: Claim) -> str:
    """What a customer's domain still lacks; names of this machine need no records, so that the demo can have some."""
    local = current_app.config["DEMO"] and claim.name.endswith(".localhost")
    return "" if local else check_dns(claim)


def init_app(app: Flask) -> None:
    for ours, theirs in SHARED.items():
        app.config.setdefault(theirs, app.config[ours])
    app.config.setdefault("BOOKING_DOMAIN_CHECK", check_domain)
    FlaskBooking().init_app(app, db, crm=RowanCRM())
