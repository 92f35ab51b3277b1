"""The list of bookings, and the same as a CSV file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import typing as t

from flask import Response, request
from flask.typing import ResponseReturnValue

from ..models import Booking
from ..models.columns import utcnow
from ..scheduling.intake import one_line
from ..scheduling.places import made_name
from ..state import session
from ..zones import zone
from . import access, booking_list, contacts, words
from .access import desk
from .blueprint import blueprint
from .booking_list import Filter
from .screen import render

_MOST_ROWS = 20_000


@blueprint.get("/bookings")
def bookings() -> ResponseReturnValue:
    """The bookings that the filter shows, a page at a time."""
    chosen = _filter()
    number = request.args.get("page", 1, type=int)
    number = min(max(number, 1), 100_000)
    found = booking_list.query(chosen, _hosts(chosen), desk().host.time_zone)
    rows, total = booking_list.read_page(found, number)
    pages = max(1, math.ceil(total / booking_list.PER_PAGE))
    contact = contacts.contact_by_key(request.args.get("contact", ""))
    return render(
        "bookings.html",
        rows=rows,
        total=total,
        number=number,
        pages_count=pages,
        chosen=chosen,
        events=desk().page.event_types,
        contact=contact,
        contact_key=request.args.get("contact", "") if contact is not None else "",
        contact_name=contacts.name_of(contact),
        query=_query(),
        may_see_all=bool(access.hosts_to_manage()),
    )


@blueprint.get("/bookings.csv")
def bookings_csv() -> ResponseReturnValue:
    """All bookings that the filter shows, as a file for spreadsheets."""
    chosen = _filter()
    found = booking_list.query(chosen, _hosts(chosen), desk().host.time_zone).limit(_MOST_ROWS)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for row in session().scalars(booking_list.with_people(found)):
        writer.writerow([harmless(cell) for cell in _cells(row)])
    name = f"bookings-{utcnow().astimezone(zone(desk().host.time_zone)):%Y-%m-%d}.csv"
    # The mark tells Excel that this is UTF-8.
    response = Response("\ufeff" + text.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


_COLUMNS = (
    "id", "status", "event type", "start", "end", "time zone", "hosts", "guest", "email", "phone", "guest time zone",
    "place", "answers", "notes", "host notes", "reason", "source", "booked at",
)  # fmt: skip


def _cells(row: Booking) -> list[str]:
    there = zone(desk().host.time_zone)
    answers = "\n".join(f"{answer['label']}: {answer['text']}" for answer in row.answers)
    said = (made_name(row.location), *(row.location.get(name, "") for name in ("text", "url", "password")))
    place = " ".join(text for text in said if text)
    return [
        row.public_id,
        row.status.value,
        row.title,
        row.starts_at.astimezone(there).isoformat(),
        row.ends_at.astimezone(there).isoformat(),
        desk().host.time_zone,
        words.hosts(row),
        row.guest_name,
        row.guest_email,
        row.guest_phone,
        row.guest_time_zone,
        place,
        answers,
        row.notes,
        row.host_notes,
        words.why(row),
        words.source(row),
        row.created_at.isoformat(),
    ]


def harmless(cell: str) -> str:
    """``cell`` so that no spreadsheet takes it for a formula (OWASP, "CSV Injection")."""
    return f"'{cell}" if cell.lstrip()[:1] in ("=", "+", "-", "@") or cell[:1] in ("\t", "\r", "\n") else cell


def _filter() -> Filter:
    args = request.args
    show = args.get("show", "upcoming")
    contact = contacts.contact_by_key(args.get("contact", ""))
    return Filter(
        show=show if show in booking_list.SHOWS else "upcoming",
        event=args.get("event", "")[:32],
        text=one_line(args.get("q", ""))[:200],
        first=_date(args.get("from", "")),
        last=_date(args.get("to", "")),
        contact=contacts.key_of(contact),
        everyone=args.get("of") == "all",
    )


def _hosts(chosen: Filter) -> list[int]:
    if chosen.everyone:
        return [host.id for host, _slug in access.manageable()]
    return [desk().host.id]


def _query() -> dict[str, t.Any]:
    """The filter as parameters of a link."""
    names = ("show", "event", "q", "from", "to", "contact", "of")
    return {name: request.args[name] for name in names if request.args.get(name)}


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
