"""Columns, relationships, joined tables and dates: rows are written and found whatever the attributes are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from flask_booking import CRM, ActivityFields, ContactFields, Guest, Happening, UserFields


class Base(DeclarativeBase):
    pass


class Firm(Base):
    __tablename__ = "firm"
    id: Mapped[int] = mapped_column(primary_key=True)


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(50))
    name: Mapped[str] = mapped_column(sa.String(50))
    firm_id: Mapped[int] = mapped_column(sa.ForeignKey(Firm.id))
    firm: Mapped[Firm] = relationship(Firm)


class Party(Base):
    __tablename__ = "party"
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(sa.String(10))
    version: Mapped[int] = mapped_column()
    name: Mapped[str] = mapped_column(sa.String(9))
    __mapper_args__ = {"polymorphic_on": "type", "version_id_col": version}


class Contact(Party):
    __tablename__ = "contact"
    id: Mapped[int] = mapped_column(sa.ForeignKey(Party.id), primary_key=True)
    email: Mapped[str | None] = mapped_column(sa.String(50))
    firm_id: Mapped[int] = mapped_column(sa.ForeignKey(Firm.id))
    firm: Mapped[Firm] = relationship(Firm)
    gone: Mapped[int | None] = mapped_column(sa.SmallInteger)
    __mapper_args__ = {"polymorphic_identity": "contact"}


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey(Party.id))
    contact: Mapped[Contact] = relationship(Contact)
    firm_id: Mapped[int] = mapped_column(sa.ForeignKey(Firm.id))
    firm: Mapped[Firm] = relationship(Firm)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id))
    author: Mapped[User] = relationship(User)
    day: Mapped[dt.date]


class Remark(Base):
    __tablename__ = "remark"
    id: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[str | None] = mapped_column(sa.String(100))
    text: Mapped[str] = mapped_column(sa.Text)


@pytest.fixture
def db() -> Iterator[Session]:
    """The firms 0 and 1, each with a user of the same number."""
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Firm(id=0), Firm(id=1)])
        session.add_all([User(id=key, email=f"{key}@crm.example", name=str(key), firm_id=key) for key in (0, 1)])
        session.commit()
        yield session
    engine.dispose()


@pytest.mark.parametrize("of_users", ["firm", "firm_id"])
@pytest.mark.parametrize("of_rows", ["firm", "firm_id"])
def test_a_tenant_may_be_a_key_here_and_a_relationship_there(of_users: str, of_rows: str, db: Session) -> None:
    crm = CRM(
        User,
        Contact,
        Note,
        user_fields=UserFields(tenant=of_users),
        contact_fields=ContactFields(tenant=of_rows, deleted="gone"),
        activity_fields=ActivityFields(contact="contact", tenant=of_rows, author="author", time="day"),
    )
    crm.check()
    users: list[Any] = [db.get(User, key) for key in (0, 1)]
    made = [crm.contact_for(db, Guest("Sam Longname", "Sam@x.example"), user) for user in users]
    db.flush()
    assert [(one.firm_id, one.name) for one in made] == [(0, "Sam Longn"), (1, "Sam Longn")]
    for user, own, other in zip(users, made, reversed(made), strict=True):
        assert crm.contact_for(db, Guest("Sam", "sam@X.example"), user) is own
        assert crm.may_see_contact(user, own, user)
        assert not crm.may_see_contact(user, other, user)
    at = dt.datetime(2030, 1, 1, 23, tzinfo=dt.UTC)
    note = crm.record_activity(db, Happening("booked", "guest", at, "", ""), None, made[1], users[1])  # type: ignore[arg-type]
    db.flush()
    assert note is not None
    assert (note.contact_id, note.firm_id, note.author_id, note.day) == (made[1].id, 1, 1, dt.date(2030, 1, 1))
    made[1].gone = 1
    db.flush()
    assert crm.find_contact(db, "sam@x.example", users[1]) is None
    assert not crm.may_see_contact(users[1], made[1], users[1])
    made[1].gone = 0
    db.flush()
    assert crm.find_contact(db, "sam@x.example", users[1]) is made[1]


@pytest.mark.parametrize(
    ("subject", "written"),
    [("", (None, "Meeting booked: Intro\n2 pm\nSee you")), ("line", ("Meeting booked: Intro", "2 pm\nSee you"))],
)
def test_a_timeline_of_single_texts_says_in_them_what_happened(
    subject: str, written: tuple[str | None, str], db: Session
) -> None:
    crm = CRM(User, activity=Remark, activity_fields=ActivityFields(contact="", subject=subject, body="text"))
    crm.check()
    happening = Happening(
        "booked", "guest", dt.datetime(2030, 1, 1, tzinfo=dt.UTC), "Meeting booked: Intro", "2 pm\nSee you"
    )
    remark: Any = crm.record_activity(db, happening, None, None, db.get(User, 0))  # type: ignore[arg-type]
    assert (remark.line, remark.text) == written
