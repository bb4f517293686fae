"""Why a checkpoint does not fit a two-stage detector: the likely reason, in words."""

import pytest

from detlite.convert.rebuild.weights.mismatch import Mismatch, likely_reason

FIRST, SECOND = "FirstStageFeatureExtractor/resnet_v1_50/conv1/weights", "SecondStageFeatureExtractor/resnet_v1_50/x"
CLASSES, BOXES = (f"SecondStageBoxPredictor/{name}/weights" for name in ("ClassPredictor", "BoxEncodingPredictor"))
MASK = "SecondStageBoxPredictor/Conv_1/weights"
TWO_STAGES = {FIRST: (7, 7, 3, 64), SECOND: (1,), CLASSES: (2048, 91), BOXES: (2048, 360)}
SSD = {"FeatureExtractor/MobilenetV1/Conv2d_0/weights": (3, 3, 3, 32)}
KERAS = "model/_feature_extractor_for_proposal_features/layer_with_weights-0/kernel"


@pytest.mark.parametrize(
    ("mismatches", "shapes", "reason"),
    [
        (
            [Mismatch(CLASSES, (2048, 4), (2048, 91)), Mismatch(BOXES, (2048, 12), (2048, 360))],
            TWO_STAGES,
            "its class scores have 91 columns; num_classes in the config requires 4",
        ),
        (
            [Mismatch(MASK, (3, 3, 256, 256), None)],
            TWO_STAGES,
            "it was trained without masks: number_of_stages in its own config is less than 3",
        ),
        (
            [Mismatch(SECOND, (1,), None), Mismatch(CLASSES, (2048, 91), None)],
            {FIRST: (7, 7, 3, 64)},
            "it was trained for proposals alone: number_of_stages in its own config is less than 2",
        ),
        (
            [Mismatch(FIRST, (7, 7, 3, 64), None), Mismatch(SECOND, (1,), None)],
            SSD,
            "it was trained with MobilenetV1; the config asks for resnet_v1_50",
        ),
        (
            [Mismatch(FIRST, (7, 7, 3, 64), None)],
            {KERAS: (7, 7, 3, 64)},
            "the checkpoint is from TF2, but the config's feature extractor is from TF1: TF2 types end in _keras",
        ),
        (
            [Mismatch(KERAS, (7, 7, 3, 64), None)],
            TWO_STAGES,
            "the checkpoint is from TF1, but the config's feature extractor is from TF2",
        ),
    ],
)
def test_the_reason_is_likely(mismatches, shapes, reason):
    assert likely_reason(mismatches, shapes) == reason
