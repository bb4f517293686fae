"""Covariances of the inputs in a layer's window, over positions and images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import WeightLayer, layers
from detlite.calibration.weights.padding import paddings
from detlite.runtime.arrays import Doubles, Floats

MAX_TAPS = 1024
"""Layers with more taps are left out."""

FEW_TAPS, WINDOWS_PER_TAP = 256, 4
"""A layer with more taps is left out, too, unless so many windows were seen for each: the covariance of fewer describes
these windows, and not the layer. Its noise affects few layers after it."""

POSITIONS = 256
"""The number of output positions sampled per image for a dense layer: neighbouring windows are nearly the same."""

CHANNEL_POSITIONS = 32
"""The same for a depthwise layer, whose nine taps need fewer than the hundreds of a dense one."""

FEWEST_IMAGES, MOST_IMAGES = 16, 128
IMAGE_PIXELS = 2400
"""Images of a layer times the longer side of its output: 16 at 150 pixels, 32 at 75, 64 at 38. Small maps hold few
windows, and late layers overfit to the windows of 16 images."""

SPREAD = 0.6180339887498949  # the golden ratio: the positions of successive images fall between those before
FLUSH_ROWS = 128  # rows of a depthwise layer that are multiplied together

Windows = list[tuple[int, Floats]]
"""The windows of an image, after the place of their layer."""


class WindowMoments:
    """Covariances, from the activations of one image after the other.

    Attributes:
        tensors: the indices of the activations that it needs.
    """

    def __init__(self, network: Network, image_count: int | None = None) -> None:
        """Prepare for the layers of *network* whose windows have at most `MAX_TAPS` taps.

        Layers that will see too few windows in *image_count* images, where that is known, are left out at once.
        """
        sampled = (_SampledLayer(network, layer) for layer in layers(network) if _is_selected(layer))
        self._layers = [one for one in sampled if image_count is None or one.would_have_enough(image_count)]
        self.tensors = tuple(dict.fromkeys(one.layer.source for one in self._layers))

    def take(self, image: int, value: Callable[[int], NDArray[Any]]) -> Windows:
        """Return the windows of the image number *image*, from 0 on, that `add` adds up.

        *value* returns the float32 values of a tensor of `tensors`.
        """
        used = (place for place, one in enumerate(self._layers) if image < one.image_count)
        return [
            (place, self._layers[place].windows(image, value(self._layers[place].layer.source)[0])) for place in used
        ]

    def add(self, taken: Windows) -> None:
        """Add what `take` returned; images in their order, so that sums are the same bit for bit."""
        for place, rows in taken:
            self._layers[place].add(rows)

    def covariances(self) -> Mapping[str, Doubles]:
        """Return covariances by operator name, float64: (taps, taps), or (channels, taps, taps) for depthwise layers.

        Taps are in the order of the stored weights: (height, width, in). Layers that saw too few windows are left out.
        """
        return {one.layer.operator.name: one.covariance() for one in self._layers if one.has_enough()}


def _is_selected(layer: WeightLayer) -> bool:
    return layer.operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D") and _taps(layer) <= MAX_TAPS and _is_plain(layer)


def _taps(layer: WeightLayer) -> int:
    return int(np.prod(layer.weights.shape[1:3] if _is_depthwise(layer) else layer.weights.shape[1:]))


def _is_depthwise(layer: WeightLayer) -> bool:
    return layer.operator.kind == "DEPTHWISE_CONV_2D"


def _is_plain(layer: WeightLayer) -> bool:
    options = layer.operator.options
    return options.dilationHFactor in (0, 1) and options.dilationWFactor in (0, 1)


class _SampledLayer:
    """One layer, and the sums over the windows that were seen.

    Attributes:
        layer: the layer.
        image_count: the number of images that it takes.
    """

    def __init__(self, network: Network, layer: WeightLayer) -> None:
        self.layer = layer
        self._size: tuple[int, int] = network.shape(layer.operator.outputs[0])[1:3]  # type: ignore[assignment]
        (top, _), (left, _) = paddings(network, layer)
        self._padding = np.array([top, left])
        options = layer.operator.options
        self._strides = np.array([options.strideH or 1, options.strideW or 1])
        self._is_depthwise = _is_depthwise(layer)
        self._positions = CHANNEL_POSITIONS if self._is_depthwise else POSITIONS
        self.image_count = min(max(IMAGE_PIXELS // max(self._size), FEWEST_IMAGES), MOST_IMAGES)
        self._offset: Floats | None = None
        self._waiting: list[Floats] = []
        self._count = 0
        self._sums: Any = 0.0
        self._products: Any = 0.0

    def windows(self, image: int, value: Floats) -> Floats:
        """Return the windows at sampled positions of *value*, float32 (height, width, channels)."""
        return self._windows(value, _positions(self._size, self._positions, image))

    def add(self, rows: Floats) -> None:
        """Add what `windows` returned."""
        if self._offset is None:
            self._offset = rows.mean(axis=0)  # keeps the products small, so that little is lost in float32
        self._waiting.append(rows - self._offset)
        if not self._is_depthwise or sum(map(len, self._waiting)) >= FLUSH_ROWS:
            self._flush()

    def has_enough(self) -> bool:
        """Return whether enough windows were seen."""
        self._flush()
        return self._is_enough(self._count)

    def would_have_enough(self, image_count: int) -> bool:
        """Return whether as many as *image_count* images have enough windows."""
        return self._is_enough(min(image_count, self.image_count) * len(_positions(self._size, self._positions, 0)))

    def _is_enough(self, windows: int) -> bool:
        taps = _taps(self.layer)
        return taps <= FEW_TAPS or windows >= WINDOWS_PER_TAP * taps

    def covariance(self) -> Doubles:
        """Return the covariance of the taps."""
        self._flush()
        means, products = self._sums / self._count, self._products / self._count
        covariance: Doubles
        if self._is_depthwise:
            covariance = np.ascontiguousarray((products - means[:, None] * means).transpose(2, 0, 1))
        else:
            covariance = products - np.outer(means, means)
        return covariance

    def _windows(self, value: Floats, positions: NDArray[np.intp]) -> Floats:
        """Return the windows at *positions*: (positions, taps), or (positions, taps, channels) if depthwise."""
        window = self.layer.weights.shape[1:3]
        corners = np.stack(np.divmod(positions, self._size[1])) * self._strides[:, None] - self._padding[:, None]
        if window == (1, 1) and not self._is_depthwise:
            found: Floats = value[corners[0], corners[1]]
            return found
        rows = corners[0][:, None, None] + np.arange(window[0])[:, None]
        columns = corners[1][:, None, None] + np.arange(window[1])
        found = value[rows.clip(0, value.shape[0] - 1), columns.clip(0, value.shape[1] - 1)]
        outside = (rows < 0) | (rows >= value.shape[0]) | (columns < 0) | (columns >= value.shape[1])
        if outside.any():
            found[outside] = 0.0
        channels = value.shape[2:] if self._is_depthwise else ()
        return found.reshape(len(found), -1, *channels)

    def _flush(self) -> None:
        if self._waiting:
            rows = np.concatenate(self._waiting)
            self._waiting = []
            self._count += len(rows)
            self._sums = self._sums + rows.sum(axis=0, dtype=np.float64)
            self._products = self._products + (_by_channel(rows) if self._is_depthwise else rows.T @ rows)


def _by_channel(rows: Floats) -> Doubles:
    """Return the products of the taps of *rows* (positions, taps, channels): float64 (taps, taps, channels)."""
    taps = rows.shape[1]
    products = np.empty((taps, taps, rows.shape[2]))
    for one in range(taps):
        for other in range(one, taps):
            products[one, other] = products[other, one] = np.einsum("nc,nc->c", rows[:, one], rows[:, other])
    return products


def _positions(size: tuple[int, int], count: int, image: int) -> NDArray[np.intp]:
    """Return *count* positions of a map of *size*, evenly spaced and other ones in each *image*, or all that it has."""
    places = size[0] * size[1]
    if places <= count:
        return np.arange(places)
    begin = image * SPREAD % 1.0
    spaced: NDArray[np.intp] = ((np.arange(count) + begin) * (places / count)).astype(np.intp)
    return spaced
