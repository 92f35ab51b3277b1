"""A CRM in which everybody is a party: users and contacts share a table, and the address is in another one.

* Keys are texts such as ``p/1 100%``; the user's key is that of the parent's table.
* Contacts have no column for an address, and users but a property.
* Who was deleted is hidden from every query, as a party.
"""

from __future__ import annotations

import itertools
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_login import LoginManager, UserMixin, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, with_loader_criteria

from flask_booking import ActivityFields, ContactFields, Guest, UserFields
from tests.hosts.way import Sender


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
_numbers = itertools.count(1)


class Party(db.Model):  # type: ignore[name-defined, misc]
    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True, default=lambda: f"p/{next(_numbers)} 100%")
    kind: Mapped[str] = mapped_column(sa.String(10))
    name: Mapped[str] = mapped_column(sa.String(100))
    gone: Mapped[bool] = mapped_column(default=False)
    addresses: Mapped[list[Address]] = relationship("Address", back_populates="party")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "party"}

    @property
    def address(self) -> str:
        return self.addresses[0].text if self.addresses else ""


class Address(db.Model):  # type: ignore[name-defined, misc]
    text: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    party_key: Mapped[str] = mapped_column(sa.ForeignKey(Party.key))
    party: Mapped[Party] = relationship(Party, back_populates="addresses")


class Employee(UserMixin, Party):
    key: Mapped[str] = mapped_column(sa.ForeignKey(Party.key), primary_key=True)
    login: Mapped[str] = mapped_column(sa.String(20))
    __mapper_args__ = {"polymorphic_identity": "employee"}

    def get_id(self) -> str:
        return f"login of {self.login}"


class Person(Party):
    key: Mapped[str] = mapped_column(sa.ForeignKey(Party.key), primary_key=True)
    rank: Mapped[int] = mapped_column(default=0)
    __mapper_args__ = {"polymorphic_identity": "person"}


class Event(db.Model):  # type: ignore[name-defined, misc]
    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True, default=lambda: f"e/{next(_numbers)}")
    about_key: Mapped[str] = mapped_column(sa.ForeignKey(Party.key))
    by_key: Mapped[str] = mapped_column(sa.ForeignKey(Party.key))
    about: Mapped[Party] = relationship(Party, foreign_keys=about_key)
    by: Mapped[Party] = relationship(Party, foreign_keys=by_key)
    text: Mapped[str] = mapped_column(sa.String(60))


@sa.event.listens_for(db.session, "do_orm_execute")
def hide(state: Any) -> None:
    if state.is_select and not state.is_column_load:
        state.statement = state.statement.options(
            with_loader_criteria(Party, lambda cls: cls.gone == sa.false(), include_aliases=True)
        )


class PartyCRM(Sender):
    """Addresses are rows."""

    def find_contact(self, session: Any, email: str, host_user: Employee) -> Person | None:
        query = sa.select(Person).join(Person.addresses).where(sa.func.lower(Address.text) == email.lower())
        return session.scalars(query).first()  # type: ignore[no-any-return]

    def create_contact(self, session: Any, guest: Guest, host_user: Employee) -> Person:
        person: Person = super().create_contact(session, guest, host_user)
        person.addresses.append(Address(text=guest.email))
        return person

    def contact_details(self, contact: Person) -> Guest:
        return Guest(contact.name, contact.address)


def new_crm() -> PartyCRM:
    return PartyCRM(
        Employee,
        Person,
        Event,
        user_fields=UserFields(email="address"),
        contact_fields=ContactFields(email=""),
        activity_fields=ActivityFields(contact="about", author="by", subject="text"),
    )


def pages(app: Flask) -> None:
    login = LoginManager(app)

    @login.user_loader
    def load(text: str) -> Employee | None:
        return db.session.scalar(sa.select(Employee).where(Employee.login == text.removeprefix("login of ")))

    @app.get("/login")
    def log_in() -> str:
        login_user(db.session.scalars(sa.select(Employee)).one())
        return "in"

    @app.get("/people")
    @login_required
    def people() -> str:
        parties = db.session.scalars(sa.select(Party).order_by(Party.name)).all()
        events = db.session.scalars(sa.select(Event)).all()
        return "\n".join([*(f"{one.name} {one.address}" for one in parties), *(one.text for one in events)])
