"""The demo: one command that leaves a running CRM with people in it, and keeps its data until told otherwise."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.engine import URL
from werkzeug.serving import WSGIRequestHandler, make_server

from example_app import practice
from example_app.config import instance_folder
from example_app.extensions import MIGRATIONS, db
from example_app.practice import connection
from example_app.practice.account import Account
from example_app.practice.server import NotStarted, Server
from example_app.seed import PASSWORD, PEOPLE, add_user, seed
from example_app.seed_booking import SETTINGS, set_up
from flask_booking.jobs import start_worker, stop_worker


class QuietHandler(WSGIRequestHandler):
    """Leaves the terminal to the few lines a visitor needs."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def prepare(app: Flask) -> bool:
    """Bring the database up to date and put the example people in where they are missing.

    Returns whether the practice calendar, if there is one, is connected and read.
    """
    account: Account | None = app.config[practice.KEY]
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        ann = set_up(add_user(PEOPLE[0]), SETTINGS[0])
        db.session.commit()
        # Before the meetings are made, so that they keep clear of its entries, and are written into it.
        if account is None:
            practising = False
            connection.rest()
        else:
            from example_app.practice.start import begin  # what it needs is in the extra `demo`

            practising = begin(ann, account, Path(app.instance_path) / practice.FOLDER)
        seed()
    return practising


def welcome(address: str, account: Account | None, missing: str) -> str:
    width = max(len(person.email) for person in PEOPLE)
    lines = [
        "",
        f"  Book a meeting as a guest:        {address}/book/{SETTINGS[0].slug}",
        f"  Its mails, kept instead of sent:  {address}/mailbox/",
        f"  The CRM, for Ann and colleagues:  {address}/",
        *practice_lines(address, account, missing),
        "",
        f"  Log in with the password `{PASSWORD}` as one of",
        *(f"    {person.email:<{width}}  {person.name}, {person.time_zone}" for person in PEOPLE),
        "",
        "  Ctrl+C stops it. The data is kept; `make demo-reset` begins anew.",
        "",
    ]
    return "\n".join(lines)


def practice_lines(address: str, account: Account | None, missing: str) -> list[str]:
    """Where the practice calendar is, or in one line why there is none."""
    if account is None:
        return [f"  There is no practice calendar:    {missing}"]
    return [
        f"  Ann's practice calendar:          {address}/practice-calendar/",
        f"    in a calendar app (CalDAV):     {account.url}  user `{account.user}`, password `{account.password}`",
    ]


def run(port: int) -> None:
    """Serve the demo on 127.0.0.1 until interrupted.

    :raises click.ClickException: when the port is taken.
    """
    try:
        listening = socket.create_server(("127.0.0.1", port))
    except OSError:
        raise click.ClickException(f"Port {port} is taken. Choose another one: make demo PORT={port + 1}") from None
    with listening:
        calendars, missing = start_calendars()
        try:
            serve(listening, calendars.account if calendars else None, missing)
        finally:
            if calendars:
                calendars.stop()


def start_calendars() -> tuple[Server | None, str]:
    """The practice calendar's server, or why there is none."""
    if os.environ.get("REDIS_URL"):
        return None, "with REDIS_URL, calendars are read by workers that know nothing of it"
    try:
        return Server(instance_folder(os.environ.get("INSTANCE_PATH")) / practice.FOLDER), ""
    except NotStarted as problem:
        return None, str(problem)


def serve(listening: socket.socket, account: Account | None, missing: str) -> None:
    from example_app import create_app

    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = create_app({"DEMO": True, "BASE_URL": address, **practice_config(account)})
    if not prepare(app) and account is not None:
        account, missing = None, "it couldn't be read"
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler, fd=listening.fileno())
    try:
        if not app.config["BOOKING_REDIS_URL"]:
            start_worker(app)  # reminders fall due also while nobody looks at a page
        click.echo(welcome(address, account, missing))
        server.serve_forever()  # until Ctrl+C, which it keeps to itself
    except KeyboardInterrupt:
        pass  # it came a moment earlier
    finally:
        server.server_close()
        stop_worker(app)
        if account is not None:
            with app.app_context():
                connection.rest()
    click.echo("Stopped.")


def practice_config(account: Account | None) -> dict[str, Any]:
    """What the app has to know of a calendar on this machine, and nothing where there is none."""
    if account is None:
        return {}
    return {
        practice.KEY: account,
        "BOOKING_PRIVATE_ADDRESSES": True,
        "BOOKING_CALENDAR_POLL_MINUTES": 0.25,  # nobody practises for as long as calendars are left alone otherwise
    }


def reset(url: URL, instance: Path) -> str:
    """Delete the SQLite file at the address, with its journal files, and the practice calendar; say what was done.

    :raises click.ClickException: for a database that is no file, which is not ours to delete.
    """
    if url.get_backend_name() != "sqlite" or not url.database:
        raise click.ClickException("DATABASE_URL is not an SQLite file; empty that database yourself.")
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{url.database}{suffix}").unlink(missing_ok=True)
    shutil.rmtree(instance / practice.FOLDER, ignore_errors=True)
    return f"Deleted {url.database}. `make demo` begins anew."
