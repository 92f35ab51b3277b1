"""A mail as bytes: text, HTML and the calendar invitation in the parts that mail clients look for.

Composing is a function of its arguments alone.  A delivery that is tried again, because nobody knows whether the first
try arrived, sends the very same bytes with the same Message-ID, and mail servers and clients can tell.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import typing as t
from collections.abc import Mapping
from email.header import Header
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UniqueAddressHeader, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy, Policy

import idna

from .invitation import Invitation, Person, calendar_bytes, checked_address
from .plain import LINE_LENGTH, NAME_LENGTH, one_line

_MESSAGE_ID = re.compile(r"<[A-Za-z0-9._+-]+@[A-Za-z0-9._-]+>")
# What fits on a line of 78 beside ``Reply-To:`` and the angle brackets.
_UNFOLDED = 60
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


class _Unfolded(UnstructuredHeader, BaseHeader):
    """A header on one line: Python encodes an address that is longer than a line, and nobody finds it any more."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class _OneAddress(UniqueAddressHeader):
    """A header with one address.  Python 3.13 loses spaces between the encoded words of a name in its first releases
    (CPython gh-121284): the older ``email.header`` doesn't."""

    def fold(self, *, policy: EmailPolicy) -> str:
        header, end = t.cast(t.Any, self), policy.linesep
        (address,) = header.addresses
        if address.display_name.isascii() or policy.utf8:
            return BaseHeader.fold(header, policy=policy)
        words = Header(address.display_name, "utf-8", maxlinelen=76, header_name=header.name)
        return f"{header.name}: {words.encode(linesep=end)}{end} <{address.addr_spec}>{end}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Unfolded)
for _name in ("from", "to", "reply-to"):
    _HEADERS.map_to_type(_name, t.cast("type[BaseHeader]", _OneAddress))

AUTOMATIC: t.Final[Mapping[str, str]] = {
    # RFC 3834: nobody's holiday notice shall answer; Exchange only knows its own header.
    "Auto-Submitted": "auto-generated",
    "X-Auto-Response-Suppress": "OOF, AutoReply",
}


def compose(
    *,
    sender: Person,
    reply_to: Person | None,
    recipient: Person,
    subject: str,
    text: str,
    html: str,
    invitation: Invitation | None,
    message_id: str,
    date: dt.datetime,
    extra_headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """The mail for one reader.

    ``mixed{alternative{text, html, text/calendar; method=…}, application/ics}`` with an invitation, and only the
    alternative without.  ``message_id`` is ``<left@right>`` of plain ASCII; ``date`` is aware.  Raises ValueError when
    the sender's or the recipient's address isn't one; names and subjects are made harmless.  A ``reply_to`` that can't
    be written, or needs more of the mail server than those two, is left out: no mail shall fail for it.
    """
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError("a Message-ID looks like <unique.name@domain>")
    people = {"From": sender, "To": recipient}
    international = any(map(_international, people.values()))
    if reply_to is not None and is_address(reply_to.email) and (international or not _international(reply_to)):
        people["Reply-To"] = reply_to
    # The SMTP policy matters for more than the wire: the default one leaves bare LF inside base64 calendars.
    message = EmailMessage(policy=(SMTPUTF8 if international else SMTP).clone(header_factory=_HEADERS))
    for header, person in people.items():
        message[header] = _international_address(person) if international else _address(person)
    message["Subject"] = one_line(subject, LINE_LENGTH)
    message["Date"] = date
    message["Message-ID"] = message_id
    for name, value in {**AUTOMATIC, **(extra_headers or {})}.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("not a header name")
        message[name] = one_line(value, 900)
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if invitation is not None:
        _invite(message, invitation)
    _settle_parts(message, message_id)
    return message


def is_address(email: str) -> bool:
    """Whether a mail can be written to ``email``, or name it."""
    try:
        _wire_address(email)
    except ValueError:
        return False
    return True


def _international(person: Person) -> bool:
    """Whether the address needs a server with SMTPUTF8 (RFC 6531)."""
    return not person.email.rpartition("@")[0].isascii()


def _address(person: Person) -> Address:
    email = _wire_address(person.email)
    name = one_line(person.name, NAME_LENGTH)
    long = len(name) + sum(name.count(sign) for sign in '\\"') + 2 + len(email) > _UNFOLDED
    if long or not name.isascii():
        # Python before 3.13 loses the quotes of a quoted name when it folds the header (CPython gh-80222), and then
        # a comma begins another recipient.
        special = r'[\\",;:<>@()\[\].]+' if long else r'[\\",;:<>@()\[\]]+|(?<!\w)\.'
        name = " ".join(re.sub(special, " ", name).split())
    return Address(display_name=name, addr_spec=email)


def _international_address(person: Person) -> str:
    """An address as RFC 6532 writes it; Python's Address knows local parts of ASCII only."""
    name = one_line(person.name, NAME_LENGTH).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{_wire_address(person.email)}>'


def _wire_address(email: str) -> str:
    """With the domain as DNS has it (RFC 5891; Python's own codec is of RFC 3490, and takes ``ß`` for ``ss``: another
    domain).  A local part beyond ASCII stays and needs a server with SMTPUTF8.  ValueError for what is no address."""
    local, _, domain = checked_address(email).rpartition("@")
    if domain.isascii():
        return email
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except UnicodeError:
        raise ValueError("not a mail domain") from None


def _invite(message: EmailMessage, invitation: Invitation) -> None:
    calendar = calendar_bytes(invitation)
    method = invitation.method.value
    message.add_alternative(
        calendar.decode("utf-8"),
        subtype="calendar",
        charset="UTF-8",
        cte="base64",
        params={"method": method},
    )
    message.add_attachment(
        calendar, maintype="application", subtype="ics", filename="invite.ics", params={"name": "invite.ics"}
    )


def _settle_parts(message: EmailMessage, message_id: str) -> None:
    """Boundaries that are the same each time, and no MIME-Version below the top, where it has no meaning."""
    for number, part in enumerate(message.walk()):
        if part is not message:
            del part["MIME-Version"]
        if part.is_multipart():
            digest = hashlib.sha256(f"{message_id} {number}".encode()).hexdigest()
            part.set_boundary(f"=_{digest[:40]}")
