"""The practice calendar's server as a child of the demo: started beside it, and gone with it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import IO, cast

from example_app.practice import radicale_process
from example_app.practice.account import Account

SECONDS_TO_START = 30
NOT_INSTALLED = "Radicale isn't installed (pip install --editable '.[demo]')"


class NotStarted(Exception):
    """There is no practice calendar this time; the text says why, and what can be done."""


class Server:
    """Radicale, running, with its files in ``folder``.

    It waits for the end of a pipe that only this process holds the other end of, so it also ends when this process is
    killed or crashes.  Ctrl+C in the terminal isn't for it: it would be gone before the demo has put things away.

    :raises NotStarted: when it doesn't.
    """

    def __init__(self, folder: Path) -> None:
        if not all(find_spec(module) for module in ("defusedxml", "recurring_ical_events", "radicale")):
            raise NotStarted(NOT_INSTALLED)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = folder / "server.log"
        users = folder / "users"
        users.touch(mode=0o600)
        users.write_text(f"{Account.user}:{Account.password}\n", encoding="utf-8")
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own file, run by the Python that runs this
                [sys.executable, "-P", str(radicale_process.__file__), str(folder)],
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        told = self._first_line()
        if not told.isdecimal():
            self.stop()
            missing = told == radicale_process.MISSING
            raise NotStarted(NOT_INSTALLED if missing else f"its server doesn't start, see {log}")
        self.account = Account(int(told))

    def _first_line(self) -> str:
        alarm = threading.Timer(SECONDS_TO_START, self._process.kill)
        alarm.start()
        try:
            return cast("IO[str]", self._process.stdout).readline().strip()
        finally:
            alarm.cancel()

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def stop(self) -> None:
        """End it, after the request that it answers."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
