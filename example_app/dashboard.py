"""The first page after logging in: what comes, what is new, and who has not been spoken to lately."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template
from flask_login import current_user, login_required
from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from example_app.extensions import db
from example_app.meetings import coming_meetings_of, own_page
from example_app.models import Activity, Contact, now

bp = Blueprint("dashboard", __name__)

QUIET = timedelta(days=21)


@bp.get("/")
@login_required  # type: ignore[untyped-decorator]
def index() -> str:
    mine = (Contact.owner_id == current_user.id, Contact.archived_at.is_(None))
    week_ago = now() - timedelta(days=7)
    last_touch = (
        select(Activity.contact_id, func.max(Activity.happened_at).label("at")).group_by(Activity.contact_id).subquery()
    )
    quiet = db.session.execute(
        select(Contact, last_touch.c.at)
        .outerjoin(last_touch, last_touch.c.contact_id == Contact.id)
        .where(*mine, or_(last_touch.c.at.is_(None), last_touch.c.at < now() - QUIET))
        .order_by(last_touch.c.at.is_not(None), last_touch.c.at, Contact.id)
        .limit(5)
    ).all()
    return render_template(
        "crm/dashboard.html",
        meetings=coming_meetings_of(current_user, 4),
        booking_page=own_page(),
        contact_count=db.session.scalar(select(func.count()).select_from(Contact).where(*mine)),
        new_count=db.session.scalar(
            select(func.count()).select_from(Contact).where(*mine, Contact.created_at >= now() - timedelta(days=30))
        ),
        week_count=db.session.scalar(
            select(func.count())
            .select_from(Activity)
            .where(Activity.user_id == current_user.id, Activity.happened_at.between(week_ago, now()))
        ),
        quiet=quiet,
        recent=list(
            db.session.scalars(
                select(Activity)
                .options(joinedload(Activity.contact), joinedload(Activity.author))
                .order_by(Activity.happened_at.desc(), Activity.id.desc())
                .limit(7)
            )
        ),
    )
