"""What stands in the practice calendar at first: enough to see which entries close times, and which don't."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from example_app.practice.client import PracticeCalendar
from example_app.practice.entries import FREE, TENTATIVE, at


def fill(calendar: PracticeCalendar, today: date, zone: ZoneInfo) -> None:
    """Enter some days of somebody's life, beginning with the next working day after ``today``."""
    days = working_days(today)
    calendar.add("Dentist", at(days[1], 10, 0, zone), at(days[1], 11, 0, zone))
    last_week = days[0] - timedelta(days=7)
    calendar.add("Round with the team", at(last_week, 14, 0, zone), at(last_week, 15, 0, zone), weekly=True)
    calendar.add("Perhaps: lunch with Joel", at(days[2], 12, 30, zone), at(days[2], 14, 0, zone), TENTATIVE)
    calendar.add("Quiet hour for notes", at(days[1], 15, 0, zone), at(days[1], 16, 30, zone), FREE)
    calendar.add("Day off", days[6], days[6] + timedelta(days=1))


def working_days(today: date) -> list[date]:
    """The next days, but for Saturdays and Sundays."""
    following = (today + timedelta(days=number) for number in range(1, 15))
    return [day for day in following if day.weekday() < 5]
