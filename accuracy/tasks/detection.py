"""Detection: agreement is the mAP of the detections, with the reference's as the truth."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.accuracy.detect import Detected, detection_protocol
from detlite.accuracy.fidelity import TRUTH_SCORE, detection_concordance
from detlite.accuracy.predictions import ScoredTask
from detlite.runtime.contract import Contract
from detlite.runtime.tasks.detection import detection_of


def protocol(contract: Contract) -> Mapping[str, object]:
    """Return the settings that decide which detections there are."""
    return detection_protocol(detection_of(contract))


PLUGIN = ScoredTask[Detected](
    predictions=Detected,
    agreement="map",
    agree=detection_concordance,
    protocol=protocol,
    agreement_protocol={"truth_score": TRUTH_SCORE},
)
