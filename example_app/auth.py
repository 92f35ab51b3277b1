"""Logging in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from example_app.extensions import db, login_manager
from example_app.forms import LoginForm
from example_app.models import User

bp = Blueprint("auth", __name__)

login_manager.login_view = "auth.login"
login_manager.login_message = "Log in to go on."
login_manager.login_message_category = "info"

# Checked when the address is unknown, so that the answer takes as long as for a known one.
NOBODY = generate_password_hash("nobody")


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load_user(user_id: str) -> User | None:
    return db.session.get(User, int(user_id)) if user_id.isdecimal() else None


def local_path(target: str | None) -> str | None:
    """``target`` when it leads to a page of this application, else None.

    Browsers read ``//host``, ``/\\host`` and addresses with control characters as another site's.
    """
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(ord(character) < 32 for character in target):
        return None
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else None


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    onward = local_path(request.args.get("next")) or url_for("dashboard.index")
    if current_user.is_authenticated:
        return redirect(onward)
    form = LoginForm()
    if form.validate_on_submit():
        user = db.session.scalar(select(User).where(User.email == form.email.data))
        if user is not None and user.has_password(form.password.data):
            login_user(user)
            return redirect(onward)
        if user is None:
            User(password_hash=NOBODY).has_password(form.password.data)
        form.password.errors = ["E-mail address and password don't match."]
    demo_users = list(db.session.scalars(select(User).order_by(User.id).limit(3))) if current_app.config["DEMO"] else []
    return render_template("crm/login.html", form=form, demo_users=demo_users)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    logout_user()
    flash("You are logged out.", "info")
    return redirect(url_for("auth.login"))
