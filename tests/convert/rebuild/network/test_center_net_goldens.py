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


def assert_heads(golden: TwoStageGolden, session: Session, stage: int) -> None:
    heads = session.heads()
    wanted = {name: golden.arrays[f"box/{name}_{stage}"].reshape(-1, 2) for name in ("offset", "scale")}
    np.testing.assert_allclose(heads["box_encodings"][:, :2], wanted["offset"], atol=TOLERANCE)
    np.testing.assert_allclose(heads["box_encodings"][:, 2:], wanted["scale"], atol=TOLERANCE)
    centers = golden.arrays[f"object_center_{stage}"]
    chosen = golden.arrays.get(f"object_center_{stage}_channels", np.arange(centers.shape[-1]))
    np.testing.assert_allclose(heads["class_scores"][:, chosen], centers.reshape(-1, len(chosen)), atol=TOLERANCE)
