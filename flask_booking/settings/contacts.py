"""Contacts of the CRM by their key, as links from its pages name them."""

from __future__ import annotations

import typing as t
import uuid

import sqlalchemy as sa

from ..crm import Guest, columns
from ..state import crm, session
from . import access


def contact_by_key(text: str) -> t.Any | None:
    """The contact with this primary key, if the user may see it for the host on the desk; None for anything else."""
    model = crm().models.contact
    if model is None or not text or len(text) > 100:
        return None
    key = _key(sa.inspect(model).primary_key[0].type, text)
    contact = _found(model, key) if key is not None else None
    desk = access.desk()
    if contact is None or not crm().may_see_contact(desk.user, contact, desk.host.user):
        return None
    return contact


def _found(model: type[t.Any], key: t.Any) -> t.Any | None:
    try:
        return session().get(model, key)
    except sa.exc.StatementError as error:
        if isinstance(error, sa.exc.DBAPIError):
            raise
        return None  # a type of the CRM's own couldn't read the text; nothing was asked of the database


def _key(column: t.Any, text: str) -> t.Any | None:
    """``text`` as a value of the key's type; None when it can't be one."""
    try:
        of_the_crm = isinstance(column, sa.types.TypeDecorator)
        kind: type[t.Any] = (column.impl_instance if of_the_crm else column).python_type
        if of_the_crm and kind in (str, bytes):
            return text  # which the CRM's type packs itself
        if kind is int:
            number = int(text)
            return number if abs(number) < 2**63 else None
        return uuid.UUID(text) if kind is uuid.UUID else kind(text)
    except NotImplementedError:  # a type that doesn't say what it is in Python: it can't be read from a link
        return None
    except (ValueError, TypeError):
        return None


def key_of(contact: t.Any | None) -> t.Any | None:
    """The contact's primary key."""
    return None if contact is None else columns.key_of(contact)


def name_of(contact: t.Any | None) -> str:
    """The contact's name, or else the address."""
    details = details_of(contact)
    return details["name"] or details["email"]


def details_of(contact: t.Any | None) -> dict[str, str]:
    """Name, address and phone number, for a form that books with the contact."""
    found = crm().contact_details(contact) if contact is not None else Guest("", "")
    return {"name": found.name, "email": found.email, "phone": found.phone}
