"""Progress callbacks for long-running work."""

from __future__ import annotations

from typing import Callable

Progress = Callable[[str, int, int], None]
"""`report(what, done, total)`: *total* is 0 if unknown."""

Notice = Callable[[str], None]
"""`notice(text)`: one line that the user should see during the work."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Ignore progress."""


def mute(_text: str) -> None:
    """Ignore a notice."""
