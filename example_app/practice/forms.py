"""What may be done to the practice calendar, and what of it is accepted."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, SelectField, StringField, TimeField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, StopValidation, ValidationError

from example_app.forms import choices, trimmed
from example_app.practice.entries import BUSY, FREE, TENTATIVE

SHOWN = {BUSY: "Busy", TENTATIVE: "Tentative", FREE: "Free"}
YEARS = 3


def within_years(form: Any, field: Any) -> None:
    """Keep what nobody means out of the calendar."""
    if field.data and abs(field.data - date.today()) > timedelta(days=366 * YEARS):  # noqa: DTZ011 - the day itself doesn't matter
        raise ValidationError(f"Choose a date within {YEARS} years.")


class UnlessAllDay:
    """Asks for a time of day where there has to be one."""

    field_flags = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        if form.all_day.data:
            field.errors = []
            raise StopValidation
        if not any(field.raw_data or ()):
            field.errors = []
            raise StopValidation("Enter a time.")
        if field.data is None:
            raise StopValidation  # it was told that this is no time


class AddForm(FlaskForm):  # type: ignore[misc]
    title = StringField("What", filters=[trimmed], validators=[DataRequired("Enter a few words."), Length(max=200)])
    day = DateField("Day", validators=[InputRequired("Enter a date."), within_years])
    starts = TimeField("From", validators=[UnlessAllDay()])
    ends = TimeField("Until", validators=[UnlessAllDay()])
    all_day = BooleanField("All day")
    weekly = BooleanField("Every week")
    show = SelectField("Show as", choices=choices(SHOWN.items()), default=BUSY)

    def validate_ends(self, field: TimeField) -> None:
        if self.starts.data is not None and field.data <= self.starts.data:
            raise ValidationError("It has to end after it begins.")


class MoveForm(FlaskForm):  # type: ignore[misc]
    """An entry is put elsewhere as it is, as when it is dragged."""

    day = DateField(validators=[InputRequired("Enter a date."), within_years])
    starts = TimeField(validators=[Optional()])
    occurrence = StringField(validators=[Length(max=60)])


class RemoveForm(FlaskForm):  # type: ignore[misc]
    occurrence = StringField(validators=[Length(max=60)])
