"""``flask booking doctor``: walks the mounting, says in words what is wrong, and which line or setting to change.

It changes nothing: it reads, asks the pages as a stranger would (GET only), and rolls back.  What it says holds no
secret and nothing about a person, so it can be pasted into a ticket.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import logging

import sqlalchemy as sa

from ..state import session
from . import accounts, columns, history, hosts, names, public_url, screens, services, tables, times, visits
from .finding import Check, Finding, Level, fail, info, place_of
from .report import as_json, as_text, healthy

__all__ = ["CHECKS", "Check", "Finding", "Level", "as_json", "as_text", "examine", "healthy"]

CHECKS = (
    Check("tables", tables.like_the_models),
    Check("migrations", history.adopted_and_applied),
    Check("foreign keys", tables.of_the_same_type, rows=True),
    Check("columns", columns.mapped, rows=True),
    Check("hosts", hosts.there, rows=True),
    Check("addresses", names.ours),
    Check("public pages", visits.pages, rows=True),
    Check("public API", visits.programs, rows=True),
    Check("headers", visits.headers, rows=True),
    Check("settings", visits.strangers, rows=True),
    Check("base template", screens.bridged),
    Check("CSRF", screens.forged_requests),
    Check("rate limits", screens.limited_by_others),
    Check("public URL", public_url.known),
    Check("proxy", public_url.trusted_proxy),
    Check("encryption", services.encrypted, rows=True),
    Check("worker", services.waiting, rows=True),
    Check("sign-in", accounts.registered),
    Check("calendars", accounts.fresh, rows=True),
    Check("Redis", services.redis_answers, rows=True, network=True),
    Check("mail", services.mails_sent),
    Check("mail server", services.mail_server_answers, network=True),
    Check("time zones", times.fresh),
    Check("promises", times.promised, rows=True),
    Check("clock", times.same_clock),
)


def examine(*, offline: bool = False, checks: c.Sequence[Check] = CHECKS) -> list[Finding]:
    """What every check says of the current app, in order; ``offline`` asks neither Redis nor the mail server."""
    found: list[Finding] = []
    with _quiet():
        for check in checks:
            broken = {one.check for one in found if one.level is Level.FAIL}
            if check.network and offline:
                said = [info("not asked (--offline)")]
            elif check.rows and "tables" in broken:
                said = [info("not looked at until the tables are there")]
            else:
                said = _look(check, database="tables" not in broken)
            found += [dataclasses.replace(one, check=check.name) for one in said]
    return found


def _look(check: Check, *, database: bool) -> list[Finding]:
    try:
        return list(check.look())
    except Exception as error:
        if isinstance(error, sa.exc.DBAPIError) and not database:
            return [info("not looked at until the tables are there")]
        text = f"this check broke with {type(error).__name__} in {place_of(error)}, so nothing is known of it"
        return [fail(text, "If other checks fail too, mend those first; else look at that line.")]
    finally:
        with contextlib.suppress(Exception):
            session().rollback()


@contextlib.contextmanager
def _quiet() -> c.Iterator[None]:
    """Keep what is logged along the way out of the report."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
