"""Everybody reads their own language, along the whole way and in each mail."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_booking.catalog import host_of
from flask_booking.errors import BookingConfigError
from flask_booking.i18n import languages, text_direction, use_locale
from flask_booking.messages.gather import invite, view_of
from flask_booking.messages.invitation import Method
from flask_booking.messages.render import render
from flask_booking.messages.view import Kind, Reader
from flask_booking.models import Booking
from flask_booking.models.columns import utcnow
from flask_booking.scheduling.hooks import happening
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.people import Bookable, make_bookable
from tests.public.guest import book, bookings, choose, form_to, heading, manage, send, text_of
from tests.settings.test_news import logged_in

ALL = ("ar", "de", "en", "es", "fr", "ja", "pt")
PAGE = "/book/ann"


def tongue(page: str) -> tuple[str, str]:
    found = re.search(r'<html lang="([\w-]+)" dir="(\w+)"', page)
    assert found, page[:300]
    return found[1], found[2]


@pytest.mark.parametrize("language", ALL)
def test_a_link_s_language_stays_along_the_whole_way(ann: Bookable, client: FlaskClient, language: str) -> None:
    expected = language, text_direction(language)
    page = client.get(f"{PAGE}?lang={language}")
    event = re.search(r'href="(/book/ann/intro[^"]*)"', page.text)
    assert event
    confirmation = book(client, event[1].replace("&amp;", "&"))
    way = [page, client.get(event[1]), client.get(confirmation)]
    assert f"lang={language}" in confirmation
    own = manage(confirmation)
    way += [client.get(f"{own}/reschedule"), client.get(f"{own}/cancel"), client.get(f"{event[1]}&zones=1")]
    for shown in way:
        assert shown.status_code == 200
        assert tongue(shown.text) == expected
        assert shown.headers["Content-Language"] == language
        assert "Accept-Language" in shown.headers["Vary"]
    booking = session().query(Booking).one()
    assert booking.guest_locale == language
    assert client.get(f"{own}/invite.ics").status_code == 200
    cancel = form_to(way[4], "/cancel")
    assert client.post(cancel.action, data=cancel.values).status_code == 303


@pytest.mark.parametrize("language", ALL)
def test_each_mail_can_be_read_in_each_language(ann: Bookable, client: FlaskClient, language: str) -> None:
    book(client, f"{PAGE}/intro?lang={language}")
    booking = session().query(Booking).one()
    ann.host.locale = language
    for reader in Reader:
        view = view_of(booking, reader)
        for kind in Kind:
            mail = render(kind, reader, view)
            assert f'lang="{language}" dir="{text_direction(language)}"' in mail.html
            assert "%(" not in mail.subject + mail.text
        assert "%(" not in invite(view, reader, Method.REQUEST, "b@example.com", utcnow()).description
    assert "%(" not in happening(booking, booking.history[0]).subject


def test_guest_and_host_read_one_meeting_in_two_languages(ann: Bookable, client: FlaskClient) -> None:
    book(client, f"{PAGE}/intro?lang=de")
    booking = session().query(Booking).one()
    guest = render(Kind.BOOKED, Reader.GUEST, view_of(booking, Reader.GUEST))
    host = render(Kind.BOOKED, Reader.HOST, view_of(booking, Reader.HOST))
    assert "Ihr Termin ist gebucht" in guest.text
    assert "Sam Hill booked a meeting" in host.text
    # The language of the invitations in both mails, of the activity, and of the page that the mail leads to.
    said = invite(view_of(booking, Reader.GUEST), Reader.GUEST, Method.REQUEST, "b@example.com", utcnow())
    assert said.summary == "Intro mit Ann Meyer"
    assert happening(booking, booking.history[0]).subject == "Meeting booked: Intro"
    assert heading(client.get(f"/book/manage/{booking.manage_token}")) == "Ihr Termin"


def test_a_message_is_written_in_the_language_its_reader_reads_when_it_is_sent(
    ann: Bookable, client: FlaskClient
) -> None:
    book(client, f"{PAGE}/intro")
    booking = session().query(Booking).one()
    assert "Your meeting is coming up" in render(Kind.REMINDER, Reader.GUEST, view_of(booking, Reader.GUEST)).text
    booking.guest_locale = "de"
    assert "Ihr Termin steht bevor" in render(Kind.REMINDER, Reader.GUEST, view_of(booking, Reader.GUEST)).text


@pytest.mark.parametrize(
    ("link", "browser", "host", "read"),
    [
        ("fr", "de", "ja", "fr"),
        ("xx", "de", "ja", "de"),
        (None, "nl, de-CH;q=0.9, en;q=0.8", "ja", "de-CH"),
        (None, "nl", "ja", "ja"),
        (None, "nl", "nl", "en"),
        (None, "", "pt_BR", "pt-BR"),
        ("../../etc", "*", "de", "de"),
    ],
)
def test_link_comes_before_browser_before_host(
    ann: Bookable, client: FlaskClient, link: str | None, browser: str, host: str, read: str
) -> None:
    ann.host.locale = host
    session().commit()
    for path in (PAGE, f"{PAGE}/intro"):
        page = client.get(path, query_string={"lang": link} if link else {}, headers={"Accept-Language": browser})
        assert tongue(page.text)[0] == read


def test_every_page_leads_to_itself_in_the_other_languages(ann: Bookable, client: FlaskClient) -> None:
    page = client.get(f"{PAGE}/intro?tz=Asia/Tokyo&lang=de")
    assert '<a href="?tz=Asia%2FTokyo&amp;lang=ja" lang="ja" hreflang="ja" rel="nofollow">日本語</a>' in page.text
    assert '<span lang="de" aria-current="true">Deutsch</span>' in page.text
    # What was typed would be lost, and the address alone doesn't lead back.
    form = form_to(page, "/hold")
    assert "日本語" not in client.post(form.action, data={**form.values, "start": "x"}).text


def test_the_form_comes_in_another_language_with_what_was_typed(ann: Bookable, client: FlaskClient) -> None:
    page = choose(client, f"{PAGE}/intro?tz=Asia/Tokyo")
    assert "hreflang" not in page.text
    action = german(page)
    typed = {**form_to(page, "/details").values, "name": "Sam Hill", "notes": "Two\nlines", "again": "de"}
    shown = client.post(action, data=typed)
    assert (shown.status_code, tongue(shown.text)[0]) == (200, "de")
    assert bookings() == []
    assert 'role="alert"' not in shown.text, "nothing is amiss yet"
    form = form_to(shown, "/details")
    assert form.values | {"name": "Sam Hill", "start": typed["start"], "hold": typed["hold"]} == form.values
    refused = client.post(form.action, data={**form.values, "email": "sam"})
    assert (refused.status_code, tongue(refused.text)[0]) == (422, "de")
    assert ">日本語</button>" in refused.text
    assert client.post(form.action, data={**form.values, "email": "sam@example.com"}).status_code == 303
    assert bookings()[0].guest_locale == "de"


def test_times_offered_instead_come_in_another_language_too(ann: Bookable, client: FlaskClient) -> None:
    event = ann.another(slug="unheld", hold_minutes=0)
    page = choose(client, f"{PAGE}/{event.slug}?tz=Asia/Tokyo")
    book(client, f"{PAGE}/{event.slug}?tz=Asia/Tokyo", email="else@example.com")
    taken = send(client, page)
    assert taken.status_code == 409
    values = form_to(taken, "/details").values
    shown = client.post(german(taken), data={**values, "again": "de"})
    assert (shown.status_code, tongue(shown.text)[0]) == (200, "de")
    assert form_to(shown, "/details").starts == form_to(taken, "/details").starts
    assert len(bookings()) == 1


def german(page: TestResponse) -> str:
    """Where the form's button for German sends it."""
    found = re.search(r'<button form="form" formaction="([^"]+)" formnovalidate[^>]*>Deutsch</button>', page.text)
    assert found
    return html.unescape(found[1])


