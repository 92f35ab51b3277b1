"""Each mail says the right thing to each reader, in HTML and in text, and a CRM can change it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Blueprint, Flask
from jinja2 import ChoiceLoader, DictLoader

from flask_booking.messages.render import render
from flask_booking.messages.view import Kind, Reader
from tests.messages.made import STARTS, view


@pytest.fixture
def bare() -> Iterator[Flask]:
    """An app that has our templates and nothing else; no request is running."""
    app = Flask(__name__)
    app.register_blueprint(Blueprint("booking", "flask_booking", template_folder="templates"))
    with app.app_context():
        yield app


class Tags(HTMLParser):
    """Counts what opens and closes, and collects texts and addresses."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


EVERY = [(kind, reader) for kind in Kind for reader in Reader]


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(("kind", "reader"), EVERY)
def test_every_mail_names_meeting_time_and_people(kind: Kind, reader: Reader) -> None:
    made = render(kind, reader, view(by="guest", reason="A dentist.", previous_starts=STARTS - dt.timedelta(days=1)))
    tags = Tags(made.html)
    assert tags.open == []
    other = "Ann Meyer" if reader is Reader.GUEST else "Grace Hopper"
    for text in (made.text, tags.text):
        for words in ("Consultation", "Thursday, 3 December 2026", "14:00 – 15:00", other):
            assert words in text
    assert "Consultation" in made.subject
    assert other in made.subject
    assert "\n" not in made.subject
    assert "%(" not in made.subject + made.text + made.html
    assert "None" not in made.text


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(("kind", "reader"), EVERY)
def test_a_meeting_with_nothing_but_a_time_makes_a_mail_too(kind: Kind, reader: Reader) -> None:
    bare_view = view(
        **dict.fromkeys(
            ("guest_phone", "guest_zone", "location_kind", "location_text", "location_url", "description", "notes"), ""
        ),
        **dict.fromkeys(("policy", "manage_url", "reschedule_url", "cancel_url", "booking_url", "crm_url"), ""),
        answers=(),
    )
    made = render(kind, reader, bare_view)
    assert Tags(made.html).open == []
    assert not re.search(r": *$", made.text, re.MULTILINE)


@pytest.mark.usefixtures("bare")
def test_the_guests_secret_links_are_in_the_guests_mail_alone() -> None:
    for kind in Kind:
        host_mail = render(kind, Reader.HOST, view())
        assert "/manage/" not in host_mail.text + host_mail.html
    links = Tags(render(Kind.BOOKED, Reader.GUEST, view()).html).links
    assert "https://crm.example.com/book/manage/tok/reschedule" in links
    assert "https://crm.example.com/book/manage/tok/cancel" in links
    assert not [link for link in links if "/settings/" in link]


@pytest.mark.usefixtures("bare")
def test_a_cancelled_meeting_can_be_booked_again_but_not_joined() -> None:
    made = render(Kind.CANCELLED, Reader.GUEST, view())
    assert Tags(made.html).links == ["https://crm.example.com/book/ann/consultation"]
    assert "meet.example.com" not in made.text


@pytest.mark.usefixtures("bare")
def test_a_mail_without_calendar_part_promises_none() -> None:
    assert "attached" in render(Kind.BOOKED, Reader.GUEST, view()).text
    assert "attached" not in render(Kind.CANCELLED, Reader.GUEST, view(attached=False)).text


@pytest.mark.usefixtures("bare")
def test_what_a_guest_typed_is_text() -> None:
    evil = '"><script>alert(1)</script><a href="https://evil.example.com">'
    made = render(Kind.BOOKED, Reader.HOST, view(guest_name=evil, notes=evil, guest_phone=evil, reason=evil))
    assert "<script" not in made.html
    assert not [link for link in Tags(made.html).links if "evil" in link]


@pytest.mark.usefixtures("bare")
def test_a_colour_cannot_carry_a_style() -> None:
    made = render(Kind.BOOKED, Reader.GUEST, view(accent="red;background:url(https://evil.example.com)"))
    assert "evil" not in made.html


@pytest.mark.usefixtures("bare")
def test_each_reader_has_the_own_clock_and_language() -> None:
    made = render(Kind.BOOKED, Reader.HOST, view(reader_zone="America/New_York", locale="en_US"))
    assert "Thursday, December 3, 2026, 8:00 – 9:00 AM (America/New York)" in made.text
    assert "For the guest: 2:00 – 3:00 PM, Paris (UTC+1)" in made.text
    arabic = render(Kind.BOOKED, Reader.GUEST, view(locale="ar", description="No preparation needed."))
    assert '<html lang="ar" dir="rtl"' in arabic.html
    assert 'unicode-bidi:plaintext;text-align:right">No preparation needed.' in arabic.html


@pytest.mark.usefixtures("bare")
def test_a_hosts_own_words_replace_ours_but_not_the_facts() -> None:
    made = render(
        Kind.REMINDER,
        Reader.GUEST,
        view(),
        subject_template="Soon: {title}\r\nBcc: x",
        body_template="Dear {guest_first_name},\n\nbring {unknown} cake.",
    )
    assert made.subject == "Soon: Consultation Bcc: x"
    assert made.text.startswith("Dear Grace,\n\nbring {unknown} cake.\n\nWhat: Consultation\n")
    assert "Dear Grace," in made.html
    assert "<h1" not in made.html


@pytest.mark.parametrize("trim", [True, False])
def test_the_text_is_the_same_whatever_whitespace_the_crm_prefers(bare: Flask, trim: bool) -> None:
    usual = {kind: render(kind, Reader.HOST, view()).text for kind in Kind}
    other = Flask(__name__)
    other.jinja_options = {"trim_blocks": trim, "lstrip_blocks": trim}
    other.register_blueprint(Blueprint("booking", "flask_booking", template_folder="templates"))
    with other.app_context():
        assert {kind: render(kind, Reader.HOST, view()).text for kind in Kind} == usual


def test_a_crm_overrides_one_mail_or_a_part_of_it(bare: Flask) -> None:
    own = DictLoader(
        {
            "booking/mail/guest/booked.txt": "Ours: {{ view.title }}",
            "booking/mail/cancelled.html": (
                "{% extends 'booking/mail/message.html' %}{% block opening %}<h1>Oh no</h1>{% endblock %}"
            ),
        }
    )
    bare.jinja_env.loader = ChoiceLoader([own, bare.jinja_env.loader])  # type: ignore[list-item]
    assert render(Kind.BOOKED, Reader.GUEST, view()).text == "Ours: Consultation\n"
    assert "Ours" not in render(Kind.BOOKED, Reader.HOST, view()).text
    cancelled = render(Kind.CANCELLED, Reader.GUEST, view()).html
    assert "<h1>Oh no</h1>" in cancelled
    assert "Consultation" in cancelled


@pytest.mark.usefixtures("bare")
def test_a_mail_is_small_enough_not_to_be_clipped() -> None:
    assert max(len(render(kind, reader, view()).html.encode()) for kind, reader in EVERY) < 16_000


def test_every_text_is_translatable() -> None:
    folder = Path(__file__).parents[2] / "flask_booking" / "templates" / "booking" / "mail"
    not_words = r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<style.*?</style>|<!--.*?-->|<[^>]*>|&#?\w+;"
    for file in folder.glob("*.*"):
        assert not re.search(r"[A-Za-z]{3}", re.sub(not_words, "", file.read_text(), flags=re.DOTALL)), file.name
