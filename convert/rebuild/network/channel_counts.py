"""The number of channels of a layer after a width multiplier, by each original's rounding rule."""

from __future__ import annotations

from detlite.convert.rebuild.detector_config import FeatureExtractor


def make_divisible(value: float, divisor: int = 8, minimum: int = 8) -> int:
    """Return the multiple of *divisor* nearest to *value*, at least *minimum* and at least 90 % of *value*.

    Source: the MobileNet V2 and V3 papers' published code, `_make_divisible`.
    """
    rounded = max(minimum, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def depth_of(filters: int, extractor: FeatureExtractor) -> int:
    """Return *filters* times the depth multiplier, at least `min_depth`; it is not rounded to a multiple of 8."""
    return max(int(filters * extractor.depth_multiplier), extractor.min_depth)


def scaled(channels: int, ratio: float) -> int:
    """Return *channels* times *ratio* as the nearest multiple of 8, at least 8; halves are rounded up (MobileDet)."""
    return max(int(channels * ratio / 8 + 0.5) * 8, 8)
