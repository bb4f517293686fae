"""The box arithmetic of a two-stage detector stays float in an int8 model."""

import numpy as np
from builders.float_models import FloatNet, images

from detlite.calibration.models import FloatModel, separate
from detlite.calibration.network import Network
from detlite.calibration.regions import region_operators
from detlite.calibration.weights.methods.nearest import PLUGIN
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.tensors import dtype_name
from detlite.runtime.inputs import ImageInput

KEPT = 3
BACKBONE, SECOND = "backbone", "second_stage"
HEADS = {"box_head", "score_head", "class_head"}


def two_stages() -> bytes:
    """A map, a box and a score for each of its cells, the best cells, and a class score for each of those."""
    net = FloatNet()
    x = net.conv(net.image, 8, name=BACKBONE)
    boxes = reshaped(net, net.conv(x, 4, window=1, name="box_head"), (64, 4))
    scores = reshaped(net, net.conv(x, 1, window=1, name="score_head"), (64,))
    kept, _count = suppressed(net, boxes, scores)
    (cells,) = net.add("GATHER", [reshaped(net, x, (64, 8)), kept], [(KEPT, 8)], "GatherOptions")
    regions = net.conv(reshaped(net, cells, (KEPT, 1, 1, 8)), 8, name=SECOND)
    return net.finish(reshaped(net, net.conv(regions, 5, window=1, name="class_head"), (1, KEPT, 5)))


def suppressed(net, boxes, scores):
    limits = [net.constant(np.array(KEPT)), net.constant(np.float32(0.5)), net.constant(np.float32(-100))]
    made = net.add("NON_MAX_SUPPRESSION_V4", [boxes, scores, *limits], [(KEPT,), ()])
    for index in made:
        net.subgraph.tensors[index].type = net.schema.TensorType.INT32
    return made


def reshaped(net, x, shape):
    return net.add("RESHAPE", [x, net.constant(np.array(shape))], [shape], "ReshapeOptions")[0]


def kinds(network, names):
    return sorted(operator.kind for operator in network.operators if operator.name in names)


def test_heads_suppression_and_crops_stay_float_and_networks_do_not():
    network = Network(TfliteFile(two_stages()))
    found = region_operators(network)
    assert found >= HEADS
    assert not found & {BACKBONE, SECOND}
    others = kinds(network, found - HEADS)
    assert others == ["GATHER", "NON_MAX_SUPPRESSION_V4", *["RESHAPE"] * 4]


def test_what_a_second_suppression_needs_beside_the_regions_of_the_first_stays_float():
    net = FloatNet()
    x = net.conv(net.image, 8, name=BACKBONE)
    boxes = reshaped(net, net.conv(x, 4, window=1, name="box_head"), (64, 4))
    kept, _count = suppressed(net, boxes, reshaped(net, net.conv(x, 1, window=1, name="score_head"), (64,)))
    (found,) = net.add("GATHER", [boxes, kept], [(KEPT, 4)], "GatherOptions")
    (cells,) = net.add("GATHER", [reshaped(net, x, (64, 8)), kept], [(KEPT, 8)], "GatherOptions")
    regions = net.conv(reshaped(net, cells, (KEPT, 1, 1, 8)), 8, name=SECOND)
    codes = reshaped(net, net.conv(regions, 4, window=1, name="code_head"), (KEPT, 4))
    (stretch,) = net.add("EXP", [codes], [(KEPT, 4)])
    (moved,) = net.add("MUL", [found, stretch], [(KEPT, 4)], "MulOptions")
    scores = reshaped(net, net.conv(regions, 1, window=1, name="class_head"), (KEPT,))
    network = Network(TfliteFile(net.finish(*suppressed(net, moved, scores))))
    floating = region_operators(network)
    assert floating >= {*HEADS, "code_head"}
    assert "EXP" in kinds(network, floating)
    assert not floating & {BACKBONE, SECOND}


def test_a_network_without_suppression_has_no_box_arithmetic():
    net = FloatNet()
    assert region_operators(Network(TfliteFile(net.finish(net.conv(net.image, 4))))) == frozenset()


def test_the_outputs_stay_float_where_the_scheme_would_have_integers():
    data = two_stages()
    file = TfliteFile(data)
    image = ImageInput("image", 8, 8, "RGB", "float32", (128.0,) * 3, (128.0,) * 3, "tf1_bilinear")
    given = FloatModel(file, image, lambda: separate(images()), float_outputs=True)
    made = PLUGIN.quantize(given).file
    assert describe(made.data, "the model").quantization == "mixed"
    assert [dtype_name(made.subgraph.tensors[index]) for index in made.subgraph.outputs] == ["float32"]
