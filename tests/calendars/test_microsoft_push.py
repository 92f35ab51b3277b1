"""Being told of changes in Outlook calendars."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from flask_booking.calendars.microsoft.provider import read_notifications
from flask_booking.calendars.provider import Watch, WatchRequest
from flask_booking.connections.problems import NotAllowed, ProviderProblem
from tests.fakes.base import Fake, served

from .outlook import Outlook, at, outlook

WEEK = 10_080 * 60


class Ear(Fake):
    """What a CRM has to be for Microsoft: it answers the handshake, and hears."""

    urls = Map([Rule("/hooks/microsoft", endpoint="hook", methods=["POST"])])

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[bytes] = []
        self.answers = lambda token: Response(token, mimetype="text/plain")
        self.status = 202

    def hook(self, request: Request) -> Response:
        if "validationToken" in request.args:
            return self.answers(request.args["validationToken"])
        with self.lock:
            self.heard.append(request.get_data())
        return Response(status=self.status)

    def told(self) -> list[Any]:
        return [each for body in self.heard for each in read_notifications(body)]


@pytest.fixture
def ann() -> Iterator[Outlook]:
    with outlook() as world:
        yield world


@pytest.fixture
def ear() -> Iterator[Ear]:
    with served(Ear()) as listening:
        yield listening


def watch(ann: Outlook, ear: Ear, state: str = "s3cret", days: float = 30) -> Watch:
    request = WatchRequest(str(uuid.uuid4()), f"{ear.url}/hooks/microsoft", state, int(time.time() + days * 86400))
    return ann.provider.watch(ann.access, ann.calendar, request)


def test_changes_are_told_with_the_token_that_was_given(ann: Outlook, ear: Ear) -> None:
    made = watch(ann, ear)
    event = ann.ann.add_event("Talk", at(1, 9), at(1, 10))
    ann.ann.delete_event(event)
    assert ann.fake.deliver() == [202]
    assert ear.told() == [(made.id, "s3cret", "change"), (made.id, "s3cret", "change")]


def test_changes_of_another_calendar_are_not_told(ann: Outlook, ear: Ear) -> None:
    watch(ann, ear)
    ann.ann.add_event("Talk", at(1, 9), at(1, 10), calendar=ann.ann.add_calendar("Team").id)
    assert ann.fake.deliver() == []


def test_a_watch_lasts_as_long_as_was_wished_and_a_week_at_most(ann: Outlook, ear: Ear) -> None:
    now = time.time()
    assert now + WEEK - 3600 < watch(ann, ear).expires <= time.time() + WEEK
    assert watch(ann, ear, days=2).expires <= time.time() + 2 * 86400
    # Microsoft makes nothing of less than 45 minutes, and says so.
    assert watch(ann, ear, days=0.001).expires >= now + 44 * 60


def test_a_new_watch_takes_the_place_of_the_old_one_and_has_its_own_token(ann: Outlook, ear: Ear) -> None:
    old = watch(ann, ear, "old")
    new = watch(ann, ear, "new")
    ann.provider.unwatch(ann.access, old)
    assert new.id != old.id
    ann.ann.add_event("Talk", at(1, 9), at(1, 10))
    ann.fake.deliver()
    assert ear.told() == [(new.id, "new", "change")]


def test_the_old_watch_is_found_where_the_refusal_does_not_name_it(ann: Outlook, ear: Ear) -> None:
    old = watch(ann, ear, "old")
    ann.fake.fail(
        409, {"error": {"code": "Conflict", "message": "There is one."}}, method="POST", path="/subscriptions"
    )
    assert watch(ann, ear, "new").id != old.id
    assert old.id not in ann.fake.subscriptions


def test_a_watch_can_be_ended_twice(ann: Outlook, ear: Ear) -> None:
    made = watch(ann, ear)
    for _ in range(2):
        ann.provider.unwatch(ann.access, made)
    assert ann.fake.subscriptions == {}


@pytest.mark.parametrize(
    "answers",
    [
        lambda token: Response(token, 202, mimetype="text/plain"),
        lambda token: Response(token, mimetype="text/html"),
        lambda token: Response(f"{token}.", mimetype="text/plain"),
        lambda token: Response(status=404),
    ],
)
def test_an_ear_that_does_not_shake_hands_is_told_nothing(ann: Outlook, ear: Ear, answers: Any) -> None:
    ear.answers = answers
    with pytest.raises(ProviderProblem):
        watch(ann, ear)
    assert ann.fake.subscriptions == {}


def test_what_befalls_a_watch_is_told(ann: Outlook, ear: Ear) -> None:
    made = watch(ann, ear)
    kinds = ["reauthorizationRequired", "missed", "subscriptionRemoved"]
    for kind in kinds:
        ann.fake.lifecycle(kind, made.id)
    ann.fake.deliver()
    assert [told.kind for told in ear.told()] == kinds
    assert {told.client_state for told in ear.told()} == {"s3cret"}


def test_notifications_are_doubled_and_lost(ann: Outlook, ear: Ear) -> None:
    watch(ann, ear)
    ann.fake.doubles = 1
    ann.ann.add_event("Talk", at(1, 9), at(1, 10))
    ann.fake.deliver()
    assert len(ear.told()) == 2
    ann.fake.loses = 1
    ann.ann.add_event("Talk", at(2, 9), at(2, 10))
    assert ann.fake.deliver() == []


def test_a_subscription_that_may_not_be_made_is_refused(ann: Outlook, ear: Ear) -> None:
    ann.fake.fail(403, {"error": {"code": "ExtensionError"}}, path="/subscriptions")
    with pytest.raises(NotAllowed):
        watch(ann, ear)


def test_several_subscriptions_in_one_notification_are_told_apart() -> None:
    body = {"value": [{"subscriptionId": "a", "clientState": "1"}, {"subscriptionId": "b", "clientState": None}]}
    assert read_notifications(json.dumps(body).encode()) == [("a", "1", "change"), ("b", "", "change")]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff\xfe", b"null", b"7", b"[]", b"{}", b'{"value": null}', b'{"value": {"a": 1}}', b'{"value": "abc"}',
        b'{"value": [null, 7, "x", [], {}, {"subscriptionId": 7}, {"subscriptionId": ""}]}', b"[" * 200_000,
        b'{"value": [{"subscriptionId": "a", "lifecycleEvent": "dance"}]}',
        b'{"value": [{"subscriptionId": "a", "lifecycleEvent": []}]}',
    ],
)  # fmt: skip
def test_rubbish_tells_nothing(body: bytes) -> None:
    assert read_notifications(body) == []
