"""Blame by stage: each stage of a two-stage detector is left float in turn."""

import numpy as np
import pytest
from builders.float_detector import write_images
from builders.float_models import RELU, FloatNet

from detlite.accuracy.images import Images
from detlite.accuracy.region_error import RegionError
from detlite.calibration.quantize import float_model
from detlite.calibration.recipe import Recipe
from detlite.convert.model import tflite_model
from detlite.convert.tflite.heads import canonicalize, refreshed
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import PROPOSAL_ROLES, Detection
from detlite.runtime.tensors import Output
from detlite.studies.search.bench import Bench
from detlite.studies.search.stage_blame import StageBlame, StageExplanation, explain_stages
from detlite.studies.search.trials import Trials

KEPT, SIDE = 6, 16
CELLS = SIDE * SIDE
LAYERS = 3


def layers(net, x, name):
    for number in range(LAYERS):
        weights = net.chance.normal(0, 0.12, (8, 3, 3, net.shape(x)[3]))
        x = net.conv(x, 8, weights=weights, activation=RELU, name=f"{name}_{number}")
    return x


def two_stages():
    """A detector of two classes that classifies the features at its best cells."""
    net = FloatNet((1, SIDE, SIDE, 3))
    x = layers(net, net.image, "backbone")
    rpn = layers(net, x, "rpn")
    corners = net.add("LOGISTIC", [net.conv(rpn, 2, window=1, name="low")], [(1, SIDE, SIDE, 2)])[0]
    (far,) = net.add("ADD", [corners, net.constant(np.float32([0.3, 0.3]))], [(1, SIDE, SIDE, 2)], "AddOptions")
    both = net.add("CONCATENATION", [corners, far], [(1, SIDE, SIDE, 4)], "ConcatenationOptions", axis=3)[0]
    boxes, scores = net.reshape(both, (CELLS, 4)), net.reshape(net.conv(rpn, 1, window=1, name="score"), (CELLS,))
    limits = [net.constant(np.array(KEPT)), net.constant(np.float32(0.7)), net.constant(np.float32(-100))]
    kept, count = net.add("NON_MAX_SUPPRESSION_V4", [boxes, scores, *limits], [(KEPT,), ()])
    for index in (kept, count):
        net.subgraph.tensors[index].type = net.schema.TensorType.INT32
    (cells,) = net.add("GATHER", [net.reshape(x, (CELLS, 8)), kept], [(KEPT, 8)], "GatherOptions")
    (proposals,) = net.add("GATHER", [boxes, kept], [(KEPT, 4)], "GatherOptions")
    regions = layers(net, net.reshape(cells, (KEPT, 1, 1, 8)), "second")
    codes = net.reshape(net.conv(regions, 8, window=1, name="codes"), (1, KEPT, 2, 4))
    logits = net.reshape(net.conv(regions, 3, window=1, name="classes"), (1, KEPT, 3))
    (classes,) = net.add("SOFTMAX", [logits], [(1, KEPT, 3)], "SoftmaxOptions", beta=1.0)
    return net.finish(codes, classes, net.reshape(proposals, (1, KEPT, 4)))


def detector():
    shapes = {"box_encodings": (1, KEPT, 2, 4), "class_scores": (1, KEPT, 3), "proposals": (1, KEPT, 4)}
    outputs = tuple(Output(role, role, place, shapes[role], "float32") for place, role in enumerate(PROPOSAL_ROLES))
    image = ImageInput("image", SIDE, SIDE, "RGB", "float32", (127.5,) * 3, (127.5,) * 3, "tf1_bilinear")
    nms = Nms(place="host", score_threshold=0.0)
    task = Detection(np.zeros((0, 4), np.float32), BoxCoder(), "SOFTMAX", "model", 1, nms)
    file = TfliteFile(two_stages())
    canonicalize(file, outputs=PROPOSAL_ROLES, inputs=("image",))
    return tflite_model(file, refreshed(Contract((image,), outputs, ("cat", "dog"), task), file), ())


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    model, images = detector(), Images(write_images(tmp_path_factory.mktemp("images")), "made in a test")
    trials = Trials(model, float_model(model, images, Recipe()), "bias_correction")
    return explain_stages(trials, model, Bench(model, images))


def test_each_stage_with_integers_is_left_float_in_turn(explained):
    assert [one.stage for one in explained.stages] == ["backbone", "region proposals", "second stage"]
    assert [one.operators for one in explained.stages] == [LAYERS + 1, LAYERS, LAYERS]  # with the map in cells


def test_regions_are_compared_by_what_both_models_have(explained):
    assert explained.error.regions == 12 * KEPT
    assert 0.5 < explained.error.matched <= 1
    assert 0 < explained.error.rms["logits"] < 0.5


def test_a_float_second_stage_has_less_error_in_its_logits(explained):
    assert explained.stages[2].error.rms["logits"] < explained.error.rms["logits"]


def error(matched, logits):
    return RegionError(100, matched, {"logits": logits}, 1.0)


def test_the_verdict_names_the_stage_that_costs_most():
    stages = (StageBlame("backbone", 60, 97.0, error(0.95, 0.05)), StageBlame("masks", 8, 97.1, error(0.9, 0.1)))
    found = StageExplanation(97.0, error(0.9, 0.1), stages)
    assert found.verdict == (
        "The backbone costs most: left float, fidelity would change by +0.00 points, 95.0 % of the regions would be "
        "the float model's instead of 90.0 %, and the rms error of their logits 0.05 instead of 0.1."
    )


def test_a_model_that_no_stage_makes_worse_blames_none():
    found = StageExplanation(97.0, error(0.9, 0.1), (StageBlame("backbone", 60, 97.0, error(0.9, 0.1)),))
    assert found.verdict.startswith("No stage costs anything alone")


def test_a_stage_that_brings_the_regions_back_costs_most():
    lost = RegionError(100, 0.0, {}, 1.0)
    stages = (StageBlame("backbone", 60, 50.0, lost), StageBlame("masks", 8, 50.0, error(0.0, 0.1)))
    assert StageExplanation(50.0, lost, stages).verdict.startswith("The masks cost most: left float")
