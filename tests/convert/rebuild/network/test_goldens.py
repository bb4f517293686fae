"""Every reference model of the original OD API, rebuilt from its config and its checkpoint."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from builders.golden_models import NAMES, Golden
from builders.processes import each_in_one_process

from detlite.convert.artifact import open_artifact
from detlite.convert.child_calls import convert
from detlite.convert.options import DetectorOptions
from detlite.convert.requests import ConvertRequest, Given
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record
from detlite.runtime.session import Session

pytestmark = [pytest.mark.data, pytest.mark.slow]

TOLERANCE = 6e-5
"""Of a float32 TFLite file, whose kernels add in another order than TensorFlow's; the graph itself is within 5e-5."""

FAKE_QUANT_TOLERANCE = 1e-1
"""Of SpaghettiNet, whose original rounds to 8 bits between its layers even as a float model."""

SIZE_AND_OFFSET = ("box|offset_0_0", "box|scale_0_0")


@pytest.fixture(scope="module", params=each_in_one_process(NAMES))
def golden(request, tmp_path_factory, shared_data):
    """A reference model, and its conversion with each kind of heads, which is made once."""
    folder = tmp_path_factory.mktemp(request.param)
    reference = Golden(request.param)
    prefix = reference.write_checkpoint(folder)

    @cache
    def converted(heads):
        out = folder / heads
        asked = DetectorOptions(input_size=reference.size, logits=heads == "raw")
        given = Given(config=reference.config, checkpoint=prefix)
        answer = convert(to_record(ConvertRequest(given, out, asked, heads)), silent)
        return answer, Session(open_artifact(out))

    return reference, converted


def heads_of(reference, session, number):
    """What the model finds in a reference image, normalized as the reference was: by one multiplication."""
    image = session.contract.image
    pixels = reference.arrays[f"image_{number}"].astype(np.float32)
    scale, shift = 1 / np.array(image.std), np.array(image.mean) / np.array(image.std)
    session.invoke((np.float32(scale) * pixels - np.float32(shift))[None])
    return session.heads()


def rounded_as_trained(reference):
    return reference.meta.get("quantised_graph") and "float_boxes_0" not in reference.arrays


def test_raw_heads_are_the_original_ones(golden):
    reference, converted = golden
    if "raw_boxes_0" not in reference.arrays:
        pytest.skip("a CenterNet, which has other heads: the next test")
    if rounded_as_trained(reference):
        pytest.skip("the original rounds as it was trained to: tested in exporters/test_qat.py")
    answer, session = converted("raw")
    tolerance = FAKE_QUANT_TOLERANCE if "spaghettinet" in reference.name else TOLERANCE
    names = ("float_boxes_", "float_logits_") if "float_boxes_0" in reference.arrays else ("raw_boxes_", "logits_")
    for number in (0, 1):
        wanted = [reference.arrays.get(f"{name}{number}") for name in names]
        if wanted[0] is not None:
            heads = heads_of(reference, session, number)
            for role, want in zip(("box_encodings", "class_scores"), wanted, strict=True):
                difference = np.abs(heads[role][reference.rows] - want)
                assert difference.max() <= tolerance, role
                assert difference.mean() <= tolerance / 6, role
    np.testing.assert_allclose(session.contract.task.anchors, reference.arrays["anchors"], atol=1e-6)
    assert answer["history"][-1]["macs"] == reference.meta["macs"]


def test_the_heads_of_a_center_net_are_the_original_ones(golden):
    reference, converted = golden
    if "object_center_0_0" not in reference.arrays:
        pytest.skip("no CenterNet")
    _answer, session = converted("raw")
    heads = heads_of(reference, session, 0)
    centers = reference.arrays["object_center_0_0"]
    boxes = np.concatenate([reference.arrays[name] for name in SIZE_AND_OFFSET], axis=-1)
    np.testing.assert_allclose(heads["class_scores"].reshape(centers.shape), centers, atol=TOLERANCE)
    np.testing.assert_allclose(heads["box_encodings"].reshape(boxes.shape), boxes, atol=TOLERANCE)


def test_detections_are_those_of_the_original_tflite(golden):
    reference, converted = golden
    wanted = detections_of(reference, 0)
    if wanted is None:
        pytest.skip("the original API has no TFLite file of it")
    if rounded_as_trained(reference):
        pytest.skip("the original's file rounds as it was trained to")
    center_net = "object_center_0_0" in reference.arrays
    _answer, session = converted("raw" if center_net else "postprocess")
    for number in [n for n in (0, 1) if f"image_{n}" in reference.arrays]:
        boxes, classes, scores = detections_of(reference, number)
        found = session.postprocess(heads_of(reference, session, number))
        tolerance = 2e-2 if "spaghettinet" in reference.name else 1e-4
        assert found.classes[:10].tolist() == classes.tolist()
        np.testing.assert_allclose(found.boxes[:10], boxes, atol=tolerance)
        np.testing.assert_allclose(found.scores[:10], scores, atol=tolerance)


def detections_of(reference, number):
    """The boxes, classes and scores of the original API's TFLite file on an image; None where there are none."""
    arrays = reference.arrays
    if f"det_boxes_{number}" in arrays:
        return tuple(arrays[f"det_{name}_{number}"][0] for name in ("boxes", "classes", "scores"))
    places = [arrays.get(f"det_StatefulPartitionedCall_{place}_{number}") for place in (0, 1, 2, 3)]
    if any(place is None for place in places):
        return None
    boxes = next(place[0] for place in places if place.shape == (1, 10, 4))
    rows = [place[0] for place in places if place.shape == (1, 10)]
    scores = next(row for row in rows if (np.diff(row) <= 0).all() and row.max() <= 1)
    classes = next(row for row in rows if row is not scores)
    return boxes, classes, scores


def test_every_variable_of_the_checkpoint_is_used_or_explained(golden):
    reference, converted = golden
    answer, _session = converted("raw")
    unused = [line for line in answer["notices"] if "does not have" in line]
    behind = {"ssd_mobilenet_v1_ppn": "Conv2d_12_depthwise", "tf2_efficientdet_d0": "classification_backbone"}
    if reference.name in behind:
        assert behind[reference.name] in unused[0]
    else:
        assert unused == []
