"""What the CRM remembers: its users, their contacts, what happened with them, and mails nobody was asked to send."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from flask_login import UserMixin
from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.dialects.mysql import MEDIUMBLOB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator
from werkzeug.security import check_password_hash, generate_password_hash

from example_app.extensions import Base, db

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model

COLOURS = ("teal", "plum", "amber", "blue", "rose", "moss", "slate", "rust")
ACTIVITY_KINDS = {"note": "Note", "call": "Call", "email": "E-mail", "meeting": "Meeting"}


class UTCInstant(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC also where the database keeps no zone (SQLite, MariaDB)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone can't be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        read: datetime = value
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def now() -> datetime:
    """The present in UTC, to the second, as every database here keeps it."""
    return datetime.now(UTC).replace(microsecond=0)


def initials(name: str) -> str:
    """First letters of the first and the last word of a name: ``"Ann Mary Meyer"`` → ``"AM"``."""
    words = name.split()
    return "".join(word[0] for word in dict.fromkeys((*words[:1], *words[-1:]))).upper() or "?"


class User(UserMixin, Model):  # type: ignore[misc]
    """Somebody who works with the CRM."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(255))
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    is_admin: Mapped[bool] = mapped_column(default=False)
    colour: Mapped[str] = mapped_column(String(16), default=COLOURS[0])

    contacts: Mapped[list[Contact]] = relationship(back_populates="owner")

    @property
    def initials(self) -> str:
        return initials(self.name)

    def set_password(self, password: str) -> None:
        self.password_hash = generate_password_hash(password)

    def has_password(self, password: str) -> bool:
        return check_password_hash(self.password_hash, password)


class Contact(Model):
    """A person the company knows, looked after by one user."""

    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Not unique and may be missing, as in most CRMs: families share addresses, business cards lack them.
    email: Mapped[str | None] = mapped_column(String(254), index=True)
    name: Mapped[str] = mapped_column(String(200), index=True)
    phone: Mapped[str | None] = mapped_column(String(40))
    company: Mapped[str | None] = mapped_column(String(120))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCInstant, default=now)
    notes: Mapped[str | None] = mapped_column(Text)
    archived_at: Mapped[datetime | None] = mapped_column(UTCInstant)

    owner: Mapped[User] = relationship(back_populates="contacts")
    activities: Mapped[list[Activity]] = relationship(
        back_populates="contact", cascade="all, delete-orphan", order_by="Activity.happened_at.desc()"
    )

    @property
    def initials(self) -> str:
        return initials(self.name)

    @property
    def colour(self) -> str:
        return COLOURS[self.id % len(COLOURS)]


class Activity(Model):
    """Something that happened with a contact: a call, a note, a meeting."""

    __tablename__ = "activity"
    __table_args__ = (Index(None, "contact_id", "happened_at"), Base.__table_args__)

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str | None] = mapped_column(Text)
    happened_at: Mapped[datetime] = mapped_column(UTCInstant, default=now, index=True)

    contact: Mapped[Contact] = relationship(back_populates="activities")
    author: Mapped[User] = relationship()


class Mail(Model):
    """A mail kept instead of sent, because no mail server is configured."""

    __tablename__ = "mail"

    id: Mapped[int] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(UTCInstant, default=now, index=True)
    sender: Mapped[str] = mapped_column(String(320))
    recipient: Mapped[str] = mapped_column(String(320), index=True)
    subject: Mapped[str] = mapped_column(String(255))
    raw: Mapped[bytes] = mapped_column(LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb"))

    @classmethod
    def of(cls, message: EmailMessage) -> Mail:
        """The row that keeps ``message``, every byte as a mail server would have got it."""
        return cls(
            sender=str(message["From"] or "")[:320],
            recipient=str(message["To"] or "")[:320],
            subject=str(message["Subject"] or "")[:255],
            raw=message.as_bytes(policy=email.policy.SMTP),
        )

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed again from its bytes."""
        return email.message_from_bytes(self.raw, policy=email.policy.default)
