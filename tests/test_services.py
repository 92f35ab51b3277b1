"""The fixtures keep what they promise: real servers, nothing shared, nothing left behind."""

from __future__ import annotations

import smtplib
import socket
import time
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page

from tests.fixtures.apps import MakeApp, dispose
from tests.fixtures.browser import Complaints, NewPage
from tests.fixtures.databases import Databases, MakeDatabase, connected, scratch_name
from tests.fixtures.mail import MailServer
from tests.fixtures.queues import RedisSpace
from tests.fixtures.servers import Gunicorn, LiveServer, Serve
from tests.fixtures.services import Services, named_services


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class TestRequirements:
    def test_a_service_that_does_not_answer_skips_the_test_with_one_line(self) -> None:
        services = Services({"BOOKING_TEST_REDIS_URL": f"redis://127.0.0.1:{unused_port()}/0"}, frozenset())
        with pytest.raises(pytest.skip.Exception, match=r"Redis does not answer at redis://127\.0\.0\.1") as skipped:
            services.need("redis")
        assert "\n" not in str(skipped.value)

    @pytest.mark.parametrize(
        ("name", "variable", "nowhere"),
        [
            ("postgresql", "BOOKING_TEST_POSTGRESQL_URL", "postgresql+psycopg://postgres@127.0.0.1:{port}/test"),
            ("mariadb", "BOOKING_TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:{port}/test"),
            ("redis", "BOOKING_TEST_REDIS_URL", "redis://127.0.0.1:{port}/0"),
            ("browser", "BOOKING_TEST_CHROMIUM", "/nowhere/chromium"),
        ],
    )
    def test_a_required_service_that_does_not_answer_fails_the_test(
        self, name: str, variable: str, nowhere: str
    ) -> None:
        services = Services({variable: nowhere.format(port=unused_port())}, frozenset([name]))
        with pytest.raises(pytest.fail.Exception, match="BOOKING_TEST_REQUIRE names it"):
            services.need(name)

    def test_a_misspelt_requirement_is_an_error_since_it_would_require_nothing(self) -> None:
        with pytest.raises(pytest.UsageError, match="postgres;"):
            named_services("redis,postgres")
        assert named_services(" redis, browser ,") == {"redis", "browser"}


class TestDatabases:
    def test_the_shared_database_is_empty_whatever_the_test_before_left(
        self, each_database: str, databases: Databases
    ) -> None:
        with connected(each_database) as connection:
            connection.exec_driver_sql("CREATE TABLE fixture_parent (id INTEGER PRIMARY KEY)")
            connection.exec_driver_sql(
                "CREATE TABLE fixture_child (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL,"
                " FOREIGN KEY (parent_id) REFERENCES fixture_parent (id))"
            )
            connection.exec_driver_sql("INSERT INTO fixture_parent VALUES (1)")
            connection.exec_driver_sql("INSERT INTO fixture_child VALUES (1, 1)")
        kind = next(kind for kind, url in databases.shared.items() if url == each_database)
        try:
            assert databases.clean(kind) == each_database
            with connected(each_database) as connection:
                assert connection.exec_driver_sql("SELECT count(*) FROM fixture_parent").scalar() == 0
                assert connection.exec_driver_sql("SELECT count(*) FROM fixture_child").scalar() == 0
        finally:
            with connected(each_database) as connection:
                connection.exec_driver_sql("DROP TABLE fixture_child")
                connection.exec_driver_sql("DROP TABLE fixture_parent")

    @pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
    def test_a_fresh_database_has_no_tables_and_is_nobody_elses(self, fresh_database: MakeDatabase, kind: str) -> None:
        first, second = fresh_database(kind), fresh_database(kind)
        with connected(first) as connection:
            connection.exec_driver_sql("CREATE TABLE only_here (id INTEGER)")
        with connected(second) as connection:
            assert sa.inspect(connection).get_table_names() == []

    @pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
    def test_a_dropped_database_is_gone_even_while_somebody_is_connected(
        self, databases: Databases, services: Services, kind: str
    ) -> None:
        url = databases.fresh(kind)
        engine = sa.create_engine(url)
        with engine.connect():
            databases.drop(url)
        engine.dispose()
        with pytest.raises(sa.exc.OperationalError), connected(url):
            pass

    @pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
    def test_databases_of_killed_runs_are_dropped_after_a_day_and_those_of_today_kept(
        self, databases: Databases, services: Services, kind: str
    ) -> None:
        today = scratch_name()
        abandoned = f"booking_test_{int(time.time()) - 2 * 24 * 3600:08x}{today[-8:]}"
        with connected(services.need(kind)) as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {abandoned}")
            connection.exec_driver_sql(f"CREATE DATABASE {today}")
            try:
                databases.drop_abandoned(connection)
                listing = "SELECT datname FROM pg_database" if kind == "postgresql" else "SHOW DATABASES"
                names = set(connection.exec_driver_sql(listing).scalars())
                assert today in names
                assert abandoned not in names
            finally:
                connection.exec_driver_sql(f"DROP DATABASE {today}")


class TestMail:
    def message(self) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "ann@example.com", "guest@example.com", "Grüße"
        message.set_content("See you then.")
        return message

    def send(self, smtp: MailServer) -> None:
        host, port = smtp.url.removeprefix("smtp://").split(":")
        with smtplib.SMTP(host, int(port)) as client:
            client.send_message(self.message())

    def test_mail_sent_to_the_server_can_be_read_there(self, smtp: MailServer) -> None:
        self.send(smtp)
        (message,) = smtp.wait_for(1)
        assert message["Subject"] == "Grüße"
        assert smtp.to("guest@example.com") == [message]
        assert smtp.to("somebody@example.com") == []

    def test_the_server_refuses_when_told_to_and_takes_the_next(self, smtp: MailServer) -> None:
        smtp.refuse("451 try again later")
        with pytest.raises(smtplib.SMTPDataError, match="451"):
            self.send(smtp)
        assert smtp.messages == []
        self.send(smtp)
        assert len(smtp.wait_for(1)) == 1


