"""Progress callbacks for long-running work."""

from __future__ import annotations

from typing import Callable

Progress = Callable[[str, int, int], None]
"""`report(what, done, total)`: *total* is 0 if unknown, and `BEGUN` if *what* is a step that begins."""

BEGUN = -1
"""The *total* of a step of a command that begins: nothing is counted."""

Notice = Callable[[str], None]
"""`notice(text)`: one line that the user should see during the work."""


def begin(progress: Progress, step: str) -> None:
    """Say that the *step* begins; it is shown where the command named it among its steps."""
    progress(step, 0, BEGUN)


def silent(_what: str, _done: int, _total: int) -> None:
    """Ignore progress."""


def mute(_text: str) -> None:
    """Ignore a notice."""
