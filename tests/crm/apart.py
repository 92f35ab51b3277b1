"""A process of its own for each CRM: a process maps its models onto one, and most tests are about the example CRM.

The processes are forked from one that imported everything and mapped nothing, which takes a moment instead of a second.
"""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["pytest", "tests.crm.crms", "tests.hosts.way"])


def apart(scenario: Callable[..., None], *args: Any) -> None:
    """Play ``scenario`` in another process; what goes wrong there is this test's failure."""
    receiver, sender = _context.Pipe(duplex=False)
    process = _context.Process(target=_play, args=(sender, scenario, args))
    process.start()
    sender.close()
    try:
        said = receiver.recv() if receiver.poll(100) else "it did not end"
    except EOFError:
        said = "it ended without a word"
    if process.is_alive() and said:
        process.terminate()
    process.join(10)
    receiver.close()
    assert not said, said


def _play(sender: Connection, scenario: Callable[..., None], args: tuple[Any, ...]) -> None:
    try:
        scenario(*args)
    except BaseException:
        sender.send(traceback.format_exc())
    else:
        sender.send("")
