"""Workers of several processes that need the same token at once, and workers that are killed while they renew it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from flask_booking.connections import tokens
from flask_booking.connections.problems import LostAnswer, Unreachable
from flask_booking.connections.tokens import ConnectionTokens
from flask_booking.models import ConnectionState
from flask_booking.models.columns import utcnow
from flask_booking.state import session
from tests.connections.conftest import Connected, connected, service_at
from tests.connections.nursery import STEPS
from tests.fakes.oauth import OAuthFake
from tests.fixtures.apps import CONFIG, MakeApp
from tests.fixtures.databases import Databases
from tests.jobs.workers import ROOT, eventually


@dataclasses.dataclass
class Worker:
    """A process that asks for tokens."""

    pid: int
    folder: Path

    def wait_for(self, name: str) -> Path:
        path = self.folder / name
        eventually(path.exists, name)
        return path

    @property
    def found(self) -> list[str]:
        return json.loads(self.wait_for("result").read_text())

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


class Nursery:
    """Makes workers; they wait until :meth:`go`."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process, self.folder = process, folder
        self.numbers = itertools.count()

    def worker(self, account: Connected, go: Path, *, threads: int = 1, pause_at: str = "") -> Worker:
        own = self.folder / str(next(self.numbers))
        own.mkdir()
        service = {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in vars(service_at(account.fake)).items()
        }
        order: dict[str, Any] = {
            "database": str(account.app.config["SQLALCHEMY_DATABASE_URI"]),
            "service": service,
            "connection": account.id,
            "threads": threads,
            "pause_at": pause_at,
            "go": str(go),
            **{name: str(own / name) for name in ("paused", "ready", "result")},
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return Worker(int(self.process.stdout.readline()), own)


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    folder = tmp_path_factory.mktemp("workers")
    config = CONFIG | {"SQLALCHEMY_DATABASE_URI": "sqlite://", "INSTANCE_PATH": str(folder / "instance")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.connections.nursery", json.dumps(config)],
        cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Nursery(process, folder)
    finally:
        process.communicate(timeout=30)


def test_twenty_workers_in_four_processes_renew_once(
    each_app: Flask, fake: OAuthFake, nursery: Nursery, tmp_path: Path
) -> None:
    fake.rotates = fake.reuse_kills = True
    fake.latency = 0.3
    with each_app.app_context():
        account = connected(each_app, fake)
        workers = [nursery.worker(account, tmp_path / "go", threads=5) for _ in range(4)]
        for worker in workers:
            worker.wait_for("ready")
        (tmp_path / "go").touch()
        found = [token for worker in workers for token in worker.found]
        assert len(found) == 20
        assert set(found) == {account.secret["access_token"]}
        assert account.works(found[0])
        assert fake.renewals() == 1
        assert (account.row.renewing_until, account.row.renewing_token) == (None, None)
        account.expire()
        assert account.works(account.tokens.token()), "the account lives on"


def test_twenty_threads_share_a_refused_token_s_renewal(each_app: Flask, fake: OAuthFake) -> None:
    fake.rotates = fake.reuse_kills = True
    fake.latency = 0.1
    found: list[str] = []
    with each_app.app_context():
        account = connected(each_app, fake)
        account.change(expires_at=utcnow() + dt.timedelta(hours=1))
    together = threading.Barrier(20)

    def ask() -> None:
        with each_app.app_context():
            together.wait(30)
            found.append(ConnectionTokens(account.id, service_at(fake)).renew("access-of-yesterday"))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert len(set(found)) == fake.renewals() == 1


def test_those_who_waited_in_vain_don_t_queue_for_a_service_that_is_away(
    app: Flask, fake: OAuthFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        account = connected(app, fake)
        account.change(renewing_until=utcnow() + dt.timedelta(seconds=60), renewing_token="of one who asks")
    waiting: set[int] = set()
    found: list[str] = []

    def sleep(seconds: float, real: Callable[[float], None] = time.sleep) -> None:
        waiting.add(threading.get_ident())
        real(seconds)

    monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))

    def ask() -> None:
        with app.app_context():
            try:
                found.append(ConnectionTokens(account.id, service_at(fake)).token())
            except Unreachable as problem:
                found.append(problem.code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(waiting) == 8, "that all wait")
    with app.app_context():
        account.change(renewing_until=None, renewing_token=None)
    for thread in threads:
        thread.join()
    assert found == ["unreachable"] * 8
    assert fake.renewals() == 0
    with app.app_context():
        assert account.works(account.tokens.token())


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("rotates", [False, True], ids=["stays", "rotates"])
def test_a_worker_killed_in_a_renewal_leaves_what_can_be_left(
    make_app: MakeApp,
    databases: Databases,
    fake: OAuthFake,
    nursery: Nursery,
    tmp_path: Path,
    step: str,
    rotates: bool,
) -> None:
    fake.rotates = fake.reuse_kills = rotates
    app = make_app(databases.clean("postgresql"))
    (tmp_path / "go").touch()
    with app.app_context():
        account = connected(app, fake)
        doomed = nursery.worker(account, tmp_path / "go", pause_at=step)
        doomed.wait_for("paused")
        doomed.kill()
        assert (account.row.renewing_until is None) == (step == "stored")
        if step != "stored":  # a minute goes by
            account.change(renewing_until=utcnow() - dt.timedelta(seconds=1))
        session().remove()
        if rotates and step == "answered":
            with pytest.raises(LostAnswer):
                account.tokens.token()
            assert (account.row.state, account.row.problem) == (ConnectionState.BROKEN, "lost_answer")
        else:
            assert account.works(account.tokens.token())
            assert account.row.state is ConnectionState.ACTIVE
            assert fake.renewals() == (2 if step == "answered" else 1)
            account.expire()
            assert account.works(account.tokens.token())


def test_others_wait_for_a_lease_and_take_over_when_it_ends(
    app: Flask, fake: OAuthFake, nursery: Nursery, tmp_path: Path
) -> None:
    with app.app_context():
        account = connected(app, fake)
        account.change(renewing_until=utcnow() + dt.timedelta(seconds=60), renewing_token="of one who died")
        (tmp_path / "go").touch()
        waiting = nursery.worker(account, tmp_path / "go")
        waiting.wait_for("ready")
        assert fake.renewals() == 0
        assert not (waiting.folder / "result").exists()
        account.change(renewing_until=utcnow() - dt.timedelta(seconds=1))
        assert account.works(waiting.found[0])
