"""``python -m example_app --port 5000`` runs the demo."""

from __future__ import annotations

from example_app.cli import demo_command

if __name__ == "__main__":
    demo_command(prog_name="python -m example_app")
