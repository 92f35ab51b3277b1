"""A service to sign in at, and accounts of it that are connected."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_booking.connections.service import OAuthService
from flask_booking.connections.tokens import ConnectionTokens
from flask_booking.models import Connection, Host
from flask_booking.models.columns import utcnow
from flask_booking.state import session
from tests.fakes.base import served
from tests.fakes.oauth import Grant, OAuthFake
from tests.fixtures.people import make_host

AN_HOUR = dt.timedelta(hours=1)


def service_at(fake: OAuthFake, **more: Any) -> OAuthService:
    """The CRM's registration at the stand-in."""
    given: dict[str, Any] = {
        "name": "stand-in",
        "client_id": fake.client_id,
        "client_secret": fake.client_secret,
        "authorize_url": f"{fake.url}/oauth/authorize",
        "token_url": f"{fake.url}/oauth/token",
        "revoke_url": f"{fake.url}/oauth/revoke",
        "scopes": ("read", "write"),
        "needed": frozenset({"read", "write"}),
        "rotates": fake.rotates,
        "basic_auth": fake.basic_only,
    }
    return OAuthService(**given | more)


@dataclasses.dataclass
class Connected:
    """An account that is connected, as the service and as the database know it."""

    app: Flask
    fake: OAuthFake
    grant: Grant
    id: int

    @property
    def tokens(self) -> ConnectionTokens:
        return ConnectionTokens(self.id, service_at(self.fake))

    @property
    def row(self) -> Connection:
        """The connection as the database has it now."""
        session().rollback()
        return session().scalars(
            sa.select(Connection).filter_by(id=self.id).execution_options(populate_existing=True)
        ).one()  # fmt: skip

    @property
    def secret(self) -> dict[str, Any]:
        return json.loads(self.row.secret)

    def change(self, **columns: Any) -> None:
        row = self.row
        for name, value in columns.items():
            setattr(row, name, value)
        session().commit()

    def expire(self) -> None:
        """Let the access token be over, for the service and for us."""
        self.fake.expire_tokens()
        self.change(expires_at=utcnow() - AN_HOUR)

    def works(self, token: str) -> bool:
        """Whether the service takes this token."""
        return token in self.fake.tokens and self.fake.tokens[token][1] > self.fake.now()


def connected(app: Flask, fake: OAuthFake, host: Host | None = None) -> Connected:
    """Connect an account whose access token is over; inside an application context."""
    host = host or make_host("Ann Meyer")[1]
    grant = fake.allow()
    connection = Connection(
        host_id=host.id,
        provider="stand-in",
        account_id="ann",
        account_name="ann@example.com",
        secret=json.dumps({"access_token": "access-of-yesterday", "refresh_token": grant.refresh_token}),
        expires_at=utcnow() - AN_HOUR,
        scopes="read write",
    )
    session().add(connection)
    session().commit()
    return Connected(app, fake, grant, connection.id)


@pytest.fixture
def fake() -> Iterator[OAuthFake]:
    """The service, where whoever signs in allows everything."""
    with served(OAuthFake()) as fake:
        yield fake


@pytest.fixture
def account(app: Flask, fake: OAuthFake) -> Iterator[Connected]:
    """A connected account on SQLite whose access token is over, inside an application context."""
    with app.app_context():
        yield connected(app, fake)


@pytest.fixture
def each_account(each_app: Flask, fake: OAuthFake) -> Iterator[Connected]:
    """The same on each kind of database in turn."""
    with each_app.app_context():
        yield connected(each_app, fake)
