"""Suppression of each class by itself in TFLite becomes one operator in ONNX, which keeps the same rows."""

import numpy as np
import pytest
from builders.float_models import FloatNet, images, run
from builders.onnx_models import counts, onnx_of, run_onnx

from detlite.convert.exporters.tflite import to_tflite
from detlite.convert.graph.trim import prune
from detlite.convert.rebuild.detector_config import PostProcessing
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.weights.random import RandomWeights

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CLASSES, BOXES, EACH = 5, 24, 6


def by_class(*, shared=False, score_threshold=-0.4, order=range(CLASSES), sorts=False, packed=True):
    """A network that finds boxes and scores, suppresses each class, and packs the rows and counts of all."""
    net = FloatNet((1, 4, 6, 3))
    boxes = corners(net, net.conv(net.image, 4 if shared else 4 * CLASSES), 1 if shared else CLASSES)
    scores = transposed(net, net.reshape(net.conv(net.image, CLASSES), (BOXES, CLASSES)), (1, 0), (CLASSES, BOXES))
    of_class = unpacked(net, boxes, 1 if shared else CLASSES, (BOXES, 4))
    scores_of = unpacked(net, scores, CLASSES, (BOXES,))
    limits = [net.constant(np.array(EACH)), net.constant(np.float32(0.4)), net.constant(np.float32(score_threshold))]
    made = {one: suppressed(net, of_class[0 if shared else one], scores_of[one], limits) for one in order}
    found = [made[one] for one in (sorted(order) if sorts else order)]
    if not packed:
        return net.finish(*(as_float(net, rows, (EACH,)) for rows, _count in found))
    rows, counted = (
        pack(net, parts, shape) for parts, shape in zip(zip(*found, strict=True), ((EACH,), ()), strict=True)
    )
    return net.finish(as_float(net, rows, (CLASSES, EACH)), as_float(net, counted, (CLASSES,)))


def corners(net, x, classes):
    """Boxes [classes, BOXES, 4] that overlap."""
    rows = transposed(net, net.reshape(x, (BOXES, classes, 4)), (1, 0, 2), (classes, BOXES, 4))
    low, high = net.add(
        "SPLIT", [net.constant(np.array(2)), rows], [(classes, BOXES, 2)] * 2, "SplitOptions", numSplits=2
    )
    (size,) = net.add("LOGISTIC", [high], [(classes, BOXES, 2)])
    (end,) = net.add("ADD", [low, size], [(classes, BOXES, 2)], "AddOptions")
    return net.add("CONCATENATION", [low, end], [(classes, BOXES, 4)], "ConcatenationOptions", axis=2)[0]


def transposed(net, x, order, shape):
    return net.add("TRANSPOSE", [x, net.constant(np.array(order))], [shape], "TransposeOptions")[0]


def unpacked(net, x, count, shape):
    return net.add("UNPACK", [x], [shape] * count, "UnpackOptions", num=count, axis=0)


def suppressed(net, boxes, scores, limits):
    made = net.add("NON_MAX_SUPPRESSION_V4", [boxes, scores, *limits], [(EACH,), ()])
    for index in made:
        net.subgraph.tensors[index].type = net.schema.TensorType.INT32
    return made


def pack(net, parts, shape):
    made = net.add("PACK", list(parts), [(CLASSES, *shape)], "PackOptions", valuesCount=CLASSES, axis=0)[0]
    net.subgraph.tensors[made].type = net.schema.TensorType.INT32
    return made


def as_float(net, x, shape):
    types = net.schema.TensorType
    return net.add("CAST", [x], [shape], "CastOptions", inDataType=types.INT32, outDataType=types.FLOAT32)[0]


@pytest.mark.parametrize("opset", [11, 13, 18])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("score_threshold", [-100.0, 0.3, 100.0])
def test_all_classes_are_suppressed_by_one_operator_that_keeps_the_same_rows(shared, score_threshold, opset):
    data = by_class(shared=shared, score_threshold=score_threshold)
    model = onnx_of(data, opset=opset)
    assert counts(model)["NonMaxSuppression"] == 1
    for image in images((1, 4, 6, 3), count=3):
        for want, got in zip(run(data, image), run_onnx(model, image), strict=True):
            assert got.tolist() == want.tolist()


def test_the_operators_may_be_in_any_order():
    data = by_class(order=(3, 0, 4, 1, 2), sorts=True)
    model = onnx_of(data)
    assert counts(model)["NonMaxSuppression"] == 1
    (image,) = images((1, 4, 6, 3), count=1)
    for want, got in zip(run(data, image), run_onnx(model, image), strict=True):
        assert got.tolist() == want.tolist()


@pytest.mark.parametrize("changes", [{"order": (1, 0, 2, 3, 4)}, {"packed": False}])
def test_classes_out_of_order_or_apart_keep_their_own_operators(changes):
    data = by_class(**changes)
    model = onnx_of(data)
    assert counts(model)["NonMaxSuppression"] == CLASSES
    (image,) = images((1, 4, 6, 3), count=1)
    for want, got in zip(run(data, image), run_onnx(model, image), strict=True):
        assert got.tolist() == want.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
def test_a_file_of_tensorflows_converter_is_recognized(shared):
    import tensorflow as tf

    classes, boxes = 12, 20  # ten and more come in another order
    settings = PostProcessing("IDENTITY", 1.0, 0.3, 0.4, max_detections_per_class=6, max_total_detections=12)
    with RegionBuilder(RandomWeights(0), (boxes, classes, 5)) as net:
        low, sides, scores = tf.split(net.image[0], (2, 2, 1), axis=2)
        corners = tf.transpose(tf.concat((low, low + tf.abs(sides)), 2), (1, 0, 2))
        found = net.suppressed_by_class(corners[:1] if shared else corners, scores[..., 0], settings, "nms")
        heads = [net.identity(value, f"found_{number}").op.name for number, value in enumerate(found)]
        data = to_tflite(prune(net.graph_def, heads), heads)
    model = onnx_of(data)
    assert counts(model)["NonMaxSuppression"] == 1
    for image in images((1, boxes, classes, 5), count=3):
        for want, got in zip(run(data, image), run_onnx(model, image), strict=True):
            assert got.tolist() == want.tolist()
