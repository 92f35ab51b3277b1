"""Which addresses of the Internet this server may call when a person names them.

Hosts type addresses of calendars, and servers answer with more of them.  A server that calls whatever it is told to
can be made to call the database beside it, or the service that gives out a cloud machine's keys.  So what counts is the
address that a name leads to, not the name: public ones only, after the registries of special addresses that IANA keeps
(RFC 6890, as of 2026).
"""

from __future__ import annotations

import ipaddress
import re
import socket
import urllib.parse

from .problems import ForbiddenAddress, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_V4_SPECIAL = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers; clouds have services here
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and where clouds answer with a machine's keys
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",  # public by number, but Azure's machines reach their host here
    )
]
_V6_PUBLIC = ipaddress.IPv6Network("2000::/3")
_V6_SPECIAL = [
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

# Nobody's calendar is here, not even in a private network: these lead to this machine by another name, to the cloud's
# own services, or to many machines at once.
_NEVER: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "192.0.0.192/32",
        "224.0.0.0/4",
        "255.255.255.255/32",
    )
] + [ipaddress.IPv6Network(text) for text in ("::/128", "fe80::/10", "fd00:ec2::254/128", "ff00::/8")]


def allowed(address: Address, *, private: bool = False) -> bool:
    """Whether this server may call ``address``; with ``private``, those of private networks and its own too."""
    inner = _embedded(address)
    if inner is not None:
        return allowed(inner, private=private)
    if any(address.version == network.version and address in network for network in _NEVER):
        return False
    if private:
        return True
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _V4_SPECIAL)
    return address in _V6_PUBLIC and not any(address in network for network in _V6_SPECIAL)


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to this IPv6 address may end at: mapped, 6to4 (RFC 3056), NAT64 (RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def look_up(host: str, port: int) -> list[Address]:
    """What ``host`` leads to, in the order to try.  Raises :class:`Unreachable` when it leads nowhere.

    Takes as long as the system's resolver does.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable("no such host") from None
    addresses: list[Address] = []
    for family, _, _, _, place in found:
        if family in (socket.AF_INET, socket.AF_INET6):
            # An address of IPv6 may name an interface (fe80::1%eth0); those that do aren't called.
            text = str(place[0])
            addresses.append(ipaddress.ip_address("fe80::" if "%" in text else text))
    if not addresses:
        raise Unreachable("no such host")
    return addresses


def checked_url(url: str, *, private: bool = False) -> str:
    """``url`` without its fragment, when its form is one that may be called; what its name leads to is checked when it
    is called.  Raises :class:`ForbiddenAddress`.

    Plain ``http`` only with ``private``: a password or a secret address would be readable on its way.
    """
    if len(url) > 4000 or re.search(r"[\x00-\x20\x7f\\]", url):
        raise ForbiddenAddress("form")
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ForbiddenAddress("form") from None
    if parts.scheme not in ("https", "http") or (parts.scheme == "http" and not private):
        raise ForbiddenAddress("scheme")
    if not host or port == 0:
        raise ForbiddenAddress("form")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddress("credentials in the address")
    return urllib.parse.urlunsplit(parts._replace(fragment=""))


def typed_url(text: str) -> str:
    """The https address that somebody means who types a server's name, a mail address there, or an address with a
    scheme of calendars (``webcal://``, ``caldavs://``)."""
    text = text.strip()
    scheme, mark, rest = text.partition("://")
    if not mark:
        return "https://" + text.rpartition("@")[2]
    return "https://" + rest if scheme.lower() in ("webcal", "webcals", "caldav", "caldavs") else text


def same_family(one: str, other: str) -> bool:
    """Whether ``other`` is an address that what opens ``one`` may be sent to.

    The same host, or over https a host beneath the same registered name (``pNN-caldav.icloud.com`` for
    ``caldav.icloud.com``).  Where registered names have three parts (``example.co.uk``) is guessed, on the safe side.
    """
    first, second = urllib.parse.urlsplit(one), urllib.parse.urlsplit(other)
    if (first.scheme, _place(first)) == (second.scheme, _place(second)):
        return True
    if second.scheme != "https":
        return False
    mine, theirs = (first.hostname or "").rstrip("."), (second.hostname or "").rstrip(".")
    if mine == theirs:
        return True
    return _registered(mine) is not None and _registered(mine) == _registered(theirs)


def _place(parts: urllib.parse.SplitResult) -> tuple[str | None, int | None]:
    return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _registered(host: str) -> str | None:
    """The last two labels of a name, three beneath a country's ``co``, ``com``, ``gov`` and the like."""
    labels = host.split(".")
    if re.fullmatch(r"[0-9.]+|.*:.*", host):
        return None  # a number belongs to nobody's name
    keep = 3 if len(labels[-1]) == 2 and len(labels) > 1 and len(labels[-2]) <= 3 else 2
    return ".".join(labels[-keep:]) if len(labels) >= keep else None
