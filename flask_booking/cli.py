"""``flask booking …``: what a developer or operator does from a shell."""

from __future__ import annotations

import click
from cryptography.fernet import Fernet
from flask import Flask
from flask.cli import AppGroup

from . import migrating
from .errors import BookingConfigError

booking = AppGroup("booking", help="Booking: migrations, work and state.")


def init_app(app: Flask) -> None:
    """Add the commands to ``app``."""
    app.cli.add_command(booking)


@booking.command()
def migrate() -> None:
    """Write a revision with the booking tables into your own migrations."""
    try:
        path = migrating.write_crm_revision()
    except BookingConfigError as error:
        raise click.ClickException(str(error)) from None
    if path is None:
        click.echo("Your migrations have the newest booking tables already.")
    else:
        click.echo(f"Wrote {path.name}. Now run: flask db upgrade")


@booking.command("new-key")
def new_key() -> None:
    """Print a new key for BOOKING_ENCRYPTION_KEYS; put it before the old ones."""
    click.echo(Fernet.generate_key().decode())
