"""Mask and Cascade R-CNN of the original TF-Vision as ONNX: what they find is the original's, number by number."""

from __future__ import annotations

import numpy as np
import pytest
from builders.tf_vision_models import TfVisionGolden

from detlite.convert.artifact import open_artifact
from detlite.convert.child_calls import convert
from detlite.convert.options import DetectorOptions
from detlite.convert.requests import ConvertRequest, Given
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record
from detlite.runtime.session import Session

pytestmark = [pytest.mark.data, pytest.mark.slow]

NAMES = ("maskrcnn_resnet50fpn", "cascadercnn_spinenet49")
MASKED = 30  # detections of which the original's masks are kept


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group("rcnn")) for name in NAMES])
def found(request, tmp_path_factory, shared_data):
    """A reference model, and what its .onnx finds in the original's picture; one at a time, for their memory."""
    folder = tmp_path_factory.mktemp(request.param)
    reference = TfVisionGolden(request.param)
    given = Given(config=reference.config, checkpoint=reference.write_checkpoint(folder))
    options = DetectorOptions(input_size=reference.size)
    convert(to_record(ConvertRequest(given, folder / "out", options, to="onnx")), silent)
    session = Session(open_artifact(folder / "out"))
    session.invoke(session.preprocess(reference.picture))
    return reference, session.heads()


def test_final_detections_are_the_original_ones_in_their_order(found):
    reference, heads = found
    arrays = reference.arrays
    count = int(arrays["final_num_detections"][0])
    assert heads["count"].tolist() == [count]
    assert count > 50
    assert heads["classes"][:count].tolist() == (arrays["final_detection_classes"][0, :count] - 1).tolist()
    np.testing.assert_allclose(heads["scores"][:count], arrays["final_detection_scores"][0, :count], atol=1e-4)
    pixels = heads["boxes"][:count] * np.tile(reference.size, 2)
    np.testing.assert_allclose(pixels, arrays["final_detection_boxes"][0, :count], atol=0.02)


def test_masks_are_the_original_ones(found):
    reference, heads = found
    np.testing.assert_allclose(heads["masks"][:MASKED], reference.arrays["final_detection_masks"][0], atol=1e-4)
