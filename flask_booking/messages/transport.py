"""Handing a mail to a server, and telling the mails worth another try from those that never will arrive."""

from __future__ import annotations

import collections.abc as c
import contextlib
import smtplib
import ssl
import typing as t
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from ..errors import BookingConfigError

CONSOLE = "console:"
"""The ``BOOKING_MAIL_URL`` of a developer: the text of each mail is printed, and sent to nobody."""

# What smtplib tells carries addresses and sometimes the text of the mail; a code is enough to act on.
_SAFE_PORTS = {"smtp": 25, "smtps": 465}


def readable(message: EmailMessage) -> str:
    """What a mail says, for a person at a console: links in one piece, attachments by their names alone."""
    text = message.get_body(("plain",))
    lines = [f"{name}: {message[name]}" for name in ("From", "To", "Subject")]
    lines += [f"Attachment: {part.get_filename()}" for part in message.iter_attachments()]
    return "\n".join([*lines, "", text.get_content() if text is not None else ""])


class MailError(Exception):
    """A mail was not taken by the server.  The text names no address and no credential, so it may be logged."""


class MailPostponed(MailError):
    """It may be taken later: no connection, a busy server, a refused login or sender that an operator can set right."""


class MailRefused(MailError):
    """It never will be: the server refuses this recipient or this mail for good (SMTP 5xx)."""


@dataclass(frozen=True)
class Transport:
    """A mail server by URL: ``smtp://user:password@host:587?starttls=1``, ``smtps://host``; ``timeout`` in seconds.

    User and password are percent-encoded.  STARTTLS and TLS check the server's certificate.
    """

    host: str
    port: int
    tls: bool = False
    starttls: bool = False
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    timeout: float = 20.0

    @classmethod
    def from_url(cls, url: str) -> Transport:
        """Read a URL.  Raises :class:`~flask_booking.errors.BookingConfigError`, which doesn't repeat it."""
        try:
            parts = urlsplit(url)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            if parts.scheme not in _SAFE_PORTS or not parts.hostname or set(query) - {"starttls", "timeout"}:
                raise ValueError(url)
            return cls(
                host=parts.hostname,
                port=parts.port or (587 if _yes(query.get("starttls")) else _SAFE_PORTS[parts.scheme]),
                tls=parts.scheme == "smtps",
                starttls=_yes(query.get("starttls")),
                user=unquote(parts.username or ""),
                password=unquote(parts.password or ""),
                timeout=float(query.get("timeout", cls.timeout)),
            )
        except ValueError:
            raise BookingConfigError(
                "BOOKING_MAIL_URL must look like smtp://user:password@host:587?starttls=1 or smtps://host, "
                "or be console: to have mails printed"
            ) from None

    def send(self, message: EmailMessage) -> None:
        """Deliver to every address in To and Cc.  Raises :class:`MailPostponed` or :class:`MailRefused`."""
        try:
            with self._connected() as server:
                _hand_over(server, message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            raise _by_code("recipient", max(codes, default=0)) from None
        except smtplib.SMTPDataError as error:
            raise _by_code("mail", error.smtp_code) from None
        except smtplib.SMTPResponseException as error:
            # Sender, login, greeting: nothing is wrong with this one mail, an operator must look.
            raise MailPostponed(f"the mail server said {error.smtp_code} before the mail was handed over") from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailPostponed(f"the mail server can't be reached ({type(error).__name__})") from None

    def greet(self) -> None:
        """Connect, log in and leave without sending anything.  Raises :class:`MailPostponed`."""
        try:
            with self._connected() as server:
                server.ehlo_or_helo_if_needed()
        except smtplib.SMTPResponseException as error:
            raise MailPostponed(f"the mail server said {error.smtp_code} to the login or greeting") from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailPostponed(f"the mail server can't be reached ({type(error).__name__})") from None

    @contextlib.contextmanager
    def _connected(self) -> c.Iterator[smtplib.SMTP]:
        """A server that is taken leave of in the end.  What it says to that changes nothing: a mail that it accepted
        would be sent a second time, and one that it refused be tried again.
        """
        server = self._connect()
        try:
            yield server
        finally:
            try:
                server.quit()
            except (smtplib.SMTPException, OSError):
                server.close()

    def _connect(self) -> smtplib.SMTP:
        if self.tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=self.timeout, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        try:
            if self.starttls:
                server.starttls(context=ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password)
        except smtplib.SMTPNotSupportedError:
            server.close()
            raise MailPostponed("the mail server offers no STARTTLS, or no login") from None
        except BaseException:
            server.close()
            raise
        return server


def _hand_over(server: smtplib.SMTP, message: EmailMessage) -> None:
    """Send the message's own bytes; ``SMTP.send_message`` would change lines that begin with "From "."""
    sender, *_ = _addresses(message, "From")
    recipients = _addresses(message, "To", "Cc")
    options: list[str] = []
    if not all(address.isascii() for address in (sender, *recipients)):
        server.ehlo_or_helo_if_needed()
        if not server.has_extn("smtputf8"):
            raise MailRefused("the mail server can't take an address with letters beyond ASCII")
        options = ["SMTPUTF8", "BODY=8BITMIME"]
    server.sendmail(sender, recipients, message.as_bytes(), options)


def _addresses(message: EmailMessage, *headers: str) -> list[str]:
    return [one.addr_spec for name in headers for header in message.get_all(name, []) for one in header.addresses]


def _yes(value: str | None) -> bool:
    return (value or "").lower() in ("1", "true", "yes", "on")


def _by_code(what: t.Literal["recipient", "mail"], code: int) -> MailError:
    if 500 <= code < 600:
        return MailRefused(f"the mail server refuses the {what} for good ({code})")
    return MailPostponed(f"the mail server can't take the {what} now ({code})")
