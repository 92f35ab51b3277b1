"""The practice calendar's server, in a process of its own: Radicale on a free port of 127.0.0.1.

Run as ``python radicale_process.py FOLDER``.  Its first line tells the port; it ends when its standard input does, and
that is when whoever started it ends, however that comes to pass.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

MISSING = "missing"
"""The first line where Radicale isn't installed."""


class QuietHandler(WSGIRequestHandler):
    """Writes down failures only."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def serve(folder: Path) -> None:
    """Serve the calendars in ``folder`` to those whom its file ``users`` names."""
    try:
        from radicale import config
        from radicale.app import Application
    except ImportError:
        print(MISSING, flush=True)  # noqa: T201 - this is how it tells
        return
    settings = config.load()  # nothing of what the machine or its user has set up for a Radicale of their own
    settings.update(
        {
            "auth": {
                "type": "htpasswd",
                "htpasswd_filename": str(folder / "users"),
                "htpasswd_encryption": "plain",
                "delay": "0",
            },
            "storage": {"filesystem_folder": str(folder / "data")},
            "logging": {"level": "warning"},
        },
        "the practice calendar",
    )
    server = make_server("127.0.0.1", 0, Application(settings), threaded=True, request_handler=QuietHandler)
    threading.Thread(target=end_with_starter, args=(server.shutdown,), daemon=True).start()
    print(server.server_port, flush=True)  # noqa: T201 - this is how it tells
    server.serve_forever(poll_interval=0.1)
    server.server_close()


def end_with_starter(shutdown: object) -> None:
    """Wait for the end of the standard input, which nobody writes to."""
    sys.stdin.buffer.read()
    shutdown()  # type: ignore[operator]


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
