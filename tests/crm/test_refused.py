"""A mapping that can't work is refused when the app starts, in a sentence that names model, column and setting."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column, relationship

from flask_booking import CRM, ActivityFields, BookingConfigError, ContactFields, FlaskBooking, UserFields
from flask_booking.crm import KINDS
from flask_booking.models import HistoryKind
from tests.fixtures.apart import apart


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Kind(enum.Enum):
    CALL = "call"
    MEETING = "meeting"


class Agent(Base):
    __tablename__ = "agent"
    pk: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))
    role: Mapped[str] = mapped_column(sa.String(20), default="")
    firm: Mapped[int | None]

    def is_admin(self) -> bool:
        return False


class Lead(Base):
    __tablename__ = "lead"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Agent.pk))
    firm: Mapped[int | None]
    owner: Mapped[Agent] = relationship(Agent)

    @property
    def number(self) -> str:
        return "+1 555"

    @hybrid_property
    def initial(self) -> str:
        return self.name[:1]


class Strict(Base):
    """Cannot be made from a name and an address."""

    __tablename__ = "strict"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))
    stage: Mapped[str] = mapped_column(sa.String(20))
    score: Mapped[int] = mapped_column(default=0)
    since: Mapped[dt.datetime] = mapped_column(server_default=sa.func.now())


class Filled(Base):
    """Fills what it needs in its own constructor."""

    __tablename__ = "filled"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))
    stage: Mapped[str] = mapped_column(sa.String(20))

    def __init__(self, name: str) -> None:
        self.name, self.stage = name, "new"


class Data(MappedAsDataclass, Base):
    """Has the defaults of a dataclass."""

    __tablename__ = "data"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    email: Mapped[str | None] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))
    stage: Mapped[str] = mapped_column(sa.String(20), default="new")


class Positional(Base):
    __tablename__ = "positional"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))

    def __init__(self, name: str, email: str, /) -> None:
        self.name, self.email = name, email


class Wanting(Base):
    """Wants something that no guest has."""

    __tablename__ = "wanting"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))

    def __init__(self, name: str, stage: str) -> None:
        self.name = name


class Text(Base):
    __tablename__ = "text"
    id: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    email: Mapped[str | None] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey(Lead.id))
    kind: Mapped[Kind | None] = mapped_column(sa.Enum(Kind))
    word: Mapped[str | None] = mapped_column(sa.String(10))
    number: Mapped[int | None]


class Tenanted(Base):
    __tablename__ = "tenanted"
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey(Lead.id))
    firm: Mapped[int]


class Double(Base):
    __tablename__ = "double"
    left: Mapped[int] = mapped_column(primary_key=True)
    right: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))


class Foreign(db.Model):  # type: ignore[name-defined, misc]
    __bind_key__ = "other"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))


class Own(CRM):
    """Makes its rows itself."""

    def create_contact(self, session: Any, guest: Any, host_user: Any) -> Any:
        return None

    def record_activity(self, *args: Any) -> Any:
        return None


class OwnTenant(CRM):
    def tenant_of(self, user: Any) -> Any:
        return 1


def users(**names: Any) -> CRM:
    return CRM(Agent, user_fields=UserFields(**names))


def contacts(model: Any, **names: Any) -> CRM:
    return CRM(Agent, model, contact_fields=ContactFields(**names))


def activities(model: Any, **names: Any) -> CRM:
    return CRM(Agent, Lead, model, activity_fields=ActivityFields(**names))


MEETINGS = dict.fromkeys(KINDS, "meeting")

REFUSED = [
    (users(locale="tongue"), "crm.user_fields.locale: Agent has no attribute 'tongue'"),
    (users(name=("given", "name")), "crm.user_fields.name: Agent has no attribute 'given'"),
    (
        users(name="names"),
        "has no attribute 'names' (did you mean 'name'?); name one that it has, two for first and last",
    ),
    (contacts(Lead, owner="owner_key"), "(did you mean 'owner'?); name one that it has, or '' for none"),
    (users(is_admin="is_admin"), "crm.user_fields.is_admin: Agent.is_admin is a method"),
    (users(is_admin="role"), "crm.user_fields.is_admin: Agent.role is a text; override CRM.is_admin"),
    (users(tenant="firm"), None),
    (contacts(Lead, owner="boss"), "crm.contact_fields.owner: Lead has no attribute 'boss'"),
    (contacts(Lead, phone="number"), "crm.contact_fields.phone: Lead.number can't be set"),
    (
        contacts(Lead, email="number"),
        "crm.contact_fields.email: Lead.number is no column that the database can compare",
    ),
    (contacts(Lead, email=""), "crm.contact_fields.email is empty, so that no guest could be found in Lead"),
    (contacts(Lead, name="initial"), "crm.contact_fields.name: Lead.initial can't be set"),
    (contacts(Strict), "crm.contact_fields: Strict.stage must not be NULL and has no default"),
    (contacts(Text), "crm.contact_fields: Text.id must not be NULL"),
    (contacts(Wanting), "crm.contact: Wanting can't be made from the named columns alone"),
    (CRM(Agent, Lead, user_fields=UserFields(tenant="firm")), "crm.contact_fields.tenant is empty though users have"),
    (OwnTenant(Agent, Lead), "or override CRM.may_see_contact"),
    (activities(Note, kinds={"canceled": "x"}), "crm.activity_fields.kinds: there is no kind 'canceled'"),
    (activities(Note, kind="kind"), "Note.kind doesn't know 'booked'; translate 'booked', or map it to None"),
    (activities(Note, kind="word"), "Note.word holds 10 characters, too few for 'rescheduled'"),
    (activities(Note, kind="number"), "Note.number is a number, which 'booked' is not"),
    (activities(Tenanted), "crm.activity_fields: Tenanted.firm must not be NULL"),
    (activities(Note, contact=""), "crm.activity_fields.contact is empty"),
    (CRM(Double), "crm.user: the primary key of Double has several columns (left, right)"),
    (CRM(Foreign), "crm.user: Foreign is in the database 'other' (__bind_key__)"),
    (CRM(object), "crm.user: <class 'object'> is no mapped model"),
    (contacts(Lead, owner="owner", tenant="firm"), None),
    (contacts(Filled), None),
    (contacts(Positional), None),
    (contacts(Data), None),
    (Own(Agent, Strict, Tenanted), None),
    (activities(Note, kind="kind", kinds=MEETINGS), None),
    (activities(Note, kind="kind", kinds=MEETINGS | {"no_show": None}), None),
    (activities(Note, kind="number", kinds=dict.fromkeys(KINDS, 7)), None),
]


@pytest.mark.parametrize(
    ("crm", "sentence"), [row for row in REFUSED if row[1]], ids=lambda one: one[:60] if isinstance(one, str) else ""
)
def test_what_can_not_work_is_refused_at_start_up(crm: CRM, sentence: str) -> None:
    with pytest.raises(BookingConfigError) as refused:
        FlaskBooking().init_app(new_app(), db, crm=crm)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("crm", [row[0] for row in REFUSED if row[1] is None])
def test_what_can_work_is_not_refused(crm: CRM) -> None:
    crm.check()


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(BookingConfigError) as refused:
        contacts(Strict, owner="boss", phone="tel").check()
    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize("room", ["", "SETTINGS_", "API_"])
def test_a_tenant_in_the_addresses_of_our_pages_is_refused(room: str) -> None:
    app = new_app()
    app.config[f"BOOKING_{room}URL_PREFIX"] = "/<tenant>/booking"
    with pytest.raises(BookingConfigError, match=f"BOOKING_{room}URL_PREFIX must be the same for everybody"):
        FlaskBooking().init_app(app, db, crm=CRM(Agent))


def a_table_is_taken() -> None:
    taken = sa.Table("booking_page", db.metadata, sa.Column("id", sa.Integer, primary_key=True))
    with pytest.raises(BookingConfigError, match=r"same names as ours already: booking_page\. Rename yours"):
        FlaskBooking().init_app(new_app(), db, crm=CRM(Agent))
    db.metadata.remove(taken)
    app = new_app()
    db.init_app(app)
    FlaskBooking().init_app(app, db, crm=CRM(Agent))  # nothing was half done
    sa.orm.configure_mappers()


def test_a_table_of_the_crm_that_is_called_like_one_of_ours_is_refused() -> None:
    apart(a_table_is_taken)


def test_the_kinds_are_those_of_the_history() -> None:
    assert tuple(HistoryKind) == KINDS


@pytest.mark.parametrize("model", [Filled, Data, Lead, Positional])
def test_a_constructor_gets_what_it_takes_and_the_rest_is_set(model: Any) -> None:
    class Session:
        def add(self, row: Any) -> None:
            pass

    from flask_booking import Guest

    made = CRM(Agent, model).create_contact(Session(), Guest("Sam Guest", "sam@x.org"), Agent(pk=0))  # type: ignore[arg-type]
    assert (made.name, made.email) == ("Sam Guest", "sam@x.org")


def test_nobody_is_logged_in_where_flask_login_is_not_used() -> None:
    app = new_app()
    with app.app_context():
        assert CRM(Agent).current_user() is None
    with app.test_request_context():
        assert CRM(Agent).current_user() is None


def new_app() -> Flask:
    app = Flask("refused")
    app.config |= {"SECRET_KEY": "x", "SQLALCHEMY_DATABASE_URI": "sqlite://"}
    return app
