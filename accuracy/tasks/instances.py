"""Instance segmentation: agreement is the mAP of the masks, with the reference's as the truth."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.accuracy.detect import detection_protocol
from detlite.accuracy.fidelity import TRUTH_SCORE, detection_concordance
from detlite.accuracy.instances import DetectedMasks
from detlite.accuracy.predictions import ScoredTask
from detlite.runtime.contract import Contract
from detlite.runtime.tasks.instances import Instances


def protocol(contract: Contract) -> Mapping[str, object]:
    """Return the settings that decide which instances there are."""
    assert isinstance(contract.task, Instances)
    return {**detection_protocol(contract.task.detection), "mask_threshold": contract.task.threshold}


PLUGIN = ScoredTask[DetectedMasks](
    predictions=DetectedMasks,
    agreement="mask_map",
    agree=detection_concordance,
    protocol=protocol,
    agreement_protocol={"truth_score": TRUTH_SCORE},
)
