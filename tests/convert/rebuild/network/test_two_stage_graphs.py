"""Two-stage reference models of the original OD API, rebuilt and run by TensorFlow: detections, masks, parameters."""

import re

import numpy as np
import pytest
from builders.golden_graphs import run_golden
from builders.processes import each_in_one_process

from detlite.runtime.tasks.detection import Detections
from detlite.runtime.tasks.instances import InstanceMasks

pytestmark = [pytest.mark.data, pytest.mark.slow]

NAMES = (
    "mask_rcnn_resnet50_atrous",
    "tf2_mask_rcnn_inception_resnet_v2",
    "faster_rcnn_nas",
    "tf2_faster_rcnn_resnet50_v1",  # its images are padded
)
UNUSED = re.compile(r"^global_step$|^FirstStageFeatureExtractor/[^/]+/block4/")
"""The original builds the last block for the whole image, too, and never uses it."""

DILATED = "mask_rcnn_resnet50_atrous"
PADDING = 20 * (9 * 1024 * 512 + 6 * 9 * 256 * 256 + 3 * 9 * 512 * 512)
"""What TensorFlow 1 computes besides, of a map of 20 x 27 cells.

It pads the map of a dilated 3 x 3 convolution to whole blocks, here by 20 cells: that of the proposals, six of block 3,
and three of the last block, which nothing reads and whose other work the reference's count leaves out.
"""


@pytest.fixture(scope="module", params=each_in_one_process(NAMES))
def run(request, shared_data):
    """The reference model on its image."""
    return run_golden(request.param)


def test_the_detections_are_the_original_ones(run):
    prefix = "out_detection" if "out_detection_boxes" in run.golden.arrays else "detection"
    wanted = {name: run.golden.arrays[f"{prefix}_{name}"][0] for name in ("classes", "scores", "boxes")}
    found = run.result.detections if isinstance(run.result, InstanceMasks) else run.result
    assert isinstance(found, Detections)
    assert (found.classes + run.golden.first_class).tolist() == wanted["classes"].tolist()
    assert np.abs(found.scores - wanted["scores"]).max() <= 1e-4
    assert np.abs(found.boxes - wanted["boxes"]).max() <= 1e-4


def test_the_masks_are_the_original_ones(run):
    if not isinstance(run.result, InstanceMasks):
        pytest.skip("it finds boxes alone")
    wanted = run.golden.arrays["out_detection_masks"][0]
    assert run.heads["masks"].shape[1:] == wanted.shape[1:]
    assert np.abs(run.heads["masks"][: len(wanted)] - wanted).max() <= 1e-3


def test_every_variable_is_used_and_every_operation_counted(run):
    assert [name for name in run.left if not UNUSED.search(name)] == []
    if run.golden.name != DILATED:
        assert run.facts["parameters"] == run.golden.meta["params_trainable"]
        assert run.facts["macs"] == run.golden.meta["macs"]
        return
    scopes, stages = run.golden.meta["macs_by_scope"], run.facts["macs_by_stage"]
    first = ("FirstStageFeatureExtractor", "Conv", "FirstStageBoxPredictor")
    assert stages["for the whole image"] + PADDING == sum(scopes[name] for name in first)
    second, third = ([f"SecondStageFeatureExtractor{end}", f"SecondStageBoxPredictor{end}"] for end in ("", "_1"))
    assert stages["for 16 proposals"] == sum(scopes[name] for name in second)
    assert stages["for the masks of 12 detections"] == sum(scopes[name] for name in third)
