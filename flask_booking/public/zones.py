"""All time zones to choose from, by region and in the guest's language."""

from __future__ import annotations

import collections
import datetime as dt

from ..i18n import zone_label
from ..zones import zone_names


def zone_choice(now: dt.datetime) -> list[tuple[str, list[tuple[str, str]]]]:
    """Regions with their zones, each as IANA name and label (Paris (UTC+1), as of ``now``)."""
    regions: dict[str, list[tuple[str, str]]] = collections.defaultdict(list)
    for name in zone_names():
        region, _, rest = name.partition("/")
        regions[region.replace("_", " ") if rest else "UTC"].append((name, zone_label(name, now)))
    return [(region, sorted(zones, key=lambda zone: zone[1])) for region, zones in sorted(regions.items())]
