"""A tiny SSD with the structure and the scopes that the TF Object Detection API gives its graphs, made in the test.

Two feature maps (4x4 and 2x2) of a 32x32 image, three anchors a cell, random weights of a fixed seed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from detlite.runtime.arrays import Floats

SIDE, CLASSES, PER_CELL = 32, 3, 3
MAPS = (4, 2)
ANCHORS = sum(side * side * PER_CELL for side in MAPS)


@dataclass(frozen=True)
class Tiny:
    """What the graph is made with."""

    preprocessing: bool = True
    normalize_first: bool = False
    add_n: bool = True
    packed: bool = True
    softmax: bool = False
    background: bool = True
    mean: tuple[float, float, float] | None = None  # subtract channel means, as the ResNets do; else [-1, 1]
    raw_encodings_identity: bool = False
    ranges: bool = False  # of quantization-aware training; wants neither add_n nor packed
    folded: bool = False  # the anchors are constants of the decoder, as TensorFlow's optimizer leaves them
    pads: bool = False  # keep the aspect ratio and pad, as a keep_aspect_ratio_resizer does


def tiny_anchors() -> Floats:
    """Corner anchors, float32 [ANCHORS, 4]: ymin, xmin, ymax, xmax."""
    boxes = []
    for side in MAPS:
        for y in range(side):
            for x in range(side):
                for scale in (0.3, 0.5, 0.8):
                    cy, cx = (y + 0.5) / side, (x + 0.5) / side
                    boxes.append((cy - scale / 2, cx - scale / 2, cy + scale / 2, cx + scale / 2))
    return np.asarray(boxes, np.float32)


def tiny_graph_def(tiny: Tiny = Tiny()) -> Any:  # frozen
    """Build the graph and return its GraphDef."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        _build(tf.compat.v1, tf, tiny)
        return graph.as_graph_def()


def _build(v1: Any, tf: Any, tiny: Tiny) -> None:
    chance = np.random.default_rng(0)
    image = _image(v1, tf, tiny)
    fine, coarse = _features(v1, tf, tiny, image, chance)
    columns = CLASSES + int(tiny.background)
    boxes, classes = [], []
    for number, features in enumerate((fine, coarse)):
        with v1.name_scope(f"BoxPredictor_{number}"):
            cells = int(features.shape[1]) ** 2 * PER_CELL
            batch = v1.shape(features)[0] if tiny.ranges else -1
            coded, scored = (
                _ranged(v1, tiny, _conv(v1, tiny, features, PER_CELL * width, 1, chance), 8.0) for width in (4, columns)
            )
            boxes.append(v1.reshape(coded, (batch, cells, 1, 4)))
            classes.append(v1.reshape(scored, (batch, cells, columns)))
    encodings = v1.squeeze(v1.concat(boxes, 1, name="concat"), 2, name="Squeeze")
    logits = v1.concat(classes, 1, name="concat_1")
    with v1.name_scope("Postprocessor"):
        _postprocess(v1, tiny, encodings, logits)


def _image(v1: Any, tf: Any, tiny: Tiny) -> Any:
    if not tiny.preprocessing:
        return v1.placeholder(tf.float32, (1, SIDE, SIDE, 3), "normalized_input_image_tensor")
    image = v1.placeholder(tf.uint8, (None, None, None, 3), "image_tensor")
    floats = v1.to_float(image, "ToFloat") if hasattr(v1, "to_float") else v1.cast(image, tf.float32, name="ToFloat")
    with v1.name_scope("Preprocessor"):
        if tiny.normalize_first:
            floats = _normalize(v1, tiny, floats)
        resized = v1.map_fn(_padding(v1) if tiny.pads else _stretching(v1), floats)
        resized.set_shape((None, SIDE, SIDE, 3))
        return resized if tiny.normalize_first else _normalize(v1, tiny, resized)


def _stretching(v1: Any) -> Callable[[Any], Any]:
    return lambda one: v1.image.resize_images(one, (SIDE, SIDE))


def _padding(v1: Any) -> Callable[[Any], Any]:
    return lambda one: v1.image.resize_image_with_pad(one, SIDE, SIDE)


def _normalize(v1: Any, tiny: Tiny, image: Any) -> Any:
    if tiny.mean is not None:
        return v1.subtract(image, [[list(tiny.mean)]], name="sub")
    return v1.subtract(v1.multiply(2.0 / 255.0, image, name="mul"), 1.0, name="sub")


