"""Zones come by name from the newer of two sources, and nothing else comes by name."""

from __future__ import annotations

import datetime as dt
import shutil
import zoneinfo
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from flask_booking import zones
from flask_booking.zones import UnknownZone, canonical, release, zone, zone_names


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """System zone data of another release, in which Paris keeps the time of Tokyo."""
    (tmp_path / "Europe").mkdir()
    with as_file(files("tzdata") / "zoneinfo") as wheel:
        shutil.copy(wheel / "Asia" / "Tokyo", tmp_path / "Europe" / "Paris")
        shutil.copy(wheel / "zone.tab", tmp_path / "zone.tab")
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path), str(tmp_path / "missing")))
    forget()
    yield tmp_path
    monkeypatch.undo()
    forget()


def forget() -> None:
    for remembered in (zones._sources, zones._links, zones._listed, zones._read):
        remembered.cache_clear()


def release_of_system(system: Path, version: str) -> None:
    rows = f"# version {version}\nZ Europe/Paris 9 - JST\nL Europe/Paris Old/Paris\nZ New/Place 1 - X\n"
    (system / "tzdata.zi").write_text(rows)


def hours_from_utc(key: str) -> float:
    offset = dt.datetime(2026, 1, 1, tzinfo=zone(key)).utcoffset()
    assert offset is not None
    return offset.total_seconds() / 3600


def test_newer_system_data_is_preferred(system: Path) -> None:
    release_of_system(system, "2099a")

    assert release() == "2099a"
    assert hours_from_utc("Europe/Paris") == 9


def test_older_system_data_is_passed_over(system: Path) -> None:
    release_of_system(system, "2019c")

    assert release() > "2026"
    assert hours_from_utc("Europe/Paris") == 1


def test_system_data_without_a_release_is_passed_over(system: Path) -> None:
    assert hours_from_utc("Europe/Paris") == 1


def test_a_name_the_newer_source_has_no_file_for_comes_from_the_other(system: Path) -> None:
    release_of_system(system, "2099a")

    assert hours_from_utc("Asia/Kathmandu") == 5.75
    with pytest.raises(UnknownZone):
        zone("New/Place")  # listed, but there is no file anywhere


def test_a_zone_keeps_its_name_and_is_read_once() -> None:
    assert zone("America/Argentina/Ushuaia").key == "America/Argentina/Ushuaia"
    assert zone("US/Eastern") is zone("US/Eastern")


def test_british_columbia_stops_changing_its_clocks() -> None:
    winter = dt.datetime(2026, 12, 1, tzinfo=zone("America/Vancouver"))

    assert winter.utcoffset() == dt.timedelta(hours=-7)


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "../x",
        "/etc/passwd",
        "posixrules",
        "localtime",
        "posix/UTC",
        "right/UTC",
        "Factory",
        "tzdata.zi",
        "Europe",
        "europe/paris",
        "Europe/Paris ",
        "Europe/Paris\n",
        "Europe//Paris",
        "Europe/Atlantis",
        "UTC+1",
        "\ud800",
        "\0",
    ],
)
def test_a_name_that_is_no_zone_is_refused(key: str) -> None:
    with pytest.raises(UnknownZone) as refused:
        zone(key)
    assert isinstance(refused.value, ValueError)
    assert refused.value.key == key


@pytest.mark.parametrize("key", [None, 5, [], {}])
def test_what_is_no_name_is_refused(key: object) -> None:
    with pytest.raises(UnknownZone):
        zone(key)  # type: ignore[arg-type]


def test_names_to_choose_from_are_todays_and_all_can_be_read() -> None:
    names = zone_names()

    assert names == sorted(set(names))
    assert {"UTC", "Europe/Oslo", "Asia/Kolkata", "America/New_York"} <= set(names)
    assert not {"Asia/Calcutta", "US/Eastern", "EST5EDT", "Factory"} & set(names)
    assert all(zone(name).key == name for name in names)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("US/Eastern", "America/New_York"),
        ("Europe/Oslo", "Europe/Oslo"),
        ("Etc/UTC", "UTC"),
        ("GMT", "UTC"),
        ("Etc/GMT-3", "Etc/GMT-3"),
    ],
)
def test_an_old_name_has_a_name_of_today(key: str, name: str) -> None:
    assert canonical(key) == name


def test_a_name_that_is_no_zone_has_no_name_of_today() -> None:
    with pytest.raises(UnknownZone):
        canonical("Mars/Olympus")
