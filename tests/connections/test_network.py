"""Calling servers that people name: only where it may go, no longer than it may last, and secrets to the right one."""

from __future__ import annotations

import base64
import contextlib
import gc
import gzip
import itertools
import socket
import time
import traceback
import weakref
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_booking.connections import network
from flask_booking.connections.network import GuardedSession
from flask_booking.connections.password import AddressAccess, PasswordAccess
from flask_booking.connections.problems import (
    ForbiddenAddress,
    LeadsElsewhere,
    NeedsReconnect,
    RateLimited,
    Unreachable,
    Unreadable,
)
from tests.fakes.raw import Names, RawServer, answering, certificate_for, raw_server

# -- addresses --------------------------------------------------------------------------------------------------------


# -- where connections go ---------------------------------------------------------------------------------------------


@pytest.fixture
def inside() -> Iterator[RawServer]:
    """A server on this machine."""
    with raw_server(answering("200 OK", body=b"secret inside")) as server:
        yield server


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "0"]
)
def test_this_machine_can_not_be_called_by_any_of_its_names(inside: RawServer, host: str) -> None:
    with pytest.raises((ForbiddenAddress, Unreachable)):
        GuardedSession().request("GET", f"https://{host}:{inside.port}/")
    assert inside.heard == []


def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch, inside: RawServer) -> None:
    Names(monkeypatch, inside_example_com=[["127.0.0.1"]], both_example_com=[["93.184.216.34", "10.0.0.1"]])
    for name in ("inside.example.com", "both.example.com"):
        with pytest.raises(ForbiddenAddress):
            GuardedSession().request("GET", f"https://{name}:{inside.port}/")
    assert inside.heard == []


