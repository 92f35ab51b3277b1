"""CRMs of other habits than the example's, each to be mounted in a process of its own (:mod:`tests.fixtures.apart`)."""

from __future__ import annotations

import datetime as dt
import enum
import html
import re
import uuid
from typing import Any

import jinja2
import sqlalchemy as sa
from flask import Flask, request
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    declared_attr,
    mapped_column,
    relationship,
    synonym,
    with_loader_criteria,
)
from werkzeug.test import TestResponse

from flask_booking import CRM, ActivityFields, ContactFields, FlaskBooking, UserFields, catalog
from flask_booking.models import BookingPage, EventType, Schedule

BASE = "<title>{% block title %}{% endblock %}</title>{% block content %}{% endblock %}"
ROOT = "/settings/booking"


def bare_app(db: SQLAlchemy, url: str = "sqlite://", **config: Any) -> Flask:
    """An app of nothing but Flask, on the database at ``url``."""
    app = Flask("crm")
    app.config |= {"SECRET_KEY": "only for tests", "SQLALCHEMY_DATABASE_URI": url, "TESTING": True}
    app.config |= {"BOOKING_WORKER": False, "BOOKING_RATE_LIMIT_ENABLED": False, "BOOKING_MIN_FORM_SECONDS": 0}
    app.config |= {"WTF_CSRF_ENABLED": False, **config}
    app.jinja_env.loader = jinja2.DictLoader({"base.html": BASE})
    db.init_app(app)
    return app


def mount(db: SQLAlchemy, crm: CRM, url: str = "sqlite://", **config: Any) -> Flask:
    """Such an app with booking, its tables made."""
    app = bare_app(db, url, **config)
    FlaskBooking().init_app(app, db, crm=crm)
    with app.app_context():
        db.create_all()
    return app


def bookable(user: Any, slug: str) -> EventType:
    """An event type of a user who is now a host, open day and night; call it inside an application context."""
    host = catalog.ensure_host(user, slug=slug)
    db = sa.inspect(host).session
    schedule = db.query(Schedule).filter_by(host_id=host.id).one()
    catalog.update_schedule(schedule, name="Always", time_zone="UTC", weekly=[[[0, 1440]]] * 7)
    page = db.query(BookingPage).filter_by(host_id=host.id).one()
    return catalog.create_event_type(page, {"title": "Intro", "durations": [30], "notice": 0})


def said(answer: TestResponse, status: int = 200) -> str:
    """The words of a page."""
    assert answer.status_code == status, (answer.status_code, answer.text[:3000])
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


class Kind(enum.Enum):
    """What the odd CRM's timeline knows."""

    MEETING = "meeting"
    MISSED = "missed"


