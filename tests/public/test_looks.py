"""How pages look and read: colours, Markdown, months and clocks, languages, sizes, and few queries."""

from __future__ import annotations

import datetime as dt
import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from flask_booking import catalog
from flask_booking.colour import READABLE, contrast, shades, stylesheet
from flask_booking.markdown import markdown, plain
from flask_booking.public.month import parts_of
from flask_booking.public.people import initials
from flask_booking.state import session
from flask_booking.zones import zone as read_zone
from tests.fixtures.people import Bookable
from tests.public.guest import text_of, times


@given(st.integers(0, 0xFFFFFF), st.booleans())
def test_any_colour_can_be_read(number: int, dark: bool) -> None:
    shade = shades(f"#{number:06x}", dark=dark)
    card = "#191c22" if dark else "#ffffff"
    assert contrast(shade.accent, card) >= READABLE
    assert contrast(shade.accent, shade.soft) >= READABLE
    assert contrast(shade.on_accent, shade.accent) >= READABLE


def test_a_colour_that_is_readable_stays_as_it_is() -> None:
    assert shades("#2456d6").accent == "#2456d6"


@pytest.mark.parametrize("colour", ["", "red", "#12345", "#2456d6;}", "javascript:"])
def test_what_is_no_colour_becomes_the_default(colour: str) -> None:
    assert stylesheet(colour) == stylesheet("#2456d6")


def test_a_page_has_its_colour_and_appearance_without_inline_style(ann: Bookable, client: FlaskClient) -> None:
    catalog.update_page(ann.page, {"accent": "#e11d48", "appearance": "dark", "banner_url": "https://x.example/b.png"})
    page = client.get("/book/ann").text
    assert 'data-appearance="dark"' in page
    assert "/book/~theme/e11d48.css" in page
    assert 'src="https://x.example/b.png"' in page
    assert " style=" not in page
    assert "<style" not in page
    assert client.get("/book/~theme/e11d48.css").text == stylesheet("#e11d48")


def test_an_image_that_is_not_https_is_not_shown(ann: Bookable, client: FlaskClient) -> None:
    for url in ("http://x.example/b.png", "javascript:alert(1)", "//x.example/b.png", 'https://x.example/"onload="x'):
        ann.page.banner_url = ann.page.logo_url = url
        session().commit()
        assert "<img" not in client.get("/book/ann").text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[a](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "![a](http://x/y.png)",
        "[a](data:text/html,x)",
        "<a href='https://x' onclick='y'>z</a>",
    ],
)
def test_markdown_obeys_nothing(text: str) -> None:
    html = str(markdown(text))
    assert not re.search(r"<(script|img)|href=\"(javascript|data)|<[^>]+\son\w+=", html)


def test_markdown_keeps_what_hosts_need() -> None:
    html = markdown("# Title\n\n- **bold** and [link](https://example.com)")
    assert "<h3>Title</h3>" in html
    assert "<strong>bold</strong>" in html
    assert 'href="https://example.com" rel="noopener noreferrer nofollow"' in html
    assert plain("# Title\n\n- **bold**") == "Title bold"


def test_initials() -> None:
    assert [initials(name) for name in ("Ann Mary Meyer", "ann", "", "李 雷", "- Bo")] == ["AM", "A", "?", "李雷", "B"]


# Clocks


def instant(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())


def test_times_are_parted_by_the_guests_clock(ann: Bookable) -> None:
    starts = [instant(f"2026-12-03T{hour:02}:00:00+01:00") for hour in (0, 9, 11, 12, 17, 18, 23)]
    parts = parts_of(starts, "Europe/Paris")
    assert [(part.name, [time.text for time in part.times]) for part in parts] == [
        ("Morning", ["00:00", "09:00", "11:00"]),
        ("Afternoon", ["12:00", "17:00"]),
        ("Evening", ["18:00", "23:00"]),
    ]


def test_a_time_that_comes_twice_says_which(ann: Bookable) -> None:
    starts = [instant("2026-10-25T00:30:00Z"), instant("2026-10-25T01:30:00Z"), instant("2026-10-25T02:30:00Z")]
    (morning,) = parts_of(starts, "Europe/Paris")
    assert [(time.text, time.note) for time in morning.times] == [
        ("02:30", "UTC+2"),
        ("02:30", "UTC+1"),
        ("03:30", ""),
    ]
    # Releases of CLDR differ in the comma after the weekday.
    assert morning.times[0].label.replace("Sunday,", "Sunday") == "Sunday 25 October, 02:30 UTC+2"


def test_every_time_of_a_month_is_on_the_day_the_guests_calendar_shows(ann: Bookable, client: FlaskClient) -> None:
    """Across both clock changes of spring: New York on 14 March 2027, Paris on 28 March."""
    catalog.update_event_type(ann.event, {"window_days": 365, "interval": 60})
    for zone, days in (("Europe/Paris", (27, 28, 29)), ("America/New_York", (13, 14, 15)), ("Asia/Kathmandu", (1, 31))):
        for day in days:
            with time_machine.travel("2027-02-11T12:00:00Z", tick=False):
                page = client.get(f"/book/ann/intro?tz={zone}&date=2027-03-{day:02}")
            starts = [dt.datetime.fromisoformat(start) for start in times(page)]
            assert {start.astimezone(read_zone(zone)).date() for start in starts} == {dt.date(2027, 3, day)}
            changes = {"Europe/Paris": 28, "America/New_York": 14}.get(zone) == day
            assert len(starts) == (23 if changes else 24)