def test_search_engines_learn_of_each_language(ann: Bookable, client: FlaskClient) -> None:
    found = re.findall(r'rel="alternate" hreflang="([\w-]+)" href="([^"]+)"', client.get(f"{PAGE}?lang=de").text)
    assert [tag for tag, _url in found] == [*ALL, "x-default"]
    assert ("de", "http://localhost/book/ann?lang=de") in found
    assert "alternate" not in client.get(f"{PAGE}/intro?tz=Asia/Tokyo").text


def test_an_operator_offers_few_languages_and_says_what_others_read(make_app: MakeApp) -> None:
    app = make_app("sqlite://", BOOKING_LANGUAGES=["de", "fr"], BOOKING_DEFAULT_LOCALE="fr")
    with app.app_context():
        ann = make_bookable(app)
        ann.host.locale = "nl"
        session().commit()
        assert languages() == ("de", "fr")
    read = [tongue(app.test_client().get(PAGE, headers={"Accept-Language": tag}).text)[0] for tag in ("de", "ja", "")]
    assert read == ["de", "fr", "fr"]


def test_one_language_is_everybodys_also_theirs_who_chose_another_before(make_app: MakeApp) -> None:
    app = make_app("sqlite://", BOOKING_LANGUAGES=["de"])
    with app.app_context():
        ann = make_bookable(app)
        ann.host.locale = "en_US"
        session().commit()
        client = logged_in(app, ann.user)
        assert ann.host.language == "de"
    english = {"Accept-Language": "en-US"}
    assert tongue(app.test_client().get(PAGE, headers=english).text)[0] == "de"
    assert "Nichts wartet auf Sie" in client.get("/settings/booking/", headers=english).text


