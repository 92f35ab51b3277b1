"""A measured figure, and the table that shows many of them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure: ``Row("slots endpoint", 410.0, "requests/s", baseline=700.0, baseline_name="bare route", goal=0.5)``.

    ``goal`` is for the ratio to the baseline, or for the figure itself where there is no baseline. A figure must not
    fall below it, or with ``at_most`` not rise above it.
    """

    what: str
    figure: float
    unit: str
    baseline: float | None = None
    baseline_name: str = ""
    goal: float | None = None
    at_most: bool = False

    @classmethod
    def at_most_goal(cls, what: str, figure: float, goal: float, unit: str) -> Row:
        """A figure without a baseline that must not rise above ``goal``; 0 sets none."""
        return cls(what, figure, unit, goal=goal or None, at_most=True)

    @property
    def ratio(self) -> float | None:
        """The figure in terms of its baseline."""
        return self.figure / self.baseline if self.baseline else None

    @property
    def met(self) -> bool | None:
        """Whether the goal was reached; None without one."""
        if self.goal is None:
            return None
        measured = self.figure if self.ratio is None else self.ratio
        return measured <= self.goal if self.at_most else measured >= self.goal


def rows_of(name: str) -> list[Row]:
    """The rows that one module measures."""
    found = importlib.import_module(f"benchmarks.{name}").rows()
    return [row if isinstance(row, Row) else Row.at_most_goal(*row) for row in found]


def number(value: float) -> str:
    """The value with three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cells(row: Row) -> tuple[str, ...]:
    against = f"{number(row.baseline)} ({row.baseline_name})" if row.baseline is not None else ""
    goal = "" if row.goal is None else f"{'≤' if row.at_most else '≥'} {number(row.goal)}"
    verdict = {True: "met", False: "MISSED", None: ""}[row.met]
    # Without a baseline, the goal is what the figure can be compared with.
    share = row.ratio if row.ratio is not None else row.figure / row.goal if row.goal else None
    ratio = "" if share is None else f"{share:.2f}"
    return row.what, f"{number(row.figure)} {row.unit}", against, ratio, goal, verdict


def table(rows: Sequence[Row]) -> str:
    """The rows as text, in columns."""
    lines = [("what", "measured", "compared with", "ratio", "goal", ""), *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
