"""The demo: one command that leaves a running CRM with people in it, and keeps its data until told otherwise."""

from __future__ import annotations

import socket
from pathlib import Path

import click
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.engine import URL
from werkzeug.serving import WSGIRequestHandler, make_server

from example_app.extensions import MIGRATIONS
from example_app.seed import PASSWORD, PEOPLE, seed
from example_app.seed_booking import SETTINGS
from flask_booking.jobs import start_worker


class QuietHandler(WSGIRequestHandler):
    """Leaves the terminal to the few lines a visitor needs."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def prepare(app: Flask) -> None:
    """Bring the database up to date and put the example people in where they are missing."""
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        seed()


def welcome(address: str) -> str:
    width = max(len(person.email) for person in PEOPLE)
    lines = [
        "",
        f"  Book a meeting as a guest:        {address}/book/{SETTINGS[0].slug}",
        f"  Its mails, kept instead of sent:  {address}/mailbox/",
        f"  The CRM, for Ann and colleagues:  {address}/",
        "",
        f"  Log in with the password `{PASSWORD}` as one of",
        *(f"    {person.email:<{width}}  {person.name}, {person.time_zone}" for person in PEOPLE),
        "",
        "  Ctrl+C stops it. The data is kept; `make demo-reset` begins anew.",
        "",
    ]
    return "\n".join(lines)


def run(port: int) -> None:
    """Serve the demo on 127.0.0.1 until interrupted.

    :raises click.ClickException: when the port is taken.
    """
    from example_app import create_app

    try:
        listening = socket.create_server(("127.0.0.1", port))
    except OSError:
        raise click.ClickException(f"Port {port} is taken. Choose another one: make demo PORT={port + 1}") from None
    with listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = create_app({"DEMO": True, "BASE_URL": address})
        prepare(app)
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler, fd=listening.fileno())
        if not app.config["BOOKING_REDIS_URL"]:
            start_worker(app)  # reminders fall due also while nobody looks at a page
        click.echo(welcome(address))
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("Stopped.")
        finally:
            server.server_close()


def reset(url: URL) -> str:
    """Delete the SQLite file at the address, with its journal files; say what was done.

    :raises click.ClickException: for a database that is no file, which is not ours to delete.
    """
    if url.get_backend_name() != "sqlite" or not url.database:
        raise click.ClickException("DATABASE_URL is not an SQLite file; empty that database yourself.")
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{url.database}{suffix}").unlink(missing_ok=True)
    return f"Deleted {url.database}. `make demo` begins anew."
