"""The one command that leaves a running CRM, and keeps what was done with it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from example_app.practice.account import Account
from example_app.practice.client import NoAnswer, PracticeCalendar
from example_app.practice.entries import Entry

ROOT = Path(__file__).parents[2]


def demo(port: int, instance: Path, *command: str, **more: str) -> subprocess.Popen[str]:
    known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "example_app", *(command or ("demo", "--port", str(port)))],
        cwd=ROOT,
        env={**known, "INSTANCE_PATH": str(instance), "PYTHONUNBUFFERED": "1", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Where the tests run in the background, Ctrl+C is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """Everything printed until the line with these words; the end of the output when they never come."""
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if words in line:
            break
    return told


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate()
    assert told.rstrip().endswith("Stopped.")


def read(address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        return str(answer.read().decode())


def test_the_demo_starts_says_where_to_click_and_keeps_its_data_until_it_is_reset(tmp_path: Path) -> None:
    for _ in range(2):
        running = demo(0, tmp_path)
        told = wait_for(running, "Ctrl+C")
        try:
            assert "ann@example.com" in told
            address = next(word for word in told.split() if word.endswith("/mailbox/")).removesuffix("mailbox/")
            assert "Ann Meyer" in read(f"{address}login")
            assert "No mail has been sent yet" in read(f"{address}mailbox/")
            assert "Ann Meyer" in read(f"{address}book/ann")
        finally:
            stop(running)
        assert (tmp_path / "demo.sqlite").exists()
    told, _ = demo(0, tmp_path, "demo-reset").communicate()
    assert "make demo" in told
    assert not (tmp_path / "demo.sqlite").exists()


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = demo(port, tmp_path)
        told, _ = process.communicate()
    assert process.returncode == 1
    assert told == f"Error: Port {port} is taken. Choose another one: make demo PORT={port + 1}\n"


# -- the practice calendar --------------------------------------------------------------------------------------------


class Running:
    """The demo, running, with what it told."""

    def __init__(self, instance: Path, **more: str) -> None:
        self.process = demo(0, instance, **more)
        self.told = wait_for(self.process, "Ctrl+C")
        found = re.search(r"http://127\.0\.0\.1:\d+", self.told)
        assert found, self.told
        self.address = found[0]

    @property
    def calendar(self) -> PracticeCalendar:
        """The calendar whose server it told of."""
        found = re.search(r"\(CalDAV\): +http://127\.0\.0\.1:(\d+)/  user `ann`, password `demo`", self.told)
        assert found, self.told
        return PracticeCalendar(Account(int(found[1])))

    def entries(self) -> list[Entry]:
        today = datetime.now(NEW_YORK)
        return self.calendar.entries(today, today + timedelta(days=60))

    def slots(self) -> list[datetime]:
        """When guests can have an introduction, in the next weeks."""
        first = datetime.now(NEW_YORK).date() + timedelta(days=2)
        found = self.api(f"slots?start={first}&end={first + timedelta(days=30)}&tz=America/New_York")["slots"]
        return [datetime.fromisoformat(one["start"]).astimezone(NEW_YORK) for one in found]

    def api(self, path: str, **sent: Any) -> Any:
        request = urllib.request.Request(f"{self.address}/api/booking/v1/public/ann/intro/{path}")
        if sent:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(sent).encode()
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


NEW_YORK = ZoneInfo("America/New_York")


def soon(true: Callable[[], bool]) -> None:
    """Wait until something is so that shall become so without anybody's doing."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def answers(calendar: PracticeCalendar) -> bool:
    try:
        calendar.ask("OPTIONS", calendar.account.url)
    except NoAnswer:
        return False
    return True


def test_the_practice_calendar_goes_on_from_start_to_start_until_the_demo_is_reset(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    first = Running(instance)
    try:
        assert f"{first.address}/practice-calendar/" in first.told
        assert "Dentist" in {entry.title for entry in first.entries()}
        start, other = first.slots()[0], first.slots()[-1]
        first.api("bookings", start=start.isoformat(), name="Sam Guest", email="sam@example.com", time_zone="UTC")
        soon(lambda: any(one.booking and one.starts == start for one in first.entries()))
        first.calendar.add("Call the bank", other, other + timedelta(minutes=30))
    finally:
        stop(first.process)
    assert not answers(first.calendar)
    with closing(sqlite3.connect(instance / "demo.sqlite")) as database:  # whoever else opens it isn't kept waiting
        assert database.execute("SELECT paused FROM booking_calendar").fetchall() == [(1,)]

    with socket.create_server(("127.0.0.1", first.calendar.account.port)):  # nobody gets this port again
        second = Running(instance)
        try:
            assert second.calendar.account != first.calendar.account
            assert {"Call the bank", "Introduction: Sam Guest"} <= {entry.title for entry in second.entries()}
            assert not {start, other} & set(second.slots())
        finally:
            second.process.kill()  # and so it has put nothing away
            second.process.communicate()
    soon(lambda: not answers(second.calendar))

    (tmp_path / "radicale.py").write_text("raise ImportError")
    third = Running(instance, PYTHONPATH=str(tmp_path))
    try:
        (line,) = (line for line in third.told.splitlines() if "practice" in line)
        assert "Radicale isn't installed" in line
        assert "Traceback" not in third.told
        assert other in third.slots()
    finally:
        stop(third.process)

    demo(0, instance, "demo-reset").communicate()
    assert not (instance / "practice-calendar").exists()
