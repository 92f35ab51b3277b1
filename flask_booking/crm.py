"""What the package knows of the CRM: one adapter, configured by naming columns or overridden method by method.

Methods that write (:meth:`CRM.contact_for`, :meth:`CRM.record_activity`) run inside the transaction of the booking,
in a SAVEPOINT of their own: when one raises, its writes are undone, the booking is kept, the error is logged and shown
to the host, and a job tries again.  :class:`flask_booking.errors.Refused` is the exception: it refuses the booking.
Methods that only read may be called anywhere inside an application context.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t
from email.message import EmailMessage

import sqlalchemy as sa
from sqlalchemy import orm as so

from .errors import BookingConfigError
from .orm import CRMModels

if t.TYPE_CHECKING:
    from .models import Booking

Session: t.TypeAlias = "so.Session | so.scoped_session[so.Session]"


@dataclasses.dataclass(frozen=True)
class UserFields:
    """Names of the user model's attributes; an empty name means there is none."""

    email: str = "email"
    name: str = "name"
    time_zone: str = ""
    locale: str = ""
    avatar_url: str = ""
    is_admin: str = ""
    tenant: str = ""


@dataclasses.dataclass(frozen=True)
class ContactFields:
    """Names of the contact model's attributes; an empty name means there is none.

    ``deleted`` is a column that is NULL (or false) on contacts that are not soft-deleted.
    """

    email: str = "email"
    name: str = "name"
    phone: str = ""
    owner: str = ""
    tenant: str = ""
    deleted: str = ""


@dataclasses.dataclass(frozen=True)
class ActivityFields:
    """Names of the activity model's attributes; an empty name means there is none.

    ``kinds`` translates our kinds (``booked``, ``rescheduled``, …) into the CRM's; what it lacks is taken as it is.
    """

    contact: str = "contact_id"
    author: str = ""
    kind: str = ""
    subject: str = ""
    body: str = ""
    time: str = ""
    kinds: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Guest:
    """The person who books, as typed: checked for length and form, not for truth."""

    name: str
    email: str
    phone: str = ""
    time_zone: str = "UTC"
    locale: str = "en"


@dataclasses.dataclass(frozen=True)
class Happening:
    """What an activity tells: ``kind`` as in :class:`~flask_booking.models.HistoryKind`, texts ready to be shown."""

    kind: str
    actor: str
    at: dt.datetime
    subject: str
    body: str


