"""Two-stage reference models of the original OD API, rebuilt from config and checkpoint."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from builders.command_line import Detlite
from builders.processes import each_in_one_process
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
NEAR = 1e-5
"""Of proposals, 0..1."""

TIED = "tf2_faster_rcnn_resnet50_v1"
"""The last of its proposals is one of many whose objectness is nearly 1: in LiteRT it is another. In TensorFlow all are
the original's, see `test_two_stage_graphs`."""


class Converted(NamedTuple):
    """What `detlite convert` wrote to stdout and stderr, and the folder that it ran in."""

    out: str
    err: str
    folder: Path


@pytest.fixture(scope="module", params=each_in_one_process(NAMES))
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
    session.run(golden.image())
    return golden, Converted(ran.out, ran.err, folder), session


def test_the_proposals_are_the_original_ones(converted):
    golden, _ran, session = converted
    others = (matched(golden, session)[1] > NEAR).sum()
    assert others <= (1 if golden.name == TIED else 0)


def test_the_second_stage_says_of_each_proposal_what_the_original_says(converted):
    golden, _ran, session = converted
    rows, far = matched(golden, session)
    wanted = golden.arrays.get("proposal_rows", np.arange(golden.proposals))
    known = wanted < golden.proposals
    known[known] &= ((far <= NEAR) & ~beyond(golden))[wanted[known]]
    assert known.sum() >= 0.9 * golden.proposals
    heads = session.heads()
    logits, codes = heads["class_scores"][rows[wanted[known]]], heads["box_encodings"][rows[wanted[known]]]
    assert np.abs(logits - golden.arrays["class_predictions_with_background"][known]).max() <= TOLERANCE
    first = golden.arrays["refined_box_encodings"][known]
    assert np.abs(codes.reshape(*codes.shape[:1], -1, 4)[:, : first.shape[1]] - first).max() <= TOLERANCE


def test_the_detections_are_the_original_ones(converted):
    golden, _ran, session = converted
    if beyond(golden).any() or golden.name == TIED:
        pytest.skip("one of its proposals is another box, or cropped otherwise")
    found = session.postprocess(session.heads(), golden.image().shape[:2])
    count = int(golden.arrays["out_num_detections"].ravel()[0])
    wanted = {name: golden.arrays[f"out_detection_{name}"][0, :count] for name in ("classes", "scores", "boxes")}
    assert len(found.scores) == count
    assert (found.classes + golden.first_class).tolist() == wanted["classes"].tolist()
    assert np.abs(found.scores - wanted["scores"]).max() <= 1e-4
    assert np.abs(found.boxes - wanted["boxes"]).max() <= 1e-4


def test_every_variable_is_used_and_every_operation_counted(converted):
    golden, ran, _session = converted
    step = json.loads(ran.out)["history"][-1]
    assert step["macs"] == golden.meta["macs"]
    assert sum(step["macs_by_stage"].values()) == golden.meta["macs"]
    assert "variables of the checkpoint" not in ran.err


def test_the_onnx_file_finds_what_the_tflite_file_finds(converted):
    golden, ran, session = converted
    for opset in (11, 13, 17) if golden.name == NAMES[0] else (13,):
        arguments = ("export", "out", "--to", "onnx", "--opset", opset, "-o", f"onnx{opset}")
        assert Detlite(ran.folder)(*arguments).status == 0
    other = Session(open_artifact(ran.folder / "onnx13"))
    other.run(golden.image())
    session.run(golden.image())
    found, wanted = other.heads(), session.heads()
    far = np.abs(wanted["proposals"][:, None] - found["proposals"]).max(axis=-1)
    alike = far.min(axis=1) <= NEAR  # the last of many whose objectness is 1 may be another
    assert (~alike).sum() <= 1
    for head in ("class_scores", "box_encodings"):
        np.testing.assert_allclose(found[head][far.argmin(axis=1)][alike], wanted[head][alike], atol=2e-4)


def test_weights_alone_are_packed(converted):
    _golden, ran, _session = converted
    assert Detlite(ran.folder)("quantize", "out", "-o", "packed", "--scheme", "dynamic").status == 0
    sizes = [open_artifact(ran.folder / name).model.stat().st_size for name in ("packed", "out")]
    assert sizes[0] < 0.4 * sizes[1]


def test_what_its_boxes_do_not_allow_is_refused(converted):
    _golden, ran, _session = converted
    detlite = Detlite(ran.folder)
    added = detlite("postprocess", "out", "--add", "-o", "op")
    assert (added.status, "has proposals and a box for each class: keep its raw heads" in added.err) == (2, True)
    assert json.loads(detlite("inspect", "out", "--json").out)["is"].startswith(
        "a two-stage detector with 24 proposals"
    )


def beyond(golden):
    """Which proposals reach the last cell, and the original's rounding puts their last sample beyond it: to it 0."""
    if "rpn_features_to_crop_0_shape" not in golden.arrays or golden.name.startswith("rfcn"):
        return np.zeros(golden.proposals, np.bool_)
    boxes = golden.proposal_boxes
    last = golden.arrays["rpn_features_to_crop_0_shape"][1:3].astype(np.float32) - 1
    steps = np.float32(14 - 1)
    step = (boxes[:, 2:] - boxes[:, :2]) * last / steps
    return (boxes[:, :2] * last + steps * step > last).any(axis=1)


def matched(golden, session):
    """The rows of the proposals that are the original's, in its order, and how far they are from those."""
    found = session.heads()["proposals"]
    wanted = golden.proposal_boxes
    far = np.abs(found[:, None] - wanted).max(axis=-1)
    return far.argmin(axis=0), far.min(axis=0)
