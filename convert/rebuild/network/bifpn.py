"""The bidirectional feature pyramid of EfficientDet (Tan et al., 2020), as the OD API builds it in TF2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from detlite.convert.rebuild.detector_config import BiFpn, FeatureExtractor
from detlite.convert.rebuild.network.extractor import where
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.keras import EXTRACTOR, KERAS_NAMES, keras_style
from detlite.convert.rebuild.network.slim import Slim
from detlite.runtime.errors import InputError

STAGE = f"{EXTRACTOR}/_bifpn_stage"
EPSILON = np.float32(1e-4)
WEIGHTED = ("weighted_sum", "attention", "fast_attention")
METHODS = ("sum", *WEIGHTED)
COARSEST_TAP = 5


@dataclass(frozen=True, eq=False)
class _Map:
    """A feature map with its level; a map of the backbone is always projected."""

    features: Tensor
    level: int
    of_backbone: bool = False


class BiFpnBuilder:
    """Builds the nodes in the order in which the checkpoint numbers them."""

    def __init__(self, slim: Slim, extractor: FeatureExtractor) -> None:
        """Build the pyramid in the config *extractor* with the layers of *slim*.

        Raises:
            InputError: its levels do not exist, or its combine_method is unknown.
        """
        self.slim = Slim(slim.net, KERAS_NAMES)
        self.extractor = extractor
        self.config = extractor.bifpn or BiFpn()
        self._nodes = 0
        low, high = self.config.min_level, self.config.max_level
        if not 1 <= low < min(high, COARSEST_TAP) or self.config.combine_method not in METHODS:
            raise InputError(
                f"{where(extractor)}: bifpn needs min_level below max_level and {COARSEST_TAP}, and a combine_method "
                f"of {', '.join(METHODS)}; got {low}, {high} and {self.config.combine_method}"
            )

    def maps(self, taps: Mapping[int, Tensor]) -> list[Tensor]:
        """Return the maps of all levels, finest first, built on the backbone's *taps* by level."""
        low, high = self.config.min_level, self.config.max_level
        current = {n: _Map(taps[n], n, of_backbone=True) for n in range(low, min(high, COARSEST_TAP) + 1)}
        for level in range(COARSEST_TAP + 1, high + 1):
            current[level] = _Map(self._resampled(current[level - 1], level, 0), level)
            self._nodes += 1
        for _iteration in range(self.config.num_iterations):
            current = self._iteration(current)
        return [current[level].features for level in range(low, high + 1)]

    def _iteration(self, before: dict[int, _Map]) -> dict[int, _Map]:
        low, high = self.config.min_level, self.config.max_level
        down, latest = {}, before[high]
        for level in reversed(range(low, high)):
            latest = self._node([before[level], latest], level)
            down[level] = latest
        after = {low: latest}
        for level in range(low + 1, high + 1):
            between = [down[level]] if level < high else []
            latest = self._node([before[level], *between, latest], level)
            after[level] = latest
        return after

    def _node(self, inputs: list[_Map], level: int) -> _Map:
        """Return the node at *level*: the sum of *inputs*, activation, smoothing."""
        net, scope = self.slim.net, f"{STAGE}/node_{self._nodes}"
        parts = [self._resampled(one, level, number) for number, one in enumerate(inputs)]
        weights = self._weights(len(parts))
        if weights is not None:
            parts = [
                net.multiply(x, w, f"{scope}/weight_{n}") for n, (x, w) in enumerate(zip(parts, weights, strict=True))
            ]
        total = parts[0]
        for number, part in enumerate(parts[1:]):
            total = net.add(total, part, f"{scope}/sum_{number}")
        style = keras_style(self.extractor.conv)
        x = net.activate(total, style.activation, scope)
        smooth = f"{STAGE}/node_post_combine_block/{self._nodes}/1"
        x = self.slim.separable(x, smooth, self.config.num_filters, 3, style=replace(style, activation="NONE"))
        self._nodes += 1
        return _Map(x, level)

    def _weights(self, count: int) -> tuple[np.float32, ...] | None:
        """Return the weight of each input, or None if all are 1 (the original's softmax over single numbers is 1)."""
        method = self.config.combine_method
        if method not in WEIGHTED:
            return None
        raw = self.slim.net.variable(f"{STAGE}/node_combine_op/{self._nodes}/bifpn_combine_weights", (count, 1))
        if method == "attention":
            return None
        weights = raw.ravel()
        if method == "fast_attention":
            positive = np.maximum(weights, 0)
            weights = positive / (positive.sum() + EPSILON)
        return tuple(np.float32(weight) for weight in weights)

    def _resampled(self, source: _Map, level: int, number: int) -> Tensor:
        """Return *source*, input *number* of the node, resampled to *level* with the node's channels."""
        net, x = self.slim.net, source.features
        scope = f"{STAGE}/node_input_blocks/{self._nodes}/{number}/1/0"
        if source.of_backbone:
            linear = replace(keras_style(self.extractor.conv), activation="NONE")
            x = self.slim.conv(x, scope, self.config.num_filters, 1, style=linear)
        if source.level < level:
            stride = 2 ** (level - source.level)
            return net.max_pool(x, stride + 1, stride, scope)
        if source.level > level:
            rows, columns = net.size(x)
            times = 2 ** (source.level - level)
            return net.resize_nearest(x, (rows * times, columns * times), scope)
        return x
