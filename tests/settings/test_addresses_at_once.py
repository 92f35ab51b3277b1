"""Two pages that want one address in the same moment: the later gets another, or is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from example_app.extensions import db
from example_app.models import User
from flask_booking import catalog
from flask_booking.catalog import hosts, pages
from flask_booking.errors import InvalidInput
from flask_booking.models import BookingPage
from tests.fixtures.apps import MakeApp
from tests.fixtures.databases import Databases


def once(function: Callable[..., Any], then: Callable[[], object]) -> Callable[..., Any]:
    """``function``, and after its first call what somebody else does in that very moment."""
    asked = []

    def wrapped(*arguments: Any) -> Any:
        answer = function(*arguments)
        if not asked:
            asked.append(1)
            then()
        return answer

    return wrapped


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])  # SQLite has one writer at a time
def test_two_users_of_one_name_become_hosts_at_once(
    make_app: MakeApp, databases: Databases, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    app = make_app(databases.clean(kind))
    with app.app_context():
        users = [User(email=f"sam{number}@example.com", name="Sam Hill", password_hash="") for number in range(2)]
        db.session.add_all(users)
        db.session.commit()
        first, second = (user.id for user in users)

        def other() -> None:
            with app.app_context():
                catalog.ensure_host(db.session.get_one(User, second))

        monkeypatch.setattr(hosts, "free_slug", once(hosts.free_slug, other))
        catalog.ensure_host(db.session.get_one(User, first))
        slugs = {page.host.user.id: page.slug for page in db.session.query(BookingPage)}
        assert slugs == {second: "sam-hill", first: "sam-hill-2"}


def test_two_pages_take_one_address_at_once(
    make_app: MakeApp, each_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(each_database)
    with app.app_context():
        for name in ("Ann", "Ben"):
            user = User(email=f"{name}@example.com", name=name, password_hash="")
            db.session.add(user)
            db.session.commit()
            catalog.ensure_host(user)
        anns, bens = db.session.query(BookingPage).order_by(BookingPage.id)

        def other() -> None:
            with app.app_context():
                catalog.update_page(db.session.get_one(BookingPage, bens.id), {"slug": "talk"})

        monkeypatch.setattr(pages, "page_taken", once(pages.page_taken, other))
        with pytest.raises(InvalidInput) as refused:
            catalog.update_page(anns, {"slug": "talk"})
        assert refused.value.fields == {"slug": "Another page has this address."}
        db.session.expire_all()
        assert (anns.slug, bens.slug) == ("ann", "talk")
