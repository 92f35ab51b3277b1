"""Writing the domains that a page claims."""

from __future__ import annotations

import sqlalchemy as sa

from ..domains import Claim, directory, typed_name, verify
from ..encryption import new_public_id
from ..errors import InvalidInput, NotBookable
from ..i18n import gettext as _
from ..models import BookingDomain, BookingPage
from ..models.columns import utcnow
from ..state import session

MOST_DOMAINS = 5
"""How many domains a page may claim."""


def claim_of(domain: BookingDomain) -> Claim:
    """What must be found for ``domain``."""
    return Claim(domain.name, domain.token, directory().target)


def claim_domain(page: BookingPage, text: str, *, token: str = "") -> BookingDomain:
    """Note that ``page`` shall answer at the domain typed in ``text``; it does so once :func:`check_domain` agrees.

    ``token`` is that of a claim given up before, so that its record goes on being right.  Raises
    :class:`~flask_booking.errors.InvalidInput`.
    """
    problem = _refusal(page, typed_name(text))
    if problem:
        raise InvalidInput(fields={"name": problem})
    found = BookingDomain(page_id=page.id, name=typed_name(text), token=token or new_public_id())
    session().add(found)
    try:
        session().commit()
    except sa.exc.IntegrityError:  # the same button, twice at once
        session().rollback()
        raise InvalidInput(fields={"name": _("This domain is in your list already.")}) from None
    return found


def _refusal(page: BookingPage, name: str | None) -> str:
    if not directory().target:
        return _("This CRM isn't set up for domains of your own.")
    if name is None:
        return _("Please give a domain such as book.example.com.")
    if directory().belongs_to_crm(name):
        return _("This name belongs to the CRM itself.")
    own = session().scalars(sa.select(BookingDomain.name).where(BookingDomain.page_id == page.id)).all()
    if name in own:
        return _("This domain is in your list already.")
    if len(own) >= MOST_DOMAINS:
        return _("A page can have %(most)s domains. Please remove one first.", most=MOST_DOMAINS)
    if session().scalar(sa.select(BookingDomain.id).where(BookingDomain.verified_name == name)):
        return _taken()
    return ""


def _taken() -> str:
    return _("This domain is in use already. If it is yours, please ask who runs the CRM.")


def check_domain(domain: BookingDomain) -> bool:
    """Look whether the claim holds now; returns whether the page answers there.

    What is missing is kept in ``problem``.  A domain that was verified stays so.
    """
    if domain.verified_name is not None:
        return True
    key, claim = domain.id, claim_of(domain)
    session().commit()  # nothing is kept open while name servers are asked
    problem = verify(claim)
    if not problem and _verified(key):
        directory().forget()
        return True
    found = session().get(BookingDomain, key, populate_existing=True)
    if found is None:  # removed meanwhile
        raise NotBookable
    found.problem, found.checked_at = (problem or _taken())[:500], utcnow()
    session().commit()
    return False


def _verified(key: int) -> bool:
    """Give the domain to this claim; False when another one has it."""
    found = session().get(BookingDomain, key, populate_existing=True)
    if found is None:
        raise NotBookable
    found.verified_name, found.verified_at, found.checked_at, found.problem = found.name, utcnow(), utcnow(), ""
    try:
        session().commit()
    except sa.exc.IntegrityError:
        session().rollback()
        return False
    return True


def remove_domain(domain: BookingDomain) -> None:
    """Give a domain up; the page doesn't answer there any more."""
    session().delete(domain)
    session().commit()
    directory().forget()
