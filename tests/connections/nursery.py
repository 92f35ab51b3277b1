"""A process that makes worker processes on order, quickly: it has imported everything, and forks.

Each line of its standard input is an order; it answers with the process id of who works on it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

import example_app
from example_app.extensions import db
from flask_booking.connections import endpoint, token_rows
from flask_booking.connections.problems import ProviderProblem
from flask_booking.connections.service import OAuthService
from flask_booking.connections.tokens import ConnectionTokens

STEPS = ("leased", "answered", "stored")
"""Where a worker can be told to stand still in a renewal."""


def work(app: Flask, order: dict[str, Any]) -> None:
    """Ask for a token in each of ``threads`` threads at once, when the file ``go`` is there; tell what came of it."""
    with app.app_context():
        db.engines[None] = sa.create_engine(order["database"])
    service = OAuthService(**order["service"])
    if order["pause_at"]:
        pause_at(order["pause_at"], Path(order["paused"]))
    found: list[str] = []

    def ask() -> None:
        with app.app_context():
            try:
                found.append(ConnectionTokens(order["connection"], service).token())
            except ProviderProblem as problem:
                found.append(f"problem {problem}")

    threads = [threading.Thread(target=ask) for _ in range(order["threads"])]
    Path(order["ready"]).touch()
    while not Path(order["go"]).exists():
        time.sleep(0.002)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result = Path(order["result"])
    result.with_suffix(".part").write_text(json.dumps(found))
    result.with_suffix(".part").rename(result)


def pause_at(step: str, paused: Path) -> None:
    """Have the function that ends the step never return."""
    module, name = {
        "leased": (token_rows, "lease"),
        "answered": (endpoint, "renew"),
        "stored": (token_rows, "store"),
    }[step]
    function: Callable[..., Any] = getattr(module, name)

    def wrapped(*arguments: Any) -> Any:
        function(*arguments)
        paused.touch()
        threading.Event().wait()

    setattr(module, name, wrapped)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    app = example_app.create_app(json.loads(sys.argv[1]))
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                work(app, json.loads(line))
            finally:
                os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
