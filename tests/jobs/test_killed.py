"""A worker that dies, at whatever step, loses nothing and repeats nothing, except where nobody can know."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.fixtures.databases import Databases
from tests.fixtures.queues import RedisSpace
from tests.jobs.conftest import MakeOffice, Office, StartWorker
from tests.jobs.pausing import STEPS
from tests.jobs.workers import eventually


@pytest.fixture(params=["redis-postgresql", "alone-sqlite"])
def real_office(request: pytest.FixtureRequest, make_office: MakeOffice, databases: Databases) -> Office:
    """With RQ workers and PostgreSQL, and with workers that only have an SQLite file."""
    way, database = request.param.split("-")
    config = {}
    if way == "redis":
        space: RedisSpace = request.getfixturevalue("redis_space")
        config |= {"BOOKING_REDIS_URL": space.url, "BOOKING_QUEUE": space.prefix}
    return make_office(databases.clean(database), **config)


@pytest.mark.parametrize("step", STEPS)
def test_another_worker_finishes_what_a_killed_one_began(
    real_office: Office, fork_worker: StartWorker, step: str
) -> None:
    real_office.book()
    doomed = fork_worker(real_office, pause_at=step)
    doomed.wait_until_paused()
    doomed.kill()
    real_office.leases_of_the_dead_end()
    fork_worker(real_office)
    eventually(real_office.all_done, "delivery by another worker")

    copies = Counter(mail["Message-ID"] for mail in real_office.smtp.messages)
    assert len(copies) == 2, "the guest's mail and the host's"
    # Between the server's yes and the record nobody can know: then it is sent again, and known as the same mail.
    assert sorted(copies.values()) == ([1, 2] if step == "sent" else [1, 1])
    assert len({delivery.raw.partition(b"Message-ID")[2] for delivery in real_office.smtp.delivered}) == 2
    assert len(real_office.smtp.to("ann@example.com")) == 1
