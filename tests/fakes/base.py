"""What the stand-ins for other people's services have in common: a real socket, a journal, and bad days on order.

A stand-in is a WSGI application behind a socket of this machine, written from what the real service documents and what
is known of its misbehaviour.  It knows nothing of the package.
"""

from __future__ import annotations

import collections
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass
class Trouble:
    """What happens to the next requests that match: ``answer`` instead of the real one, or the connection is dropped,
    before or after the request had its effect."""

    matches: Callable[[Asked], bool]
    answer: Response | None = None
    drop: bool = False
    after_effect: bool = False
    times: int = 1


class Fake:
    """A stand-in.  Subclasses fill ``urls`` (endpoints are names of methods, called with the request and what the rule
    found) and keep the service's state."""

    urls: Map

    def __init__(self) -> None:
        self.url = ""
        self.journal: list[Asked] = []
        self.troubles: collections.deque[Trouble] = collections.deque()
        self.lock = threading.RLock()
        self.running = 0
        self.most_at_once = 0

    # -- bad days -----------------------------------------------------------------------------------------------

    def fail(
        self,
        status: int,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        times: int = 1,
        path: str = "",
        method: str = "",
    ) -> None:
        """Answer the next requests with this."""
        answer = Response(json.dumps(body or {}), status, headers, mimetype="application/json")
        self.troubles.append(Trouble(_matcher(method, path), answer, times=times))

    def drop(self, *, after_effect: bool = False, times: int = 1, path: str = "", method: str = "") -> None:
        """Drop the connection of the next requests without an answer; with ``after_effect`` they were carried out."""
        self.troubles.append(Trouble(_matcher(method, path), drop=True, after_effect=after_effect, times=times))

    def asked(self, method: str = "", path: str = "") -> list[Asked]:
        """The requests so far whose method is this and whose path contains that."""
        matches = _matcher(method, path)
        with self.lock:
            return [one for one in self.journal if matches(one)]

    # -- serving ------------------------------------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        body = request.get_data(cache=True)
        asked = Asked(request.method, request.path, request.args.to_dict(), dict(request.headers), body)
        with self.lock:
            self.journal.append(asked)
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
            trouble = self._trouble(asked)
        try:
            if trouble is None or trouble.after_effect:
                answer = self._answer(request)
            else:
                answer = trouble.answer or Response(status=500)
            if trouble is not None and trouble.drop:
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                raise ConnectionResetError  # the server takes it for a client that went away, and answers nothing
            return answer(environ, start_response)
        finally:
            with self.lock:
                self.running -= 1

    def _trouble(self, asked: Asked) -> Trouble | None:
        for trouble in self.troubles:
            if trouble.matches(asked):
                trouble.times -= 1
                if trouble.times <= 0:
                    self.troubles.remove(trouble)
                return trouble
        return None

    def _answer(self, request: Request) -> Response:
        try:
            endpoint, values = self.urls.bind_to_environ(request.environ).match()
            return getattr(self, endpoint)(request, **values)
        except HTTPException as error:
            return self.refused(error)

    def refused(self, error: HTTPException) -> Response:
        """What the service answers where it knows no address, or a method raised an error of werkzeug."""
        return Response(json.dumps({"error": error.name}), error.code, mimetype="application/json")


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_args: Any, **_more: Any) -> None:
        """Tests print nothing."""


def _matcher(method: str, path: str) -> Callable[[Asked], bool]:
    return lambda asked: method in ("", asked.method) and path in asked.path


F = TypeVar("F", bound=Fake)


@contextmanager
def served(fake: F, certificate: Path | None = None) -> Iterator[F]:
    """The stand-in behind a socket, until the block ends; its address is ``fake.url``, without a slash at the end.

    Over TLS with a ``certificate``: a file with its key in it.
    """
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or each body waits 40 ms behind its headers
    port = listening.getsockname()[1]
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = make_server(
        "127.0.0.1", port, fake, threaded=True, request_handler=_Handler, fd=listening.fileno(), ssl_context=context
    )
    fake.url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    thread = threading.Thread(target=server.serve_forever, args=[0.01], name="stand-in", daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
        listening.close()
