"""The OD API's box predictors of TF2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import ConvolutionalPredictor, Predictor, WeightSharedPredictor
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import KERAS_NAMES, keras_style
from detlite.convert.rebuild.network.predictors import Columns, Predictions
from detlite.convert.rebuild.network.shared_predictor import check_equal_anchors, most_frequent
from detlite.convert.rebuild.network.slim import PLAIN, Slim, Style

ROOT = "model/_box_predictor"
BOXES, CLASSES = "box_encodings", "class_predictions_with_background"
LAYERS = {BOXES: "_box_encoder_layers", CLASSES: "_class_predictor_layers"}
SHARED_HEADS = {
    BOXES: f"{ROOT}/_box_prediction_head/_box_encoder_layers/0",
    CLASSES: f"{ROOT}/_prediction_heads/{CLASSES}/_class_predictor_layers/0",
}
TOWERS = {BOXES: "BoxPredictionTower", CLASSES: "ClassPredictionTower"}
SHARED_TOWER = "PredictionTower"
BLOCK = 3
"""Entries per layer in a Keras list: convolution, batch norm, activation."""


def keras_predictor(
    net: GraphBuilder, maps: Sequence[Tensor], config: Predictor, anchors: Sequence[int], columns: Columns
) -> Predictions:
    """Return the predictions of the predictor *config* on *maps*; *anchors* are the anchors per cell of each map.

    Raises:
        InputError: the heads are shared, but the levels have different numbers of anchors per cell.
    """
    slim = Slim(net, KERAS_NAMES)
    if isinstance(config, ConvolutionalPredictor):
        return _convolutional(slim, maps, config, anchors, columns)
    check_equal_anchors(anchors)
    return _Shared(slim, config).predicted(_projected(slim, maps, config), anchors, columns)


def _convolutional(
    slim: Slim, maps: Sequence[Tensor], config: ConvolutionalPredictor, anchors: Sequence[int], columns: Columns
) -> Predictions:
    encodings, logits = [], []
    for number, (features, count) in enumerate(zip(maps, anchors, strict=True)):
        x = _layers_before(slim, features, number, config)
        encodings.append(_head(slim, x, (BOXES, number), count * columns.boxes, config))
        logits.append(_head(slim, x, (CLASSES, number), count * columns.classes, config))
    return encodings, logits


def _layers_before(slim: Slim, x: Tensor, number: int, config: ConvolutionalPredictor) -> Tensor:
    depth = max(min(slim.net.channels(x), config.max_depth), config.min_depth)
    if depth > 0:
        for layer in range(config.layers):
            scope = f"{ROOT}/_shared_nets/{number}/{BLOCK * layer}"
            x = slim.conv(x, scope, depth, 1, style=keras_style(config.conv))
    return x


def _head(slim: Slim, x: Tensor, place: tuple[str, int], filters: int, config: ConvolutionalPredictor) -> Tensor:
    head, number = place
    scope = f"{ROOT}/_prediction_heads/{head}/{number}/{LAYERS[head]}"
    if not config.use_depthwise:
        return slim.conv(x, f"{scope}/0", filters, config.kernel_size, style=PLAIN)
    x = slim.depthwise(x, f"{scope}/0", config.kernel_size, style=keras_style(config.conv))
    return slim.conv(x, f"{scope}/{BLOCK}", filters, 1, style=PLAIN)


def _projected(slim: Slim, maps: Sequence[Tensor], config: WeightSharedPredictor) -> list[Tensor]:
    """Return *maps*; if their channels differ, all are projected to the most frequent number of channels."""
    channels = [slim.net.channels(features) for features in maps]
    if len(set(channels)) == 1:
        return list(maps)
    style = replace(_tower_style(config), activation="NONE")
    return [
        slim.conv(x, f"{ROOT}/_additional_projection_layers/{level}/0", most_frequent(channels), 1, style=style)
        for level, x in enumerate(maps)
    ]


def _tower_style(config: WeightSharedPredictor) -> Style:
    norm = config.conv.batch_norm if config.apply_batch_norm else None
    return Style(config.conv.activation, norm, biased=norm is not None and config.conv.force_use_bias)


@dataclass(frozen=True)
class _Shared:
    """Towers and heads that all levels share; each level has its own batch norms."""

    slim: Slim
    config: WeightSharedPredictor

    def predicted(self, maps: Sequence[Tensor], anchors: Sequence[int], columns: Columns) -> Predictions:
        encodings, logits = [], []
        for level, features in enumerate(maps):
            boxes = self._tower(features, BOXES, level)
            classes = boxes if self.config.share_prediction_tower else self._tower(features, CLASSES, level)
            encodings.append(self._layer(boxes, SHARED_HEADS[BOXES], anchors[level] * columns.boxes))
            logits.append(self._layer(classes, SHARED_HEADS[CLASSES], anchors[level] * columns.classes))
        return encodings, logits

    def _tower(self, x: Tensor, head: str, level: int) -> Tensor:
        tower = SHARED_TOWER if self.config.share_prediction_tower else TOWERS[head]
        style = _tower_style(self.config)
        entries = BLOCK if style.norm is not None else BLOCK - 1
        for layer in range(self.config.layers):
            scope = f"{ROOT}/_head_scope_conv_layers/{tower}/{layer}"
            norm = f"{ROOT}/_base_tower_layers_for_heads/{head}/{level}/{entries * layer + 1}"
            x = self._layer(x, scope, self.config.depth, style=style, norm=norm)
        return x

    def _layer(self, x: Tensor, scope: str, filters: int, *, style: Style = PLAIN, norm: str | None = None) -> Tensor:
        build = self.slim.separable if self.config.use_depthwise else self.slim.conv
        return build(x, scope, filters, self.config.kernel_size, style=style, norm_scope=norm)