def test_a_crm_s_own_catalogue_comes_first_and_adds_languages(make_app: MakeApp, tmp_path: Path) -> None:
    for language, own in (("de", "Such dir einen Tag aus"), ("nl", "Kies een dag")):
        catalogue = Catalog(locale=language)
        catalogue.add("Choose a day", own)
        folder = tmp_path / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        with (folder / "booking.po").open("wb") as file:
            write_po(file, catalogue)
    app = make_app("sqlite://", BOOKING_TRANSLATIONS=str(tmp_path))
    with app.app_context():
        make_bookable(app)
        assert "nl" in languages()
    dutch, german = (text_of(app.test_client().get(f"{PAGE}/intro?lang={tag}")) for tag in ("nl", "de"))
    assert "Kies een dag" in dutch
    assert "Such dir einen Tag aus" in german
    assert "Zum Inhalt springen" in german


def test_the_api_answers_in_the_language_asked_for(ann: Bookable, client: FlaskClient) -> None:
    answer = client.get("/api/booking/v1/public/nobody", headers={"Accept-Language": "nl, de;q=0.5"})
    german = "Unter dieser Adresse gibt es nichts zu buchen."  # codespell:ignore unter,adresse
    assert answer.get_json()["detail"] == german


def test_a_host_reads_the_screens_in_the_language_chosen(app: Flask, ann: Bookable) -> None:
    client = logged_in(app, ann.user)
    values = {"time_zone": "UTC", "week_start": "0", "active": "yes", "notify_by_email": "yes"}
    assert client.post("/settings/booking/you", data={**values, "locale": "xx"}).status_code == 422
    assert client.post("/settings/booking/you", data={**values, "locale": "en_US"}).status_code == 303
    session().refresh(ann.host)
    assert ann.host.locale == "en_US"
    assert client.post("/settings/booking/you", data={**values, "locale": "ar"}).status_code == 303
    screen = client.get("/settings/booking/").text
    assert '<div lang="ar" dir="rtl">' in screen
    assert '<html lang="en"' in screen  # the CRM's own page is its own business


def test_the_crm_says_which_language_a_user_reads(app: Flask, ann: Bookable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(app.extensions["booking"].crm), "locale_of", lambda _crm, _user: "de_AT")
    screen = logged_in(app, ann.user).get("/settings/booking/you").text
    assert '<div lang="de-AT" dir="ltr">' in screen
    assert 'name="locale"' not in screen


def test_the_week_begins_as_in_the_country_with_most_readers(ann: Bookable, client: FlaskClient) -> None:
    def first(tag: str) -> str:
        found = re.search(r'<th scope="col"><abbr title="([^"]+)"', client.get(f"{PAGE}/intro?lang={tag}").text)
        assert found
        return found[1]

    assert [first(tag) for tag in ("de", "en", "en-US", "pt", "ar")] == [
        "Montag",
        "Monday",
        "Sunday",
        "domingo",
        "السبت",
    ]


def test_a_phone_number_keeps_its_order_where_script_runs_from_right_to_left(ann: Bookable) -> None:
    from flask_booking.public.form import where

    with use_locale("ar"):
        assert "\u200e+1 555 010\u200e" in where({"kind": "phone_host", "text": "+1 555 010"})
    with use_locale("de"):
        assert "\u200e" not in where({"kind": "phone_host", "text": "+1 555 010"})


def test_who_becomes_a_host_begins_as_the_browser_is_set(app: Flask) -> None:
    with app.app_context():
        from example_app.models import User

        user = User(email="kim@example.com", name="Kim", time_zone="UTC", password_hash="-")
        session().add(user)
        session().commit()
        screen = logged_in(app, user).get("/settings/booking/you", headers={"Accept-Language": "nl, pt-BR"}).text
        host = host_of(user)
        assert host is not None
        assert (host.locale, host.week_start) == ("pt_BR", 6)
        assert '<option value="pt_BR" selected>Português (Brasil)</option>' in screen


def test_a_countrys_name_offers_its_language(make_app: MakeApp) -> None:
    app = make_app("sqlite://", BOOKING_LANGUAGES=["pt-BR", "de"])
    with app.app_context():
        assert languages() == ("de", "pt")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"BOOKING_LANGUAGES": "de"}, 'BOOKING_LANGUAGES is a list: ["de"]'),
        ({"BOOKING_LANGUAGES": ["German"]}, "BOOKING_LANGUAGES: 'German' is no code of a language"),
        ({"BOOKING_LANGUAGES": ["de", "nl"]}, "there are no words in 'nl', only in ar, de, en, es, fr, ja, pt"),
        ({"BOOKING_DEFAULT_LOCALE": "English"}, "BOOKING_DEFAULT_LOCALE: 'English' is no code of a language"),
    ],
)
def test_languages_that_nobody_can_be_spoken_to_in_are_refused(
    make_app: MakeApp, setting: dict[str, Any], words: str
) -> None:
    with pytest.raises(BookingConfigError, match=re.escape(words)):
        make_app("sqlite://", **setting)
