"""Acme sends guests of people who have left to those who took over."""

from __future__ import annotations

from flask import redirect, url_for

MOVED = {"bob": "ann"}


def replace(app):
    original = app.view_functions["booking_public.page"]

    def page(**values):
        if values.get("page") in MOVED:
            return redirect(url_for("booking_public.page", page=MOVED[values["page"]]))
        return original(**values)

    app.view_functions["booking_public.page"] = page