def test_the_connection_goes_where_was_looked_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, rebinding_example_com=[["93.184.216.34"], ["127.0.0.1"]])
    called = []

    def connect(place: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        called.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(network, "create_connection", connect)
    with pytest.raises(Unreachable):
        GuardedSession().request("GET", "https://rebinding.example.com/")
    assert (called, names.asked) == ([("93.184.216.34", 443)], ["rebinding.example.com"])
    with pytest.raises(ForbiddenAddress):
        GuardedSession().request("GET", "https://rebinding.example.com/")
    assert len(called) == 1


def test_a_redirect_inside_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = certificate_for(tmp_path, "out.example.com")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    Names(monkeypatch, out_example_com=[["127.0.0.1"]], in_example_com=[["10.0.0.1"]])
    real = network.allowed
    monkeypatch.setattr(network, "allowed", lambda one, private: str(one) == "127.0.0.1" or real(one, private=private))
    for target in (
        "https://in.example.com/",
        "http://other.example.com/",
        "file:///etc/passwd",
        "https://x:y@out.example.com/",
    ):
        with (
            raw_server(answering("302 Found", f"Location: {target}"), certificate) as server,
            pytest.raises(ForbiddenAddress),
        ):
            GuardedSession().request("GET", f"https://out.example.com:{server.port}/")


def test_a_server_that_leads_to_itself_without_tls_means_with(certificate: Path) -> None:
    location = "http://dav.example.com/remote.php/dav/"
    with raw_server(answering("301 Moved", f"Location: {location}"), certificate) as server:
        url = f"https://dav.example.com:{server.port}/"
        with pytest.raises(Unreachable):  # which it answers with the same again
            ann(url).request("PROPFIND", url)
    assert [heard.split(" ")[1] for heard in server.heard] == ["/"] + ["/remote.php/dav/"] * 5


def test_connections_end_with_the_session(inside: RawServer) -> None:
    session = GuardedSession(private=True)
    session.request("GET", f"http://127.0.0.1:{inside.port}/")
    kept = weakref.ref(session._http)
    gc.disable()
    try:
        del session
        assert kept() is None
    finally:
        gc.enable()


def test_the_certificate_has_to_be_the_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = certificate_for(tmp_path, "dav.example.com")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    Names(monkeypatch, dav_example_com=[["127.0.0.1"]], bank_example_com=[["127.0.0.1"]])
    with raw_server(answering("200 OK", body=b"yes"), certificate) as server:
        session = GuardedSession(private=True)
        assert session.request("GET", f"https://dav.example.com:{server.port}/").text == "yes"
        with pytest.raises(Unreachable):
            session.request("GET", f"https://bank.example.com:{server.port}/")


def test_proxies_and_netrc_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, inside: RawServer
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    answer = GuardedSession(private=True).request("GET", f"http://127.0.0.1:{inside.port}/")
    assert answer.text == "secret inside"
    assert "Authorization" not in answer.request.headers


# -- how much is read -------------------------------------------------------------------------------------------------


def dripping(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            client.sendall(b"x")
            time.sleep(0.02)


def dripping_headers(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    with contextlib.suppress(OSError):
        for number in itertools.count():
            client.sendall(f"X-{number % 50}: y".encode())
            time.sleep(0.02)


def dripping_chunks(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            client.sendall(b"1\r\nx\r\n")
            time.sleep(0.02)


@pytest.mark.parametrize("speak", [dripping, dripping_headers, dripping_chunks])
def test_an_answer_that_comes_drop_by_drop_ends(speak: Callable[[socket.socket], None]) -> None:
    with raw_server(speak) as server, pytest.raises(Unreachable):
        GuardedSession(private=True, longest_time=0.3).request("GET", f"http://127.0.0.1:{server.port}/")


def endless(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            client.sendall(b"x" * 65536)


def endless_chunks(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            client.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def bomb(size: int) -> bytes:
    return gzip.compress(b"\0" * size, 9)


@pytest.mark.parametrize(
    "speak",
    [
        endless,
        endless_chunks,
        answering("200 OK", "Content-Length: 99999999999999999999999"),
        answering("200 OK", "Content-Length: 2000000"),
        answering("200 OK", body=b"x" * 1_100_000),
        answering("200 OK", "Content-Encoding: gzip", body=bomb(50_000_000)),
        answering("200 OK", "Content-Encoding: gzip", body=gzip.compress(bomb(200_000_000))),
        answering("200 OK", "Content-Encoding: gzip", body=bomb(600_000) + bomb(600_000)),
        answering("200 OK", "Content-Encoding: deflate", body=zlib.compress(b"\0" * 50_000_000)),
        answering("200 OK", "Content-Encoding: br", body=b"x"),
        answering("200 OK", "Content-Encoding: gzip, gzip", body=gzip.compress(gzip.compress(b"x"))),
        answering("200 OK", "Content-Encoding: gzip", body=gzip.compress(b"hello")[:-12] + b"garbage" * 30),
    ],
)
def test_more_than_is_allowed_is_not_read(speak: Callable[[socket.socket], None]) -> None:
    with raw_server(speak) as server:
        session = GuardedSession(private=True, longest=1_000_000)
        try:
            answer = session.request("GET", f"http://127.0.0.1:{server.port}/")
        except Unreadable:
            return
        assert len(answer.content) < 1_000_000  # a bomb in a bomb is a small answer: nobody opens the second
        assert answer.content[:2] == b"\x1f\x8b"


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("X-Plain: 1", b"hello"),
        ("Content-Encoding: identity", b"hello"),
        ("Content-Encoding: gzip", gzip.compress(b"hello")),
        ("Content-Encoding: x-gzip", gzip.compress(b"hel") + gzip.compress(b"lo")),
        ("Content-Encoding: deflate", zlib.compress(b"hello")),
        ("Content-Encoding: deflate", zlib.compressobj(wbits=-15).compress(b"") + zlib.compress(b"hello")[2:-4]),
    ],
    ids=["plain", "identity", "gzip", "members", "zlib", "deflate"],
)
def test_answers_are_read_however_they_are_compressed(header: str, body: bytes) -> None:
    with raw_server(answering("200 OK", header, body=body)) as server:
        assert GuardedSession(private=True).request("GET", f"http://127.0.0.1:{server.port}/").text == "hello"


@pytest.mark.parametrize(
    "speak",
    [
        answering("200 OK", "Content-Length: 100", body=b"too short"),
        lambda client: client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        lambda client: client.sendall(b"SSH-2.0-OpenSSH\r\n"),
        lambda client: client.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n"),
        lambda client: None,
    ],
)
def test_an_answer_that_breaks_off_is_none(speak: Callable[[socket.socket], None]) -> None:
    with raw_server(speak) as server, pytest.raises((Unreachable, Unreadable)):
        GuardedSession(private=True).request("GET", f"http://127.0.0.1:{server.port}/")


def test_trouble_of_the_server_is_told_apart() -> None:
    for status, problem in (("500 No", Unreachable), ("503 No", Unreachable), ("429 No", RateLimited)):
        with raw_server(answering(status, body=b"x" * 100)) as server, pytest.raises(problem):
            GuardedSession(private=True).request("GET", f"http://127.0.0.1:{server.port}/")


def test_redirects_end() -> None:
    with raw_server(answering("302 Found", "Location: /again")) as server, pytest.raises(Unreachable):
        GuardedSession(private=True).request("GET", f"http://127.0.0.1:{server.port}/")


# -- secrets ----------------------------------------------------------------------------------------------------------


BASIC = "Basic " + base64.b64encode("ann:secret-ü".encode()).decode()


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What servers of three names, all on this machine, prove themselves with."""
    names = ("dav.example.com", "p1.example.com", "other.example.net")
    made = certificate_for(tmp_path, *names)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(made))
    Names(monkeypatch, **{name.replace(".", "_"): [["127.0.0.1"]] for name in names})
    return made


def ann(url: str) -> PasswordAccess:
    return PasswordAccess("ann", "secret-ü", settings={"url": url}, private=True)


def test_the_password_goes_to_the_server_and_along_within_its_family(certificate: Path) -> None:
    with (
        raw_server(answering("207 Multi-Status", body=b"yes"), certificate) as end,
        raw_server(answering("301 Moved", f"Location: https://p1.example.com:{end.port}/x"), certificate) as begin,
    ):
        url = f"https://dav.example.com:{begin.port}/"
        answer = ann(url).request("PROPFIND", url, data=b"<body/>", headers={"Depth": "0"})
    assert (answer.text, answer.url) == ("yes", f"https://p1.example.com:{end.port}/x")
    for heard in begin.heard + end.heard:
        assert heard.startswith("PROPFIND /")
        assert f"Authorization: {BASIC}\r\n" in heard
        assert "Depth: 0\r\n" in heard
    assert end.heard[0].endswith("<body/>") or len(end.heard) == 1


@pytest.mark.parametrize("target", ["https://other.example.net:{port}/", "http://dav.example.com:{port}/"])
def test_the_password_goes_to_nobody_else(certificate: Path, target: str) -> None:
    with raw_server(answering("200 OK", body=b"stolen"), certificate if "https" in target else None) as thief:
        location = target.format(port=thief.port)
        with raw_server(answering("302 Found", f"Location: {location}"), certificate) as begin:
            url = f"https://dav.example.com:{begin.port}/"
            with pytest.raises(LeadsElsewhere) as caught:
                ann(url).request("GET", url)
            with pytest.raises(LeadsElsewhere):
                ann(url).request("GET", location)
    assert (len(begin.heard), thief.heard) == (1, [])
    assert caught.value.sentence.startswith("This server leads to another one")
    assert "secret" not in str(caught.value)


def test_a_see_other_is_asked_with_get_and_without_the_body(certificate: Path) -> None:
    with (
        raw_server(answering("200 OK", body=b"yes"), certificate) as end,
        raw_server(answering("303 See", f"Location: https://p1.example.com:{end.port}/"), certificate) as begin,
    ):
        url = f"https://dav.example.com:{begin.port}/"
        ann(url).request("PUT", url, data=b"body")
    assert end.heard[0].startswith("GET / ")
    assert "body" not in end.heard[0]


def test_a_refused_password_asks_to_sign_in_again() -> None:
    with raw_server(answering("401 Unauthorized")) as server:
        url = f"http://127.0.0.1:{server.port}/"
        with pytest.raises(NeedsReconnect):
            ann(url).request("GET", url)
        with pytest.raises(NeedsReconnect):
            AddressAccess(url, private=True).request("GET", url)


def test_cookies_are_not_kept() -> None:
    with raw_server(answering("200 OK", "Set-Cookie: session=1; Path=/")) as server:
        access = ann(f"http://127.0.0.1:{server.port}/")
        for _ in range(2):
            access.request("GET", f"http://127.0.0.1:{server.port}/")
    assert all("cookie" not in heard.lower() for heard in server.heard)


def test_no_problem_tells_the_secret_address() -> None:
    for address in (
        "https://127.0.0.1:9/secret-feed.ics",
        "https://no-such-host.invalid/secret-feed.ics",
        "x://secret",
    ):
        with pytest.raises((ForbiddenAddress, Unreachable)) as caught:
            AddressAccess(address).request("GET", address)
        shown = "".join(traceback.format_exception(caught.value))
        assert "secret-feed" not in shown.replace('/secret-feed.ics")', "")  # our own line above
