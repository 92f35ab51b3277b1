"""The addresses of a page, and the domains that are to be among them."""

from __future__ import annotations

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from .. import catalog
from ..domains import directory
from ..errors import InvalidInput
from ..guards import check_rate
from ..i18n import gettext as _
from ..i18n import lazy_gettext
from ..links import page_url, prefix_url
from ..models import BookingDomain, DomainState
from ..state import session
from . import access, notices
from .access import desk
from .blueprint import blueprint
from .forms import Form
from .screen import render

LABELS = {"name": lazy_gettext("Domain")}


@blueprint.route("/domains", methods=["GET", "POST"])
def domains() -> ResponseReturnValue:
    """Where the page is, and the form for one more domain."""
    form = Form({"name": request.form.get("name", "").strip()[:300]}, LABELS)
    if request.method == "GET":
        return _page(form)
    try:
        found = catalog.claim_domain(desk().page, form.values["name"])
    except InvalidInput as error:
        form.refuse(error)
        return _page(form), 422
    notices.tell(_("%(name)s is noted. Now make its two records.", name=found.name))
    return _back()


@blueprint.post("/domains/<public_id>/check")
def check_domain(public_id: str) -> ResponseReturnValue:
    """Look for the records now."""
    row = access.domain(public_id)
    check_rate("domain")
    name = row.name
    if catalog.check_domain(row):
        notices.tell(_("%(name)s is yours. Links lead there from now on.", name=name))
    else:
        notices.tell(_("%(name)s can't be used yet.", name=name), kind="warning")
    return _back()


@blueprint.post("/domains/<public_id>/remove")
def remove_domain(public_id: str) -> ResponseReturnValue:
    """Give a domain up."""
    row = access.domain(public_id)
    name, kept = row.name, {"name": row.name, "token": row.token}
    catalog.remove_domain(row)
    notices.tell(_("%(name)s is removed. Links with this name don't work any more.", name=name), undo=("domain", kept))
    return _back()


def _back() -> ResponseReturnValue:
    return redirect(url_for("booking_settings.domains"), 303)


def _page(form: Form) -> str:
    row = desk().page
    claims = session().scalars(
        sa.select(BookingDomain).where(BookingDomain.page_id == row.id).order_by(BookingDomain.id)
    )
    pairs = [(one, catalog.claim_of(one)) for one in claims]
    verified = [directory().origin(one.name) for one, _claim in pairs if one.state is DomainState.VERIFIED]
    main = page_url(row.slug)
    others = [*verified, directory().subdomain_of(row.slug), prefix_url(row.slug)]
    return render(
        "domains.html",
        form=form,
        claims=pairs,
        addresses=[main, *(one for one in others if one and one != main)],
        possible=bool(directory().target),
    )
