"""Seeing what a rule will send before anybody gets it: a preview on the page, and a test to oneself."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import replace

import sqlalchemy as sa
from flask import current_app

from ..colour import house_accent
from ..i18n import gettext as _
from ..i18n import use_locale
from ..links import base_url
from ..models import Audience, BookingPage, Host, MessageRule
from ..models.columns import utcnow
from ..models.rule import Anchor
from ..state import crm, session
from ..zones import zone
from .delivery import compose_view, send
from .gather import absolute, house_logo
from .invitation import Person
from .render import Rendered, render
from .view import Answer, Kind, MeetingView, Reader


def kind_of(rule: MessageRule) -> Kind:
    """A reminder before the meeting, a follow-up after."""
    before = rule.minutes < 0 or (rule.minutes == 0 and rule.anchor is Anchor.START)
    return Kind.REMINDER if before else Kind.FOLLOW_UP


def preview(rule: MessageRule, host: Host) -> Rendered:
    """What the rule would send about an invented meeting of ``host``; the rule need not be saved."""
    reader = Reader.GUEST if rule.audience is Audience.GUEST else Reader.HOST
    return render(
        kind_of(rule),
        reader,
        sample_view(host),
        subject_template=rule.subject or None,
        body_template=rule.body or None,
    )


def send_test(rule: MessageRule, host: Host) -> None:
    """Send the preview to the host, now.  Raises what :func:`flask_booking.messages.delivery.send` raises."""
    reader = Reader.GUEST if rule.audience is Audience.GUEST else Reader.HOST
    me = Person(crm().display_name(host.user), crm().email_of(host.user))
    view = replace(sample_view(host), guest_email=me.email)
    mail = compose_view(
        kind_of(rule),
        reader,
        view,
        recipient=me,
        key=secrets.token_hex(),
        date=utcnow(),
        subject_template=rule.subject,
        body_template=rule.body,
    )
    with use_locale(view.locale):
        subject = _("Test: %(subject)s", subject=mail["Subject"])
    mail.replace_header("Subject", subject)
    send(mail)


def sample_view(host: Host) -> MeetingView:
    """An invented meeting of ``host``, tomorrow at ten, in the looks of the host's page."""
    tomorrow = (utcnow().astimezone(zone(host.time_zone)) + dt.timedelta(days=1)).replace(hour=10, minute=0, second=0)
    starts = tomorrow.replace(microsecond=0).astimezone(dt.UTC)
    base = base_url()
    page = session().scalar(sa.select(BookingPage).where(BookingPage.host_id == host.id).order_by(BookingPage.id))
    with use_locale(host.language):
        return MeetingView(
            uid="sample",
            sequence=0,
            title=_("Introduction"),
            starts=starts,
            ends=starts + dt.timedelta(minutes=30),
            reader_zone=host.time_zone,
            locale=host.language,
            host_names=(crm().display_name(host.user),),
            host_emails=(crm().email_of(host.user),),
            guest_name=_("Sam Sample"),
            guest_email="sam@example.com",
            guest_phone="+1 555 010 0100",
            guest_zone=host.time_zone,
            location_kind="link",
            location_text=_("Video call"),
            location_url=f"{base}/",
            answers=(Answer(_("What is it about?"), _("Getting to know each other.")),),
            manage_url=f"{base}/",
            reschedule_url=f"{base}/",
            cancel_url=f"{base}/",
            booking_url=f"{base}/",
            crm_url=f"{base}/",
            accent=(page.accent if page else "") or house_accent(),
            logo_url=absolute(page.logo_url if page else "", base) or house_logo(base),
            brand_name=current_app.config["BOOKING_BRAND_NAME"],
        )
