"""The timeline of everything that happened, of all contacts together."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_login import current_user, login_required
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from example_app.models import ACTIVITY_KINDS, Activity
from example_app.pages import paged

bp = Blueprint("activities", __name__, url_prefix="/activities")

PER_PAGE = 20


@bp.get("/")
@login_required  # type: ignore[untyped-decorator]
def index() -> str:
    kind = request.args.get("kind", "")
    mine = request.args.get("by") == "me"
    query = (
        select(Activity)
        .options(joinedload(Activity.contact), joinedload(Activity.author))
        .order_by(Activity.happened_at.desc(), Activity.id.desc())
    )
    if kind in ACTIVITY_KINDS:
        query = query.where(Activity.kind == kind)
    if mine:
        query = query.where(Activity.user_id == current_user.id)
    page = paged(query, PER_PAGE)
    return render_template("crm/activities.html", page=page, kind=kind, mine=mine)
