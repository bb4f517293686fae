"""Two-stage reference models of the original OD API, rebuilt from config and checkpoint."""

import json

import numpy as np
import pytest
from builders.command_line import Detlite
from builders.two_stage_goldens import TwoStageGolden

from detlite.convert.artifact import open_artifact
from detlite.runtime.session import Session

pytestmark = [pytest.mark.data, pytest.mark.slow]

NAMES = ("faster_rcnn_resnet50_small",)
TOLERANCE = 1.2e-4


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
    assert matched(golden, session)[1].max() <= 1e-5


def test_the_second_stage_says_of_each_proposal_what_the_original_says(converted):
    golden, _ran, session = converted
    rows, _far = matched(golden, session)
    wanted = golden.arrays["proposal_rows"]
    known = wanted < golden.proposals
    heads = session.heads()
    logits, codes = heads["class_scores"][rows[wanted[known]]], heads["box_encodings"][rows[wanted[known]]]
    assert np.abs(logits - golden.arrays["class_predictions_with_background"][known]).max() <= TOLERANCE
    first = golden.arrays["refined_box_encodings"][known]
    assert np.abs(codes.reshape(*codes.shape[:1], -1, 4)[:, : first.shape[1]] - first).max() <= TOLERANCE


def test_the_detections_are_the_original_ones(converted):
    golden, _ran, session = converted
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


def matched(golden, session):
    """The rows of the proposals that are the original's, in its order, and how far they are from those."""
    found = session.heads()["proposals"]
    wanted = golden.arrays["proposal_boxes_normalized"][: golden.proposals]
    far = np.abs(found[:, None] - wanted).max(axis=-1)
    return far.argmin(axis=0), far.min(axis=0)
