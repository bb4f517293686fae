"""What `--fail-on` says: how far a figure may move before it is a finding."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from detlite.runtime.errors import InputError

FORM = re.compile(r"(?P<name>[^=]{1,200})=(?P<sign>[+-])(?P<size>\d{1,12}(\.\d{1,12})?)(?P<percent>%?)")


@dataclass(frozen=True)
class Limit:
    """A figure's *name*, and how far it may rise (*size* over 0) or fall (under 0).

    Attributes:
        name: of the figure.
        size: in its unit; or, where *is_relative*, in percent of the first run's.
        rises: whether a rise is what is refused; -0 falls.
        is_relative: whether the size is a share.
    """

    name: str
    size: float
    rises: bool
    is_relative: bool

    def is_passed_by(self, before: float, after: float) -> bool:
        """Return whether the way from *before* to *after* is longer than allowed."""
        allowed = abs(self.size) * (abs(before) / 100 if self.is_relative else 1.0)
        change = after - before
        return change > allowed if self.rises else -change > allowed

    def __str__(self) -> str:
        return f"{'+' if self.rises else '-'}{abs(self.size):g}{' %' if self.is_relative else ''}"


def parse_limits(texts: Iterable[str]) -> tuple[Limit, ...]:
    """Return the limits that *texts* state, such as `latency_p90=+5%` and `map=-0.3`.

    Raises:
        InputError: one is not of that form.
    """
    limits = []
    for text in texts:
        match = FORM.fullmatch(text.strip())
        if match is None:
            raise InputError(f"--fail-on {text[:80]!r}: want such as latency_p90=+5% or map=-0.3, with its sign")
        size = float(match["sign"] + match["size"])
        limits.append(Limit(match["name"].strip(), size, match["sign"] == "+", match["percent"] == "%"))
    return tuple(limits)
