"""The practice calendar's page: what stands in it, and small forms that do what a calendar app does.

Entries are read and changed on the calendar's server, never in our own tables.  From these comes only how far booking
has read the calendar.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from example_app.auth import local_path
from example_app.meetings import own_page
from example_app.models import now
from example_app.pages import zone_of_reader
from example_app.practice import KEY, connection, is_owner
from example_app.practice.client import ChangedMeanwhile, NoAnswer, NotThere, PracticeCalendar
from example_app.practice.entries import Entry, at
from example_app.practice.forms import SHOWN, AddForm, MoveForm, RemoveForm
from flask_booking.calendars import mirror
from flask_booking.models import ConnectedCalendar

bp = Blueprint("practice", __name__, url_prefix="/practice-calendar")

DAYS = 14
FIRST_HOUR, LAST_HOUR = 7, 19
"""What a day's strip shows."""


@dataclass(frozen=True)
class Day:
    """A day of the page, and what touches it."""

    day: date
    midnight: datetime
    entries: tuple[Entry, ...]

    def named(self, today: date) -> str:
        """``Today``, ``Tomorrow``, or the day of the week."""
        return {0: "Today", 1: "Tomorrow"}.get((self.day - today).days) or f"{self.day:%A}"

    def stretch(self, entry: Entry) -> tuple[int, int]:
        """Where an entry stands on the day's strip, and how long it is there: minutes, none when it isn't."""
        edges = [(edge - self.midnight) // timedelta(minutes=1) for edge in (entry.starts, entry.ends)]
        begins, ends = (min(max(edge, FIRST_HOUR * 60), LAST_HOUR * 60) - FIRST_HOUR * 60 for edge in edges)
        return begins, ends - begins


@bp.before_request
@login_required  # type: ignore[untyped-decorator]
def only_its_owner() -> None:
    if not is_owner(current_user):
        abort(404)


def practice_calendar() -> PracticeCalendar:
    return PracticeCalendar(current_app.config[KEY])


View = Callable[..., ResponseReturnValue]


def told(view: View) -> View:
    """A change of the calendar whose failure is told on the page."""

    @wraps(view)
    def telling(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        try:
            return view(*args, **kwargs)
        except NotThere:
            flash("The entry isn't in the calendar any more.", "warning")
        except ChangedMeanwhile:
            flash("The entry was changed at the same moment, perhaps by booking. Try again.", "warning")
        except NoAnswer:
            flash("The calendar's server doesn't answer. Start the demo again.", "error")
        return back()

    return telling


@bp.route("/", methods=["GET", "POST"])
def index() -> ResponseReturnValue:
    """The page; what is sent to it is a new entry."""
    tomorrow = working_day_after(datetime.now(zone_of_reader()).date())
    form = AddForm(day=tomorrow, starts=datetime.min.time().replace(hour=9), ends=datetime.min.time().replace(hour=10))
    if form.validate_on_submit():
        return add(form)
    return page(form)


@told
def add(form: AddForm) -> ResponseReturnValue:
    day, starts, ends, zone = form.day.data, form.starts.data, form.ends.data, zone_of_reader()
    if form.all_day.data:
        span: tuple[Any, Any] = (day, day + timedelta(days=1))
    else:
        span = (at(day, starts.hour, starts.minute, zone), at(day, ends.hour, ends.minute, zone))
    practice_calendar().add(form.title.data, *span, form.show.data, form.weekly.data)
    flash(f"“{form.title.data}” is in the calendar. Booking hears of it when it reads the calendar.", "success")
    return back(day)


@bp.post("/<name>/move")
@told
def move(name: str) -> ResponseReturnValue:
    form = MoveForm()
    if not form.validate_on_submit():
        flash(next(iter(form.errors.values()))[0], "error")
        return back()
    practice_calendar().move(name, form.occurrence.data or "", form.day.data, form.starts.data, zone_of_reader())
    flash("Moved. Booking hears of it when it reads the calendar.", "success")
    return back(form.day.data)


@bp.post("/<name>/remove")
@told
def remove(name: str) -> ResponseReturnValue:
    form = RemoveForm()
    if not form.validate_on_submit():
        abort(400)
    practice_calendar().remove(name, form.occurrence.data or "")
    flash("Gone from the calendar. Booking hears of it when it reads the calendar.", "success")
    return back()


@bp.post("/read")
def read() -> ResponseReturnValue:
    """Have booking read the calendar now, instead of within half a minute."""
    calendar = connection.calendar_of(current_user.id)
    if calendar is not None:
        done = mirror.sync(calendar.id)
        text = "Booking has read the calendar." if done else "Booking couldn't read the calendar just now. Try again."
        flash(text, "success" if done else "warning")
    return back()


def back(day: date | None = None) -> ResponseReturnValue:
    """To the page, where it was or where ``day`` is."""
    first = asked_day()
    if day is not None and not first <= day < first + timedelta(days=DAYS):
        first = day
    return redirect(url_for(".index", **from_day(first)))


def asked_day() -> date:
    """The first day that the page is to show."""
    today = datetime.now(zone_of_reader()).date()
    try:
        asked = date.fromisoformat(request.args.get("from", ""))
    except ValueError:
        return today
    return asked if abs(asked - today) < timedelta(days=1500) else today


def from_day(first: date) -> dict[str, Any]:
    return {} if first == datetime.now(zone_of_reader()).date() else {"from": first.isoformat()}


def working_day_after(day: date) -> date:
    return next(one for one in (day + timedelta(days=number) for number in range(1, 4)) if one.weekday() < 5)


def page(form: AddForm) -> ResponseReturnValue:
    first, zone = asked_day(), zone_of_reader()
    days: list[Day] | None = None
    try:
        found = practice_calendar().entries(at(first, 0, 0, zone), at(first + timedelta(days=DAYS), 0, 0, zone))
        days = [
            Day(day, at(day, 0, 0, zone), tuple(one for one in found if one.starts.date() <= day <= one.last_day))
            for day in (first + timedelta(days=number) for number in range(DAYS))
        ]
    except (NoAnswer, NotThere):
        current_app.logger.warning("the practice calendar's server doesn't answer")
    calendar = connection.calendar_of(current_user.id)
    return render_template(
        "crm/practice.html",
        account=current_app.config[KEY],
        days=days,
        first=first,
        earlier=from_day(first - timedelta(days=DAYS)),
        later=from_day(first + timedelta(days=DAYS)),
        today=datetime.now(zone).date(),
        form=form,
        shown=SHOWN,
        state=state_of(calendar),
        calendar=calendar,
        booking_path=booking_path,
        own_page=own_page(),
        shown_from=from_day(first),
    )


def booking_path(entry: Entry) -> str | None:
    """Where a booking's entry leads to, on this server whatever its address was when the entry was written."""
    return local_path(urlsplit(entry.url).path) if entry.booking else None


def state_of(calendar: ConnectedCalendar | None) -> str:
    """How far booking has read the calendar, in words."""
    if calendar is None:
        return "Booking doesn't know of this calendar: its account isn't connected any more."
    if calendar.paused:
        return "Booking leaves this calendar alone: it is paused in the settings."
    if not calendar.check_conflicts:
        return "Booking doesn't close times for this calendar: that is switched off in the settings."
    if calendar.synced_at is None:
        return "Booking hasn't read this calendar yet."
    seconds = max(0, int((now() - calendar.synced_at).total_seconds()))
    ago = "just now" if seconds < 5 else f"{seconds} seconds ago" if seconds < 90 else f"{seconds // 60} minutes ago"
    return f"Booking read this calendar {ago}, and reads it again within half a minute."
