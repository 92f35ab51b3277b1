"""Secrets at rest and secrets in links.

Tokens of guests' links are random; the database keeps a hash to find them by and an encrypted copy to write them
into the next mail.  A stolen database alone opens nothing.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import typing as t

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from .errors import BookingConfigError


def new_token() -> str:
    """256 random bits for a link, in URL-safe base64 (43 characters)."""
    return secrets.token_urlsafe(32)


def new_public_id() -> str:
    """128 random bits that name a row in a URL, or to a command (22 characters, the first no dash)."""
    while (made := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return made


def token_hash(token: str) -> str:
    """The SHA-256 of a random token, in hexadecimal: what the database may know.  Full entropy needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def encryption_keys(configured: str | t.Sequence[str] | None, secret_key: str | bytes | None) -> list[bytes]:
    """Fernet keys, the newest first: those configured, else one derived from ``SECRET_KEY``.

    Raises :class:`BookingConfigError` when there is neither, or a key is malformed.
    """
    keys = [
        k.strip() for k in (configured.split(",") if isinstance(configured, str) else configured or ()) if k.strip()
    ]
    for key in keys:
        try:
            Fernet(key.encode())
        except ValueError:
            raise BookingConfigError(
                "BOOKING_ENCRYPTION_KEYS: 32 bytes in URL-safe base64 each; make one with `flask booking new-key`"
            ) from None
    if keys:
        return [key.encode() for key in keys]
    if not secret_key:
        raise BookingConfigError("Set SECRET_KEY or BOOKING_ENCRYPTION_KEYS: guests' links are kept encrypted")
    raw = secret_key if isinstance(secret_key, bytes) else secret_key.encode()
    return [base64.urlsafe_b64encode(hashlib.sha256(b"flask_booking at rest" + raw).digest())]


def fernet() -> MultiFernet:
    """The current app's cipher; decrypts with every configured key and encrypts with the first."""
    keys = encryption_keys(current_app.config.get("BOOKING_ENCRYPTION_KEYS"), current_app.config.get("SECRET_KEY"))
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(value: str) -> str:
    """``value`` as it may be stored."""
    return fernet().encrypt(value.encode()).decode()


def decrypt(value: str) -> str | None:
    """The stored ``value`` again, or None when no configured key opens it."""
    try:
        return fernet().decrypt(value.encode()).decode()
    except InvalidToken:
        return None


def sign(purpose: str, value: t.Any) -> str:
    """``value`` (JSON-able) with a signature only this application can make for ``purpose``."""
    return _serializer(purpose).dumps(value)


def unsign(purpose: str, token: str, *, max_age: int) -> t.Any | None:
    """The value signed for ``purpose`` at most ``max_age`` seconds ago, else None."""
    try:
        return _serializer(purpose).loads(token, max_age=max_age)
    except BadSignature:
        return None


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    key = current_app.config.get("SECRET_KEY") or fernet_key()
    return URLSafeTimedSerializer(key, salt=f"flask_booking {purpose}")


def fernet_key() -> bytes:
    """The newest key at rest, to sign with when the app has no ``SECRET_KEY``."""
    return encryption_keys(current_app.config.get("BOOKING_ENCRYPTION_KEYS"), None)[0]
