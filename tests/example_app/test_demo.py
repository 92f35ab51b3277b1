"""The one command that leaves a running CRM, and keeps what was done with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]


def demo(port: int, instance: Path, *command: str) -> subprocess.Popen[str]:
    known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "example_app", *(command or ("demo", "--port", str(port)))],
        cwd=ROOT,
        env={**known, "INSTANCE_PATH": str(instance), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Where the tests run in the background, Ctrl+C is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """Everything printed until the line with these words; the end of the output when they never come."""
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if words in line:
            break
    return told


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    process.communicate()


def read(address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        return str(answer.read().decode())


def test_the_demo_starts_says_where_to_click_and_keeps_its_data_until_it_is_reset(tmp_path: Path) -> None:
    for _ in range(2):
        running = demo(0, tmp_path)
        told = wait_for(running, "Ctrl+C")
        try:
            assert "ann@example.com" in told
            address = next(word for word in told.split() if word.endswith("/mailbox/")).removesuffix("mailbox/")
            assert "Ann Meyer" in read(f"{address}login")
            assert "No mail has been sent yet" in read(f"{address}mailbox/")
            assert "Ann Meyer" in read(f"{address}book/ann")
        finally:
            stop(running)
        assert (tmp_path / "demo.sqlite").exists()
    told, _ = demo(0, tmp_path, "demo-reset").communicate()
    assert "make demo" in told
    assert not (tmp_path / "demo.sqlite").exists()


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = demo(port, tmp_path)
        told, _ = process.communicate()
    assert process.returncode == 1
    assert told == f"Error: Port {port} is taken. Choose another one: make demo PORT={port + 1}\n"
