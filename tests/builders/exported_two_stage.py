"""Graphs of two-stage detectors as the OD API exports them, of random weights.

The network is detlite's own. What is around it is written as the original's exporter writes it: a loop over images that
resizes them, suppression by `NonMaxSuppressionV5` and with sizes that depend on the image, `CropAndResize`, suppression
of each class, and outputs of TF1's names. No archive of the zoo is at hand.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from detlite.convert.graph.trim import INPUT
from detlite.convert.rebuild.faster_rcnn_config import FasterRcnn
from detlite.convert.rebuild.network.faster_rcnn import TwoStageExtractor
from detlite.convert.rebuild.network.mask_head import mask_logits
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.region_proposals import grid_anchors, propose
from detlite.convert.rebuild.odapi.family import family_of_two_stage
from detlite.convert.rebuild.weights.weights import Weights

OUTPUTS = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")


def exported_graph(config: FasterRcnn, weights: Weights, size: tuple[int, int], *, is_tf2: bool = False) -> Any:
    """The frozen graph of *config*, whose images are resized to *size*, with loops as TF1 or TF2 writes them."""
    import tensorflow as tf

    family, extractor = family_of_two_stage(config.type, 0, "the test")
    network = _network(config, extractor, weights, size)
    names = [*OUTPUTS, *(["detection_masks"] if config.masks else [])]
    with nullcontext() if is_tf2 else _tf1_control_flow(), tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.uint8, (None, None, None, 3), name="image_tensor")

        def resized(image: Any) -> Any:
            return tf.compat.v1.image.resize_images(image, size)

        given = tf.map_fn(resized, tf.cast(images, tf.float32), name="Preprocessor/map")
        given.set_shape((1, *size, 3))
        pixels = tf.subtract(given, np.array(family.mean, np.float32), name="Preprocessor/sub") / np.array(
            family.std, np.float32
        )
        found = tf.import_graph_def(network, {f"{INPUT}:0": pixels}, [f"own/{name}:0" for name in names], name="")
        for name, value in zip(names, found, strict=True):
            tf.identity(value, name=name)
        return tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), names)


def write_frozen(graph_def: Any, folder: Path) -> Path:
    """The folder of an archive with the frozen graph *graph_def*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "frozen_inference_graph.pb").write_bytes(graph_def.SerializeToString())
    return folder


def write_saved_model(graph_def: Any, folder: Path) -> Path:
    """The folder of an archive of TF2 with a SavedModel of *graph_def*."""
    import tensorflow as tf

    names = [node.name for node in graph_def.node if node.name in (*OUTPUTS, "detection_masks")]
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8)])  # type: ignore[untyped-decorator]
    def serve(input_tensor: Any) -> Any:
        given = {"image_tensor:0": input_tensor}
        values = tf.graph_util.import_graph_def(graph_def, given, [f"{name}:0" for name in names], name="")
        return dict(zip(names, values, strict=True))

    module.serve = serve
    tf.saved_model.save(module, str(folder / "saved_model"), signatures={"serving_default": serve})
    return folder


@contextmanager
def _tf1_control_flow() -> Iterator[None]:
    import tensorflow as tf

    tf.compat.v1.disable_control_flow_v2()
    try:
        yield
    finally:
        tf.compat.v1.enable_control_flow_v2()


def _network(config: FasterRcnn, extractor: TwoStageExtractor, weights: Weights, size: tuple[int, int]) -> Any:
    """The graph from the network's input to the outputs `own/...`."""
    import tensorflow as tf

    with RegionBuilder(weights, (*size, 3)) as net:
        features = extractor.image_features(net, net.image, config.stride)
        first = propose(net, features, config, extractor.names)
        proposals = _proposals(config, first, grid_anchors(config.first_stage.anchors, net.size(features), size))
        regions = _regions(net, config, extractor, features, proposals)
        means = tf.reduce_mean(regions, (1, 2))
        logits = _fully_connected(net, means, extractor.names.classes, config.classes + 1)
        codes = _fully_connected(net, means, extractor.names.boxes, 4 * config.classes)
        boxes, classes, scores, count = _detections(config, proposals, codes, logits)
        if config.masks:
            again = _regions(net, config, extractor, features, boxes)
            planes = mask_logits(net, again, config.masks, config.classes, extractor.names)
            places = tf.stack([tf.range(tf.shape(classes)[0]), tf.cast(classes, tf.int32)], 1)
            own = tf.gather_nd(tf.transpose(planes, (0, 3, 1, 2)), places)
            tf.sigmoid(own[None], name="own/detection_masks")
        tf.identity(boxes[None], name="own/detection_boxes")
        tf.identity(classes[None] + 1, name="own/detection_classes")
        tf.identity(scores[None], name="own/detection_scores")
        tf.identity(tf.cast(count, tf.float32)[None], name="own/num_detections")
        return net.graph_def


