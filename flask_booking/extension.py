"""The one object a CRM mounts; it registers what the rooms offer and owns nothing itself."""

from __future__ import annotations

import difflib
import typing as t

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from . import config
from . import models as models  # importing them declares the tables that `bind` maps
from .crm import CRM
from .encryption import encryption_keys
from .errors import BookingConfigError
from .guards import complete_limits
from .i18n import OWN_TEXTS
from .i18n.catalogues import translated
from .i18n.locale import known_locale
from .orm import bind, check_keys
from .state import BookingState, Memory
from .texts import own_texts


class FlaskBooking:
    """Mounts booking into a Flask CRM::

        booking = FlaskBooking()
        booking.init_app(app, db, crm=CRM(User, Contact, Activity))

    Works with application factories and with several apps in one process, as long as they share ``db`` and models.
    """

    def __init__(self, app: Flask | None = None, db: SQLAlchemy | None = None, *, crm: CRM | None = None) -> None:
        if app is None:
            return
        if db is None or crm is None:
            raise BookingConfigError("FlaskBooking(app) mounts nothing: write FlaskBooking(app, db, crm=CRM(User, …))")
        self.init_app(app, db, crm=crm)

    def init_app(self, app: Flask, db: SQLAlchemy, *, crm: CRM) -> None:
        """Mount booking on ``app``.

        ``db`` is the CRM's Flask-SQLAlchemy object and ``crm`` the adapter to its users, contacts and activities.
        Raises :class:`~flask_booking.errors.BookingConfigError` with the setting to change when that can't work.
        """
        # `current_app` would be another app, or none, in another thread.
        given: t.Any = getattr(app, "_get_current_object", lambda: app)()
        if not isinstance(given, Flask):
            raise BookingConfigError(f"init_app needs the Flask app itself, not the {type(given).__name__} around it")
        app = given
        if "booking" in app.extensions:
            raise BookingConfigError("FlaskBooking().init_app was called twice for this app")
        for key, value in config.defaults().items():
            app.config.setdefault(key, value)
        unknown = {key for key in app.config if key.startswith("BOOKING_")} - config.defaults().keys()
        if unknown:
            raise BookingConfigError("\n".join(map(_unknown, sorted(unknown))))
        problems = config.read_values(app.config) + complete_limits(app.config)
        if problems:
            raise BookingConfigError("\n".join(problems))
        _check_addresses(app)
        _check_languages(app)
        encryption_keys(app.config["BOOKING_ENCRYPTION_KEYS"], app.config.get("SECRET_KEY"))
        check_keys(db, crm.models)
        crm.check()
        bind(db, crm.models)
        app.extensions["booking"] = BookingState(db=db, crm=crm, offers=Memory(app.config["BOOKING_CACHE_SIZE"]))
        from .forms import own_forms

        app.extensions["booking"].extras["forms"] = own_forms(app.config["BOOKING_FORMS"])
        app.extensions["booking"].extras[OWN_TEXTS] = own_texts(app.config["BOOKING_TEXTS"])
        _register(app)


def _unknown(key: str) -> str:
    nearest = difflib.get_close_matches(key, config.defaults(), 1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"Unknown configuration: {key}{hint}"


def _check_addresses(app: Flask) -> None:
    """Refuse an app on which no page of ours would be found."""
    for key in ("BOOKING_URL_PREFIX", "BOOKING_SETTINGS_URL_PREFIX", "BOOKING_API_URL_PREFIX"):
        prefix = app.config[key].rstrip("/")
        if prefix and not prefix.startswith("/"):
            raise BookingConfigError(f'{key} is "{prefix}" and must begin with a slash: "/{prefix}"')
        if "<" in prefix:  # links in mails are made where there is no request that could fill it in
            raise BookingConfigError(
                f"{key} must be the same for everybody, without variables such as <tenant>: "
                "the tenant of a booking is that of its host (CRM.tenant_of)"
            )
        app.config[key] = prefix
    taken = sorted({"booking_public", "booking_settings", "booking_api"} & app.blueprints.keys())
    if taken:
        raise BookingConfigError(f"The app has a blueprint called {taken[0]}, a name of flask_booking: rename it")
    if app.url_map.host_matching:
        raise BookingConfigError(
            "The app was made with host_matching=True, so that only rules with a host are found, and blueprints have "
            "none: make it with subdomain_matching=True, or have hosts told apart by the server in front of it"
        )


def _check_languages(app: Flask) -> None:
    """Refuse languages that nobody can be spoken to in: pages in another one would come as a surprise."""
    wanted, default = app.config["BOOKING_LANGUAGES"], app.config["BOOKING_DEFAULT_LOCALE"]
    if isinstance(wanted, str):
        raise BookingConfigError(f'BOOKING_LANGUAGES is a list: ["{wanted}"]')
    if known_locale(default) is None:
        raise BookingConfigError(f"BOOKING_DEFAULT_LOCALE: {default!r} is no code of a language, such as de or pt-BR")
    with app.app_context():
        words = translated()
    for tag in wanted or ():
        name = known_locale(tag)
        if name is None:
            raise BookingConfigError(f"BOOKING_LANGUAGES: {tag!r} is no code of a language, such as de or pt-BR")
        if not {name, name.partition("_")[0]}.intersection(words):
            raise BookingConfigError(
                f"BOOKING_LANGUAGES: there are no words in {tag!r}, only in {', '.join(words)}. "
                "A folder in BOOKING_TRANSLATIONS can add some."
            )


def _register(app: Flask) -> None:
    from . import api, calendars, cli, conferencing, domains, jobs, public, settings

    rooms: tuple[t.Any, ...] = (domains, calendars, conferencing, jobs, public, api, cli, settings)
    for room in rooms:
        room.init_app(app)
