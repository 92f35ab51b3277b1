"""CRMs with other web habits than the example's, on its models: each is what a factory is dressed in.

A dress is a function that is called with the app before booking is mounted, so that the same CRM can be made
without booking and compared.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import jinja2
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    jsonify,
    redirect,
    render_template,
    render_template_string,
    request,
    session,
)
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionInterface, SessionMixin
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.datastructures import CallbackDict
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from example_app.extensions import db
from example_app.models import Activity, Contact, User
from flask_booking import ActivityFields, ContactFields, FlaskBooking
from flask_booking.models import HistoryKind
from tests.hosts.way import Sender

Dress = Callable[[Flask], None]
MODELS = (User, Contact, Activity)
FIELDS: dict[str, Any] = {
    "contact_fields": ContactFields(owner="owner_id"),
    "activity_fields": ActivityFields(
        author="user_id", kind="kind", subject="subject", kinds=dict.fromkeys(HistoryKind, "meeting")
    ),
}


class SessionCRM(Sender):
    """Somebody is logged in whose key is in the session; there is no Flask-Login."""

    def __init__(self) -> None:
        super().__init__(*MODELS, **FIELDS)

    def current_user(self) -> Any | None:
        key = session.get("user_key")
        return db.session.get(User, int(key)) if key is not None else None


class CookieCRM(SessionCRM):
    """A single sign-on in front of the CRM says in a cookie who is there."""

    def current_user(self) -> Any | None:
        name = request.cookies.get("sso")
        return db.session.query(User).filter_by(email=name).one_or_none() if name else None


def make_host(url: str, dress: Dress, *, crm: SessionCRM | None, app: Flask | None = None, **config: Any) -> Flask:
    """A CRM as it runs in production, with Ann as its user; ``crm`` None leaves it without booking."""
    app = app or Flask("crm")
    app.config |= {"SQLALCHEMY_DATABASE_URI": url, "SECRET_KEY": "k" * 32}
    app.config |= config
    db.init_app(app)
    dress(app)
    if crm is not None:
        keys = {"BOOKING_WORKER": False, "BOOKING_RATE_LIMIT_ENABLED": False, "BOOKING_MIN_FORM_SECONDS": 0}
        app.config |= {key: value for key, value in keys.items() if key not in app.config}
        FlaskBooking().init_app(app, db, crm=crm)
    with app.app_context():
        db.create_all()
        db.session.add(User(email="ann@example.com", name="Ann Meyer", password_hash="-"))
        db.session.commit()
    return app


def logged_in(app: Flask, root: str = "") -> FlaskClient:
    """Ann at her desk, through the CRM's own door."""
    client = app.test_client()
    answer = client.get(f"{root}/login/1")
    assert answer.status_code == 200, (answer.status_code, answer.text)
    return client


class Beneath:
    """The server in front: it has the CRM beneath a path, and tells the CRM so by a header."""

    def __init__(self, inner: Any, prefix: str) -> None:
        self.inner, self.prefix = ProxyFix(inner, x_host=1, x_prefix=1), prefix

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if not path.startswith(f"{self.prefix}/"):
            return Response("not the CRM", 404)(environ, start_response)
        forwarded = {"PATH_INFO": path.removeprefix(self.prefix), "HTTP_X_FORWARDED_PREFIX": self.prefix}
        return self.inner({**environ, **forwarded, "HTTP_X_FORWARDED_HOST": "crm.example"}, start_response)


def desks(app: Flask) -> None:
    """What every CRM here has: a door, a page, a form, JSON, and an error."""

    @app.get("/login/<int:key>")
    def log_in(key: int) -> Response:
        session["user_key"] = str(key)
        answer = Response("in")
        answer.set_cookie("sso", "ann@example.com")
        return answer

    @app.get("/desk")
    def desk() -> str:
        return render_template_string("desk {{ session.user_key }}")

    @app.get("/save")
    def form() -> str:
        return generate_csrf() if "csrf" in app.extensions else "no token"

    @app.post("/save")
    def save() -> str:
        return "saved"

    @app.get("/data.json")
    def data() -> Response:
        return jsonify(user=session.get("user_key"), state="ok")

    @app.get("/boom")
    def boom() -> str:
        raise LookupError("boom")


# A fortress: walls, an own CSRFProtect, handlers that change every error, strict headers, a base template for users

FORTRESS_BASE = """<!doctype html><title>{% block page_title %}{% endblock %}</title>{% block css %}{% endblock %}
<nav>{{ firm.name }} {{ user.name }} {{ menu(user) }}</nav><main>{% block body %}{% endblock %}</main>
{% block js %}{% endblock %}"""
FORTRESS = {
    "BOOKING_BASE_TEMPLATE": "layout/main.html",
    "BOOKING_BASE_BLOCKS": {"title": "page_title", "head": "css", "content": "body", "scripts": "js"},
}
OPEN = {"booking_public", "booking_api"}
ROLES = {"desk": "user", "save": "user", "form": "user", "data": "user", "boom": "user"}


class Redirecting(CSRFProtect):
    """Sends who comes without a token to the login, as if nothing had happened."""

    def _error_response(self, reason: str) -> None:
        raise CSRFError(response=redirect("/login/1"))


