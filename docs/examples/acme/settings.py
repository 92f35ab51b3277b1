"""Acme's configuration of booking."""

from __future__ import annotations

BOOKING = {
    "BOOKING_BRAND_NAME": "Acme Ltd",
    "BOOKING_ACCENT": "#7a1fa2",
    "BOOKING_LOGO_URL": "/acme/logo.svg",
    "BOOKING_STYLESHEETS": ["/acme/acme.css"],
    "BOOKING_TEXTS": {
        "Book this meeting": "Save my seat",
        "Confirmed: %(title)s with %(host)s, %(when)s": "See you soon, %(when)s",
        "de": {"Book this meeting": "Termin buchen"},
    },
    "BOOKING_FORMS": {
        "guest": "docs.examples.acme.forms:BusinessGuestForm",
        "event_type": "docs.examples.acme.forms:CostCentreForm",
    },
}
