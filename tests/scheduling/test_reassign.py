"""A booking is given to another host, who is free and may have it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask

from example_app.extensions import db
from flask_booking.errors import NotBookable, SlotTaken
from flask_booking.models import (
    Booking,
    HistoryEntry,
    Host,
)
from flask_booking.scheduling import (
    book,
    reassign,
    reschedule,
)
from flask_booking.scheduling import change as changes
from tests.scheduling.bookable import HOUR, instant, midnight, new_event, request
from tests.scheduling.test_change import mails, taken
from tests.scheduling.test_reserve import rows


class TestAnotherHost:
    """Reassigning."""

    def test_the_other_host_has_the_meeting_and_the_first_is_told(self, booking: Booking, other_host: Host) -> None:
        first = booking.hosts[0]
        first.locale = "fr"
        reassign(booking.id, other_host.id)
        assert booking.hosts == [other_host]
        assert taken() == [(other_host.id, midnight())]
        assert {mail.recipient for mail in mails("reassigned")} == {"sam@example.com", "ben@example.com"}
        [left] = mails("cancelled")
        why = "Ce rendez-vous a désormais un autre hôte."
        assert (left.recipient, left.payload["reason"]) == ("ann@example.com", why), "in the language of its reader"
        assert rows(HistoryEntry)[-1].detail == {"left": [first.id], "joined": [other_host.id]}
        reassign(booking.id, other_host.id)
        assert booking.sequence == 1

    def test_only_when_free_and_there(self, booking: Booking, other_host: Host) -> None:
        book(new_event(other_host).id, request(midnight(), "x@example.com"))
        with pytest.raises(SlotTaken):
            reassign(booking.id, other_host.id)
        other_host.active = False
        db.session.commit()
        for host_id in (other_host.id, 10**9):
            with pytest.raises(NotBookable):
                reassign(booking.id, host_id)

    def test_a_change_that_waited_meanwhile_locks_the_host_who_has_it_now(
        self, crm: Flask, booking: Booking, other_host: Host, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody reassigns the meeting after the change has seen its hosts, and before it has their lock."""
        booking_id, host_id, lock = booking.id, other_host.id, changes.lock_calendars
        locked: list[set[int]] = []

        def elsewhere() -> None:
            with crm.app_context():
                reassign(booking_id, host_id)

        def overtaken(session: Any, host_ids: Any) -> None:
            locked.append(set(host_ids))
            if len(locked) == 1:
                thread = threading.Thread(target=elsewhere)
                thread.start()
                thread.join()
            lock(session, host_ids)

        monkeypatch.setattr(changes, "lock_calendars", overtaken)
        reschedule(booking_id, instant(midnight() + HOUR), actor="guest")
        assert locked[-1] == {host_id}
        assert taken() == [(host_id, midnight() + HOUR)]
