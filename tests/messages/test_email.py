"""A mail arrives as it was meant, whatever stands in names and subjects."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flask_booking.messages.invitation import Person
from tests.messages.made import GRACE, STAMP, invitation, mail
from tests.messages.mail_client import MailClient, calendar_part, check_calendar, check_mail
from tests.messages.test_invitation import HOSTILE


def parsed(message: EmailMessage) -> EmailMessage:
    again = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    assert isinstance(again, EmailMessage)
    check_mail(message.as_bytes(), again)
    return again


def test_it_has_text_and_html_and_the_invitation_twice() -> None:
    message = parsed(mail())
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == ["Hello", "", ".", "From the café 😀"]
    assert html.get_content().splitlines() == ["<p>Hello from the café 😀</p>"]
    part = calendar_part(message)
    assert part is not None
    assert part["Content-Type"].params == {"charset": "UTF-8", "method": "REQUEST"}


def test_without_an_invitation_it_is_a_plain_alternative() -> None:
    message = parsed(mail(invitation=None))
    assert message.get_content_type() == "multipart/alternative"
    assert calendar_part(message) is None


def test_composing_again_gives_the_same_bytes() -> None:
    assert mail().as_bytes() == mail().as_bytes()


def test_two_mails_differ_in_their_boundaries() -> None:
    one, other = mail(), mail(message_id="<fedcba@example.com>")
    assert one.get_boundary() != other.get_boundary()


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_calendar_lines_end_with_crlf_in_every_transfer_encoding(encoding: str) -> None:
    message = mail()
    part = calendar_part(message)
    assert part is not None
    text = part.get_payload(decode=True).decode()  # type: ignore[union-attr]
    part.set_content(text, subtype="calendar", charset="utf-8", cte=encoding, params={"method": "REQUEST"})
    again = email.message_from_bytes(message.as_bytes(), policy=email.policy.SMTP)
    carried = calendar_part(again)  # type: ignore[arg-type]
    assert carried is not None
    check_calendar(carried.get_payload(decode=True))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_cannot_add_a_header(name: str) -> None:
    guest = Person(name, "guest@example.com")
    message = parsed(mail(guest, sender=Person(name, "bookings@example.com"), reply_to=guest, subject=name))
    assert message.keys() == parsed(mail()).keys()
    assert [address.addr_spec for address in message["To"].addresses] == ["guest@example.com"]
    assert [address.addr_spec for address in message["From"].addresses] == ["bookings@example.com"]


@given(st.text(max_size=200))
@example('Doe, "Jane" (née Müller) <x@y>;')
@example("é" * 120)
@example("a, " * 40 + "é")
@example("Boss, the <evil@example.com>, " * 4)
@example(". =f " * 20)
def test_any_name_keeps_one_recipient(name: str) -> None:
    message = parsed(mail(Person(name, "guest@example.com"), invitation=None, subject=name))
    assert [address.addr_spec for address in message["To"].addresses] == ["guest@example.com"]
    assert len(message.keys()) == len(parsed(mail(invitation=None)).keys())


@given(st.text(alphabet='ab ,;:"()<>@[]\\.=?_é', min_size=60, max_size=119))
def test_a_long_name_with_signs_that_mean_something_keeps_one_recipient(name: str) -> None:
    message = parsed(mail(Person(name, "guest@example.com"), invitation=None))
    assert [address.addr_spec for address in message["To"].addresses] == ["guest@example.com"]


def test_ordinary_names_arrive_unchanged() -> None:
    for name in ("Grace Hopper", "Zoë Müller", "O'Neil, Pat", "山田太郎", 'The "Boss"', "Dr. A. B. (x)", "Dr. Müller"):
        message = parsed(mail(Person(name, "guest@example.com")))
        assert message["To"].addresses[0].display_name == name


@pytest.mark.parametrize("address", ["a@b\r\nBcc: evil@example.com", "a@example.com, b@example.com", "a", ""])
def test_a_forged_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        mail(Person("Eve", address), invitation=None)


def test_a_header_of_the_crm_cannot_add_another() -> None:
    message = parsed(mail(extra_headers={"X-Campaign": "a\r\nBcc: evil@example.com"}))
    assert message["Bcc"] is None
    assert message["X-Campaign"] == "a Bcc: evil@example.com"
    with pytest.raises(ValueError, match="header"):
        mail(extra_headers={"X:\r\nBcc": "x"})


def test_a_message_id_must_be_one() -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        mail(message_id="<a@b>\r\nBcc: x@y")


@pytest.mark.parametrize(
    ("domain", "in_dns"),
    [
        ("Müller.example", "xn--mller-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("xn--strae-oqa.example", "xn--strae-oqa.example"),
    ],
)
def test_a_domain_beyond_ascii_is_written_as_dns_has_it(domain: str, in_dns: str) -> None:
    """``ß`` and the final sigma make domains of their own, which strangers may own."""
    message = parsed(mail(Person("Jörg", f"joerg@{domain}"), invitation=None))
    assert message["To"].addresses[0].addr_spec == f"joerg@{in_dns}"


def test_a_domain_that_dns_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match="domain"):
        mail(Person("Jörg", "joerg@mü--ller-.example"), invitation=None)


def test_an_address_with_letters_beyond_ascii_is_written_as_it_is() -> None:
    message = mail(Person('Jörg "J." Müller', "jörg@müller.example"), invitation=None)
    assert 'To: "Jörg \\"J.\\" Müller" <jörg@xn--mller-kva.example>\r\n'.encode() in message.as_bytes()


def test_the_calendar_and_the_mail_tell_the_same_time_of_making() -> None:
    message = mail()
    part = calendar_part(message)
    assert part is not None
    assert message["Date"].datetime == STAMP
    assert b"DTSTAMP:20261120T093000Z" in part.get_payload(decode=True)  # type: ignore[operator]


def test_a_clients_calendar_follows_the_life_of_a_meeting() -> None:
    from tests.messages.made import ENDS, STARTS, cancellation

    later = {"starts": STARTS.replace(hour=15), "ends": ENDS.replace(hour=16)}
    booked = mail(message_id="<1@example.com>")
    moved = mail(message_id="<2@example.com>", invitation=invitation(sequence=1, **later))
    cancelled = mail(message_id="<3@example.com>", invitation=cancellation(sequence=2, **later))
    client = MailClient(GRACE.email)
    client.receive(booked.as_bytes())
    assert [entry.starts for entry in client.calendar.values()] == [STARTS]
    client.receive(moved.as_bytes())
    client.receive(moved.as_bytes())
    assert [entry.starts for entry in client.calendar.values()] == [later["starts"]]
    client.receive(booked.as_bytes())
    assert [entry.starts for entry in client.calendar.values()] == [later["starts"]]
    client.receive(cancelled.as_bytes())
    assert client.calendar == {}
    overtaken = MailClient(GRACE.email)
    for message in (cancelled, moved, booked):
        overtaken.receive(message.as_bytes())
    assert overtaken.calendar == {}
    assert len(overtaken.inbox) == 3
