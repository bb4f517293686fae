"""CenterNets of the original OD API with other tasks than boxes, rebuilt from config and checkpoint."""

from __future__ import annotations

import numpy as np
import pytest
from builders.two_stage_goldens import TwoStageGolden

from detlite.convert.artifact import open_artifact
from detlite.convert.child_calls import convert
from detlite.convert.options import DetectorOptions
from detlite.convert.requests import ConvertRequest, Given
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record
from detlite.runtime.session import Session

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.xdist_group("center_net_goldens")]

TOLERANCE = 6e-5


@pytest.fixture(scope="module")
def masked(tmp_path_factory, shared_data):
    """A DeepMAC on an hourglass of 10 layers, whose masks are computed by one of 52."""
    folder, golden = tmp_path_factory.mktemp("masked"), TwoStageGolden("tf2_deepmac_hourglass10")
    given = Given(config=golden.config, checkpoint=golden.write_checkpoint(folder))
    answer = convert(to_record(ConvertRequest(given, folder / "out", DetectorOptions(), "raw")), silent)
    session = Session(open_artifact(folder / "out"))
    return golden, answer, session, session.run(golden.image())


def test_boxes_on_an_hourglass_are_the_original_ones_in_a_padded_image(masked):
    golden, _answer, _session, found = masked
    assert found.detections.classes.tolist() == golden.arrays["out_detection_classes"][0].tolist()
    np.testing.assert_allclose(found.detections.scores, golden.arrays["out_detection_scores"][0], atol=1e-5)
    np.testing.assert_allclose(found.detections.boxes, golden.arrays["out_detection_boxes"][0], atol=1e-5)


def test_masks_are_the_original_ones(masked):
    golden, _answer, session, _found = masked
    np.testing.assert_allclose(session.heads()["masks"], golden.arrays["out_detection_masks"][0], atol=TOLERANCE)


def test_a_deepmac_has_the_parameters_and_multiplications_of_the_original(masked):
    golden, answer, _session, _found = masked
    step, parts = answer["history"][-1], golden.meta["macs_by_part"]
    generator = 3  # numbers of the state of a random generator, which the original counts too
    assert (step["parameters"] + generator, step["macs"]) == (golden.meta["params_trainable"], golden.meta["macs"])
    assert list(step["macs_by_stage"].values())[1] == parts["_mask_net"]
    assert not any("does not have" in line for line in answer["notices"])


@pytest.fixture(scope="module")
def posed(tmp_path_factory, shared_data):
    """A CenterNet with the 17 keypoints of persons."""
    folder, golden = tmp_path_factory.mktemp("posed"), TwoStageGolden("tf2_centernet_resnet50_v1_fpn_kpts")
    given = Given(config=golden.config, checkpoint=golden.write_checkpoint(folder))
    answer = convert(to_record(ConvertRequest(given, folder / "out", DetectorOptions(logits=True), "raw")), silent)
    session = Session(open_artifact(folder / "out"))
    return golden, answer, session, session.run(golden.image())


def test_the_heads_of_keypoints_are_the_original_ones(posed):
    golden, answer, session, _found = posed
    assert_heads(golden, session, 0)
    heads = session.heads()
    for role, name in (("scores", "heatmap"), ("regression", "regression"), ("offsets", "offset")):
        wanted = golden.arrays[f"human_pose/keypoint/{name}_0"]
        chosen = golden.arrays[f"human_pose/keypoint/{name}_0_channels"]
        found = heads[f"keypoint_{role}"][:, chosen]
        np.testing.assert_allclose(found, wanted.reshape(found.shape), atol=TOLERANCE)
    step = answer["history"][-1]
    assert (step["parameters"], step["macs"]) == (golden.meta["params_trainable"], golden.meta["macs"])
    assert not any("does not have" in line for line in answer["notices"])


def test_keypoints_are_the_original_ones(posed):
    golden, _answer, _session, found = posed
    wanted, scores = golden.arrays["out_detection_keypoints"][0], golden.arrays["out_detection_keypoint_scores"][0]
    np.testing.assert_allclose(found.detections.boxes, golden.arrays["out_detection_boxes"][0], atol=1e-5)
    np.testing.assert_allclose(found.points[..., :2], wanted, atol=1e-5)
    np.testing.assert_allclose(found.points[..., 2], scores, atol=1e-5)
    assert (np.abs(found.points[..., 2] - 0.1) > 1e-6).sum() == 11  # as many snap to a peak


def assert_heads(golden: TwoStageGolden, session: Session, stage: int) -> None:
    heads = session.heads()
    wanted = {name: golden.arrays[f"box/{name}_{stage}"].reshape(-1, 2) for name in ("offset", "scale")}
    np.testing.assert_allclose(heads["box_encodings"][:, :2], wanted["offset"], atol=TOLERANCE)
    np.testing.assert_allclose(heads["box_encodings"][:, 2:], wanted["scale"], atol=TOLERANCE)
    centers = golden.arrays[f"object_center_{stage}"]
    chosen = golden.arrays.get(f"object_center_{stage}_channels", np.arange(centers.shape[-1]))
    np.testing.assert_allclose(heads["class_scores"][:, chosen], centers.reshape(-1, len(chosen)), atol=TOLERANCE)
