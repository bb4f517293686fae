"""RetinaNet's box predictor of TF1, whose towers and heads all levels share.

Source: Lin et al., Focal Loss, 2017, figure 3; the OD API's `WeightSharedConvolutionalBoxPredictor`.
"""

from __future__ import annotations

from collections.abc import Sequence

from detlite.convert.rebuild.detector_config import WeightSharedPredictor
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.predictors import Columns, Predictions
from detlite.convert.rebuild.network.slim import PLAIN, Slim, Style
from detlite.runtime.errors import InputError

SCOPE = "WeightSharedConvolutionalBoxPredictor"
BOXES, CLASSES, BOTH = "BoxPredictionTower", "ClassPredictionTower", "PredictionTower"


def shared_predictor(
    slim: Slim, maps: Sequence[Tensor], config: WeightSharedPredictor, anchors: Sequence[int], columns: Columns
) -> Predictions:
    """Return the predictions of the shared towers and heads on *maps*; *anchors* are the anchors per cell of each map.

    The levels share kernels but not batch norms. The activation is ReLU6, whatever the config says.

    Raises:
        InputError: the levels have different numbers of anchors per cell.
    """
    check_equal_anchors(anchors)
    encodings, logits = [], []
    for level, features in enumerate(_with_equal_channels(slim, maps, config)):
        of_boxes = _tower(slim, features, BOTH if config.share_prediction_tower else BOXES, level, config)
        of_classes = of_boxes if config.share_prediction_tower else _tower(slim, features, CLASSES, level, config)
        encodings.append(_layer(slim, of_boxes, "BoxPredictor", anchors[level] * columns.boxes, config, level=level))
        logits.append(_layer(slim, of_classes, "ClassPredictor", anchors[level] * columns.classes, config, level=level))
    return encodings, logits


def check_equal_anchors(anchors: Sequence[int]) -> None:
    """Raise `InputError` if levels that share their heads have different numbers of anchors per cell."""
    if len(set(anchors)) > 1:
        raise InputError(
            f"shared heads need the same number of anchors per cell on all levels, got {', '.join(map(str, anchors))}: "
            "set reduce_boxes_in_lowest_layer to false, or use a multiscale_anchor_generator"
        )


def most_frequent(channels: Sequence[int]) -> int:
    """Return the most frequent number in *channels*."""
    return max(set(channels), key=list(channels).count)


def _with_equal_channels(slim: Slim, maps: Sequence[Tensor], config: WeightSharedPredictor) -> list[Tensor]:
    """Return *maps*; if their channels differ, all are projected to the most frequent number of channels."""
    channels = [slim.net.channels(features) for features in maps]
    if len(set(channels)) == 1:
        return list(maps)
    most = most_frequent(channels)
    style = Style("NONE", config.conv.batch_norm if config.apply_batch_norm else None)
    return [
        slim.conv(features, f"{SCOPE}/ProjectionLayer/conv2d_{level}", most, 1, style=style)
        for level, features in enumerate(maps)
    ]


def _tower(slim: Slim, x: Tensor, tower: str, level: int, config: WeightSharedPredictor) -> Tensor:
    style = Style("RELU_6", config.conv.batch_norm if config.apply_batch_norm else None)
    for number in range(config.layers):
        x = _layer(slim, x, f"{tower}/conv2d_{number}", config.depth, config, style=style, level=level)
    return x


def _layer(
    slim: Slim,
    x: Tensor,
    name: str,
    filters: int,
    config: WeightSharedPredictor,
    *,
    style: Style = PLAIN,
    level: int,
) -> Tensor:
    build = slim.separable if config.use_depthwise else slim.conv
    scope = f"{SCOPE}/{name}"
    norm_scope = f"{scope}/BatchNorm/feature_{level}"
    op_scope = f"{SCOPE}_{level}/{name}" if level else scope  # TensorFlow 1 numbers the scope again for each level
    return build(x, scope, filters, config.kernel_size, style=style, norm_scope=norm_scope, op_scope=op_scope)
