"""Whether a domain belongs to whoever claims it.

That a domain leads here proves little: it may have been pointed here for another page, and be claimed by a stranger.
So a record with a random token is asked for, which only who runs the domain can make.  Everything is asked of name
servers, and nothing is ever fetched from an address that somebody typed.
"""

from __future__ import annotations

import dataclasses
import logging
import typing as t

from flask import current_app

from ..errors import frames_of
from ..i18n import gettext as _

if t.TYPE_CHECKING:
    import dns.resolver

_log = logging.getLogger(__name__)

_SECONDS = 3.0
"""How long one question may take."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """What must be found before ``name`` answers: a TXT record with the token, and the way to ``target``."""

    name: str
    token: str
    target: str

    @property
    def txt_name(self) -> str:
        """The name of the TXT record."""
        return f"_booking.{self.name}"

    @property
    def txt_value(self) -> str:
        """What that record must say."""
        return f"booking-verify={self.token}"


def verify(claim: Claim) -> str:
    """What stands in the way, in a sentence for the host; empty when the claim holds.

    Asks ``BOOKING_DOMAIN_CHECK``, or else :func:`check_dns`.
    """
    check: t.Callable[[Claim], str] = current_app.config["BOOKING_DOMAIN_CHECK"] or check_dns
    try:
        return check(claim)
    except Exception as error:
        _log.error("BOOKING_DOMAIN_CHECK failed with %s\n%s", type(error).__name__, frames_of(error))
        return _("The check itself failed. Please try again later, or ask who runs the CRM.")


def check_dns(claim: Claim, resolver: dns.resolver.Resolver | None = None) -> str:
    """Ask the name servers for both records of ``claim``; returns what :func:`verify` does."""
    import dns.exception  # loaded here and below: few ever ask a name server
    import dns.resolver

    try:
        asked = resolver or dns.resolver.Resolver()
        said = _texts(asked, claim.txt_name)
        if claim.txt_value not in said:
            if said:
                return _("The TXT record %(name)s says something else. Please copy its value again.",
                         name=claim.txt_name)  # fmt: skip
            return _("There is no TXT record %(name)s yet. New records can take an hour to be seen.",
                     name=claim.txt_name)  # fmt: skip
        names, addresses = _way(asked, claim.name)
        if claim.target in names or addresses & _way(asked, claim.target)[1]:
            return ""
    except dns.exception.DNSException:
        return _("The name servers didn't answer. Please try again in some minutes.")
    if not names and not addresses:
        return _("The TXT record is right. %(name)s leads nowhere yet: please add the CNAME record.", name=claim.name)
    return _("The TXT record is right. %(name)s leads elsewhere: please let its CNAME record say %(target)s.",
             name=claim.name, target=claim.target)  # fmt: skip


def _ask(resolver: dns.resolver.Resolver, name: str, kind: str) -> dns.resolver.Answer | None:
    import dns.resolver

    try:
        return resolver.resolve(f"{name}.", kind, raise_on_no_answer=False, lifetime=_SECONDS)
    except dns.resolver.NXDOMAIN:
        return None


def _texts(resolver: dns.resolver.Resolver, name: str) -> set[str]:
    answer = _ask(resolver, name, "TXT")
    return {b"".join(record.strings).decode(errors="replace") for record in (answer and answer.rrset) or ()}


def _way(resolver: dns.resolver.Resolver, name: str) -> tuple[set[str], set[str]]:
    """The names that ``name`` is another name for, and the addresses at the end."""
    import dns.rdatatype

    names: set[str] = set()
    addresses: set[str] = set()
    for kind in ("A", "AAAA"):
        answer = _ask(resolver, name, kind)
        for records in answer.response.answer if answer else ():
            for record in records:
                if record.rdtype == dns.rdatatype.CNAME:
                    names.add(record.target.to_text(omit_final_dot=True).lower())
                elif record.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                    addresses.add(record.address)
    return names, addresses
