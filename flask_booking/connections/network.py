"""Asking servers that people name, without being made to do harm.

A name is looked up once, what it leads to is checked (:mod:`.addresses`), and the connection goes to the very address
that was checked: a name that leads elsewhere a moment later (DNS rebinding) is of no use.  Redirects are followed here,
each checked in the same way.  Answers are read up to a size and for a time, also when they are compressed or dripping.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import functools
import http.cookiejar
import os
import socket
import threading
import typing as t
import urllib.parse
import weakref
import zlib

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.connection import create_connection

from .access import LONGEST_ANSWER, TIMEOUT, judged
from .addresses import allowed, checked_url, look_up
from .problems import ForbiddenAddress, Unreachable, Unreadable

LONGEST_TIME = 60.0
"""So many seconds one request may take, redirects included."""
MOST_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 64 * 1024

Body = bytes | str | c.Mapping[str, str] | None


class GuardedSession:
    """Connections to addresses that this server may call.  Not for use by several threads at once.

    ``private`` allows those of private networks, and http.  Proxies and ``.netrc`` of the environment aren't used: a
    proxy would look names up itself.
    """

    def __init__(
        self, *, private: bool = False, longest: int = LONGEST_ANSWER, longest_time: float = LONGEST_TIME
    ) -> None:
        self.private, self.longest, self.longest_time = private, longest, longest_time
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._late = False
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        self._http.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._http.headers.update({"User-Agent": "flask-booking", "Accept-Encoding": "gzip, deflate"})
        for scheme in ("https://", "http://"):
            self._http.mount(scheme, _Adapter(self))

    def request(
        self,
        method: str,
        url: str,
        *,
        params: c.Mapping[str, t.Any] | None = None,
        data: Body = None,
        headers: c.Mapping[str, str] | None = None,
        authorize: c.Callable[[str], c.Mapping[str, str]] | None = None,
    ) -> requests.Response:
        """The answer after redirects, its body read; ``answer.url`` is where it came from.

        ``authorize`` gives the headers for an address that only the right server may see, and is asked for each
        redirect anew.  Raises as :func:`~.access.send`, and :class:`ForbiddenAddress` and :class:`Unreadable`.
        """
        self._late = False
        alarm = threading.Timer(self.longest_time, _hang_up, [weakref.ref(self)])
        alarm.daemon = True
        alarm.start()
        try:
            for _ in range(MOST_REDIRECTS + 1):
                url = checked_url(url, private=self.private)
                more = {**(headers or {}), **(authorize(url) if authorize else {})}
                answer = self._ask(method, url, params, data, more)
                where = answer.headers.get("Location")
                if answer.status_code not in _REDIRECTS or not where:
                    return answer
                url, params = _redirected(url, where), None
                if answer.status_code == 303:
                    method, data = "GET", None
            raise Unreachable("too many redirects")
        finally:
            alarm.cancel()

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._http.close()

    def _ask(
        self, method: str, url: str, params: c.Mapping[str, t.Any] | None, data: Body, headers: c.Mapping[str, str]
    ) -> requests.Response:
        # Servers may read all of a calendar before the first word of such an answer.
        patience = self.longest_time if method in ("REPORT", "PROPFIND") else TIMEOUT[1]
        try:
            answer = self._http.request(
                method, url, params=params, data=data, headers=headers,
                allow_redirects=False, stream=True, timeout=(TIMEOUT[0], patience),
            )  # fmt: skip
        except (requests.RequestException, OSError, ValueError) as error:
            raise Unreachable("too slow" if self._late else type(error).__name__) from None
        try:
            judged(answer)
            # What _content holds, requests takes for the body; Content-Encoding has been undone.
            answer._content = b"".join(_limited(self._pieces(answer), self.longest))
            answer._content_consumed = True  # type: ignore[attr-defined]
            answer.headers.pop("Content-Encoding", None)
        except BaseException:
            answer.close()
            raise
        return answer

    def _pieces(self, answer: requests.Response) -> c.Iterator[bytes]:
        """The body, not compressed any more; never more than :data:`_PIECE` at once."""
        length = answer.headers.get("Content-Length", "")
        if length.isdecimal() and (len(length) > 15 or int(length) > self.longest):
            raise Unreadable("too large")
        coding = answer.headers.get("Content-Encoding", "").strip().lower()
        if coding in ("", "identity"):
            return self._sent(answer)
        if coding in ("gzip", "x-gzip", "deflate"):
            return _inflated(_limited(self._sent(answer), self.longest))
        raise Unreadable("compressed in an unknown way")

    def _sent(self, answer: requests.Response) -> c.Iterator[bytes]:
        while True:
            try:
                piece = answer.raw.read(_PIECE, decode_content=False)
            except (urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError) as error:
                raise Unreachable("too slow" if self._late else type(error).__name__) from None
            if self._late:
                raise Unreachable("too slow")
            if not piece:
                return
            yield piece

    # -- connections ----------------------------------------------------------------------------------------------

    def connect(self, host: str, port: int, connection: HTTPConnection) -> socket.socket:
        """A socket to ``host``, whose address has been checked.  Raises :class:`ForbiddenAddress`, OSError."""
        found = look_up(host, port)
        if not all(allowed(address, private=self.private) for address in found):
            raise ForbiddenAddress("private")
        for place, address in enumerate(found):
            try:
                return create_connection(
                    (str(address), port), TIMEOUT[0], connection.source_address, connection.socket_options
                )
            except OSError:
                if place == len(found) - 1 or self._late:
                    raise
        raise AssertionError("look_up finds at least one")

    def connected(self, sock: socket.socket) -> None:
        """Remember a connection that is to end when time is up."""
        self._sockets.add(sock)
        if self._late:
            self.hang_up()

    def hang_up(self) -> None:
        """End all connections, from another thread: nothing else ends an answer that comes drop by drop."""
        self._late = True
        for sock in list(self._sockets):
            with contextlib.suppress(OSError):  # closed meanwhile
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _GuardedHTTP(HTTPConnection):
    def __init__(self, *args: t.Any, guard: GuardedSession, **more: t.Any) -> None:
        super().__init__(*args, **more)
        self._guard = guard

    def _new_conn(self) -> socket.socket:
        return self._guard.connect(self._dns_host, self.port, self)

    def connect(self) -> None:
        super().connect()
        self._guard.connected(self.sock)


class _GuardedHTTPS(_GuardedHTTP, HTTPSConnection):
    """The certificate is checked for the name, as ever: only where the connection goes is decided here."""


class _Adapter(HTTPAdapter):
    def __init__(self, guard: GuardedSession) -> None:
        # Not to hold each other: connections end with the session that nobody needs any more, and not when Python next
        # looks for circles.
        self._guard = weakref.proxy(guard)
        super().__init__(pool_connections=4, pool_maxsize=1)

    def init_poolmanager(self, *args: t.Any, **more: t.Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {
            "http": functools.partial(_pool, HTTPConnectionPool, _GuardedHTTP, self._guard),
            "https": functools.partial(_pool, HTTPSConnectionPool, _GuardedHTTPS, self._guard),
        }


def _hang_up(session: weakref.ref[GuardedSession]) -> None:
    if (found := session()) is not None:
        found.hang_up()


def _pool(
    kind: type[HTTPConnectionPool], connection: type[_GuardedHTTP], guard: GuardedSession, *args: t.Any, **more: t.Any
) -> HTTPConnectionPool:
    pool = kind(*args, **more)
    pool.ConnectionCls = functools.partial(connection, guard=guard)  # type: ignore[assignment]
    return pool


def _redirected(url: str, where: str) -> str:
    """Where a redirect leads.  Servers behind a proxy that don't know of its TLS lead to themselves without: they mean
    with."""
    try:
        begin, end = urllib.parse.urlsplit(url), urllib.parse.urlsplit(urllib.parse.urljoin(url, where))
        own = begin.hostname == end.hostname and end.port in (None, 80) and end.username is None
    except ValueError:
        raise ForbiddenAddress("form") from None
    if own and (begin.scheme, end.scheme) == ("https", "http"):
        end = end._replace(scheme="https", netloc=begin.netloc)
    return urllib.parse.urlunsplit(end)


def _limited(pieces: c.Iterable[bytes], longest: int) -> c.Iterator[bytes]:
    room = longest
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            raise Unreadable("too large")
        yield piece


def _inflated(pieces: c.Iterable[bytes]) -> c.Iterator[bytes]:
    """What gzip or zlib (RFC 1950, 1952) or bare deflate, as some servers send it, holds; a bomb in small pieces."""
    engine, begun, ended = zlib.decompressobj(47), False, True
    for piece in pieces:
        while piece:
            try:
                out = engine.decompress(piece, _PIECE)
            except zlib.error:
                if begun:
                    raise Unreadable("compressed wrongly") from None
                engine, begun = zlib.decompressobj(-15), True
                continue
            begun, ended = True, engine.eof
            if out:
                yield out
            piece = engine.unconsumed_tail
            if engine.eof:
                # Another member may follow (RFC 1952 §2.2).
                piece, engine = engine.unused_data, zlib.decompressobj(47)
    if not ended:
        raise Unreadable("compressed wrongly")
