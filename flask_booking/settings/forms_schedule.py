"""The forms of a schedule, of a date override and of a blocked time: rows to text and back."""

from __future__ import annotations

import datetime as dt
import re
import typing as t

from ..errors import InvalidInput
from ..i18n import format_time, lazy_gettext, list_of
from ..i18n import gettext as _
from ..models import BlockedTime, Schedule
from . import words
from .forms import Fields, ranges_of, shown_ranges, ticked, typed_ranges

LABELS = {
    "name": lazy_gettext("Name"),
    "time_zone": lazy_gettext("Time zone"),
    "weekly": lazy_gettext("Weekly hours"),
    "first": lazy_gettext("First date"),
    "last": lazy_gettext("Last date"),
    "ranges": lazy_gettext("Hours"),
    "note": lazy_gettext("Note"),
    "title": lazy_gettext("What for"),
    "starts": lazy_gettext("Begins"),
    "ends": lazy_gettext("Ends"),
    "repeat": lazy_gettext("Repeats"),
    "rrule": lazy_gettext("Repeats"),
    "until": lazy_gettext("Repeats until"),
}

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


# Weekly hours


def weekly_labels() -> dict[str, t.Any]:
    """The labels of weekly hours: each day has the name that the reader gives it."""
    return {**LABELS, **{f"weekly.{day}": name for day, name in enumerate(words.weekdays())}}


def blank(time_zone: str, weekly: list[t.Any]) -> dict[str, t.Any]:
    """What the form of a new schedule begins with."""
    return {"name": "", "time_zone": time_zone, "days": [shown_ranges(day) for day in weekly]}


def shown(schedule: Schedule) -> dict[str, t.Any]:
    """A saved schedule as its form shows it."""
    days = [shown_ranges(day) for day in schedule.weekly]
    return {"name": schedule.name, "time_zone": schedule.time_zone, "days": days}


def typed(form: Fields) -> dict[str, t.Any]:
    """The form as it was typed."""
    return {
        "name": form.get("name", ""),
        "time_zone": form.get("time_zone", ""),
        "days": [typed_ranges(form, f"day{day}") for day in range(7)],
    }


def rearranged(values: dict[str, t.Any], action: str) -> bool:
    """Do what a button asked: another range for a day, or Monday's hours for all weekdays."""
    if found := re.fullmatch(r"add-day([0-6])", action):
        values["days"][int(found[1])].append(["", ""])
        return True
    if action == "copy":
        values["days"][1:5] = [[list(pair) for pair in values["days"][0]] for _day in range(4)]
        return True
    return False


def weekly(values: dict[str, t.Any]) -> list[list[tuple[int | None, int | None]]]:
    """What :func:`flask_booking.catalog.update_schedule` takes."""
    return [ranges_of(day) for day in values["days"]]


def summary(schedule: Schedule) -> list[tuple[str, str]]:
    """Days and hours in few lines: neighbouring days with the same hours are told together."""
    names, lines = words.weekdays("abbreviated"), []
    first = 0
    for day in range(1, 8):
        if day < 7 and schedule.weekly[day] == schedule.weekly[first]:
            continue
        if schedule.weekly[first]:
            span = names[first] if day - first == 1 else f"{names[first]} – {names[day - 1]}"
            lines.append((span, hours(schedule.weekly[first])))
        first = day
    return lines


def hours(ranges: t.Iterable[t.Sequence[int]]) -> str:
    """Ranges in words: 09:00 – 12:00, 13:00 – 17:00."""
    return ", ".join(_hours(start, end) for start, end in ranges)


def _hours(start: int, end: int) -> str:
    return _("all day") if (start, end) == (0, 1440) else f"{_time(start)} – {_time(end)}"


def _time(minutes: int) -> str:
    hour, minute = divmod(minutes % 1440, 60)
    text = format_time(dt.time(hour, minute))
    return _("%(time)s (next day)", time=text) if minutes > 1440 else text


# Date overrides


def blank_override() -> dict[str, t.Any]:
    """What the form of a date override begins with."""
    return {"first": "", "last": "", "kind": "closed", "ranges": [["", ""]], "note": ""}


def typed_override(form: Fields) -> dict[str, t.Any]:
    """The form as it was typed."""
    return {
        "first": form.get("first", ""),
        "last": form.get("last", ""),
        "kind": form.get("kind", "closed"),
        "ranges": typed_ranges(form, "override") or [["", ""]],
        "note": form.get("note", ""),
    }


def override_ranges(values: dict[str, t.Any]) -> list[tuple[int | None, int | None]]:
    """The hours of an override; none when closed.  Raises :class:`InvalidInput` for other hours that lack hours."""
    if values["kind"] != "hours":
        return []
    pairs = [pair for pair in values["ranges"] if any(pair)]
    if not pairs:
        raise InvalidInput(fields={"ranges": _("Please enter hours, or choose that you are closed.")})
    return ranges_of(pairs)


# Blocked times


