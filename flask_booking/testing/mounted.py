"""The doctor's checks as an assertion."""

from __future__ import annotations

import collections.abc as c

from flask import Flask

from .. import doctor

OF_THE_MACHINE = frozenset(
    ("public URL", "proxy", "encryption", "worker", "Redis", "mail", "mail server", "time zones", "promises", "clock")
)
"""Checks of what is configured where the CRM runs, and not in its tests."""


def assert_mounted(app: Flask, *, strict: bool = False, without: c.Container[str] = ()) -> None:
    """Fail with what ``flask booking doctor`` says is broken in the mounting, and what to change.

    Mail servers, Redis and other matters of a machine are left to the command.  ``strict`` fails for warnings as well,
    ``without`` leaves checks out by their names.
    """

    def wanted(check: doctor.Check) -> bool:
        return check.name not in OF_THE_MACHINE and check.name not in without

    levels = {doctor.Level.FAIL, doctor.Level.WARN} if strict else {doctor.Level.FAIL}
    with app.app_context():
        found = doctor.examine(offline=True, checks=[one for one in doctor.CHECKS if wanted(one)])
    broken = [one for one in found if one.level in levels]
    if broken:
        raise AssertionError("\n" + doctor.as_text(broken, width=100, style=lambda text, **_looks: text))
