"""How many channels a layer has when a network is made thinner or thicker."""

from __future__ import annotations


def make_divisible(value: float, divisor: int = 8, minimum: int = 8) -> int:
    """Return the multiple of *divisor* nearest to *value*, never under *minimum* or under 90 % of *value*.

    Source: the MobileNet V2 and V3 papers' published code, `_make_divisible`.
    """
    rounded = max(minimum, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded
