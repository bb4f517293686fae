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

pytestmark = [pytest.mark.data, pytest.mark.slow]

TOLERANCE = 6e-5


@pytest.fixture(scope="module")
def hourglass(tmp_path_factory, shared_data):
    """An hourglass of 10 layers: the reference with masks, without its task of masks."""
    folder, golden = tmp_path_factory.mktemp("hourglass"), TwoStageGolden("tf2_deepmac_hourglass10")
    text = golden.config.read_text()
    end = text.index("  }\n}\ntrain_config")
    config = folder / "pipeline.config"
    config.write_text(text[: text.index("    deepmac_mask_estimation")] + text[end:])
    given = Given(config=config, checkpoint=golden.write_checkpoint(folder))
    request = ConvertRequest(given, folder / "out", DetectorOptions(logits=True), "raw")
    answer = convert(to_record(request), silent)
    session = Session(open_artifact(folder / "out"))
    return golden, answer["history"][-1], session, session.run(golden.image())


def test_the_heads_of_an_hourglass_are_the_original_ones(hourglass):
    golden, _step, session, _found = hourglass
    assert_heads(golden, session, 0)


def test_an_image_is_padded_as_the_original_pads_it(hourglass):
    golden, _step, _session, found = hourglass
    assert found.classes.tolist() == golden.arrays["out_detection_classes"][0].tolist()
    np.testing.assert_allclose(found.scores, golden.arrays["out_detection_scores"][0], atol=1e-5)
    np.testing.assert_allclose(found.boxes, golden.arrays["out_detection_boxes"][0], atol=1e-5)


def test_an_hourglass_multiplies_as_often_as_the_original(hourglass):
    golden, step, _session, _found = hourglass
    parts = golden.meta["macs_by_part"]
    embeddings = 32 * 32 * (2 * 3 * 64 * 256 + 256 * (32 + 16))
    assert step["macs"] == parts["_feature_extractor"] + parts["_prediction_head_dict"] - embeddings


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
