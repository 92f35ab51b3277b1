"""A portal that has users and nothing else, and whose names are ours.

* Models are dataclasses, called as ours are; keys are texts of 64 characters; the visits are in another database.
* The tenant is in the address, taken out of it and put back into every one by functions for the whole app.
* The user is what a header says, as behind a single sign-on.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask, abort, g, request, url_for
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from tests.hosts.way import Sender


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Host(MappedAsDataclass, db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "hosts"
    login: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    tenant: Mapped[str] = mapped_column(sa.String(20))
    name: Mapped[str] = mapped_column(sa.String(100))
    is_admin: Mapped[bool] = mapped_column(default=False)

    @property
    def email(self) -> str:
        return f"{self.login}@{self.tenant}.example"


class Booking(MappedAsDataclass, db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "booking"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)


class Schedule(MappedAsDataclass, db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "schedule"
    __bind_key__ = "other"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    path: Mapped[str] = mapped_column(sa.String(200))


class PortalCRM(Sender):
    """The user is who the proxy says it is."""

    def current_user(self) -> Host | None:
        return db.session.get(Host, request.headers.get("X-User", ""))


def pages(app: Flask) -> None:
    @app.url_value_preprocessor
    def take(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.tenant = values.pop("tenant", None) if values else None

    @app.url_defaults
    def put_back(_endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("tenant", g.get("tenant"))

    @app.before_request
    def count() -> None:
        db.session.add(Schedule(path=request.path))
        db.session.commit()

    @app.get("/<tenant>/bookings")
    def bookings() -> dict[str, Any]:
        user = db.session.get(Host, request.headers.get("X-User", ""))
        if user is None or user.tenant != g.tenant:
            abort(403)
        return {"here": url_for("bookings"), "bookings": db.session.query(Booking).count()}