def test_weeks_that_are_over_are_left_out_of_this_month_alone(ann: Bookable, client: FlaskClient) -> None:
    with time_machine.travel("2026-11-21T12:00:00Z", tick=False):
        this = client.get("/book/ann/intro?tz=UTC").text
        last = client.get("/book/ann/intro?tz=UTC&month=2026-10").text
    assert this.count("<tr>") == 1 + 3
    assert last.count("<tr>") == 1 + 5


# Languages


@pytest.mark.parametrize(
    ("accepted", "language", "first_day", "time"),
    [
        ("en-GB,en;q=0.9", "en-GB", "Monday", "09:00"),
        ("en-US,en;q=0.9", "en-US", "Sunday", "9:00 AM"),
        ("xx,en;q=0.5", "en", "Monday", "09:00"),
        ("*", "en", "Monday", "09:00"),
        ("", "en", "Monday", "09:00"),
    ],
)
def test_weeks_and_hours_are_the_readers(
    ann: Bookable, client: FlaskClient, accepted: str, language: str, first_day: str, time: str
) -> None:
    page = client.get("/book/ann/intro?tz=UTC", headers={"Accept-Language": accepted})
    day = ann.tomorrow().date()
    page = client.get(f"/book/ann/intro?tz=UTC&date={day}", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' in page.text
    found = re.search(r'<abbr title="(\w+)"', page.text)
    assert found
    assert found[1] == first_day
    assert f">{time}</button>" in page.text
    assert "Accept-Language" in page.headers["Vary"]


# Sizes and queries


def test_the_page_of_times_is_light(ann: Bookable, client: FlaskClient) -> None:
    catalog.update_event_type(ann.event, {"interval": 15, "description": "Words. " * 100, "durations": [15, 30, 60]})
    year = ann.tomorrow().year + 1
    with time_machine.travel(dt.datetime(year, 8, 20, tzinfo=dt.UTC), tick=False):
        # A whole month is free, the one with the longest name.
        page = client.get(f"/book/ann/intro?tz=Europe/Paris&date={year}-09-15")
    assert len(times(page)) == 4 * 24
    assert page.text.count("times free") == 30
    files = [client.get(url) for url in re.findall(r'(?:href|src)="(/book/~[^"]+)"', page.text)]
    assert len(files) == 3
    assert all(file.status_code == 200 for file in files)
    everything = [page.data, *(file.data for file in files)]
    assert sum(map(len, everything)) <= 50_000, "without any compression"
    assert sum(len(gzip.compress(data)) for data in everything) <= 15_000


def test_files_are_kept_for_a_year_under_their_hash_alone(ann: Bookable, client: FlaskClient) -> None:
    (url,) = re.findall(r'href="(/book/~static/guest[^"]+)"', client.get("/book/ann").text)
    assert client.get(url).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    stale = re.sub(r"guest\.\w+\.", "guest.0000000000.", url)
    assert client.get(stale).headers["Cache-Control"] == "no-cache"
    for other in ("guest.css", "..%2F..%2Fconfig.py", "x.0000000000.css", "guest.js.map"):
        assert client.get(f"/book/~static/{other}").status_code in (404, 200)
    assert client.get("/book/~static/..%2F..%2Fconfig.py").status_code == 404


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that run inside the block."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engine = session().get_bind()
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


# On a month's last day the next one is looked at as well: the next free time is there.
@pytest.mark.parametrize(("day", "most"), [(2, 9), (31, 12)])
def test_a_month_takes_few_queries_however_many_bookings(
    ann: Bookable, client: FlaskClient, day: int, most: int
) -> None:
    address = "/book/ann/intro?tz=Europe/Paris"
    january = dt.datetime(ann.tomorrow().year + 1, 1, day, 12, tzinfo=dt.UTC)
    with time_machine.travel(january, tick=False):
        session().remove()
        with counted() as first:
            client.get(address)
        session().remove()
        with counted() as again:
            client.get(address)
    assert len(first) <= most, "\n".join(first)
    assert len(again) <= 4, "nothing is computed twice"


def test_the_prefix_and_the_mount_point_are_the_applications(ann: Bookable, client: FlaskClient) -> None:
    page = client.get("/book/ann", environ_overrides={"SCRIPT_NAME": "/crm"})
    links = re.findall(r'(?:href|src)="(/[^"]*)"', page.text)
    assert links
    assert all(link.startswith("/crm/book/") for link in links)


def test_right_to_left_needs_no_other_stylesheet() -> None:
    from flask_booking.public.assets import FOLDER

    css = (FOLDER / "guest.css").read_text()
    physical = r"(?<![-\w])((margin|padding|border)-)?(left|right)\s*:"
    assert not re.findall(physical, css)


def test_months_follow_each_other(ann: Bookable, client: FlaskClient) -> None:
    address, seen = "/book/ann/intro?tz=UTC", []
    while len(seen) < 3:  # as far as the window reaches, on whatever day of a month it begins
        page = client.get(address)
        month = re.search(r'<strong id="month"[^>]*>([^<]+)', page.text)
        assert month
        shown = dt.datetime.strptime(f"{month[1]} +0000", "%B %Y %z")
        seen.append(shown.year * 12 + shown.month)
        following = re.search(r'href="([^"]+)" data-nav data-keep="next"', page.text)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == [seen[0], seen[0] + 1, seen[0] + 2]
    assert "Choose a day" in text_of(page)
