"""The stages of a two-stage detector are found by what its suppressions read, and what reads them."""

import numpy as np
from builders.float_models import FloatNet

from detlite.calibration.network import Network
from detlite.calibration.stages import stages
from detlite.convert.tflite.open_file import TfliteFile

KEPT = 3


def suppressed(net, boxes, scores):
    limits = [net.constant(np.array(KEPT)), net.constant(np.float32(0.5)), net.constant(np.float32(-100))]
    made = net.add("NON_MAX_SUPPRESSION_V4", [boxes, scores, *limits], [(KEPT,), ()])
    for index in made:
        net.subgraph.tensors[index].type = net.schema.TensorType.INT32
    return made[0]


def gathered(net, x, places, width):
    return net.add("GATHER", [x, places], [(KEPT, width)], "GatherOptions")[0]


def two_stages(*, masks=False):
    """A detector that crops the cells of its best boxes, and with *masks* those of its detections once more."""
    net = FloatNet()
    x = net.conv(net.image, 8, name="backbone")
    rpn = net.conv(x, 8, name="rpn")
    boxes = net.reshape(net.conv(rpn, 4, window=1, name="box_head"), (64, 4))
    kept = suppressed(net, boxes, net.reshape(net.conv(rpn, 1, window=1, name="score_head"), (64,)))
    proposals, cells = gathered(net, boxes, kept, 4), net.reshape(x, (64, 8))
    regions = net.conv(net.reshape(gathered(net, cells, kept, 8), (KEPT, 1, 1, 8)), 8, name="second")
    scores = net.conv(regions, 5, window=1, name="class_head")
    if not masks:
        return net.finish(net.reshape(scores, (1, KEPT, 5)), proposals)
    again = suppressed(net, proposals, net.reshape(net.conv(regions, 1, window=1, name="detected"), (KEPT,)))
    found = net.reshape(gathered(net, cells, again, 8), (KEPT, 1, 1, 8))
    return net.finish(net.conv(found, 2, name="mask_head"), net.reshape(scores, (1, KEPT, 5)))


def layers(data):
    known = {"backbone", "rpn", "box_head", "score_head", "second", "class_head", "detected", "mask_head"}
    return {stage: sorted(names & known) for stage, names in stages(Network(TfliteFile(data))).items()}


def test_a_detector_of_boxes_has_three_stages():
    assert layers(two_stages()) == {
        "backbone": ["backbone"],
        "region proposals": ["box_head", "rpn", "score_head"],
        "second stage": ["class_head", "second"],
    }


def test_masks_are_a_fourth_stage():
    found = layers(two_stages(masks=True))
    assert found["masks"] == ["mask_head"]
    assert found["second stage"] == ["class_head", "detected", "second"]


def test_a_network_without_suppression_has_no_stages():
    net = FloatNet()
    assert stages(Network(TfliteFile(net.finish(net.conv(net.image, 4))))) == {}
