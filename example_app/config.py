"""What the CRM can be told from outside: everything comes from environment variables, each with a default.

=============================  ================================================================================
``DATABASE_URL``               any SQLAlchemy address; ``postgresql://`` and ``mysql://`` get the drivers used
                               here. Default: the file ``demo.sqlite`` in the instance folder.
``REDIS_URL``                  where background jobs ring their bell. Default: none, jobs run in this process.
``MAIL_URL``                   ``smtp://[user:password@]host:port`` or ``smtps://…``. Default: none, mails are
                               kept and shown at ``/mailbox``.
``MAIL_SENDER``                the From address of mails.
``SECRET_KEY``                 signs sessions. Default: made once and kept in the instance folder.
``BOOKING_ENCRYPTION_KEYS``    Fernet keys, newest first, separated by commas. Default: made once and kept.
``BOOKING_SUBDOMAINS``         what stands after a page's name in its subdomain; ``meet.localhost`` works on your
                               machine. Default: pages have no subdomains.
``BOOKING_DOMAIN_TARGET``      the name customers' domains point to. Default: pages have no domains of their own.
``BOOKING_GOOGLE_…``           calendar services and makers of meeting links: every key of the package whose name
``BOOKING_MICROSOFT_…``        begins so, such as ``BOOKING_GOOGLE_CLIENT_ID``. Default: none is registered, and none
``BOOKING_ZOOM_…``             offered.
``BOOKING_PUBLIC_URL``         the address that services reach the CRM at, where it isn't ``BASE_URL``.
``BOOKING_PRIVATE_ADDRESSES``  ``1`` lets calendars be at addresses in private networks.
``BASE_URL``                   the address people reach the CRM at, for links in mails.
``DEMO``                       ``1`` shows one-click logins and opens the mailbox to everybody.
``INSTANCE_PATH``              the folder of the SQLite file and the kept keys.
=============================  ================================================================================
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url

from flask_booking.config import defaults

DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}


SERVICES = tuple(
    name
    for name in defaults()
    if name.startswith(("BOOKING_GOOGLE_", "BOOKING_MICROSOFT_", "BOOKING_ZOOM_", "BOOKING_PUBLIC_URL"))
)


def instance_folder(chosen: str | None) -> Path:
    """The folder of what is kept: the one that was chosen, or ``instance`` beside the package."""
    return Path(chosen).resolve() if chosen else Path(__file__).resolve().parents[1] / "instance"


def database_url(address: str) -> URL:
    """The address with the driver named, as hosting providers leave it out or write ``postgres://``."""
    url = make_url(address)
    url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
    if url.get_backend_name() in {"mysql", "mariadb"} and "charset" not in url.query:
        url = url.update_query_dict({"charset": "utf8mb4"})
    return url


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in a file only its owner can read; made on first use, also when processes race for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(make(), encoding="utf-8")
        try:
            os.link(draft, path)  # atomic and fails when another process was first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="utf-8").strip()


def fernet_key() -> str:
    """A new key as :class:`cryptography.fernet.Fernet` wants it: 32 random bytes, URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def settings(environ: Mapping[str, str], instance: Path) -> dict[str, Any]:
    """Flask configuration made from environment variables.

    :param instance: the folder for the SQLite file and for secrets nobody has set.
    """
    address = environ.get("DATABASE_URL") or f"sqlite:///{instance / 'demo.sqlite'}"
    return {
        "SQLALCHEMY_DATABASE_URI": database_url(address),
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_pre_ping": True},
        "SECRET_KEY": environ.get("SECRET_KEY") or kept_secret(instance / "secret-key", secrets.token_hex),
        "BOOKING_ENCRYPTION_KEYS": [
            key.strip()
            for key in (
                environ.get("BOOKING_ENCRYPTION_KEYS") or kept_secret(instance / "encryption-keys", fernet_key)
            ).split(",")
        ],
        **{name: environ[name] for name in SERVICES if environ.get(name)},
        "BOOKING_PRIVATE_ADDRESSES": environ.get("BOOKING_PRIVATE_ADDRESSES") or False,
        "BOOKING_SUBDOMAINS": environ.get("BOOKING_SUBDOMAINS") or None,
        "BOOKING_DOMAIN_TARGET": environ.get("BOOKING_DOMAIN_TARGET") or None,
        "REDIS_URL": environ.get("REDIS_URL") or None,
        "MAIL_URL": environ.get("MAIL_URL") or None,
        "MAIL_SENDER": environ.get("MAIL_SENDER") or "Rowan CRM <crm@example.com>",
        "BASE_URL": environ.get("BASE_URL") or None,
        "DEMO": environ.get("DEMO", "").strip().lower() not in {"", "0", "false", "no", "off"},
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_HTTPONLY": True,
        "MAX_CONTENT_LENGTH": 2 * 1024 * 1024,
        # A form may be left open over lunch; the token still dies with the session.
        "WTF_CSRF_TIME_LIMIT": None,
    }
