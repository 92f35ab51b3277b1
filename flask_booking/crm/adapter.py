"""The adapter class: every method has a default made of the named columns, and can be overridden.

Methods that write (:meth:`CRM.contact_for`, :meth:`CRM.record_activity`) run inside the transaction of the booking.
When one raises, all is undone and done again with each of them in a SAVEPOINT: what the failing one wrote is lost, the
booking is kept, the error is logged and shown to the host, and a job tries again.
:class:`flask_booking.errors.Refused` is the exception: it refuses the booking.
Methods that only read may be called anywhere inside an application context.
"""

from __future__ import annotations

import typing as t
from email.message import EmailMessage

import sqlalchemy as sa
from flask import current_app

from ..errors import BookingConfigError
from ..orm import CRMModels
from . import check, columns
from .columns import Session, fitting, reference, split_name, text_of
from .company import company_of
from .fields import ActivityFields, ContactFields, Guest, Happening, UserFields

if t.TYPE_CHECKING:
    from ..models import Booking

_USER, _CONTACT, _ACTIVITY = UserFields(), ContactFields(), ActivityFields()


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
        user_fields: UserFields = _USER,
        contact_fields: ContactFields = _CONTACT,
        activity_fields: ActivityFields = _ACTIVITY,
    ) -> None:
        self.models = CRMModels(user, contact, activity)
        self.user_fields, self.contact_fields, self.activity_fields = user_fields, contact_fields, activity_fields
        self._finding: dict[bool, t.Any] = {}

    def check(self) -> None:
        """Runs at start-up.  Raises :class:`~flask_booking.errors.BookingConfigError` with a sentence for each named
        column that isn't there or can't be used, and for each row that couldn't be written."""
        problems = list(check.problems_of(self, self.overrides))
        if problems:
            raise BookingConfigError("\n".join(problems))

    def overrides(self, method: str) -> bool:
        """Whether a method is the CRM's own."""
        return getattr(type(self), method) is not getattr(CRM, method)

    # Users

    def current_user(self) -> t.Any | None:
        """The CRM user who makes this request, None when nobody is logged in.

        Runs at each request of the settings screens, and for the macros that the CRM's own pages use.  By default it
        is Flask-Login's user; None when the app has no login manager.
        """
        try:
            from flask_login import current_user
        except ImportError:
            return None
        if not hasattr(current_app, "login_manager"):
            return None
        user = current_user._get_current_object()
        return user if user is not None and user.is_authenticated else None

    def ask_for_login(self) -> t.Any | None:
        """The response of the settings screens to somebody who isn't logged in, such as a redirect to a login page.

        By default Flask-Login's ``unauthorized()``; None when the app has no login manager, and they answer 401.
        """
        manager: t.Any = getattr(current_app, "login_manager", None)
        return manager.unauthorized() if manager is not None else None

    def key_of(self, user: t.Any) -> t.Any:
        """The primary key of a user; never assume that it is an integer or true."""
        return columns.key_of(user)

    def display_name(self, user: t.Any) -> str:
        """The name that guests and colleagues see, on pages and in mails."""
        return text_of(user, self.user_fields.name) or self.email_of(user).partition("@")[0]

    def email_of(self, user: t.Any) -> str:
        """The address that gets the host's mails; read when a message is written, within the booking's transaction."""
        return text_of(user, self.user_fields.email)

    def time_zone_of(self, user: t.Any) -> str | None:
        """The IANA zone a new host begins with; None when the CRM doesn't know."""
        return text_of(user, self.user_fields.time_zone) or None

    def locale_of(self, user: t.Any) -> str | None:
        """The language a user reads, as ``de`` or ``pt_BR``; None when the CRM doesn't know."""
        return text_of(user, self.user_fields.locale) or None

    def avatar_url(self, user: t.Any) -> str | None:
        """An image address for the public page; None shows initials."""
        return text_of(user, self.user_fields.avatar_url) or None

    def tenant_of(self, user: t.Any) -> t.Any | None:
        """The tenant a user belongs to, as a row or a key; None in a CRM with a single one.

        It decides whose contacts a guest is matched with, and is asked of the host who is booked: also for visitors,
        and in a worker, where nobody is logged in.
        """
        name = self.user_fields.tenant
        return getattr(user, name) if name else None

    def may_be_host(self, user: t.Any) -> bool:
        """Whether ``user`` gets the settings screens, and with the first visit a booking page.  By default everybody.

        Runs at each request of the settings screens.  It closes the screens only: to close a page that exists, set
        ``active`` to false by :func:`flask_booking.catalog.update_host`.
        """
        return True

    def same_tenant(self, user: t.Any, other: t.Any) -> bool:
        """Whether two users belong together; nobody gets a meeting of another tenant."""
        return bool(self.tenant_of(user) == self.tenant_of(other))

    def is_admin(self, user: t.Any) -> bool:
        """Whether ``user`` may manage the booking pages of everyone in the same tenant."""
        name = self.user_fields.is_admin
        return bool(getattr(user, name)) if name else False

    def may_manage(self, user: t.Any, host_user: t.Any) -> bool:
        """Whether ``user`` may change the pages and bookings of ``host_user``: oneself, or an admin of the tenant.

        Runs for every thing that a settings screen opens, and for every host in a list of colleagues.
        """
        if self.key_of(user) == self.key_of(host_user):
            return True
        return self.is_admin(user) and self.same_tenant(user, host_user)

    # Contacts

    def find_contact(self, session: Session, email: str, host_user: t.Any) -> t.Any | None:
        """The contact with this address in the host's tenant, whatever its case; of several, the host's own, then
        the oldest.  Soft-deleted contacts and contacts without an address never match.

        Runs as part of :meth:`contact_for`.
        """
        model, fields = self.models.contact, self.contact_fields
        if model is None or not fields.email or not email:
            return None
        wanted: dict[str, t.Any] = {"emails": columns.lowered(email), "tenant": None, "owner": None}
        if fields.tenant:
            wanted["tenant"] = columns.key_or_value(self.tenant_of(host_user))
        if fields.owner:
            wanted["owner"] = self.key_of(host_user)
        # Made once: that takes longer than a database takes to answer it.
        known = wanted["tenant"] is not None
        if known not in self._finding:
            self._finding[known] = self._select_contact(known)
        return session.scalars(self._finding[known], wanted).first()

    def _select_contact(self, tenant_known: bool) -> t.Any:
        model, fields = t.cast("type[t.Any]", self.models.contact), self.contact_fields
        email = sa.func.lower(getattr(model, fields.email))
        query = sa.select(model).where(email.in_(sa.bindparam("emails", expanding=True)))
        if fields.tenant:
            tenant = columns.compared(model, fields.tenant)
            query = query.where(tenant == sa.bindparam("tenant") if tenant_known else tenant.is_(None))
        if fields.deleted:
            query = query.where(_is_kept(getattr(model, fields.deleted)))
        order: list[t.Any] = list(sa.inspect(model).primary_key)
        if fields.owner:
            order.insert(0, sa.case((columns.compared(model, fields.owner) == sa.bindparam("owner"), 0), else_=1))
        return query.order_by(*order).limit(1)

    def create_contact(self, session: Session, guest: Guest, host_user: t.Any) -> t.Any | None:
        """A new contact for ``guest``, added to ``session``; None when the CRM wants none.

        Runs as part of :meth:`contact_for`; in a SAVEPOINT of its own where the table has unique columns.  When those
        refuse the contact because somebody else just made it, that one is taken.
        """
        model, fields = self.models.contact, self.contact_fields
        if model is None:
            return None
        values: dict[str, t.Any] = {
            fields.email: guest.email,
            fields.phone: fitting(model, fields.phone, guest.phone),
            fields.company: fitting(model, fields.company, company_of(guest.email), shorten=True),
            fields.owner: host_user,
            fields.tenant: self.tenant_of(host_user),
        }
        for name in (fields.owner, fields.tenant):
            if name:
                values[name] = reference(session, model, name, values[name])
        if isinstance(fields.name, tuple):
            names = dict(zip(fields.name, split_name(guest.name), strict=True))
        else:
            names = {fields.name: guest.name}
        values |= {name: fitting(model, name, text, shorten=True) for name, text in names.items()}
        contact = columns.make(model, {name: value for name, value in values.items() if name})
        session.add(contact)
        return contact

    def contact_for(self, session: Session, guest: Guest, host_user: t.Any) -> t.Any | None:
        """The contact that ``guest`` is: found, or created when new; None for a booking without contact.

        Runs in the transaction of the booking, with the hosts' calendars locked.  Raise
        :class:`~flask_booking.errors.Refused` to refuse the guest; any other exception keeps the booking, and a
        worker tries again.
        """
        found = self.find_contact(session, guest.email, host_user)
        if found is not None:
            return found
        if self.models.contact is None or not columns.has_unique(self.models.contact):
            return self.create_contact(session, guest, host_user)
        try:
            with session.begin_nested():
                created = self.create_contact(session, guest, host_user)
                session.flush()
                return created
        except sa.exc.IntegrityError:  # perhaps the same guest books with another host right now
            found = self.find_contact(session, guest.email, host_user)
            if found is None:
                raise
            return found

    def contact_details(self, contact: t.Any) -> Guest:
        """Name, address and phone number of a contact, for a form that books with it."""
        fields = self.contact_fields
        return Guest(text_of(contact, fields.name), text_of(contact, fields.email), text_of(contact, fields.phone))

    def may_see_contact(self, user: t.Any, contact: t.Any, host_user: t.Any) -> bool:
        """Whether ``user``, who looks after the bookings of ``host_user``, may book with this contact and see its
        bookings: unless it is soft-deleted or of another tenant than the host.

        Runs when a link of the settings screens names a contact.
        """
        fields = self.contact_fields
        if fields.deleted and getattr(contact, fields.deleted):
            return False
        if not fields.tenant:
            return True
        session = t.cast("Session", sa.inspect(contact).session)
        tenant = reference(session, type(contact), fields.tenant, self.tenant_of(host_user))
        return bool(getattr(contact, fields.tenant) == tenant)

    def contact_url(self, contact: t.Any) -> str | None:
        """The address of a contact's page in the CRM, for links from bookings; read by screens and for mails."""
        return None

    # Activities

    def record_activity(
        self, session: Session, happening: Happening, booking: Booking, contact: t.Any | None, host_user: t.Any
    ) -> t.Any | None:
        """Log ``happening`` in the CRM's timeline; returns the activity, added to ``session``, or None for none.

        Runs in the transaction of each change of a booking; an exception keeps the change, and a worker tries again.
        The author is the host: a guest has no account.  Without a column for the subject, the body begins with it.
        """
        model, fields = self.models.activity, self.activity_fields
        kind = fields.kind_of(happening.kind)
        if model is None or kind is None or (contact is None and self.models.contact is not None):
            return None
        references = {fields.author: host_user, fields.tenant: self.tenant_of(host_user)}
        if contact is not None:
            references[fields.contact] = contact
        values = {name: reference(session, model, name, row) for name, row in references.items() if name}
        body = happening.body if fields.subject else f"{happening.subject}\n{happening.body}"
        for name, text in ((fields.subject, happening.subject), (fields.body, body)):
            values[name] = fitting(model, name, text, shorten=True)
        values[fields.time] = fitting(model, fields.time, happening.at)
        values[fields.kind] = fitting(model, fields.kind, kind)
        activity = columns.make(model, {name: value for name, value in values.items() if name})
        session.add(activity)
        return activity

    # Messages

    def notify(self, user: t.Any, happening: Happening, booking: Booking) -> None:
        """Tell ``user``, a host of ``booking``, inside the CRM: its bell, its chat, its socket.  By default nothing.

        Runs after the commit of each change, once for each host, in the request or worker that made the change; the
        texts are in the host's language.  ``happening.actor`` tells whether the guest, a host or the system did it.
        What it writes it commits itself.  An exception is logged without what it says, and changes nothing.
        """

    def send_mail(self, message: EmailMessage) -> bool:
        """Send through the CRM's own mailer and return True; False (the default) leaves it to ``BOOKING_MAIL_URL``.

        Runs in a worker, outside any transaction.  An exception makes the mail be tried again later.
        """
        return False


def _is_kept(deleted: t.Any) -> sa.ColumnElement[bool]:
    """Whether a contact isn't soft-deleted, by a flag, a number or a time."""
    if isinstance(deleted.type, sa.Boolean):
        return sa.or_(deleted.is_(None), deleted == sa.false())
    if isinstance(deleted.type, sa.Numeric | sa.Integer):
        return sa.or_(deleted.is_(None), deleted == 0)
    return t.cast("sa.ColumnElement[bool]", deleted.is_(None))
