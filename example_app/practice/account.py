"""The one account of the practice calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Account:
    """Ann's account at the practice calendar's server, which answers at ``port`` of 127.0.0.1."""

    port: int
    user: ClassVar[str] = "ann"
    password: ClassVar[str] = "demo"  # printed by the demo, on purpose

    @property
    def url(self) -> str:
        """The server's address, for calendar apps."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def home(self) -> str:
        """Where the account's calendars are."""
        return f"{self.url}{self.user}/"

    @property
    def calendar(self) -> str:
        """The address of its calendar."""
        return f"{self.home}work/"
