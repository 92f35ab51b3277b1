"""Domains of one's own, as a host claims, proves and gives them up."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from flask_booking import catalog
from flask_booking.domains import Claim
from flask_booking.models import BookingDomain
from flask_booking.state import session

from .conftest import Office, open_office, said

ANSWERS: dict[str, str] = {}


@pytest.fixture
def named(make_app: Callable[..., Flask], database_url: str) -> Office:
    """An office whose CRM takes domains; the check says what ``ANSWERS`` has for a name, and agrees otherwise."""

    def check(claim: Claim) -> str:
        return ANSWERS.get(claim.name, "")

    ANSWERS.clear()
    return open_office(
        make_app(
            database_url,
            BOOKING_PUBLIC_URL="https://crm.example",
            BOOKING_SUBDOMAINS="meet.crm.example",
            BOOKING_DOMAIN_TARGET="pages.crm.example",
            BOOKING_DOMAIN_CHECK=check,
        )
    )


def claims(office: Office) -> dict[str, BookingDomain]:
    """All claims by their owner's slug; one each."""
    return {one.page.slug: one for one in session().query(BookingDomain)}


def test_a_domain_waits_fails_with_words_and_is_verified(named: Office) -> None:
    ann = named.as_user("ann")
    assert "https://ann.meet.crm.example In links" in ann.text("/domains")
    assert ann.post("/domains", name=" https://Book.Ann.example/ ").status_code == 303
    with named.app.app_context():
        row = claims(named)["ann"]
        public_id, token = row.public_id, row.token
    shown = ann.text("/domains")
    assert "book.ann.example Waiting for its records" in shown
    assert f"TXT Name _booking.book.ann.example Copy _booking.book.ann.example Value booking-verify={token}" in shown
    assert "CNAME Name book.ann.example Copy book.ann.example Value pages.crm.example" in shown

    ANSWERS["book.ann.example"] = "The cows aren't home yet."
    ann.post(f"/domains/{public_id}/check")
    shown = ann.text("/domains")
    assert "book.ann.example Not yet" in shown
    assert "The cows aren't home yet." in shown
    client = named.app.test_client()
    assert client.get("/login", base_url="https://book.ann.example").status_code == 200  # not ours yet

    ANSWERS.clear()
    ann.post(f"/domains/{public_id}/check")
    shown = ann.text("/domains")
    assert "book.ann.example Verified" in shown
    assert "https://book.ann.example In links" in shown
    assert "booking-verify" not in shown
    assert 'data-copy="https://book.ann.example"' in ann.get("/").text
    assert client.get("/login", base_url="https://book.ann.example").status_code == 404


def test_a_domain_that_is_removed_answers_no_more_and_waits_again_when_that_is_taken_back(named: Office) -> None:
    ann = named.as_user("ann")
    ann.post("/domains", name="book.ann.example")
    with named.app.app_context():
        row = claims(named)["ann"]
        assert catalog.check_domain(row)
        public_id, token = row.public_id, row.token
    ann.post(f"/domains/{public_id}/remove")
    assert named.app.test_client().get("/login", base_url="https://book.ann.example").status_code == 200
    undo = re.search(r'name="token" value="([^"]+)"', ann.get("/domains").text)
    assert undo
    ann.post("/undo", token=undo[1])
    assert "book.ann.example Waiting" in ann.text("/domains")
    with named.app.app_context():
        assert claims(named)["ann"].token == token


def test_a_claim_blocks_nobody_and_a_verified_domain_has_one_page(named: Office) -> None:
    ann, ben = named.as_user("ann"), named.as_user("ben")
    for host in (ann, ben):
        assert host.post("/domains", name="book.example.com").status_code == 303
    with named.app.app_context():
        found = {slug: row.public_id for slug, row in claims(named).items()}
    ben.post(f"/domains/{found['ben']}/check")
    ann.post(f"/domains/{found['ann']}/check")
    shown = ann.text("/domains")
    assert "This domain is in use already." in shown
    assert "Ben" not in shown.partition("Domains of your own")[2]
    assert "book.example.com Verified" in ben.text("/domains")
    cleo = named.as_user("cleo").post("/domains", name="book.example.com")
    assert cleo.status_code == 422
    assert "This domain is in use already." in said(cleo)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Please give a domain"),
        ("192.0.2.1", "Please give a domain"),
        ("crm.example", "belongs to the CRM"),
        ("pages.crm.example", "belongs to the CRM"),
        ("meet.crm.example", "belongs to the CRM"),
        ("ben.meet.crm.example", "belongs to the CRM"),
        ("x" * 300, "Please give a domain"),
    ],
)
def test_what_no_customer_can_have_is_refused(named: Office, name: str, words: str) -> None:
    answer = named.as_user("ann").post("/domains", name=name)
    assert answer.status_code == 422
    assert words in said(answer)


def test_a_page_has_a_handful_of_domains_each_once(named: Office) -> None:
    ann = named.as_user("ann")
    for number in range(5):
        assert ann.post("/domains", name=f"b{number}.example.com").status_code == 303
    assert "in your list already" in said(ann.post("/domains", name="b0.example.com"))
    assert "Please remove one first" in said(ann.post("/domains", name="b5.example.com"))


def test_a_crm_that_takes_no_domains_says_so(office: Office) -> None:
    ann = office.as_user("ann")
    assert "isn't set up for domains" in ann.text("/domains")
    assert ann.post("/domains", name="book.example.com").status_code == 422


def test_a_proxy_learns_which_names_are_pages_and_nothing_else(named: Office) -> None:
    named.as_user("ann").post("/domains", name="book.ann.example")
    ask = named.app.test_client()

    def status(name: str) -> int:
        return ask.get("/api/booking/v1/domain-allowed", query_string={"domain": name}).status_code

    assert status("book.ann.example") == 404
    with named.app.app_context():
        assert catalog.check_domain(claims(named)["ann"])
    assert [status(name) for name in ("book.ann.example", "BOOK.ann.example.", "ben.meet.crm.example")] == [200] * 3
    for name in ("", "crm.example", "nobody.meet.crm.example", "evil.example", "127.0.0.1", "book.ann.example/x"):
        assert status(name) == 404


def test_asking_is_limited(named: Office) -> None:
    named.app.config.update(BOOKING_RATE_LIMIT_ENABLED=True, BOOKING_RATE_LIMITS={"ask": "1 per minute"})
    ask = named.app.test_client()
    found = [ask.get("/api/booking/v1/domain-allowed?domain=ben.meet.crm.example").status_code for _ in range(2)]
    assert found == [200, 429]
