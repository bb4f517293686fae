"""Mask R-CNNs of the original OD API, rebuilt from config and checkpoint: detections and their masks."""

import json

import numpy as np
import pytest
from builders.command_line import Detlite
from builders.two_stage_goldens import TwoStageGolden

from detlite.convert.artifact import open_artifact
from detlite.runtime.session import Session

pytestmark = [pytest.mark.data, pytest.mark.slow]

MASKS_STAGE = "for the masks of 12 detections"


@pytest.fixture(scope="module")
def converted(tmp_path_factory, shared_data):
    """The reference model, the record of its conversion, and where it was written."""
    golden, folder = TwoStageGolden("mask_rcnn_resnet50_atrous"), tmp_path_factory.mktemp("masks")
    prefix = golden.write_checkpoint(folder)
    ran = Detlite(folder)(
        "convert", "--config", golden.config, "--checkpoint", prefix, "--input", "160x213", "-o", "out", "--json"
    )  # fmt: skip
    assert ran.status == 0, ran.err
    return golden, ran, folder


def check(golden, artifact):
    found = Session(open_artifact(artifact)).run(golden.image())
    wanted = {name: golden.arrays[f"out_detection_{name}"][0] for name in ("classes", "scores", "boxes", "masks")}
    assert (found.detections.classes + 1).tolist() == wanted["classes"].tolist()
    assert np.abs(found.detections.scores - wanted["scores"]).max() <= 1e-4
    assert np.abs(found.detections.boxes - wanted["boxes"]).max() <= 1e-4
    assert found.masks.shape == (12, 33, 33)
    assert np.abs(found.masks[:8] - wanted["masks"]).max() <= 1e-3


def test_the_detections_and_their_masks_are_the_original_ones(converted):
    golden, _ran, folder = converted
    check(golden, folder / "out")


def test_the_onnx_file_has_the_same_masks(converted):
    golden, _ran, folder = converted
    ran = Detlite(folder)("export", "out", "--to", "onnx", "-o", "onnx")
    assert ran.status == 0, ran.err
    check(golden, folder / "onnx")


def test_every_variable_is_used_and_every_operation_counted(converted):
    golden, ran, _folder = converted
    step, scopes = json.loads(ran.out)["history"][-1], golden.meta["macs_by_scope"]
    assert "variables of the checkpoint" not in ran.err
    stages = step["macs_by_stage"]
    assert stages[MASKS_STAGE] == scopes["SecondStageFeatureExtractor_1"] + scopes["SecondStageBoxPredictor_1"]
    assert stages["for 16 proposals"] == scopes["SecondStageFeatureExtractor"] + scopes["SecondStageBoxPredictor"]