def _fully_connected(net: RegionBuilder, x: Any, scope: str, outputs: int) -> Any:
    """As TF-Slim writes it: a product of matrices, and a bias."""
    kernel = net.variable(f"{scope}/weights", (int(x.shape[1]), outputs))
    return net.dense(x, kernel, net.variable(f"{scope}/biases", (outputs,)), scope)


def _decoded(codes: Any, anchors: Any) -> Any:
    """Boxes of *codes* [..., 4] and *anchors* [..., 4], (y centre, x centre, height, width)."""
    import tensorflow as tf

    y, x, height, width = tf.unstack(codes, axis=-1)
    y_anchor, x_anchor, h_anchor, w_anchor = tf.unstack(anchors, axis=-1)
    centre_y, centre_x = y / 10 * h_anchor + y_anchor, x / 10 * w_anchor + x_anchor
    half_h, half_w = tf.exp(height / 5) * h_anchor / 2, tf.exp(width / 5) * w_anchor / 2
    return tf.stack([centre_y - half_h, centre_x - half_w, centre_y + half_h, centre_x + half_w], -1)


def _suppressed(boxes: Any, scores: Any, most: int, iou: float, score: float) -> Any:
    import tensorflow as tf

    return tf.image.non_max_suppression_with_scores(boxes, scores, most, iou, score)[0]


def _proposals(config: FasterRcnn, first: Any, anchors: Any) -> Any:
    """The proposals, clipped and filled up with zeros: [P, 4]."""
    import tensorflow as tf

    settings, count = config.first_stage, config.first_stage.max_proposals
    boxes = _decoded(first.encodings[0], tf.constant(anchors))
    scores = tf.nn.softmax(first.objectness[0])[:, 1]
    kept = _suppressed(boxes, scores, count, settings.iou_threshold, settings.score_threshold)
    found = tf.clip_by_value(tf.gather(boxes, kept), 0.0, 1.0)
    found = tf.pad(found, [[0, count - tf.shape(found)[0]], [0, 0]])
    return tf.ensure_shape(found, (count, 4))


def _regions(net: RegionBuilder, config: FasterRcnn, extractor: TwoStageExtractor, features: Any, boxes: Any) -> Any:
    import tensorflow as tf

    count, side = boxes.shape[0], config.crop_size
    cropped = tf.image.crop_and_resize(features, boxes, np.zeros(count, np.int32), (side, side))
    pooled = tf.nn.max_pool2d(cropped, config.pool_kernel, config.pool_stride, "VALID")
    return extractor.region_features(net, pooled)


def _detections(config: FasterRcnn, proposals: Any, codes: Any, logits: Any) -> Any:
    """The boxes [D, 4], classes [D] from 0 on, scores [D] and how many are detections; zeros fill the rows."""
    import tensorflow as tf

    post, count = config.post_processing, config.first_stage.max_proposals
    low, high = proposals[:, :2], proposals[:, 2:]
    anchors = tf.tile(tf.concat([(low + high) / 2, high - low], 1)[:, None], (1, config.classes, 1))
    boxes = _decoded(tf.reshape(codes, (count, config.classes, 4)), anchors)
    scores = tf.nn.softmax(tf.reshape(logits, (count, config.classes + 1)))[:, 1:]
    scores *= tf.cast(tf.reduce_all(high > low, 1), tf.float32)[:, None]
    found = []
    for number in range(config.classes):
        own, of_class = boxes[:, number], scores[:, number]
        kept = _suppressed(own, of_class, post.max_detections_per_class, post.iou_threshold, post.score_threshold)
        found.append((tf.gather(own, kept), tf.fill(tf.shape(kept), float(number)), tf.gather(of_class, kept)))
    all_boxes, classes, all_scores = (tf.concat(parts, 0) for parts in zip(*found, strict=True))
    clipped = tf.clip_by_value(all_boxes, 0.0, 1.0)
    area = tf.reduce_prod(clipped[:, 2:] - clipped[:, :2], 1)
    most = post.max_total_detections
    rows = tf.pad(tf.where(area > 0, all_scores, -1.0), [[0, most]], constant_values=-1.0)
    best, order = tf.math.top_k(rows, most)
    is_found = tf.cast(best > 0, tf.float32)
    filled = tf.gather(tf.pad(clipped, [[0, most], [0, 0]]), order) * is_found[:, None]
    numbers = tf.gather(tf.pad(classes, [[0, most]]), order) * is_found
    return tf.ensure_shape(filled, (most, 4)), numbers, best * is_found, tf.reduce_sum(is_found)
