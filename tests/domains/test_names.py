"""Host names as they arrive and as people type them."""

from __future__ import annotations

import pytest

from flask_booking.domains import host_name, typed_name


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("book.example.com", "book.example.com"),
        ("Book.Example.COM:8443", "book.example.com"),
        ("book.example.com.", "book.example.com"),
        ("book.example.com.:443", "book.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("localhost:5000", "localhost"),
        ("", None),
        ("127.0.0.1:5000", None),
        ("2130706433", None),
        ("[::1]:80", None),
        ("book.example.com..", None),
        (".example.com", None),
        ("a..b", None),
        ("book.example.com, evil.example", None),
        ("book.example.com@evil.example", None),
        ("book.example.com/x", None),
        (" book.example.com", None),
        ("book_x.example", None),
        ("-book.example", None),
        ("bücher.example", None),
        ("book.example:http", None),
        ("a" * 64 + ".example", None),
        (".".join(["a" * 60] * 5), None),
    ],
)
def test_a_host_header_is_one_name_or_none(header: str, name: str | None) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (" Book.Example.com ", "book.example.com"),
        ("https://book.example.com/intro?x=1", "book.example.com"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("book.example.com:8443", None),
        ("localhost", None),
        ("192.0.2.1", None),
        ("[2001:db8::1]", None),
        ("*.example.com", None),
        ("xn--a.example", None),
        ("ann@example.com", None),
        ("", None),
    ],
)
def test_people_type_names_in_many_ways(typed: str, name: str | None) -> None:
    assert typed_name(typed) == name
