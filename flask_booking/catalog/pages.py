"""Writing a host's public page."""

from __future__ import annotations

import collections.abc as c
import typing as t

import sqlalchemy as sa

from ..domains import directory
from ..errors import InvalidInput
from ..i18n import gettext as _
from ..models import Appearance, BookingPage, OldPageSlug
from ..state import session
from . import check
from .hosts import page_taken
from .slugs import slug_of


def update_page(page: BookingPage, values: c.Mapping[str, t.Any]) -> None:
    """Change a page; keys that ``values`` lacks keep their value.  A former slug goes on redirecting.

    Raises :class:`~flask_booking.errors.InvalidInput`.
    """
    problems: check.Problems = {}

    def given(name: str) -> t.Any:
        return values.get(name, getattr(page, name))

    slug = slug_of(str(given("slug") or ""), "")
    if not slug:
        problems["slug"] = _("Please use letters from a to z or digits.")
    elif page_taken(session(), slug, page):
        problems["slug"] = _("Another page has this address.")
    title = check.line(given("title"), "title", problems)
    welcome = check.lines(given("welcome"), "welcome", problems)
    accent = check.colour(given("accent"), "accent", problems)
    links = {name: check.url(given(name), name, problems) for name in ("banner_url", "logo_url")}
    if given("appearance") not in set(Appearance):
        problems["appearance"] = _("Please choose light, dark or automatic.")
    check.finish(problems)
    if slug != page.slug:
        _keep_old_slug(page, slug)
    page.slug, page.title, page.welcome, page.accent = slug, title, welcome, accent
    page.banner_url, page.logo_url = links["banner_url"], links["logo_url"]
    page.appearance, page.active = Appearance(given("appearance")), bool(given("active"))
    try:
        session().commit()
    except sa.exc.IntegrityError:  # somebody else took it in this very moment
        session().rollback()
        raise InvalidInput(fields={"slug": _("Another page has this address.")}) from None
    directory().forget()


def _keep_old_slug(page: BookingPage, new: str) -> None:
    """Let the slug that ``page`` gives up lead to it; whoever takes a slug has it for good."""
    db = session()
    db.execute(sa.delete(OldPageSlug).where(OldPageSlug.slug.in_((new, page.slug))))
    db.add(OldPageSlug(slug=page.slug, page_id=page.id))
