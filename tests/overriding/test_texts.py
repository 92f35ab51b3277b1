"""Single texts in a CRM's own words, wherever they are said."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_booking.errors import BookingConfigError
from flask_booking.messages.delivery import compose_message
from flask_booking.models import OutboxMessage
from flask_booking.state import session
from flask_booking.texts import own_texts
from tests.fixtures.apps import MakeApp
from tests.fixtures.people import make_bookable
from tests.overriding.conftest import logged_in
from tests.public.guest import book, choose, heading, send, text_of

OWN = {
    "Your details": "About you",
    "Your booking page": "Your page for clients",
    "Please enter your name.": "We need a name.",
    "This page doesn't exist": "No such page here",
    "Confirmed: %(title)s with %(host)s, %(when)s": "See you on %(when)s",
    "de": {"Your details": "Zu Ihnen"},
    "de-AT": {"Your details": "Zu Eurer Person"},
}


@pytest.fixture
def worded(make_app: MakeApp, database_url: str) -> Flask:
    return make_app(database_url, BOOKING_TEXTS=OWN)


def test_own_words_are_said_on_pages_screens_errors_and_in_mails(worded: Flask) -> None:
    screens = logged_in(worded)
    assert "Your page for clients" in screens.get("/settings/booking/").text
    client = worded.test_client()
    form = choose(client, "/book/ann/intro")
    assert "About you" in text_of(form)
    assert "We need a name." in text_of(send(client, form, name=""))
    assert heading(client.get("/book/nobody")) == "No such page here"
    book(client, "/book/ann/intro")
    with worded.app_context():
        subjects = [str(mail["Subject"]) for one in session().query(OutboxMessage) if (mail := compose_message(one))]
    assert any(subject.startswith("See you on ") for subject in subjects), subjects


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "Zu Ihnen"), ("de-AT", "Zu Eurer Person"), ("de-CH", "Zu Ihnen"), ("fr", "About you")],
)
def test_words_of_a_language_come_before_those_of_all(worded: Flask, language: str, words: str) -> None:
    with worded.app_context():
        make_bookable(worded)
    client = worded.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    assert words in text_of(choose(client, "/book/ann/intro"))


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"Your detail": "About you"}, "there is no text 'Your detail'; did you mean 'Your details'?"),
        (
            {"You are meeting %(host)s.": "Meet %(guest)s"},
            r"uses %(guest)s, but the text 'You are meeting %(host)s.' may",
        ),
        ({"Your details": "About %(name)s"}, "has no placeholders"),
        ({"You are meeting %(host)s.": "100 % %(host)s"}, "%% for a percent sign"),
        ({"You are meeting %(host)s.": "%(host)"}, "can't be filled in"),
        ({"Your details": ""}, "needs words"),
        ({"xx-yy-zz": {"Your details": "?"}}, "'xx-yy-zz' is no language"),
        (
            {"Your details": {"de": "Zu Ihnen"}},
            "write the language first, and in it the texts: {'de': {'Choose a day': …}}",
        ),
        ({"de": {"Your detail": "?"}}, "did you mean 'Your details'?"),
    ],
)
def test_texts_that_would_never_be_said_are_refused(texts: dict[str, object], told: str) -> None:
    with pytest.raises(BookingConfigError) as raised:
        own_texts(texts)
    assert told in str(raised.value)


def test_a_plural_is_overridden_form_by_form() -> None:
    find = own_texts({"%(num)s message wasn't sent": "One letter is stuck", "meetings": "%(num)s dates"})
    assert find is not None
    assert find("%(num)s message wasn't sent", "en") == "One letter is stuck"
    assert find("%(num)s messages weren't sent", "en") is None


def test_the_application_does_not_start_with_a_wrong_text(make_app: MakeApp, database_url: str) -> None:
    with pytest.raises(BookingConfigError, match="BOOKING_TEXTS"):
        make_app(database_url, BOOKING_TEXTS={"Nothing like it": "x"})
