"""How long work says how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Callable

Progress = Callable[[str, int, int], None]
"""`report(what, done, total)`: *total* is 0 where it is not known."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Report to nobody."""
