"""Time zones by the names that Windows has for them, which Outlook uses where everybody else says ``Europe/Berlin``."""

from __future__ import annotations

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from ..zones import UnknownZone, zone

# Younger than the CLDR table (supplemental/windowsZones.xml) of which icalendar has a copy.
_NEWER = {
    "Alberta Standard Time": "America/Edmonton",
    "British Columbia Standard Time": "America/Vancouver",
    "Manitoba Standard Time": "America/Winnipeg",
}
# Exchange writes these where no name of Windows fits; what it calls Custom isn't told, and so isn't here.
_EXCHANGE = {"tzone://Microsoft/Utc": "UTC"}

_NAMES = {name.casefold(): iana for name, iana in (WINDOWS_TO_OLSON | _NEWER | _EXCHANGE).items()}


def iana_name(name: str | None) -> str:
    """The IANA name of a zone that goes by a name of Windows, or is IANA already; empty for any other name, such as
    ``tzone://Microsoft/Custom`` or ``Customized Time Zone``: nobody knows then what its clocks show.
    """
    name = (name or "").strip()
    found = _NAMES.get(name.casefold(), name)
    try:
        zone(found)
    except UnknownZone:
        return ""
    return found
