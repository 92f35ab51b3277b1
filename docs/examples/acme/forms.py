"""Acme's additions to the forms of booking."""

from __future__ import annotations

from flask import current_app

from flask_booking.forms import GuestForm, OwnField, SettingsForm, question

FREE_MAIL = ("@gmail.com", "@gmx.de", "@outlook.com")


class BusinessGuestForm(GuestForm):
    """Asks every guest for the company, and wants an address at work."""

    def questions(self, event):
        return [question("company", "Your company", required=True), *event.questions]

    def problems(self, event, intake, by):
        if by == "guest" and intake.guest.email.endswith(FREE_MAIL):
            return {"email": "Please use your address at work."}
        return {}


class CostCentreForm(SettingsForm):
    """Keeps a cost centre with each event type."""

    fields = [OwnField("cost_centre", "Cost centre", help="Four digits.")]

    def shown(self, event):
        return {"cost_centre": cost_centres().get(event.public_id, "") if event else "1000"}

    def problems(self, values, event):
        return {} if values["cost_centre"].isdigit() else {"cost_centre": "Please enter digits."}

    def saved(self, event, values):
        cost_centres()[event.public_id] = values["cost_centre"]


def cost_centres():
    """A table of the CRM's, in a real one."""
    return current_app.extensions.setdefault("acme_cost_centres", {})
