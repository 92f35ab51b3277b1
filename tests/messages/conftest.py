"""Whose mails are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_booking import catalog
from flask_booking.models import MessageRule, OutboxMessage
from flask_booking.state import session
from tests.fixtures.mail import MailServer
from tests.fixtures.people import Bookable, make_bookable


@pytest.fixture
def ann(make_app: Callable[..., Flask], database_url: str, smtp: MailServer) -> Iterator[Bookable]:
    """Ann, whose mails go to the real mail server of the test."""
    app = make_app(
        database_url,
        BOOKING_MAIL_URL=smtp.url,
        BOOKING_MAIL_FROM="Rowan CRM <bookings@example.com>",
        BOOKING_PUBLIC_URL="https://crm.example.com/app",
    )
    with app.app_context():
        made = make_bookable(app)
        # In place of the one a day before, which a meeting of tomorrow has before noon alone.
        rule = session().scalars(sa.select(MessageRule)).one()
        catalog.save_rule(made.host, {"minutes": -60, "anchor": "start", "audience": "guest"}, rule)
        for message in session().scalars(sa.select(OutboxMessage)):
            session().delete(message)
        session().commit()
        yield made
