"""Which addresses may be called at all, what people type for one, and which belong to one family."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_booking.connections.addresses import allowed, checked_url, same_family, typed_url
from flask_booking.connections.problems import (
    ForbiddenAddress,
)

PUBLIC = [
    "8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "2606:4700::1111", "2a00:1450::1",
    "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1",
]  # fmt: skip


PRIVATE = [
    "127.0.0.1", "127.255.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "198.18.0.1", "192.0.2.1", "203.0.113.9", "240.0.0.1", "192.0.0.1", "::1", "fc00::1", "fd12::1", "2001:db8::1",
    "2001::1", "3fff::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "2002:7f00:1::",
    "::127.0.0.1", "100::1",
]  # fmt: skip


NEVER = [
    "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "224.0.0.1", "255.255.255.255", "168.63.129.16",
    "100.100.100.200", "::", "fe80::1", "ff02::1", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    assert allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_only_where_an_operator_allows_them(address: str) -> None:
    assert not allowed(ipaddress.ip_address(address))
    assert allowed(ipaddress.ip_address(address), private=True)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_called(address: str) -> None:
    assert not allowed(ipaddress.ip_address(address))
    assert not allowed(ipaddress.ip_address(address), private=True)


@given(st.ip_addresses())
def test_what_python_knows_to_be_special_is_never_called(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if allowed(address):
        inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
        assert inner.is_global
        assert not inner.is_multicast
        assert not inner.is_private


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/",
        "example.com", "https://", "https:///x", "https://user:secret@example.com/", "https://user@example.com/",
        "https://@example.com/", "https://example.com:0/", "https://example.com:99999/", "https://example.com:x/",
        "https://exa mple.com/", "https://example.com\\@10.0.0.1/", "https://example.com/\r\nX: 1", "https://[::1/",
        "https://example.com/" + "x" * 5000, "javascript:alert(1)", "", "data:text/calendar,BEGIN",
    ],
)  # fmt: skip
def test_addresses_of_an_odd_form_are_refused(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        checked_url(url)


def test_other_addresses_are_taken_as_they_are() -> None:
    assert checked_url("https://example.com:8443/a%20b?c=d#frag") == "https://example.com:8443/a%20b?c=d"
    assert checked_url("http://example.com/", private=True) == "http://example.com/"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("example.com", "https://example.com"),
        (" dav.example.com/remote.php/dav ", "https://dav.example.com/remote.php/dav"),
        ("ann@example.com", "https://example.com"),
        ("webcal://example.com/x.ics", "https://example.com/x.ics"),
        ("WEBCALS://example.com/x.ics", "https://example.com/x.ics"),
        ("caldavs://example.com/", "https://example.com/"),
        ("http://example.com/", "http://example.com/"),
    ],
)
def test_what_people_type_is_understood(typed: str, meant: str) -> None:
    assert typed_url(typed) == meant


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://caldav.icloud.com", "https://p12-caldav.icloud.com:443/1/", True),
        ("https://example.com/", "https://dav.example.com/", True),
        ("https://dav.example.com/", "https://example.com/", True),
        ("https://example.com/", "https://example.com:8443/", True),
        ("http://example.com/", "http://example.com/x", True),
        ("http://example.com/", "https://example.com/x", True),
        ("https://example.com/", "http://example.com/", False),
        ("http://example.com/", "http://dav.example.com/", False),
        ("http://example.com/", "http://example.com:81/", False),
        ("https://example.com/", "https://example.org/", False),
        ("https://example.com/", "https://evilexample.com/", False),
        ("https://example.com/", "https://example.com.evil.net/", False),
        ("https://a.co.uk/", "https://b.co.uk/", False),
        ("https://x.a.co.uk/", "https://y.a.co.uk/", True),
        ("https://com/", "https://org/", False),
        ("https://10.0.0.1/", "https://20.0.0.1/", False),
        ("https://[2001:db8::1]/", "https://[2001:db8::2]/", False),
        ("http://localhost:1/", "http://localhost:2/", False),
        ("https://localhost/", "https://other/", False),
    ],
)
def test_secrets_stay_in_the_family(one: str, other: str, same: bool) -> None:
    assert same_family(one, other) is same
