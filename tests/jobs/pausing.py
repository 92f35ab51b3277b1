"""The app of a worker process that stands still at one step of its first delivery, so that a test can kill it there."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from flask_booking.calendars import store, writing
from flask_booking.calendars.google import Google
from flask_booking.conferencing import making
from flask_booking.conferencing.zoom import Zoom
from flask_booking.jobs import handlers, outbox
from flask_booking.jobs.worker import OutboxWorker
from tests.fixtures import served

STEPS = ("claimed", "composed", "sent", "recorded")
MEETING_STEPS = ("asked for a meeting", "made the meeting", "recorded the meeting")
GAVE_UP = "gave up the event"
CALENDAR_STEPS = ("asked to write", "wrote", "recorded the event", "read", "kept")


def create_app() -> Flask:
    """The example CRM as the test configured it, pausing at ``BOOKING_TEST_PAUSE_AT`` (empty: nowhere)."""
    step, paused = os.environ["BOOKING_TEST_PAUSE_AT"], Path(os.environ["BOOKING_TEST_PAUSED"])
    if step == "starting":
        start_only_when_asked_to_end(paused)
    elif step:
        pause_at(step, paused)
    return served.create_app()


def pause_at(step: str, paused: Path) -> None:
    """Wrap the function that ends, or begins, the step."""

    def pause() -> None:
        paused.touch()
        while True:
            threading.Event().wait()

    def before(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            pause()
            return function(*arguments)

        return wrapped

    def after(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            answer = function(*arguments)
            if answer is not None or function is send:
                pause()
            return answer

        return wrapped

    send = handlers.send
    if step == "claimed":
        outbox.claim = after(outbox.claim)
    elif step == "composed":
        handlers.send = before(send)
    elif step == "sent":
        handlers.send = after(send)
    elif step == "recorded":
        outbox._record = after(outbox._record)
    elif step == "asked for a meeting":
        Zoom.write = before(Zoom.write)  # type: ignore[method-assign]
    elif step == "made the meeting":
        Zoom.write = after(Zoom.write)  # type: ignore[method-assign]
    elif step == "recorded the meeting":
        making._record = after(making._record)
    elif step == "asked to write":
        Google.write = before(Google.write)  # type: ignore[method-assign]
    elif step == "wrote":
        Google.write = after(Google.write)  # type: ignore[method-assign]
    elif step == "recorded the event":
        record = writing._record

        def recorded(*arguments: Any) -> None:
            record(*arguments)
            pause()

        writing._record = recorded
    elif step == GAVE_UP:
        writing.give_up = after(writing.give_up)
    elif step == "read":
        Google.changes = after(Google.changes)  # type: ignore[method-assign]
    elif step == "kept":
        store.keep = after(store.keep)
    else:
        raise ValueError(f"{step} is none of {(*STEPS, *CALENDAR_STEPS, *MEETING_STEPS, GAVE_UP)}")


def start_only_when_asked_to_end(paused: Path) -> None:
    """Have the RQ worker register only after a signal came: then RQ doesn't listen to signals yet."""
    register = OutboxWorker.register_birth

    def wrapped(worker: OutboxWorker) -> None:
        paused.touch()
        while not worker.ending.asked:
            worker.ending.told.wait(0.05)
        register(worker)

    OutboxWorker.register_birth = wrapped
