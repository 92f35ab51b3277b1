"""An agency's CRM on PostgreSQL whose clock stands in New York, with every habit that a session can have.

* Users are of a plain base on a ``MetaData`` of their own, in the table ``user`` of a schema, with a UUID that isn't
  called ``id``; who is logged in is ``uuid:version``.
* The session neither flushes by itself nor expires on commit.  Every query hides what was deleted, users and contacts,
  and while somebody is logged in what belongs to another tenant.
* Each change of a contact or an entry is audited with the user who made it, and refused when there is none.
* Each row has a tenant; kinds of entries are closed by a CHECK; constraints are renamed.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask, abort, g, has_request_context, session
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, with_loader_criteria

from flask_booking import ActivityFields, ContactFields, UserFields
from tests.hosts.way import Sender

CONVENTION = {
    "ix": "agency_ix_%(column_0_label)s",
    "uq": "agency_uq_%(table_name)s_%(constraint_name)s",
    "ck": "agency_ck_%(table_name)s_%(constraint_name)s",
    "fk": "agency_fk_%(table_name)s_%(column_0_name)s",
    "pk": "agency_pk_%(table_name)s",
}


class People(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=CONVENTION)


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=CONVENTION)


db = SQLAlchemy(model_class=Base, session_options={"autoflush": False, "expire_on_commit": False})


class Tenant(People):
    __tablename__ = "tenant"
    __table_args__ = {"schema": "people"}
    code: Mapped[str] = mapped_column(sa.String(20), primary_key=True)


class Staff(UserMixin, People):
    __tablename__ = "user"
    __table_args__ = {"schema": "people"}
    key: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    version: Mapped[int] = mapped_column(default=1)
    email: Mapped[str] = mapped_column(sa.String(200))
    full_name: Mapped[str] = mapped_column(sa.String(200))
    leads: Mapped[bool] = mapped_column(default=False)
    left: Mapped[bool] = mapped_column(default=False)
    tenant_code: Mapped[str] = mapped_column(sa.ForeignKey(Tenant.code))
    tenant: Mapped[Tenant] = relationship(Tenant)

    def get_id(self) -> str:
        return f"{self.key}:{self.version}"


class Audited:
    """Each change is written down with who made it."""


class Client(Audited, db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "client"
    __table_args__ = (sa.UniqueConstraint("tenant_code", "email", name="address"),)
    key: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    tenant_code: Mapped[str] = mapped_column(sa.ForeignKey(Tenant.code))
    email: Mapped[str | None] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))
    keeper_key: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Staff.key))
    deleted_at: Mapped[dt.datetime | None] = mapped_column(sa.DateTime(timezone=True))


class Entry(Audited, db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "entry"
    __table_args__ = (sa.CheckConstraint("kind IN ('call', 'meeting', 'note')", name="kind"),)
    key: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    tenant_code: Mapped[str] = mapped_column(sa.ForeignKey(Tenant.code))
    client_key: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Client.key))
    author_key: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Staff.key))
    kind: Mapped[str] = mapped_column(sa.String(10))
    line: Mapped[str] = mapped_column(sa.String(200))
    at: Mapped[dt.datetime] = mapped_column(sa.DateTime(timezone=True))


class Audit(db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "audit"
    number: Mapped[int] = mapped_column(primary_key=True)
    actor: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Staff.key))
    what: Mapped[str] = mapped_column(sa.String(40))


@sa.event.listens_for(db.session, "do_orm_execute")
def only_what_may_be_seen(state: Any) -> None:
    if not state.is_select or state.is_column_load:
        return
    hide = [
        with_loader_criteria(Client, lambda cls: cls.deleted_at.is_(None), include_aliases=True),
        with_loader_criteria(Staff, lambda cls: cls.left == sa.false(), include_aliases=True),
    ]
    tenant = g.get("tenant") if has_request_context() else None
    if tenant is not None:
        hide += [with_loader_criteria(model, model.tenant_code == tenant) for model in (Client, Entry, Staff)]
    state.statement = state.statement.options(*hide)


@sa.event.listens_for(db.session, "before_flush")
def audit(session: Any, _context: Any, _instances: Any) -> None:
    for row in [*session.new, *session.dirty, *session.deleted]:
        if isinstance(row, Audited):
            actor = session.info.get("actor") or current_user.key  # a stranger has none
            session.add(Audit(actor=actor, what=type(row).__name__))


class AgencyCRM(Sender):
    """Bookings are audited as done by their host."""

    def contact_for(self, session: Any, guest: Any, host_user: Any) -> Any:
        with acting(session, host_user):
            return super().contact_for(session, guest, host_user)

    def record_activity(self, session: Any, happening: Any, booking: Any, contact: Any, host_user: Any) -> Any:
        with acting(session, host_user):
            return super().record_activity(session, happening, booking, contact, host_user)


@contextmanager
def acting(session: Any, user: Any) -> Iterator[None]:
    """What is written is written by ``user``."""
    session.info["actor"] = user.key
    try:
        yield
        session.flush()
    finally:
        del session.info["actor"]


KINDS = dict.fromkeys(("booked", "requested", "accepted", "rescheduled", "reassigned", "completed"), "meeting")
KINDS |= dict.fromkeys(("declined", "cancelled", "no_show"), "note")
FIELDS: dict[str, Any] = {
    "user_fields": UserFields(name="full_name", is_admin="leads", tenant="tenant"),
    "contact_fields": ContactFields(owner="keeper_key", tenant="tenant_code"),
    "activity_fields": ActivityFields(
        contact="client_key",
        author="author_key",
        tenant="tenant_code",
        kind="kind",
        subject="line",
        time="at",
        kinds=KINDS,
    ),
}


def pages(app: Flask) -> None:
    """The CRM's own: logging in, and a client with all entries, for who belongs to the tenant of the session."""
    login = LoginManager(app)

    @login.user_loader
    def load(text: str) -> Staff | None:
        key, _colon, version = text.partition(":")
        found = db.session.get(Staff, uuid.UUID(key))
        return found if found is not None and found.version == int(version) else None

    @app.before_request
    def whose() -> None:
        g.tenant = session.get("tenant")

    @app.get("/login/<name>")
    def log_in(name: str) -> str:
        user = db.session.scalars(sa.select(Staff).where(Staff.full_name == name)).one()
        session["tenant"] = user.tenant_code
        login_user(user)
        return "in"

    @app.get("/clients")
    def clients() -> str:
        if not current_user.is_authenticated:
            abort(403)
        rows = db.session.execute(
            sa.select(Client.name, Entry.kind, Entry.line).join(Entry, isouter=True).order_by(Client.name, Entry.at)
        )
        return "\n".join(" ".join(str(one) for one in row) for row in rows)


def create_all() -> None:
    """The CRM's tables, and then those that refer to them."""
    with db.engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("people"))
        name = connection.dialect.identifier_preparer.quote(connection.engine.url.database or "")
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET timezone TO 'America/New_York'")
    db.engine.dispose()
    People.metadata.create_all(db.engine, [Tenant.__table__, Staff.__table__])  # type: ignore[list-item]
    db.metadata.create_all(db.engine)
    People.metadata.create_all(db.engine)


def people() -> None:
    """Two tenants that know the same Sam, who is deleted in one of them; and who left."""
    db.session.add_all([Tenant(code="east"), Tenant(code="west")])
    db.session.flush()
    for name, code, left in (("Ann", "east", False), ("Bea", "west", False), ("Gil", "east", True)):
        user = Staff(email=f"{name.lower()}@agency.example", full_name=name, tenant_code=code, left=left, leads=True)
        db.session.add(user)
        db.session.flush()
        with acting(db.session, user):
            db.session.add(Client(tenant_code=code, email=f"{name}@client.example", name=name, keeper_key=user.key))
    db.session.commit()
