"""Worker processes that a test can stop and kill: ``flask booking work`` of an office's app.

A command of its own takes more than a second to import everything.  Where only what the worker does matters, the same
command runs in a process forked from one that imported it all before.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from flask import Flask
from flask.cli import main

from tests.fixtures.apart import PROCESSES
from tests.fixtures.apps import CONFIG

ROOT = Path(__file__).parents[2]
FLASK = ("flask", "--app", "tests.jobs.pausing:create_app")
SECONDS_TO_WAIT = 60


def eventually(holds: Callable[[], Any], what: str = "it", seconds: float = SECONDS_TO_WAIT) -> Any:
    """The first true answer of ``holds()``; a condition is waited for, never a time."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} seconds"
        time.sleep(0.02)
    return answer


class Process(Protocol):
    """What a test does with a process, whichever way it was started."""

    def poll(self) -> int | None: ...
    def wait(self, timeout: float) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...


Start = Callable[[list[str], dict[str, str], IO[bytes]], Process]


def command(arguments: list[str], environ: dict[str, str], output: IO[bytes]) -> Process:
    """As an operator starts it."""
    full = [sys.executable, "-m", *FLASK, *arguments]
    return subprocess.Popen(full, cwd=ROOT, env={**os.environ, **environ}, stdout=output, stderr=output)


class Forked:
    """The same command in a fork of the process that imported everything."""

    def __init__(self, arguments: list[str], environ: dict[str, str], output: IO[bytes]) -> None:
        self._process = PROCESSES.Process(target=_run, args=(arguments, {**os.environ, **environ}, output.name))
        self._process.start()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("flask", timeout)
        return self._process.exitcode

    def send_signal(self, sig: int, /) -> None:
        assert self._process.pid is not None
        if self.poll() is None:
            os.kill(self._process.pid, sig)


def _run(arguments: list[str], environ: dict[str, str], log: str) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    with open(log, "ab") as output:
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
    sys.argv = [*FLASK, *arguments]
    main()


@dataclass
class Worker:
    """A worker that was started."""

    process: Process
    paused: Path
    """A file that it makes when it stands still."""

    def wait_until_paused(self) -> None:
        """Until the worker stands still at the step that was asked for."""

        def stands_still() -> bool:
            assert self.process.poll() is None, "the worker ended before it came to the step"
            return self.paused.exists()

        eventually(stands_still, "the step")

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def end(self) -> int:
        """As an operator does; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()  # nothing of a failed test is left running
            raise


@dataclass
class Workers:
    """All workers of one test; what they say goes into one log."""

    folder: Path
    started: list[Worker] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / "workers.log"

    def start(self, how: Start, app: Flask, *arguments: str, pause_at: str = "", every: float = 1) -> Worker:
        """One more, with the configuration of ``app``; steps are in tests/jobs/pausing.py."""
        paused = self.folder / f"paused-{len(self.started)}"
        environ = {
            "BOOKING_TEST_APP_CONFIG": json.dumps(config_of(app)),
            "BOOKING_TEST_PAUSE_AT": pause_at,
            "BOOKING_TEST_PAUSED": str(paused),
        }
        with self.log.open("ab") as output:
            process = how(["booking", "work", "--every", str(every), *arguments], environ, output)
        self.started.append(Worker(process, paused))
        return self.started[-1]


@contextmanager
def workers_in(folder: Path) -> Iterator[Workers]:
    """Workers that end with the block; their log is shown if the test fails."""
    workers = Workers(folder)
    yield workers
    for worker in workers.started:
        if worker.process.poll() is None:
            worker.end()
    if workers.log.exists():
        sys.stderr.write(workers.log.read_text()[-6000:])


def config_of(app: Flask) -> dict[str, Any]:
    """What another process needs to make the same app."""
    config = {
        key: value
        for key, value in app.config.items()
        if (key in CONFIG or key.startswith("BOOKING_")) and not callable(value)
    }
    config["SQLALCHEMY_DATABASE_URI"] = str(app.config["SQLALCHEMY_DATABASE_URI"])
    config["INSTANCE_PATH"] = app.instance_path
    return config
