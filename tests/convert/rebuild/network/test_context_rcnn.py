"""Context R-CNN with ResNet 101 of the original OD API, rebuilt from its config, with its memory."""

import re

import numpy as np
import pytest
from builders.asked_weights import AskedWeights
from builders.golden_graphs import run_golden

from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import RebuildPlan
from detlite.convert.rebuild.detector_config import ImageResizer
from detlite.convert.rebuild.faster_rcnn_config import Attention, FasterRcnn, FirstStage, GridAnchors
from detlite.convert.rebuild.network.context_attention import FEATURES, FILLED
from detlite.convert.rebuild.rebuild import rebuild

pytestmark = [pytest.mark.data, pytest.mark.slow]

TOLERANCE = 1e-3  # of a deep network
UNUSED = re.compile(r"^global_step$|^FirstStageFeatureExtractor/[^/]+/block4/")
"""The original builds the last block for the whole image, too, and never uses it."""


@pytest.fixture(scope="module")
def run(shared_data):
    from builders.two_stage_goldens import TwoStageGolden

    arrays = TwoStageGolden("context_rcnn_resnet101").arrays
    memory = {FEATURES: arrays["in_context_features"], FILLED: arrays["in_valid_context_size"]}
    return run_golden("context_rcnn_resnet101", **memory)


def test_the_second_stage_says_of_each_proposal_what_the_original_says(run):
    far = np.abs(run.heads["proposals"][:, None] - run.golden.proposal_boxes).max(axis=-1)
    alike = far.min(axis=0) <= 1e-5
    assert (~alike).sum() <= 1  # the last of many whose objectness is nearly 1 may be another
    place = far.argmin(axis=0)[alike]
    codes = run.heads["box_encodings"][place][:, None]
    assert np.abs(codes - run.golden.arrays["refined_box_encodings"][alike]).max() <= TOLERANCE
    logits = run.golden.arrays["class_predictions_with_background"][alike]
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    assert np.abs(run.heads["class_scores"][place] - shares).max() <= 1e-4


def test_the_detections_are_the_original_ones(run):
    wanted = {name: run.golden.arrays[f"out_detection_{name}"][0] for name in ("classes", "scores", "boxes")}
    assert (run.result.classes + run.golden.first_class).tolist() == wanted["classes"].tolist()
    assert np.abs(run.result.scores - wanted["scores"]).max() <= 1e-4
    assert np.abs(run.result.boxes - wanted["boxes"]).max() <= 1e-4


def test_every_variable_is_used_and_every_operation_counted(run):
    assert [name for name in run.left if not UNUSED.search(name)] == []
    sizes = {name: int(np.prod(shape)) for name, shape, _dtype in run.golden.variables}
    unused = sum(sizes[name] for name in run.left if "moving_" not in name and name != "global_step")
    assert run.facts["parameters"] == run.golden.meta["params_trainable"] - unused
    assert run.facts["macs"] == run.golden.meta["macs"]


@pytest.mark.parametrize("kind", ["faster_rcnn_resnet50", "faster_rcnn_resnet50_keras"])
def test_attention_to_cropped_features_of_padded_images_is_built_in_both_forms(kind):
    anchors = GridAnchors(height=32, width=32, scales=(1.0,), aspect_ratios=(1.0,))
    model = FasterRcnn(
        classes=2,
        type=kind,
        resizer=ImageResizer(64, 64, keeps_aspect=True, pads=True),
        first_stage=FirstStage(anchors=anchors, depth=8, max_proposals=4),
        attention=Attention(slots=3, width=20, depth=16, before_second_stage=True),
    )
    asked = AskedWeights()
    graph = rebuild(RebuildPlan(model, "a test", random_seed=0), asked, DetectorOptions(input_size=(64, 64))).graph
    assert [one.kind for one in graph.contract.inputs] == ["image", "window", "bank"]
    assert graph.inputs[1:] == ("image_window", FEATURES, FILLED)
    result = "model/_context_feature_extract_fn/_feature_proj/projection/kernel"
    result = result if kind.endswith("keras") else "fully_connected/weights"
    assert asked.shapes[result] == (16, 1024)  # the channels of the map that regions are cropped from
