"""A server that speaks no HTTP of its own accord: what it sends is sent byte by byte as the test says.

And certificates for names of a family of hosts, all of which lead to this machine.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import ipaddress
import itertools
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclasses.dataclass
class RawServer:
    """A running server, and the requests that it got, as text."""

    port: int
    heard: list[str]


@contextlib.contextmanager
def raw_server(speak: Callable[[socket.socket], None], certificate: Path | None = None) -> Iterator[RawServer]:
    """A server that has ``speak`` talk to each client, once it has sent a request; over TLS with a certificate."""
    heard: list[str] = []
    listening = socket.create_server(("127.0.0.1", 0), backlog=16)
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            wrapped = context.wrap_socket(client, server_side=True) if context else client
            with wrapped:
                heard.append(_request(wrapped))
                speak(wrapped)

    def accept() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=[client], daemon=True).start()

    thread = threading.Thread(target=accept, name="raw server", daemon=True)
    thread.start()
    try:
        yield RawServer(listening.getsockname()[1], heard)
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def _request(client: socket.socket) -> str:
    """A whole request: who closes with a part of it unread resets the connection, and the answer may be lost."""
    read = b""
    while not (head := read.partition(b"\r\n\r\n"))[1]:
        if not (more := client.recv(65536)):
            break
        read += more
    length = re.search(rb"(?i)^content-length: *(\d+)", head[0], re.M)
    while length and len(read) < len(head[0]) + 4 + int(length[1]) and (more := client.recv(65536)):
        read += more
    return read.decode()


def answering(status: str, *headers: str, body: bytes = b"") -> Callable[[socket.socket], None]:
    """What says this to everybody; the length of the body is told unless a header does."""
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close"]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return lambda client: client.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def certificate_for(folder: Path, *names: str) -> Path:
    """A file with a key and a certificate for these names, signed by itself, which clients may be told to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


class Names:
    """A resolver that answers each question with the next of the answers for a name; other names are looked up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
        self.asked: list[str] = []
        self._answers = {name.replace("_", "."): itertools.cycle(found) for name, found in answers.items()}
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: Any, port: Any, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in self._answers:
            return self._real(host, port, *args, **more)
        self.asked.append(name)
        found = next(self._answers[name])
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found
        ]
