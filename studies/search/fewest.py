"""The smallest number that suffices, if a larger one always suffices where a smaller one does."""

from __future__ import annotations

from collections.abc import Callable


def fewest(most: int, suffices: Callable[[int], bool]) -> int | None:
    """Return the smallest of 1 to *most* that *suffices*, by bisection; None if *most* does not, which is tried first.

    0 is taken not to suffice.
    """
    if most < 1 or not suffices(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high