class TestRedis:
    def test_clearing_removes_this_tests_queues_jobs_and_keys_and_no_other(self, redis_space: RedisSpace) -> None:
        client, prefix = redis_space.client, redis_space.prefix
        other = f"other-{prefix.removeprefix('booking-test-')}"
        job = redis_space.queue("-mail").enqueue("time.time")
        client.set(f"{prefix}:limit", 1)
        client.set(other, 1)
        try:
            redis_space.clear()
            assert list(client.scan_iter(match=f"*{prefix}*", count=1000)) == []
            assert client.exists(f"rq:job:{job.id}") == 0
            assert not any(prefix in name.decode() for name in client.smembers("rq:queues"))
            assert client.exists(other) == 1
        finally:
            client.delete(other)


STRICT = "default-src 'none'"


@pytest.mark.browser
class TestBrowser:
    def show(self, page: Page, html: str, policy: str = STRICT) -> None:
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
        page.route("http://page.example/", lambda route: route.fulfill(body=html, headers=headers))
        page.goto("http://page.example/")

    def test_each_screen_has_its_size_and_scheme(self, each_screen: Page, request: pytest.FixtureRequest) -> None:
        self.show(each_screen, "<!doctype html><meta name=viewport content='width=device-width'>")
        width = 390 if "phone" in request.node.name else 1280
        scheme = "dark" if "dark" in request.node.name else "light"
        assert each_screen.evaluate("innerWidth") == width
        assert each_screen.evaluate("scheme => matchMedia(`(prefers-color-scheme: ${scheme})`).matches", scheme)

    def test_the_guests_time_zone_is_the_browsers(self, new_page: NewPage) -> None:
        page = new_page("phone", time_zone="Pacific/Apia")
        assert page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone") == "Pacific/Apia"

    def test_a_breach_of_the_content_security_policy_is_collected(self, desktop: Page, complaints: Complaints) -> None:
        self.show(desktop, "<!doctype html><title>x</title><p style='color: red'>red</p>")
        assert len(complaints.csp) == 1
        assert "style" in complaints.csp.pop()

    def test_an_uncaught_error_is_collected(self, desktop: Page, complaints: Complaints) -> None:
        self.show(desktop, "<!doctype html><script>throw new Error('oh')</script>", "script-src 'unsafe-inline'")
        assert [error.endswith("oh") for error in complaints.errors] == [True]
        complaints.errors.clear()

    def test_axe_names_what_is_wrong_and_is_content_with_a_good_page(
        self, desktop: Page, axe: Callable[[Page], list[str]]
    ) -> None:
        self.show(desktop, "<!doctype html><html lang=en><title>Good</title><main><h1>Good</h1></main></html>")
        assert axe(desktop) == []
        desktop.evaluate("document.querySelector('main').innerHTML += '<a href=\"/\"></a>'")
        assert any(line.startswith("link-name") for line in axe(desktop))

    def test_without_javascript_the_page_still_shows(self, new_page: NewPage) -> None:
        page = new_page(java_script=False)
        self.show(page, "<!doctype html><p>plain</p><script>document.body.textContent = 'script'</script>")
        assert page.inner_text("p") == "plain"


def test_sqlite_files_are_deleted_with_their_journals(databases: Databases) -> None:
    url = databases.fresh("sqlite")
    with connected(url) as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("CREATE TABLE x (id INTEGER)")
    databases.drop(url)
    assert list(Path(sa.make_url(url).database or "").parent.glob(f"*{sa.make_url(url).database}*")) == []


def users(app: Flask) -> int:
    from example_app.extensions import db
    from example_app.models import User

    with app.app_context():
        return db.session.query(User).count()


def add_user(app: Flask) -> None:
    from example_app.extensions import db
    from example_app.models import User

    with app.app_context():
        db.session.add(User(name="Grete", email="grete@example.com", password_hash=""))
        db.session.commit()


class TestApps:
    def test_the_example_crm_begins_empty_on_each_database(
        self, each_app: Flask, each_database: str, databases: Databases, make_app: MakeApp
    ) -> None:
        assert users(each_app) == 0
        add_user(each_app)
        assert users(each_app) == 1
        dispose(each_app)
        kind = next(kind for kind, url in databases.shared.items() if url == each_database)
        assert users(make_app(databases.clean(kind))) == 0

    def test_the_client_talks_to_the_app(self, client: FlaskClient) -> None:
        assert client.get("/login").status_code == 200

    @pytest.mark.browser
    def test_a_browser_sees_the_live_server_and_its_page_obeys_its_policy(
        self, live_server: LiveServer, phone: Page
    ) -> None:
        response = phone.goto(f"{live_server.url}/login")
        assert response is not None
        assert response.ok
        assert "default-src" in response.headers["content-security-policy"]

    def test_two_live_servers_run_side_by_side(self, serve: Serve, database_url: str) -> None:
        first, second = serve(database_url), serve(database_url)
        assert first.url != second.url
        for server in (first, second):
            with urllib.request.urlopen(f"{server.url}/login") as response:
                assert response.status == 200

    def test_gunicorn_serves_the_same_database_from_other_processes(
        self, gunicorn: Gunicorn, each_database: str
    ) -> None:
        url = gunicorn(each_database)
        with urllib.request.urlopen(f"{url}/login") as response:
            assert response.status == 200
            assert response.headers["Server"] == "gunicorn"
