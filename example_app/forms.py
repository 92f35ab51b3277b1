"""The CRM's forms and what they accept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, SelectField, StringField, TelField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Email, Length, Optional

from example_app.models import ACTIVITY_KINDS


def trimmed(value: str | None) -> str | None:
    """Text without surrounding space; nothing instead of an empty text."""
    return (value or "").strip() or None


def lowered(value: str | None) -> str | None:
    return value.lower() if value else value


def choices(pairs: Iterable[tuple[object, str]]) -> list[SelectChoice]:
    """What a select field offers, made from values and their labels."""
    return [SelectChoice(value=value, label=label) for value, label in pairs]


class LoginForm(FlaskForm):  # type: ignore[misc]
    email = EmailField("E-mail", filters=[trimmed, lowered], validators=[DataRequired("Enter your e-mail address.")])
    password = PasswordField("Password", validators=[DataRequired("Enter your password.")])


class ContactForm(FlaskForm):  # type: ignore[misc]
    name = StringField("Name", filters=[trimmed], validators=[DataRequired("Enter a name."), Length(max=200)])
    email = EmailField(
        "E-mail",
        filters=[trimmed, lowered],
        validators=[Optional(), Email("This doesn't look like an e-mail address."), Length(max=254)],
    )
    phone = TelField("Phone", filters=[trimmed], validators=[Optional(), Length(max=40)])
    company = StringField("Company", filters=[trimmed], validators=[Optional(), Length(max=120)])
    owner_id = SelectField("Looked after by", coerce=int)
    notes = TextAreaField("Notes", filters=[trimmed], validators=[Optional(), Length(max=10_000)])

    def __init__(self, *args: Any, owners: Iterable[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner_id.choices = choices(owners)


class ActivityForm(FlaskForm):  # type: ignore[misc]
    kind = SelectField("Kind", choices=choices(ACTIVITY_KINDS.items()), default="note")
    subject = StringField(
        "What happened",
        filters=[trimmed],
        validators=[DataRequired("Say what happened in a few words."), Length(max=200)],
    )
    body = TextAreaField("Details", filters=[trimmed], validators=[Optional(), Length(max=10_000)])