def _conv(v1: Any, tiny: Tiny, x: Any, filters: int, stride: int, chance: np.random.Generator) -> Any:
    kernel = chance.normal(0, 0.4, (1 if stride == 1 else 3,) * 2 + (int(x.shape[3]), filters)).astype(np.float32)
    weights = v1.constant(kernel)
    if tiny.ranges:  # as `contrib.quantize` folds a batch norm: before the rounding
        folded = v1.multiply(weights, v1.rsqrt(v1.constant(np.linspace(0.5, 2, filters, dtype=np.float32))), "mul_fold")
        weights = v1.quantization.fake_quant_with_min_max_vars(folded, -1.5, 1.5, 8, narrow_range=True)
    return v1.nn.conv2d(x, weights, (1, stride, stride, 1), "SAME")


def _ranged(v1: Any, tiny: Tiny, x: Any, high: float, low: float | None = None) -> Any:
    """Return *x* with a trained range of *low*, by default -high, to *high* if *tiny* has ranges."""
    bounds = -high if low is None else low, high
    return v1.quantization.fake_quant_with_min_max_vars(x, *bounds, 8) if tiny.ranges else x


def _six(v1: Any, tiny: Tiny, x: Any) -> Any:
    return _ranged(v1, tiny, v1.nn.relu6(x), 6.0, 0.0)


def _norm(v1: Any, tiny: Tiny, x: Any, chance: np.random.Generator) -> Any:
    n = int(x.shape[3])
    values = [chance.uniform(0.5, 1.5, n).astype(np.float32) for _ in range(4)]
    if tiny.ranges:  # the scale is in the kernel already
        return v1.add(x, v1.subtract(values[1], values[2]), "add_fold")
    return v1.nn.fused_batch_norm(x, *values, epsilon=1e-3, is_training=False)[0]


def _features(v1: Any, tf: Any, tiny: Tiny, image: Any, chance: np.random.Generator) -> tuple[Any, Any]:
    with v1.name_scope("FeatureExtractor/MobilenetV2"):
        x = _six(v1, tiny, _norm(v1, tiny, _conv(v1, tiny, image, 8, 2, chance), chance))
        x = _six(v1, tiny, _norm(v1, tiny, _conv(v1, tiny, x, 8, 2, chance), chance))
        fine = _six(v1, tiny, _norm(v1, tiny, _conv(v1, tiny, x, 8, 2, chance), chance))
        branch = _conv(v1, tiny, fine, 8, 1, chance)
        shift = v1.constant(chance.normal(0, 0.1, 8).astype(np.float32))
        if tiny.ranges:
            fine = _ranged(v1, tiny, v1.add(_ranged(v1, tiny, v1.add(branch, shift), 8.0), fine), 14.0)
        else:
            fine = v1.add(shift, v1.add_n([branch, fine])) if tiny.add_n else v1.add(v1.add(branch, shift), fine)
        coarse = _six(v1, tiny, _conv(v1, tiny, fine, 8, 2, chance))
        if tiny.packed:
            fine = v1.add(fine, _upsample(v1, coarse))
    return fine, coarse


def _upsample(v1: Any, x: Any) -> Any:
    """The OD API's `ops.nearest_neighbor_upsampling` in spirit: stack twice, reshape once."""
    with v1.name_scope("nearest_neighbor_upsampling"):
        side, channels = int(x.shape[1]), int(x.shape[3])
        wide = v1.stack([x] * 2, axis=3)
        return v1.reshape(v1.stack([wide] * 2, axis=2), (-1, side * 2, side * 2, channels))


def _postprocess(v1: Any, tiny: Tiny, encodings: Any, logits: Any) -> None:
    if tiny.raw_encodings_identity:
        encodings = v1.identity(encodings, name="raw_box_encodings")
    anchors = v1.tile(v1.expand_dims(v1.constant(tiny_anchors()), 0), (v1.shape(encodings)[0], 1, 1))
    flat_anchors = v1.reshape(anchors, (-1, 4))
    codes = v1.reshape(encodings, (-1, 4))
    with v1.name_scope("Decode"):
        with v1.name_scope("get_center_coordinates_and_sizes"):
            corners = tiny_anchors().T if tiny.folded else v1.unstack(v1.transpose(flat_anchors))
            ymin, xmin, ymax, xmax = corners
            height, width = ymax - ymin, xmax - xmin
            yc, xc = ymin + height / 2.0, xmin + width / 2.0
        ty, tx, th, tw = v1.unstack(v1.transpose(codes))
        y, x = ty / 10.0 * height + yc, tx / 10.0 * width + xc
        h, w = v1.exp(th / 5.0) * height, v1.exp(tw / 5.0) * width
        v1.transpose(v1.stack([y - h / 2.0, x - w / 2.0, y + h / 2.0, x + w / 2.0]))
    convert = v1.nn.softmax if tiny.softmax else v1.sigmoid
    scores = convert(logits, name="convert_scores")
    if tiny.background:
        v1.slice(scores, (0, 0, 1), (-1, -1, -1))
    else:
        v1.identity(scores)
