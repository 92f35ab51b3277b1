"""A family business' CRM on MariaDB whose clock stands in India, with tables that want more than a guest says.

* Keys of contacts are UUIDs that the CRM itself packs into 16 bytes; other keys have no sign.
* Users begin at 0, in the table ``user``; who is logged in is in the session, without Flask-Login.
* A contact needs a company, a creator and a phone number of at most 20 characters; its constructor takes positions.
  Most have the address ``""``, and no address is unique.
* Templates get the number of contacts from a context processor that rolls back; a ``before_request`` counts visits and
  commits.
* Deleted contacts are marked and not hidden.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Any

import sqlalchemy as sa
from flask import Flask, abort, render_template_string, session
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from flask_booking import ActivityFields, ContactFields, Guest
from tests.hosts.way import Sender


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Done(enum.IntEnum):
    CALLED = 1
    MET = 2


Unsigned = mysql.INTEGER(unsigned=True)


class PackedUUID(sa.types.TypeDecorator[uuid.UUID]):
    """What CRMs did before there was :class:`sa.Uuid`."""

    impl = sa.BINARY(16)
    cache_ok = True

    def process_bind_param(self, value: uuid.UUID | str | None, dialect: sa.Dialect) -> bytes | None:
        if value is None:
            return None
        return (value if isinstance(value, uuid.UUID) else uuid.UUID(value)).bytes

    def process_result_value(self, value: bytes | None, dialect: sa.Dialect) -> uuid.UUID | None:
        return None if value is None else uuid.UUID(bytes=value)


class User(db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(Unsigned, primary_key=True, autoincrement=False)
    email: Mapped[str] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))


class Visit(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)


class Company(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100), unique=True)


class Contact(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[uuid.UUID] = mapped_column(PackedUUID, primary_key=True, default=uuid.uuid4)
    company_id: Mapped[int] = mapped_column(sa.ForeignKey(Company.id))
    creator_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id))
    name: Mapped[str] = mapped_column(sa.String(100))
    email: Mapped[str] = mapped_column(sa.String(100), default="")
    phone: Mapped[str] = mapped_column(sa.String(20))
    active: Mapped[bool] = mapped_column(default=True)
    made_at: Mapped[dt.datetime] = mapped_column(sa.TIMESTAMP, server_default=sa.func.current_timestamp())
    company: Mapped[Company] = relationship(Company)

    def __init__(self, name: str, company: Company, creator: User, /) -> None:
        self.name, self.company, self.creator_id = name, company, creator.id


class Log(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(Unsigned, primary_key=True)
    contact_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Contact.id))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id))
    done: Mapped[int] = mapped_column(sa.SmallInteger)
    text: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[dt.datetime] = mapped_column(sa.TIMESTAMP)


class FamilyCRM(Sender):
    """Makes a company for each guest, and says itself which contacts there are no more."""

    def current_user(self) -> User | None:
        key = session.get("user")
        return None if key is None else db.session.get(User, key)

    def find_contact(self, session: Any, email: str, host_user: User) -> Contact | None:
        query = sa.select(Contact).where(sa.func.lower(Contact.email) == email.lower(), Contact.email != "")
        return session.scalars(query.where(Contact.active).order_by(Contact.made_at)).first()  # type: ignore[no-any-return]

    def create_contact(self, session: Any, guest: Guest, host_user: User) -> Contact:
        domain = guest.email.partition("@")[2]
        company = session.scalars(sa.select(Company).where(Company.name == domain)).first() or Company(name=domain)
        contact = Contact(guest.name, company, host_user)
        contact.email, contact.phone = guest.email, guest.phone
        session.add(contact)
        return contact


def new_crm() -> FamilyCRM:
    return FamilyCRM(
        User,
        Contact,
        Log,
        contact_fields=ContactFields(phone="phone"),
        activity_fields=ActivityFields(
            author="user_id",
            kind="done",
            body="text",
            time="at",
            kinds=dict.fromkeys(("booked", "rescheduled", "accepted", "completed", "reassigned"), Done.MET)
            | dict.fromkeys(("requested", "declined", "cancelled", "no_show")),
        ),
    )


def pages(app: Flask) -> None:
    @app.before_request
    def count() -> None:
        db.session.add(Visit())
        db.session.commit()

    @app.context_processor
    def numbers() -> dict[str, Any]:
        db.session.rollback()
        return {"contacts": db.session.scalar(sa.select(sa.func.count(Contact.id)))}

    @app.get("/login/<int:key>")
    def log_in(key: int) -> str:
        session["user"] = key
        return "in"

    @app.get("/contacts")
    def contacts() -> str:
        if "user" not in session:
            abort(403)
        names = sa.select(Contact.name, Company.name, Log.done).join(Contact.company).outerjoin(Log)
        rows = db.session.execute(names.order_by(Contact.name, Log.id))
        return render_template_string(
            "{{ contacts }}{% for row in rows %} {{ row | join(' ') }};{% endfor %}", rows=rows
        )


def people() -> None:
    """The founder is number 0 and knows five people without an address."""
    founder = User(id=0, email="zero@family.example", name="Zero")
    db.session.add(founder)
    db.session.flush()
    for number in range(5):
        contact = Contact(f"Walk-in {number}", Company(name=f"Firm {number}"), founder)
        contact.phone = ""
        db.session.add(contact)
    db.session.commit()
