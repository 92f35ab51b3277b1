"""Contacts: the list with its search, one person's page, adding, changing and archiving."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from example_app.extensions import db
from example_app.forms import ActivityForm, ContactForm
from example_app.meetings import meetings_with, own_page
from example_app.models import Activity, Contact, User, now
from example_app.pages import paged

bp = Blueprint("contacts", __name__, url_prefix="/contacts")

PER_PAGE = 15


def owners() -> list[tuple[int, str]]:
    return [(user.id, user.name) for user in db.session.scalars(select(User).order_by(User.name))]


@bp.get("/")
@login_required  # type: ignore[untyped-decorator]
def index() -> str:
    words = request.args.get("q", "").split()
    show = request.args.get("show", "all")
    query = select(Contact).options(joinedload(Contact.owner)).order_by(Contact.name, Contact.id)
    query = query.where(Contact.archived_at.is_not(None) if show == "archived" else Contact.archived_at.is_(None))
    if show == "mine":
        query = query.where(Contact.owner_id == current_user.id)
    for word in words:
        query = query.where(
            or_(
                *(
                    column.icontains(word, autoescape=True)
                    for column in (Contact.name, Contact.email, Contact.company, Contact.phone)
                )
            )
        )
    page = paged(query, PER_PAGE)
    return render_template("crm/contacts.html", page=page, q=" ".join(words), show=show)


@bp.route("/new", methods=["GET", "POST"])
@login_required  # type: ignore[untyped-decorator]
def create() -> ResponseReturnValue:
    form = ContactForm(owners=owners())
    if request.method == "GET":
        form.owner_id.data = current_user.id
    if form.validate_on_submit():
        contact = Contact()
        form.populate_obj(contact)
        db.session.add(contact)
        db.session.commit()
        flash(f"{contact.name} is now one of your contacts.", "success")
        return redirect(url_for(".show", contact_id=contact.id))
    return render_template("crm/contact_form.html", form=form, contact=None)


@bp.route("/<key:contact_id>", methods=["GET", "POST"])
@login_required  # type: ignore[untyped-decorator]
def show(contact_id: int) -> ResponseReturnValue:
    contact = db.get_or_404(Contact, contact_id)
    form = ActivityForm()
    if form.validate_on_submit():
        activity = Activity(contact_id=contact.id, user_id=current_user.id, happened_at=now())
        form.populate_obj(activity)
        db.session.add(activity)
        db.session.commit()
        flash("Added to the timeline.", "success")
        return redirect(url_for(".show", contact_id=contact.id))
    activities = paged(
        select(Activity)
        .where(Activity.contact_id == contact.id)
        .options(joinedload(Activity.author))
        .order_by(Activity.happened_at.desc(), Activity.id.desc()),
        PER_PAGE,
    )
    return render_template(
        "crm/contact.html",
        contact=contact,
        page=activities,
        form=form,
        meetings=meetings_with(contact),
        booking_page=own_page(),
    )


@bp.route("/<key:contact_id>/edit", methods=["GET", "POST"])
@login_required  # type: ignore[untyped-decorator]
def edit(contact_id: int) -> ResponseReturnValue:
    contact = db.get_or_404(Contact, contact_id)
    form = ContactForm(obj=contact, owners=owners())
    if form.validate_on_submit():
        form.populate_obj(contact)
        db.session.commit()
        flash("Changes saved.", "success")
        return redirect(url_for(".show", contact_id=contact.id))
    return render_template("crm/contact_form.html", form=form, contact=contact)


@bp.post("/<key:contact_id>/archive")
@login_required  # type: ignore[untyped-decorator]
def archive(contact_id: int) -> ResponseReturnValue:
    """Put a contact away. Nothing is lost: its page offers to bring it back."""
    contact = db.get_or_404(Contact, contact_id)
    contact.archived_at = now()
    db.session.commit()
    return redirect(url_for(".show", contact_id=contact.id))


@bp.post("/<key:contact_id>/restore")
@login_required  # type: ignore[untyped-decorator]
def restore(contact_id: int) -> ResponseReturnValue:
    contact = db.get_or_404(Contact, contact_id)
    contact.archived_at = None
    db.session.commit()
    flash(f"{contact.name} is back among your contacts.", "success")
    return redirect(url_for(".show", contact_id=contact.id))
