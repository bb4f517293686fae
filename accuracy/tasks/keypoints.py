"""Keypoints: agreement is the OKS mAP of the keypoints, with the reference's as the truth."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.accuracy.detect import detection_protocol
from detlite.accuracy.fidelity import TRUTH_SCORE
from detlite.accuracy.keypoints import DetectedKeypoints, keypoint_concordance
from detlite.accuracy.predictions import ScoredTask
from detlite.runtime.contract import Contract
from detlite.runtime.tasks.keypoints import Keypoints


def protocol(contract: Contract) -> Mapping[str, object]:
    """Return the settings that decide which objects and keypoints there are."""
    assert isinstance(contract.task, Keypoints)
    return {
        **detection_protocol(contract.task.detection),
        "keypoint_score_threshold": contract.task.snapping.score_threshold,
    }


PLUGIN = ScoredTask[DetectedKeypoints](
    predictions=DetectedKeypoints,
    agreement="oks_map",
    agree=keypoint_concordance,
    protocol=protocol,
    agreement_protocol={"truth_score": TRUTH_SCORE},
)