def blank_blocked(day: dt.date) -> dict[str, t.Any]:
    """What the form of a blocked time begins with."""
    return {
        "title": "",
        "all_day": False,
        "first": day.isoformat(),
        "start": "12:00",
        "last": day.isoformat(),
        "end": "13:00",
        "repeat": "none",
        "days": [],
        "until": "",
        "rrule": "",
    }


def shown_blocked(row: BlockedTime) -> dict[str, t.Any]:
    """A saved blocked time as its form shows it."""
    last = row.ends_local - dt.timedelta(days=1) if row.all_day else row.ends_local
    return {
        "title": row.title,
        "all_day": row.all_day,
        "first": row.starts_local.date().isoformat(),
        "start": f"{row.starts_local:%H:%M}",
        "last": last.date().isoformat(),
        "end": f"{row.ends_local:%H:%M}",
        **_repetition(row.rrule),
    }


def typed_blocked(form: Fields) -> dict[str, t.Any]:
    """The form as it was typed."""
    names = ("title", "first", "start", "last", "end", "repeat", "until", "rrule")
    return {
        **{name: form.get(name, "").strip() for name in names},
        "all_day": ticked(form, "all_day"),
        "days": [day for day in form.getlist("days") if day in DAYS],
    }


def blocked_values(values: dict[str, t.Any]) -> dict[str, t.Any]:
    """What :func:`flask_booking.catalog.block_time` takes.  Raises :class:`InvalidInput`."""
    problems: dict[str, str] = {}
    all_day = values["all_day"]
    starts = _moment(values["first"], "00:00" if all_day else values["start"], "starts", problems)
    ends = _moment(values["last"] or values["first"], "00:00" if all_day else values["end"], "ends", problems)
    rule = _rule(values, starts.date(), problems)
    if problems:
        raise InvalidInput(fields=problems)
    return {"title": values["title"], "all_day": all_day, "starts": starts, "ends": ends, "rrule": rule}


def _moment(day: str, time: str, field: str, problems: dict[str, str]) -> dt.datetime:
    try:
        found = dt.datetime.combine(dt.date.fromisoformat(day), dt.time.fromisoformat(time))
    except ValueError:
        problems[field] = _("Please enter a date and a time.")
        return dt.datetime(2000, 1, 1)  # noqa: DTZ001 - a wall-clock time that nobody sees
    if found.tzinfo is not None:  # an offset: the time zone is that of the host
        problems[field] = _("Please enter times such as 09:00 and 17:00.")
    return found.replace(tzinfo=None)


def _rule(values: dict[str, t.Any], first: dt.date, problems: dict[str, str]) -> str:
    repeat = values["repeat"]
    if repeat in ("", "none"):
        return ""
    if repeat == "custom":
        if not values["rrule"]:
            problems["rrule"] = _("Please enter a repetition rule, or choose another repetition.")
        return str(values["rrule"])
    if repeat not in ("daily", "weekly", "monthly"):
        problems["repeat"] = _("Please choose how it repeats.")
        return ""
    rule = f"FREQ={repeat.upper()}"
    days_until_first = 0
    if repeat == "weekly" and values["days"]:
        rule += ";BYDAY=" + ",".join(day for day in DAYS if day in values["days"])
        days_until_first = min((DAYS.index(day) - first.weekday()) % 7 for day in values["days"])
    if values["until"]:
        try:
            until = dt.date.fromisoformat(values["until"])
        except ValueError:
            problems["until"] = _("Please enter a date, such as 2026-12-31.")
            return ""
        if "starts" not in problems and (until - first).days < days_until_first:
            problems["until"] = _("The last date comes after the first one.")
        rule += f";UNTIL={until:%Y%m%d}T235959"
    return rule


def _repetition(rule: str) -> dict[str, t.Any]:
    """A rule as the friendly choices say it, or else as it is written."""
    fields: dict[str, t.Any] = {"repeat": "none", "days": [], "until": "", "rrule": rule}
    if not rule:
        return fields
    found = re.fullmatch(
        r"FREQ=(DAILY|WEEKLY|MONTHLY)(?:;BYDAY=([A-Z,]+))?(?:;UNTIL=(\d{4})(\d\d)(\d\d)T235959)?", rule
    )
    days = found[2].split(",") if found and found[2] else []
    if found is None or not set(days) <= set(DAYS) or (days and found[1] != "WEEKLY"):
        return {**fields, "repeat": "custom"}
    until = "-".join(found.group(3, 4, 5)) if found[3] else ""
    return {**fields, "repeat": found[1].lower(), "days": days, "until": until, "rrule": ""}


def repetition_text(rule: str) -> str:
    """How a blocked time repeats, in words."""
    fields = _repetition(rule)
    if fields["repeat"] == "weekly" and fields["days"]:
        names = words.weekdays("abbreviated")
        return _("Every %(days)s", days=list_of(names[DAYS.index(day)] for day in fields["days"]))
    return {
        "none": "",
        "daily": _("Every day"),
        "weekly": _("Every week"),
        "monthly": _("Every month"),
        "custom": rule,
    }[fields["repeat"]]
