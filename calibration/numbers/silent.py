"""Wider ranges for silent layers, whose output is nearly always 0, as in some squeeze-and-excite blocks.

A range of nothing makes the step of the output so small that XNNPACK refuses the whole model: it scales products down,
or up by less than 256. Such a layer says nothing, so a coarser step costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import MAX_CODE, layers
from detlite.calibration.ranges.ranges import Range

MOST_TIMES = 128
"""How many times smaller a step of the output may be than one of the products; half of XNNPACK's limit, for safety."""


def widen_silent(network: Network, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """Return *ranges*, wider where a step of a layer's output would be far smaller than one of its products.

    A layer without a range stays so: `plan_scales` says which ranges are lacking.
    """
    found = dict(ranges)
    for layer in layers(network):
        source, name = found.get(network.names[layer.source]), network.names[layer.operator.outputs[0]]
        if source is None or name not in found:
            continue
        product = _width(source) * float(np.abs(layer.weights).max()) / MAX_CODE
        if product > MOST_TIMES * _width(found[name]):
            found[name] = found[name].union(Range(0.0, product))
    return found


def _width(found: Range) -> float:
    """Return the width of a range with 0 in it."""
    return max(found.high, 0.0) - min(found.low, 0.0)
