"""Two-stage reference models of the original OD API, rebuilt from config and checkpoint."""

import json

import numpy as np
import pytest
from builders.command_line import Detlite
from builders.two_stage_goldens import TwoStageGolden

from detlite.convert.artifact import open_artifact
from detlite.runtime.session import Session

pytestmark = [pytest.mark.data, pytest.mark.slow]

NAMES = (
    "faster_rcnn_inception_v2",
    "faster_rcnn_resnet50_small",
    "rfcn_resnet101",
    "tf2_faster_rcnn_resnet50_v1",
)
TOLERANCE = 1.2e-4
PADDED = "tf2_faster_rcnn_resnet50_v1"
"""The original clips its proposals to the part of the input that is no padding, which a fixed graph does not know."""


@pytest.fixture(scope="module", params=NAMES)
def converted(request, tmp_path_factory, shared_data):
    """A reference model, the record of its conversion, and its heads on the reference's image."""
    folder = tmp_path_factory.mktemp(request.param)
    golden = TwoStageGolden(request.param)
    prefix = golden.write_checkpoint(folder)
    size = "x".join(map(str, golden.size))
    ran = Detlite(folder)(
        "convert", "--config", golden.config, "--checkpoint", prefix, "--input", size, "--scores", "logits",
        "-o", "out", "--json",
    )  # fmt: skip
    assert ran.status == 0, ran.err
    session = Session(open_artifact(folder / "out"))
    image = session.contract.image
    mean, std = np.array(image.mean, np.float32), np.array(image.std, np.float32)
    session.invoke((golden.input() - mean) / std)
    return golden, ran, session


def test_the_proposals_are_the_original_ones(converted):
    golden, _ran, session = converted
    far = matched(golden, session)[1]
    assert far[~clipped(golden)].max() <= 1e-5
    assert clipped(golden).any() == (golden.name == PADDED)


def test_the_second_stage_says_of_each_proposal_what_the_original_says(converted):
    golden, _ran, session = converted
    rows, _far = matched(golden, session)
    wanted = golden.arrays["proposal_rows"]
    known = wanted < golden.proposals
    known[known] &= ~(clipped(golden) | beyond(golden))[wanted[known]]
    assert known.sum() >= 0.5 * golden.proposals
    heads = session.heads()
    logits, codes = heads["class_scores"][rows[wanted[known]]], heads["box_encodings"][rows[wanted[known]]]
    assert np.abs(logits - golden.arrays["class_predictions_with_background"][known]).max() <= TOLERANCE
    first = golden.arrays["refined_box_encodings"][known]
    assert np.abs(codes.reshape(*codes.shape[:1], -1, 4)[:, : first.shape[1]] - first).max() <= TOLERANCE


def test_the_detections_are_the_original_ones(converted):
    golden, _ran, session = converted
    if clipped(golden).any() or beyond(golden).any():
        pytest.skip("some of its proposals are other boxes, or cropped otherwise")
    found = session.postprocess(session.heads())
    count = int(golden.arrays["out_num_detections"].ravel()[0])
    assert len(found.scores) == count
    assert (found.classes + 1).tolist() == golden.arrays["out_detection_classes"][0, :count].tolist()
    assert np.abs(found.scores - golden.arrays["out_detection_scores"][0, :count]).max() <= 1e-4
    assert np.abs(found.boxes - golden.arrays["out_detection_boxes"][0, :count]).max() <= 1e-4


def test_every_variable_is_used_and_every_operation_counted(converted):
    golden, ran, _session = converted
    step = json.loads(ran.out)["history"][-1]
    assert step["macs"] == golden.meta["macs"]
    assert sum(step["macs_by_stage"].values()) == golden.meta["macs"]
    assert "variables of the checkpoint" not in ran.err


def clipped(golden):
    """Which proposals the original clips at the edge of the image, inside the input."""
    rows, columns = golden.arrays["true_image_shapes"][0, :2]
    edges = np.array((rows, columns), np.float32) / golden.size
    high = golden.arrays["proposal_boxes_normalized"][: golden.proposals, 2:]
    return ((np.abs(high - edges) < 1e-6) & (edges < 1)).any(axis=1)


def beyond(golden):
    """Which proposals reach the last cell, and the original's rounding puts their last sample beyond it: to it 0."""
    if "rpn_features_to_crop_0_shape" not in golden.arrays or golden.name.startswith("rfcn"):
        return np.zeros(golden.proposals, np.bool_)
    boxes = golden.arrays["proposal_boxes_normalized"][: golden.proposals]
    last = golden.arrays["rpn_features_to_crop_0_shape"][1:3].astype(np.float32) - 1
    steps = np.float32(14 - 1)
    step = (boxes[:, 2:] - boxes[:, :2]) * last / steps
    return (boxes[:, :2] * last + steps * step > last).any(axis=1)


def matched(golden, session):
    """The rows of the proposals that are the original's, in its order, and how far they are from those."""
    found = session.heads()["proposals"]
    wanted = golden.arrays["proposal_boxes_normalized"][: golden.proposals]
    far = np.abs(found[:, None] - wanted).max(axis=-1)
    return far.argmin(axis=0), far.min(axis=0)
