"""``flask booking …``: what a developer or operator does from a shell."""

from __future__ import annotations

import datetime as dt
import json
import logging
import shutil
import sys
import typing as t

import click
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask, current_app
from flask.cli import AppGroup

from . import jobs, migrating, rotation
from .calendars import mirror
from .errors import BookingConfigError, frames_of, kind_of
from .models import ConnectedCalendar, ConnectionState
from .models.columns import utcnow
from .state import session

_log = logging.getLogger(__name__)


class Commands(AppGroup):
    """Commands that say in words when the database doesn't answer, or lacks what they need."""

    def invoke(self, ctx: click.Context) -> t.Any:
        """Run the command; what is printed of such an error holds nothing of what was asked."""
        try:
            return super().invoke(ctx)
        except (sa.exc.OperationalError, sa.exc.ProgrammingError) as error:
            raise click.ClickException(kind_of(error)) from None


booking = Commands("booking", help="Booking: migrations, work and state.")


def init_app(app: Flask) -> None:
    """Add the commands to ``app``."""
    app.cli.add_command(booking)


@booking.command()
@click.option("--remove", is_flag=True, help="Write a revision that drops the tables, and with them every booking.")
@click.option("--check", is_flag=True, help="Write nothing; fail when your migrations lack the newest tables.")
def migrate(remove: bool, check: bool) -> None:
    """Write a revision with the booking tables into your own migrations."""
    try:
        if check:
            path, anew = None, False
            if migrating.adopted(migrating.crm_history()) != migrating.script().get_current_head():
                raise BookingConfigError("Your migrations lack the newest booking tables; run: flask booking migrate")
        else:
            anew = migrating.removed(migrating.crm_history())
            path = migrating.write_crm_revision(remove=remove)
    except BookingConfigError as error:
        raise click.ClickException(str(error)) from None
    if path is not None:
        click.echo(f"Wrote {path.name}. Now run: flask db upgrade")
        if anew:
            click.echo("Your migrations removed the booking tables before: this makes them again, empty.")
        if remove:
            click.echo("That deletes all bookings and settings of hosts: make a backup first.")
    elif remove:
        click.echo("Your migrations have no booking tables.")
    else:
        click.echo("Your migrations have the newest booking tables already.")


@booking.command("new-key")
def new_key() -> None:
    """Print a new key for BOOKING_ENCRYPTION_KEYS; put it before the old ones."""
    click.echo(Fernet.generate_key().decode())


@booking.command("rotate-keys")
def rotate_keys() -> None:
    """Encrypt everything with the newest of BOOKING_ENCRYPTION_KEYS; then the others can go.

    May run beside everything else, and again at any time. Ends with status 1 when something is opened by no key.
    """
    unreadable = 0
    for found in rotation.rotate():
        click.echo(f"{found.column}: {found.anew} encrypted anew, {found.current} had the newest key already")
        if found.unreadable:
            click.echo(f"{found.column}: {found.unreadable} are opened by none of the keys")
            unreadable += found.unreadable
    if unreadable:
        raise click.ClickException(
            f"{unreadable} values are opened by none of the keys. Add the key they were made with to the end of "
            "BOOKING_ENCRYPTION_KEYS, and run this again"
        )
    click.echo("Everything is encrypted with the newest key. The others may go from BOOKING_ENCRYPTION_KEYS.")


@booking.command()
@click.option(
    "--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="How many work side by side."
)
@click.option("--every", default=15.0, show_default=True, type=click.FloatRange(1, 3600), help="Seconds between looks.")
def work(processes: int, every: float) -> None:
    """Send mails and do what else is due, until stopped.

    With BOOKING_REDIS_URL this is an RQ worker and the relay; without, it looks into the database every few seconds.
    """
    jobs.work(_app(), processes=processes, every=every)


@booking.command()
@click.option("--once", is_flag=True, help="Look once and end: for cron.")
@click.option("--every", default=15.0, show_default=True, type=click.FloatRange(1, 3600), help="Seconds between looks.")
def relay(once: bool, every: float) -> None:
    """Ring for what is due, without an RQ worker; deliver it here when there is no Redis.

    With --once it ends with status 1 when something kept it from looking at everything.
    """
    if not once:
        jobs.relay_only(_app(), every=every)
        return
    try:
        count = jobs.Relay(_app()).round()
    except Exception as error:
        _log.debug("it failed here:\n%s", frames_of(error))
        raise click.ClickException(f"the relay failed with {kind_of(error)}") from None
    click.echo(f"{count} messages")


