"""The tests on other versions of Python, Flask and SQLAlchemy: ``make test-matrix``.

Each row has a virtual environment of its own beneath ``.matrix``, which is kept, so that a second run installs nothing.
A row whose Python isn't on the PATH is skipped and named. Python 3.11 with ``constraints.txt`` is ``make test``.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACE = ROOT / ".matrix"
# What differs between versions shows on SQLite and in few random sequences; other servers, Chromium, and the commands
# of the pages, which make environments of their own, take long.
TESTS = ("tests", "--ignore=tests/browser", "--ignore=tests/docs")
LEFT_OUT = "not postgresql and not mariadb and not redis and not storm and not browser"
SCENARIOS = "5"
SHOWN = ("flask", "werkzeug", "flask-sqlalchemy", "sqlalchemy")
_FLOOR = re.compile(r"^([\w-]+)(?:\[[\w,]+\])?>=([\w.]+)")


@dataclasses.dataclass(frozen=True)
class Row:
    """A Python and what differs in it from ``constraints.txt``: ``floors`` takes the lowest versions that
    ``pyproject.toml`` allows, ``newest`` the newest there are, ``pins`` names some."""

    name: str
    python: str
    floors: bool = False
    newest: bool = False
    pins: tuple[str, ...] = ()

    def constraints(self) -> list[str]:
        """What pip is held to."""
        pinned = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
        if self.newest:
            pinned = []
        elif self.floors:
            # What stands beneath the lowest versions has to be as old: pip finds it.
            kept = {name for name, _version in _lower_bounds("test")}
            floors = [f"{name}=={version}" for name, version in _lower_bounds()]
            pinned = [line for line in pinned if _name(line) in kept] + floors
        other = {_name(pin) for pin in self.pins}
        return [line for line in pinned if _name(line) not in other] + list(self.pins)


ROWS = (
    Row("lowest", "3.11", floors=True),
    Row("sqlalchemy-2.0", "3.12", pins=("sqlalchemy>=2.0.43,<2.1",)),
    Row("python-3.12", "3.12"),
    Row("python-3.13", "3.13"),
    Row("newest", "3.13", newest=True),
)


def _name(requirement: str) -> str:
    return re.split(r"[^\w-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _lower_bounds(extra: str = "") -> list[tuple[str, str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return [(_name(found[1]), found[2]) for line in wanted if (found := _FLOOR.match(line))]


def interpreter(version: str) -> str | None:
    """The command of this Python, when it is on the PATH and answers."""
    command = f"python{version}"
    try:
        subprocess.run([command, "-c", "import ensurepip, venv"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return command


def prepare(row: Row, command: str) -> Path:
    """The row's environment, made or brought up to date; returns its Python."""
    folder = PLACE / row.name
    python = folder / "bin" / "python"
    wanted = "\n".join([*row.constraints(), ""])
    made = folder / "constraints.txt"
    project = (ROOT / "pyproject.toml").stat().st_mtime
    if made.exists() and made.read_text() == wanted and made.stat().st_mtime >= project:
        return python
    subprocess.run([command, "-m", "venv", str(folder)], check=True)
    asked = folder / "asked.txt"
    asked.write_text(wanted)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", str(asked)]
    subprocess.run([*pip, "--upgrade", "--editable", f"{ROOT}[test]"], check=True)
    asked.rename(made)
    return python


def versions(python: Path) -> str:
    """Which versions a row really has, in one line."""
    code = "import sys, importlib.metadata as m; print(sys.version.split()[0], *map(m.version, sys.argv[1:]))"
    answer = subprocess.run([str(python), "-c", code, *SHOWN], check=True, capture_output=True, text=True)
    found = zip(("python", *SHOWN), answer.stdout.split(), strict=True)
    return ", ".join(f"{name} {version}" for name, version in found)


def run(python: Path, arguments: list[str]) -> tuple[bool, str]:
    """Run the tests; whether they passed, and pytest's last line."""
    chosen = arguments or TESTS
    pytest = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "3", "-k", LEFT_OUT, *chosen]
    environ = {"BOOKING_TEST_SCENARIOS": SCENARIOS, **os.environ, "PYTHONPATH": str(ROOT)}
    last = ""
    with subprocess.Popen(pytest, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            last = line.strip() if " in " in line and re.search(r"\d (passed|failed|error)", line) else last
    return process.returncode == 0, last.strip("= ")


def main() -> int:
    """Run the rows asked for, all of them when none is; 1 when one failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--row", action="append", choices=[row.name for row in ROWS], help="only this one")
    parser.add_argument("arguments", nargs="*", help="for pytest, instead of all tests")
    asked, more = parser.parse_known_args()
    asked.arguments += more
    told, good = [], True
    for row in ROWS:
        if asked.row and row.name not in asked.row:
            continue
        command = interpreter(row.python)
        if command is None:
            told.append(f"{row.name:<15} skipped: no python{row.python} on the PATH")
            continue
        print(f"{row.name} …", flush=True)
        python = prepare(row, command)
        passed, last = run(python, asked.arguments)
        good = good and passed
        told.append(f"{row.name:<15} {'passed' if passed else 'FAILED'}: {last}\n{'':<15} {versions(python)}")
    print("\n".join(told))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
