"""Mails go to a real server, and a refusal says whether another try is worth it, and nothing else."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from flask_booking.errors import BookingConfigError
from flask_booking.messages.invitation import Person
from flask_booking.messages.transport import MailPostponed, MailRefused, Transport
from tests.fixtures.mail import MailServer
from tests.messages.made import GRACE, mail
from tests.messages.mail_client import MailClient


def test_a_mail_arrives_byte_by_byte(smtp: MailServer) -> None:
    Transport.from_url(smtp.url).send(mail())
    (delivered,) = smtp.delivered
    assert delivered.recipients == ("grace@example.com",)
    assert delivered.sender == "bookings@example.com"
    assert delivered.raw.rstrip() == mail().as_bytes().rstrip()
    client = MailClient(GRACE.email)
    client.receive(delivered.raw)
    assert len(client.calendar) == 1


@pytest.mark.parametrize("reply", ["554 spam from grace@example.com", "550 no"])
def test_a_refusal_for_good_is_told_as_such(smtp: MailServer, reply: str) -> None:
    smtp.refuse(reply)
    with pytest.raises(MailRefused) as refused:
        Transport.from_url(smtp.url).send(mail())
    assert "grace" not in str(refused.value)
    assert smtp.delivered == []


def test_a_busy_server_is_worth_another_try(smtp: MailServer) -> None:
    smtp.refuse("451 try again, grace@example.com")
    with pytest.raises(MailPostponed) as postponed:
        Transport.from_url(smtp.url).send(mail())
    assert "grace" not in str(postponed.value)
    Transport.from_url(smtp.url).send(mail())
    assert len(smtp.delivered) == 1


class Choosy:
    """Refuses recipients and senders, as told by the local part of the address."""

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("unknown"):
            return "550 no such sender"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address[:3].isdigit():
            return f"{address[:3]} {address} is refused"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    # Without handled=False the server takes it that the refusal was already said, and says nothing.
    return AuthResult(success=getattr(data, "password", b"") == b"p@ss/word", handled=False)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def choosy(port: int) -> Iterator[str]:
    controller = Controller(
        Choosy(),
        hostname="127.0.0.1",
        port=port,
        authenticator=login,
        auth_require_tls=False,
        enable_SMTPUTF8=False,
    )
    controller.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        controller.stop()


def test_an_address_beyond_ascii_needs_a_server_that_takes_it(smtp: MailServer, choosy: str) -> None:
    message = mail(Person("Jörg", "jörg@example.com"))
    Transport.from_url(smtp.url).send(message)
    assert smtp.delivered[0].recipients == ("jörg@example.com",)
    assert smtp.delivered[0].raw.rstrip() == message.as_bytes().rstrip()
    with pytest.raises(MailRefused, match="ASCII"):
        Transport.from_url(f"smtp://{choosy}").send(message)


def test_an_unknown_recipient_is_refused_for_good_and_a_full_mailbox_is_not(choosy: str) -> None:
    transport = Transport.from_url(f"smtp://{choosy}")
    with pytest.raises(MailRefused, match=r"recipient for good \(550\)"):
        transport.send(mail(Person("", "550@example.com"), invitation=None))
    with pytest.raises(MailPostponed, match=r"recipient now \(452\)"):
        transport.send(mail(Person("", "452@example.com"), invitation=None))


def test_a_refused_sender_is_the_operators_to_mend(choosy: str) -> None:
    with pytest.raises(MailPostponed, match="550"):
        Transport.from_url(f"smtp://{choosy}").send(mail(sender=Person("", "unknown@example.com")))


def test_it_logs_in_with_a_password_of_any_characters(choosy: str) -> None:
    Transport.from_url(f"smtp://me:p%40ss%2Fword@{choosy}").send(mail())


def test_a_wrong_password_is_worth_another_try_and_is_not_told(choosy: str) -> None:
    with pytest.raises(MailPostponed, match="535") as postponed:
        Transport.from_url(f"smtp://me:hunter2@{choosy}").send(mail())
    assert "hunter2" not in str(postponed.value)


def test_nobody_listening_is_worth_another_try(port: int) -> None:
    with pytest.raises(MailPostponed, match="can't be reached"):
        Transport.from_url(f"smtp://127.0.0.1:{port}?timeout=5").send(mail())


def test_a_server_without_starttls_gets_no_password(choosy: str) -> None:
    with pytest.raises(MailPostponed, match="STARTTLS"):
        Transport.from_url(f"smtp://me:secret@{choosy}?starttls=1").send(mail())


@dataclasses.dataclass
class Curt:
    """A server that takes a mail unless told otherwise, and takes leave as no standard says."""

    leave: bytes
    recipient: bytes = b"250 OK"
    accepted: int = 0

    def serve(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = listening.accept()
                with connection, connection.makefile("rwb", buffering=0) as lines:
                    self._talk(lines)

    def _talk(self, lines: Any) -> None:
        lines.write(b"220 here\r\n")
        while line := lines.readline():
            match line[:4].upper():
                case b"RCPT":
                    lines.write(self.recipient + b"\r\n")
                case b"DATA":
                    lines.write(b"354 go on\r\n")
                    while lines.readline() != b".\r\n":
                        pass
                    self.accepted += 1
                    lines.write(b"250 taken\r\n")
                case b"QUIT":
                    lines.write(self.leave)
                    return
                case _:
                    lines.write(b"250 OK\r\n")


@pytest.mark.parametrize("leave", [b"250 goodbye\r\n", b"421 too busy\r\n", b"500 what?\r\n", b"bye\r\n", b""])
def test_what_a_server_says_to_the_leave_changes_nothing(port: int, leave: bytes) -> None:
    server = Curt(leave)
    transport = Transport.from_url(f"smtp://127.0.0.1:{port}")
    with socket.create_server(("127.0.0.1", port)) as listening:
        threading.Thread(target=server.serve, args=(listening,), daemon=True).start()
        transport.send(mail())
        assert server.accepted == 1
        transport.greet()
        server.recipient = b"550 no"
        with pytest.raises(MailRefused, match="550"):
            transport.send(mail())


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one file."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.com")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "mail.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(pem))
    return path


@pytest.mark.parametrize("scheme", ["smtps://127.0.0.1:{port}", "smtp://127.0.0.1:{port}?starttls=1"])
def test_an_encrypted_connection_checks_the_certificate(
    scheme: str, port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    wrapped = scheme.startswith("smtps")
    server = MailServer()
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=port,
        ssl_context=context if wrapped else None,
        tls_context=None if wrapped else context,
        require_starttls=not wrapped,
    )
    if wrapped:
        # aiosmtpd sees that it runs by a connection of its own, which would have to trust the certificate too.
        monkeypatch.setattr(
            controller, "_trigger_server", lambda: socket.create_connection(("127.0.0.1", port)).close()
        )
    controller.start()
    try:
        transport = Transport.from_url(scheme.format(port=port))
        with pytest.raises(MailPostponed, match="SSLCertVerificationError"):
            transport.send(mail())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        transport.send(mail())
    finally:
        controller.stop()
    assert len(server.delivered) == 1


@pytest.mark.parametrize(
    "url", ["http://mail", "smtp://", "smtp://host:port", "smtp://a:secret@h?ssl=1", "smtp://h?timeout=soon", "mail"]
)
def test_a_wrong_url_is_a_configuration_error_that_repeats_no_secret(url: str) -> None:
    with pytest.raises(BookingConfigError, match="BOOKING_MAIL_URL") as wrong:
        Transport.from_url(url)
    assert "secret" not in str(wrong.value)


def test_its_representation_shows_no_credentials() -> None:
    assert "secret" not in repr(Transport.from_url("smtps://me:secret@mail.example.com"))


def test_ports_are_those_of_the_scheme() -> None:
    ports = [Transport.from_url(url).port for url in ("smtp://h", "smtps://h", "smtp://h?starttls=1", "smtp://h:2525")]
    assert ports == [25, 465, 587, 2525]
