"""The OD API's convolutional box predictor of TF1, which turns feature maps into raw heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detlite.convert.rebuild.detector_config import ConvolutionalPredictor
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import PLAIN, Slim, style_of

BOX_CODE = 4


@dataclass(frozen=True)
class Columns:
    """The number of outputs per anchor: *boxes* encodings (4) and *classes* logits."""

    classes: int
    boxes: int = BOX_CODE


Predictions = tuple[list[Tensor], list[Tensor]]
"""(box encodings, class logits), each a list with one [1, rows, columns, anchors per cell * outputs] per map."""


def convolutional_predictor(
    slim: Slim, maps: Sequence[Tensor], config: ConvolutionalPredictor, anchors: Sequence[int], columns: Columns
) -> Predictions:
    """Return the predictions of `ConvolutionalBoxPredictor` on *maps*; *anchors* are the anchors per cell of each."""
    encodings, logits = [], []
    for number, (features, count) in enumerate(zip(maps, anchors, strict=True)):
        scope = "BoxPredictor" if len(maps) == 1 else f"BoxPredictor_{number}"
        features = _layers_before(slim, features, scope, config)
        encodings.append(_head(slim, features, f"{scope}/BoxEncodingPredictor", count * columns.boxes, config))
        logits.append(_head(slim, features, f"{scope}/ClassPredictor", count * columns.classes, config))
    return encodings, logits


def _layers_before(slim: Slim, x: Tensor, scope: str, config: ConvolutionalPredictor) -> Tensor:
    depth = max(min(slim.net.channels(x), config.max_depth), config.min_depth)
    if depth > 0:
        for layer in range(config.layers):
            x = slim.conv(x, f"{scope}/Conv2d_{layer}_1x1_{depth}", depth, 1, style=style_of(config.conv))
    return x


def _head(slim: Slim, x: Tensor, scope: str, filters: int, config: ConvolutionalPredictor) -> Tensor:
    if not config.use_depthwise:
        return slim.conv(x, scope, filters, config.kernel_size, style=PLAIN)
    spatial = slim.depthwise(x, f"{scope}_depthwise", config.kernel_size, style=style_of(config.conv))
    return slim.conv(spatial, scope, filters, 1, style=PLAIN)


def gather(net: GraphBuilder, parts: Sequence[Tensor], numbers: int, name: str) -> Tensor:
    """Return the predictions of all maps as [1, N, numbers]: finest map first, then by row, column and anchor."""
    flat = []
    for number, part in enumerate(parts):
        rows, columns = net.size(part)
        count = rows * columns * net.channels(part) // numbers
        flat.append(net.reshape(part, (1, count, numbers), f"{name}/map_{number}"))
    return net.concat(flat, 1, name)