class CRM:
    """The adapter to a CRM's users, contacts and activities.

    For ordinary tables name the columns::

        CRM(User, Contact, Activity, user_fields=UserFields(name="full_name"))

    and override methods of a subclass for everything else.
    """

    def __init__(
        self,
        user: type[t.Any],
        contact: type[t.Any] | None = None,
        activity: type[t.Any] | None = None,
        *,
        user_fields: UserFields = UserFields(),
        contact_fields: ContactFields = ContactFields(),
        activity_fields: ActivityFields = ActivityFields(),
    ) -> None:
        self.models = CRMModels(user, contact, activity)
        self.user_fields, self.contact_fields, self.activity_fields = user_fields, contact_fields, activity_fields

    def check(self) -> None:
        """Raise :class:`~flask_booking.errors.BookingConfigError` when a named column isn't there."""
        for name, model, fields in (
            ("user", self.models.user, self.user_fields),
            ("contact", self.models.contact, self.contact_fields),
            ("activity", self.models.activity, self.activity_fields),
        ):
            for field in dataclasses.fields(fields) if model is not None else ():
                attribute = getattr(fields, field.name)
                if isinstance(attribute, str) and attribute and not hasattr(model, attribute):
                    raise BookingConfigError(
                        f"crm.{name}_fields.{field.name}: the {name} model has no attribute {attribute!r}"
                    )

    # Users

    def current_user(self) -> t.Any | None:
        """The CRM user who makes this request, None when nobody is logged in.  By default Flask-Login's."""
        from flask_login import current_user

        user = current_user._get_current_object() if current_user else None
        return user if user is not None and user.is_authenticated else None

    def key_of(self, user: t.Any) -> t.Any:
        """The primary key of a user; never assume that it is an integer or true."""
        return sa.inspect(user).identity[0]

    def display_name(self, user: t.Any) -> str:
        """The name guests see."""
        return str(getattr(user, self.user_fields.name, "") or self.email_of(user).partition("@")[0])

    def email_of(self, user: t.Any) -> str:
        """The address that gets the host's mails."""
        return str(getattr(user, self.user_fields.email, "") or "")

    def time_zone_of(self, user: t.Any) -> str | None:
        """The IANA zone a new host begins with; None when the CRM doesn't know."""
        name = self.user_fields.time_zone
        return getattr(user, name) if name else None

    def locale_of(self, user: t.Any) -> str | None:
        """The language a user reads, as ``de`` or ``pt_BR``; None when the CRM doesn't know."""
        name = self.user_fields.locale
        return (getattr(user, name) or None) if name else None

    def avatar_url(self, user: t.Any) -> str | None:
        """An image address for the public page; None shows initials."""
        name = self.user_fields.avatar_url
        return getattr(user, name) if name else None

    def tenant_of(self, user: t.Any) -> t.Any | None:
        """The tenant a user belongs to; None in a CRM with a single one."""
        name = self.user_fields.tenant
        return getattr(user, name) if name else None

    def is_admin(self, user: t.Any) -> bool:
        """Whether ``user`` may manage the booking pages of everyone in the same tenant."""
        name = self.user_fields.is_admin
        return bool(getattr(user, name)) if name else False

    def may_manage(self, user: t.Any, host_user: t.Any) -> bool:
        """Whether ``user`` may change the pages and bookings of ``host_user``: oneself, or an admin of the tenant."""
        if self.key_of(user) == self.key_of(host_user):
            return True
        return self.is_admin(user) and self.tenant_of(user) == self.tenant_of(host_user)

    # Contacts

    def find_contact(self, session: Session, email: str, host_user: t.Any) -> t.Any | None:
        """The contact with this address in the host's tenant, whatever its case; of several, the host's own, then
        the oldest.  Soft-deleted contacts and contacts without an address never match."""
        model, fields = self.models.contact, self.contact_fields
        if model is None or not fields.email or not email:
            return None
        query = sa.select(model).where(sa.func.lower(getattr(model, fields.email)) == email.lower())
        if fields.tenant:
            query = query.where(getattr(model, fields.tenant) == self.tenant_of(host_user))
        if fields.deleted:
            deleted = getattr(model, fields.deleted)
            boolean = isinstance(deleted.type, sa.Boolean)
            query = query.where(deleted.is_(None) | (deleted == sa.false()) if boolean else deleted.is_(None))
        order: list[t.Any] = list(sa.inspect(model).primary_key)
        if fields.owner:
            order.insert(0, sa.case((getattr(model, fields.owner) == self.key_of(host_user), 0), else_=1))
        return session.scalars(query.order_by(*order).limit(1)).first()

    def create_contact(self, session: Session, guest: Guest, host_user: t.Any) -> t.Any | None:
        """A new contact for ``guest``, added to ``session``; None when the CRM wants none."""
        model, fields = self.models.contact, self.contact_fields
        if model is None:
            return None
        values = {
            fields.email: guest.email,
            fields.name: guest.name,
            fields.phone: guest.phone,
            fields.owner: self.key_of(host_user),
            fields.tenant: self.tenant_of(host_user),
        }
        contact = model(**{name: value for name, value in values.items() if name})
        session.add(contact)
        return contact

    def contact_for(self, session: Session, guest: Guest, host_user: t.Any) -> t.Any | None:
        """The contact that ``guest`` is: found, or created when new.

        Runs in the transaction of the booking, in a SAVEPOINT.  Raise
        :class:`~flask_booking.errors.Refused` to refuse the guest; any other exception keeps the booking.
        """
        return self.find_contact(session, guest.email, host_user) or self.create_contact(session, guest, host_user)

    def contact_url(self, contact: t.Any) -> str | None:
        """The address of a contact's page in the CRM, for links from bookings."""
        return None

    # Activities

    def record_activity(
        self, session: Session, happening: Happening, booking: Booking, contact: t.Any | None, host_user: t.Any
    ) -> t.Any | None:
        """Log ``happening`` in the CRM's timeline; returns the activity, added to ``session``.

        Runs in the transaction of the booking, in a SAVEPOINT; an exception keeps the booking.  The author is the
        host: a guest has no account.
        """
        model, fields = self.models.activity, self.activity_fields
        if model is None or contact is None:
            return None
        values = {
            fields.contact: sa.inspect(contact).identity[0],
            fields.author: self.key_of(host_user),
            fields.kind: fields.kinds.get(happening.kind, happening.kind),
            fields.subject: happening.subject,
            fields.body: happening.body,
            fields.time: happening.at,
        }
        activity = model(**{name: value for name, value in values.items() if name})
        session.add(activity)
        return activity

    # Mail

    def send_mail(self, message: EmailMessage) -> bool:
        """Send through the CRM's own mailer and return True; False (the default) leaves it to ``BOOKING_MAIL_URL``.

        Runs in a worker.  An exception makes the mail be tried again later.
        """
        return False
