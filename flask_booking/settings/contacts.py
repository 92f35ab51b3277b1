"""Contacts of the CRM by their key, as links from its pages name them."""

from __future__ import annotations

import typing as t
import uuid

import sqlalchemy as sa

from ..state import crm, session
from . import access


def contact_by_key(text: str) -> t.Any | None:
    """The contact with this primary key in the tenant of the host on the desk; None for anything else."""
    model, fields = crm().models.contact, crm().contact_fields
    if model is None or not text or len(text) > 100:
        return None
    key = _key(sa.inspect(model).primary_key[0].type, text)
    contact = session().get(model, key) if key is not None else None
    if contact is None or (fields.deleted and getattr(contact, fields.deleted)):
        return None
    if fields.tenant and getattr(contact, fields.tenant) != crm().tenant_of(access.desk().host.user):
        return None
    return contact


def _key(column: t.Any, text: str) -> t.Any | None:
    """``text`` as a value of the key's type; None when it can't be one."""
    kind: type[t.Any] = column.python_type
    try:
        if kind is int:
            number = int(text)
            return number if abs(number) < 2**63 else None
        return uuid.UUID(text) if kind is uuid.UUID else kind(text)
    except (ValueError, TypeError):
        return None


def key_of(contact: t.Any | None) -> t.Any | None:
    """The contact's primary key."""
    return None if contact is None else sa.inspect(contact).identity[0]


def name_of(contact: t.Any | None) -> str:
    """The contact's name, or else the address."""
    fields = crm().contact_fields
    return _text(contact, fields.name) or _text(contact, fields.email)


def details_of(contact: t.Any | None) -> dict[str, str]:
    """Name, address and phone number, for a form that books with the contact."""
    fields = crm().contact_fields
    return {
        "name": _text(contact, fields.name),
        "email": _text(contact, fields.email),
        "phone": _text(contact, fields.phone),
    }


def _text(contact: t.Any | None, name: str) -> str:
    return str(getattr(contact, name, "") or "") if contact is not None and name else ""