def fortress(app: Flask) -> None:
    app.jinja_env.loader = jinja2.DictLoader({"layout/main.html": FORTRESS_BASE})
    app.jinja_env.undefined = jinja2.StrictUndefined
    Redirecting(app)
    desks(app)
    asked: dict[str, int] = {}

    @app.before_request
    def limit() -> Any:
        if request.blueprint in OPEN or request.endpoint in {None, "log_in", *ROLES}:
            return None
        asked[str(request.remote_addr)] = asked.get(str(request.remote_addr), 0) + 1
        return ("slow down", 429) if asked[str(request.remote_addr)] > 50 else None

    @app.before_request
    def ask_for_login() -> Any:
        if request.blueprint in OPEN or request.endpoint in (None, "log_in") or "user_key" in session:
            return None
        return redirect("/login/1")

    @app.before_request
    def finish_setting_up() -> Any:
        if request.blueprint in OPEN or request.endpoint in (None, "log_in"):
            return None
        g.user = db.session.get(User, int(session["user_key"]))
        return None if g.user.name else redirect("/set-up")

    @app.before_request
    def look_up_role() -> None:
        if request.endpoint in (None, "log_in") or (request.blueprint or "").startswith("booking_"):
            return
        if ROLES[request.endpoint] != "user":
            abort(403)

    @app.context_processor
    def of_firm() -> dict[str, Any]:
        return {"firm": {"name": "Fort Ltd"}, "user": g.user, "menu": lambda user: f"menu of {user.email}"}

    @app.errorhandler(404)
    def found_after_all(error: HTTPException) -> Any:
        return "<p>Nothing here, but all is well</p>", 200

    for status in (409, 410, 422, 429):
        app.register_error_handler(status, lambda error: ("<p>Broken</p>", 500))

    @app.errorhandler(Exception)
    def as_json(error: Exception) -> Any:
        if isinstance(error, CSRFError) and error.response is not None:
            return error.response
        return {"error": type(error).__name__}, 500

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
        response.headers["X-Frame-Options"] = "DENY"
        return response


# A house of its own making: no extension for anything, each thing done in another way than usual


class TextsOnly(SecureCookieSession):
    """A session that keeps nothing but texts and is never emptied."""

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(value, str):
            raise TypeError(f"the session keeps texts only, and {key} is none")
        super().__setitem__(key, value)

    def clear(self) -> None:
        raise RuntimeError("session.clear() would log out")


class TextsOnlyInterface(SecureCookieSessionInterface):
    session_class = TextsOnly


class Envelope(DefaultJSONProvider):
    """Knows neither UUID nor Decimal nor dates, and wraps what is sent."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return json.dumps(obj)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(self.dumps({"data": self._prepare_response_obj(args, kwargs)}), mimetype="application/json")


def handmade(app: Flask) -> None:
    app.session_interface = TextsOnlyInterface()
    app.json = Envelope(app)
    app.jinja_env.loader = jinja2.DictLoader({})
    desks(app)

    @app.before_request
    def compare_nonce() -> None:
        """The CRM's own protection of its forms; those of booking have one of their own."""
        if request.method != "POST" or (request.blueprint or "").startswith("booking_"):
            return
        if request.form.get("nonce") != session.get("nonce", "-"):
            abort(403, "the form is too old")

    @app.before_request
    def give_nonce() -> None:
        session.setdefault("nonce", "n0nce")


# A crowded house: every address and name is taken, and it stands behind a proxy beneath a path


def crowded(app: Flask) -> None:
    app.url_map.strict_slashes = False
    desks(app)
    for name in ("settings", "calendar", "main", "api", "booking", "book", "public"):
        room = Blueprint(name, __name__)
        room.add_url_rule("/", "index", lambda name=name: f"index of {name}")
        room.add_url_rule("/<section>", "section", lambda section, name=name: f"{section} of {name}")
        room.add_url_rule("/<path:rest>/all", "everything", lambda rest, name=name: f"all of {rest} of {name}")
        app.register_blueprint(room, url_prefix=f"/{name}")

    @app.get("/<slug>")
    def page(slug: str) -> str:
        return f"page {slug}"

    @app.route("/<path:anything>", methods=["GET", "POST"])
    def other(anything: str) -> tuple[str, int]:
        return f"no {anything}", 404


# A shared house: sessions are pickled on the server, and the look is that of whoever's name was asked for


class Kept(CallbackDict[str, Any], SessionMixin):
    modified = False


class Pickled(SessionInterface):
    """Sessions kept as pickles under a random name."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def open_session(self, app: Flask, request: Any) -> Kept:
        found = self.kept.get(request.cookies.get("sid", ""))

        def changed(kept: Any) -> None:
            kept.modified = True

        return Kept(pickle.loads(found) if found else {}, changed)  # noqa: S301 - our own

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        if session.modified:
            self.kept["only"] = pickle.dumps(dict(session))
            response.set_cookie("sid", "only")


LIVE = '{% from "booking/crm/live.html" import live %}{{ live() }}'


class Themes(jinja2.BaseLoader):
    """The look is chosen in each request; every page tells hosts of what is new."""

    def get_source(self, environment: jinja2.Environment, template: str) -> Any:
        theme = request.headers.get("X-Theme", "plain")
        if template != "base.html":
            raise jinja2.TemplateNotFound(template)
        live = (
            '{% from "booking/crm/live.html" import live %}{{ live() }}' if "booking" in current_app.extensions else ""
        )
        return f"<body class={theme}>{{% block content %}}{{% endblock %}}{live}", None, lambda: False


def themed(app: Flask) -> None:
    app.session_interface = Pickled()
    app.jinja_env.loader = jinja2.ChoiceLoader([Themes(), app.create_global_jinja_loader()])
    app.jinja_env.cache = None
    app.jinja_env.undefined = jinja2.StrictUndefined
    desks(app)
    app.add_url_rule("/", "home", lambda: render_template("base.html"))
