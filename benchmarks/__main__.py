"""Run every measurement and print one table: ``python -m benchmarks [availability calendars http booking …]``.

A machine's speed changes from minute to minute, so a figure alone says little. Each module beneath has
``rows()``, which yields :class:`benchmarks.table.Row` values or tuples ``(what, figure, goal, unit)`` with a goal that
is a ceiling (0 for none). Rows with a baseline were measured by turns with it, and their ratio is what to look at.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import platform
import sys
from concurrent.futures import ProcessPoolExecutor

from benchmarks.table import Row, rows_of, table

MODULES = ("availability", "calendars", "http", "booking", "page", "mounting")


def collect(names: list[str]) -> list[Row]:
    """The rows of the modules named, in that order; what is being measured is told on standard error."""
    rows: list[Row] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        # Each in a process of its own: a process has one CRM.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            rows += process.submit(rows_of, name).result()
    return rows


def main() -> int:
    """Print the table; 1 when a figure misses its goal."""
    there = [name for name in MODULES if importlib.util.find_spec(f"benchmarks.{name}")]
    names = sys.argv[1:] or there
    if unknown := set(names) - set(there):
        print(f"No such measurement: {', '.join(sorted(unknown))}. There are: {', '.join(there) or 'none'}.")
        return 2
    rows = collect(names)
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    print(table(rows))
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
