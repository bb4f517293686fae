"""The box predictor of RetinaNet under the names of TF1 checkpoints: towers and heads that all levels share.

Source: Lin et al., Focal Loss, 2017, figure 3, as the OD API's `WeightSharedConvolutionalBoxPredictor` builds it.
"""

from __future__ import annotations

from collections.abc import Sequence

from detlite.convert.rebuild.detector_config import WeightSharedPredictor
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.predictors import Columns, Predicted
from detlite.convert.rebuild.network.slim import PLAIN, Slim, Style
from detlite.runtime.errors import InputError

SCOPE = "WeightSharedConvolutionalBoxPredictor"
BOXES, CLASSES, BOTH = "BoxPredictionTower", "ClassPredictionTower", "PredictionTower"


def shared_predictor(
    slim: Slim, maps: Sequence[Tensor], config: WeightSharedPredictor, anchors: Sequence[int], columns: Columns
) -> Predicted:
    """Return what the shared towers and heads predict on *maps*, with *anchors* in each cell of each.

    The levels share kernels, and each has batch norms of its own. Their activation is ReLU6, whatever the config says.

    Raises:
        InputError: the anchors in a cell differ between levels, which heads that are shared cannot have.
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
    """Raise `InputError` where levels that share their heads have other numbers of anchors in a cell."""
    if len(set(anchors)) > 1:
        raise InputError(
            f"heads that all levels share want as many anchors in a cell of each, got {', '.join(map(str, anchors))}: "
            "set reduce_boxes_in_lowest_layer to false, or take a multiscale_anchor_generator"
        )


def most_frequent(channels: Sequence[int]) -> int:
    """Return the number that stands most often in *channels*: all maps are projected to that."""
    return max(set(channels), key=list(channels).count)


def _with_equal_channels(slim: Slim, maps: Sequence[Tensor], config: WeightSharedPredictor) -> list[Tensor]:
    """Return *maps*, each projected to the channels that most of them have where not all have the same."""
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
    op_scope = f"{SCOPE}_{level}/{name}" if level else scope  # TensorFlow 1 enters the scope anew for each level
    return build(x, scope, filters, config.kernel_size, style=style, norm_scope=norm_scope, op_scope=op_scope)
