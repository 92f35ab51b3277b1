"""Whether a domain belongs to whoever claims it, asked of a real name server that tells what a test wrote into it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from flask import Flask

from flask_booking.domains import Claim, check_dns, verify

CLAIM = Claim("book.customer.com", "secret", "pages.crm.example")
TXT = '_booking.book.customer.com. 60 IN TXT "booking-verify=secret"'
TARGET = "pages.crm.example. 60 IN A 192.0.2.7"


class Zone:
    """A name server on this machine with the records of ``lines``; ``broken`` lets it fail."""

    def __init__(self, line: socket.socket) -> None:
        self.line, self.lines, self.broken = line, [TARGET], False
        host, port = line.getsockname()
        self.resolver = dns.resolver.Resolver(configure=False)
        self.resolver.nameservers, self.resolver.port = [host], port

    def serve(self) -> None:
        while True:
            wire, asker = self.line.recvfrom(4096)
            if not wire:
                return
            self.line.sendto(self._answer(dns.message.from_wire(wire)).to_wire(), asker)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        if self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        name, kind = query.question[0].name, query.question[0].rdtype
        known = [dns.rrset.from_text(*line.split(" ", 4)) for line in self.lines]
        for records in known:
            if records.name == name and records.rdtype.name == "CNAME":
                answer.answer.append(records)
                name = records[0].target
        answer.answer += [records for records in known if records.name == name and records.rdtype == kind]
        if not answer.answer and all(records.name != name for records in known):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@pytest.fixture
def zone(app: Flask) -> Iterator[Zone]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line, app.app_context():
        line.bind(("127.0.0.1", 0))
        found = Zone(line)
        thread = threading.Thread(target=found.serve, daemon=True)
        thread.start()
        yield found
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", line.getsockname())
        thread.join()


@pytest.mark.parametrize(
    "way",
    [
        ["book.customer.com. 60 IN CNAME pages.crm.example."],
        ["book.customer.com. 60 IN CNAME Pages.CRM.example."],
        ["book.customer.com. 60 IN CNAME alias.customer.com.", "alias.customer.com. 60 IN CNAME pages.crm.example."],
        ["book.customer.com. 60 IN A 192.0.2.7"],
    ],
)
def test_both_records_prove_it(zone: Zone, way: list[str]) -> None:
    zone.lines += [TXT, '_booking.book.customer.com. 60 IN TXT "something else"', *way]
    assert check_dns(CLAIM, zone.resolver) == ""


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "There is no TXT record _booking.book.customer.com yet."),
        (["book.customer.com. 60 IN CNAME pages.crm.example."], "There is no TXT record"),
        ([TXT.replace("secret", "other")], "says something else"),
        ([TXT], "leads nowhere yet"),
        ([TXT, "book.customer.com. 60 IN A 192.0.2.99"], "leads elsewhere: please let its CNAME record say pages.crm"),
        ([TXT, "book.customer.com. 60 IN CNAME other.example.", "other.example. 60 IN A 192.0.2.9"], "leads elsewhere"),
    ],
)
def test_what_is_missing_is_said(zone: Zone, lines: list[str], words: str) -> None:
    zone.lines += lines
    assert words in check_dns(CLAIM, zone.resolver)


def test_a_name_server_that_fails_proves_nothing(zone: Zone) -> None:
    zone.broken = True
    assert "didn't answer" in check_dns(CLAIM, zone.resolver)


def test_a_check_of_the_crms_own_decides_and_its_failure_is_told_without_its_words(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(claim: Claim) -> str:
        raise RuntimeError(claim.token)

    with app.app_context():
        app.config["BOOKING_DOMAIN_CHECK"] = lambda claim: f"No luck with {claim.name}."
        assert verify(CLAIM) == "No luck with book.customer.com."
        app.config["BOOKING_DOMAIN_CHECK"] = fail
        assert "check itself failed" in verify(CLAIM)
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text