def odd_crm(url: str = "sqlite://") -> tuple[Flask, SQLAlchemy, CRM]:
    """A CRM of habits: users begin at 0 and log in by a hash, names have two columns, owners are relationships,
    deleted contacts are hidden from every query, sessions don't flush by themselves, constructors take positions."""

    class Base(DeclarativeBase):
        pass

    db = SQLAlchemy(model_class=Base, session_options={"autoflush": False})

    class User(UserMixin, db.Model):  # type: ignore[name-defined, misc]
        number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
        mail: Mapped[str] = mapped_column(sa.String(200))
        given: Mapped[str] = mapped_column(sa.String(50))
        family: Mapped[str] = mapped_column(sa.String(50))
        language: Mapped[str] = mapped_column(sa.String(10), default="en")

        def __len__(self) -> int:
            return 0  # and so it is false

        def get_id(self) -> str:
            return f"hash-of-{self.mail}"

    class Person(db.Model):  # type: ignore[name-defined, misc]
        key: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
        mail: Mapped[str | None] = mapped_column(sa.String(200))
        given: Mapped[str] = mapped_column(sa.String(5))
        family: Mapped[str] = mapped_column(sa.String(50))
        phone: Mapped[str | None] = mapped_column(sa.String(40), unique=True)
        firm: Mapped[str] = mapped_column(sa.String(8))
        keeper_number: Mapped[int] = mapped_column(sa.ForeignKey(User.number))
        gone: Mapped[bool] = mapped_column(default=False)

        @declared_attr
        def keeper(cls) -> Mapped[User]:
            return relationship(User)

        @declared_attr
        def address(cls) -> Mapped[str | None]:
            return synonym("mail")

        def __len__(self) -> int:
            return 0

    class Entry(db.Model):  # type: ignore[name-defined, misc]
        key: Mapped[str] = mapped_column(sa.String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
        person_key: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Person.key))
        who: Mapped[int] = mapped_column(sa.ForeignKey(User.number))
        kind: Mapped[Kind] = mapped_column(sa.Enum(Kind))
        line: Mapped[str] = mapped_column(sa.String(20))
        at: Mapped[dt.datetime] = mapped_column(sa.DateTime)

        def __init__(self, kind: Kind = Kind.MEETING) -> None:
            self.kind = kind

    @sa.event.listens_for(db.session, "do_orm_execute")
    def hide(state: Any) -> None:
        if state.is_select and not state.is_column_load:
            state.statement = state.statement.options(
                with_loader_criteria(Person, lambda cls: cls.gone == sa.false(), include_aliases=True)
            )

    crm = CRM(
        User,
        Person,
        Entry,
        user_fields=UserFields(email="mail", name=("given", "family"), locale="language"),
        contact_fields=ContactFields(
            email="address", name=("given", "family"), phone="phone", company="firm", owner="keeper", deleted="gone"
        ),
        activity_fields=ActivityFields(
            contact="person_key",
            author="who",
            kind="kind",
            subject="line",
            time="at",
            kinds={
                "booked": "meeting",
                "rescheduled": Kind.MEETING,
                "cancelled": "MEETING",
                "completed": "meeting",
                "no_show": "missed",
                **dict.fromkeys(("requested", "accepted", "declined", "reassigned")),
            },
        ),
    )
    app = mount(db, crm, url)
    login = LoginManager(app)

    @login.user_loader
    def load(text: str) -> Any:
        return db.session.scalar(sa.select(User).where(User.mail == text.removeprefix("hash-of-")))

    @app.get("/login/<int:number>")
    def log_in(number: int) -> str:
        login_user(db.session.get(User, number))
        return "in"

    return app, db, crm


class HeaderCRM(CRM):
    """Knows its user by a header, as behind a single sign-on."""

    def current_user(self) -> Any | None:
        key = request.headers.get("X-User")
        if key is None:
            return None
        return self.models.user.query.filter_by(email=key).one()


def tenant_crm(url: str = "sqlite://") -> tuple[Flask, SQLAlchemy, CRM]:
    """Two firms in one database, whose contacts share an address: each has a boss, a host and the contact Sam."""

    class Base(DeclarativeBase):
        pass

    db = SQLAlchemy(model_class=Base)

    class Firm(db.Model):  # type: ignore[name-defined, misc]
        id: Mapped[int] = mapped_column(primary_key=True)

    class User(db.Model):  # type: ignore[name-defined, misc]
        id: Mapped[int] = mapped_column(primary_key=True)
        firm_id: Mapped[int] = mapped_column(sa.ForeignKey(Firm.id))
        email: Mapped[str] = mapped_column(sa.String(200))
        name: Mapped[str] = mapped_column(sa.String(200))
        is_boss: Mapped[bool] = mapped_column(default=False)

    class Contact(db.Model):  # type: ignore[name-defined, misc]
        id: Mapped[int] = mapped_column(primary_key=True)
        firm_id: Mapped[int] = mapped_column(sa.ForeignKey(Firm.id))
        email: Mapped[str] = mapped_column(sa.String(200))
        name: Mapped[str] = mapped_column(sa.String(200))
        __table_args__ = (sa.UniqueConstraint("firm_id", "email", name="one_address_in_a_firm"),)

    class Activity(db.Model):  # type: ignore[name-defined, misc]
        id: Mapped[int] = mapped_column(primary_key=True)
        firm_id: Mapped[int] = mapped_column(sa.ForeignKey(Firm.id))
        contact_id: Mapped[int] = mapped_column(sa.ForeignKey(Contact.id))

    crm = HeaderCRM(
        User,
        Contact,
        Activity,
        user_fields=UserFields(is_admin="is_boss", tenant="firm_id"),
        contact_fields=ContactFields(tenant="firm_id"),
        activity_fields=ActivityFields(tenant="firm_id"),
    )
    return mount(db, crm, url), db, crm


def as_user(app: Flask, email: str) -> FlaskClient:
    """Requests of this user, by the header."""
    client = app.test_client()
    client.environ_base["HTTP_X_USER"] = email
    return client
