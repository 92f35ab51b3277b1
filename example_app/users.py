"""The people who work with the CRM, for administrators."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask_login import current_user, login_required
from sqlalchemy import func, select

from example_app.extensions import db
from example_app.models import Contact, User

bp = Blueprint("users", __name__, url_prefix="/users")


@bp.get("/")
@login_required  # type: ignore[untyped-decorator]
def index() -> str:
    if not current_user.is_admin:
        abort(403)
    counts = (
        select(Contact.owner_id, func.count().label("contacts"))
        .where(Contact.archived_at.is_(None))
        .group_by(Contact.owner_id)
        .subquery()
    )
    rows = db.session.execute(
        select(User, func.coalesce(counts.c.contacts, 0))
        .outerjoin(counts, counts.c.owner_id == User.id)
        .order_by(User.name)
    ).all()
    return render_template("crm/users.html", rows=rows)