@booking.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--check", type=click.IntRange(1), metavar="MINUTES", help="Exit with 1 when something is due for longer than that."
)
def status(as_json: bool, check: int | None) -> None:
    """How the work stands: what waits, what failed, who works."""
    found = jobs.read_status()
    if as_json:
        click.echo(json.dumps(found.as_json()))
    else:
        _tell(found)
    edge = utcnow() - dt.timedelta(minutes=check or 0)
    if check and found.oldest_due and found.oldest_due < edge:
        raise click.ClickException(f"messages are due for more than {check} minutes: does a worker run?")
    if check and found.calendars_since and found.calendars_since < edge:
        raise click.ClickException(f"calendars are due for more than {check} minutes: does a worker run?")


def _tell(found: jobs.Status) -> None:
    for state, count in found.counts.items():
        click.echo(f"{state.value:<10} {count:>7}")
    click.echo(
        f"due now    {found.due:>7}" + (f"   since {found.oldest_due:%Y-%m-%d %H:%M:%S} UTC" if found.due else "")
    )
    click.echo(f"retrying   {found.retrying:>7}")
    if found.next_due:
        click.echo(f"next due   {found.next_due:%Y-%m-%d %H:%M:%S} UTC")
    if found.calendars or found.accounts_broken:
        since = f"   since {found.calendars_since:%Y-%m-%d %H:%M:%S} UTC" if found.calendars_since else ""
        click.echo(f"calendars  {found.calendars:>7}   {found.calendars_due} due now{since}")
        click.echo(f"broken     {found.accounts_broken:>7}   accounts wait for their owners")
    if found.redis is None:
        click.echo("Redis      not configured: web processes deliver, or `flask booking work`")
    elif found.redis:
        click.echo(f"Redis      answers; {found.workers} workers, {found.queued} jobs queued")
    else:
        click.echo("Redis      does not answer: `flask booking work` delivers without it")


@booking.command()
@click.argument("calendar", required=False)
@click.option("--full", is_flag=True, help="Read all of it, and not only what changed.")
def sync(calendar: str | None, full: bool) -> None:
    """Read one connected calendar, by its id, or all that are due; say what came of it."""
    failed = 0
    ids = _calendar_ids(calendar)
    for calendar_id in ids:
        done = mirror.sync(calendar_id, full=full)
        row = session().get(ConnectedCalendar, calendar_id, populate_existing=True)
        if row is None:
            continue
        what = "read" if done else f"not read: {row.problem or 'somebody else reads at that account'}"
        if row.paused or row.connection.state is not ConnectionState.ACTIVE:
            what = "not read: paused" if row.paused else f"not read: the account is broken ({row.connection.problem})"
        click.echo(f"{row.public_id} {row.connection.provider}: {what}")
        failed += not done
        session().rollback()
    if not ids:
        click.echo("No calendar is due.")
    if failed:
        raise click.ClickException(f"{failed} of {len(ids)} calendars could not be read")


def _calendar_ids(public_id: str | None) -> list[int]:
    if public_id is None:
        return mirror.due()
    found = session().scalar(sa.select(ConnectedCalendar.id).where(ConnectedCalendar.public_id == public_id))
    if found is None:
        raise click.ClickException("There is no such calendar; `flask booking sync` names those that are due.")
    return [found]


@booking.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--strict", is_flag=True, help="Count warnings as well.")
@click.option("--offline", is_flag=True, help="Ask neither Redis nor the mail server.")
def doctor(as_json: bool, strict: bool, offline: bool) -> None:
    """Look at everything that booking needs, and say what to change.

    Changes nothing. Ends with status 1 when something is broken.
    """
    from . import doctor as examining  # only here: no web process examines itself

    found = examining.examine(offline=offline)
    if as_json:
        click.echo(json.dumps(examining.as_json(found, strict=strict), indent=1))
    else:
        width = min(shutil.get_terminal_size((100, 24)).columns, 110)
        click.echo(examining.as_text(found, width=width, style=click.style))
    sys.exit(0 if examining.healthy(found, strict=strict) else 1)


def _app() -> Flask:
    return t.cast(Flask, current_app._get_current_object())  # type: ignore[attr-defined]
