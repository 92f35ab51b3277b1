"""Commands of the CRM: fill it with example data, run the demo, begin anew."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy.engine import make_url

from example_app import demo
from example_app.seed import seed


def init_app(app: Flask) -> None:
    app.cli.add_command(seed_command)
    app.cli.add_command(demo_command)
    app.cli.add_command(reset_command)


@click.command("seed")
@with_appcontext
def seed_command() -> None:
    """Add the example users, contacts and activities that are missing."""
    click.echo(seed())


@click.command("demo")
@click.option("--port", default=5000, show_default=True, envvar="PORT", help="Port on 127.0.0.1.")
def demo_command(port: int) -> None:
    """Migrate and seed the database, then serve the CRM on 127.0.0.1."""
    demo.run(port)


@click.command("demo-reset")
@with_appcontext
def reset_command() -> None:
    """Delete the demo's SQLite file and its practice calendar."""
    url = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"])
    click.echo(demo.reset(url, Path(current_app.instance_path)))
