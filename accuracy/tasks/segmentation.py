"""Segmentation: agreement is the mean IoU, with the reference's classes as the truth."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.accuracy.predictions import ScoredTask
from detlite.accuracy.segmentation import Segmented, segmentation_concordance
from detlite.runtime.contract import Contract
from detlite.runtime.tasks.segmentation import Segmentation


def protocol(contract: Contract) -> Mapping[str, object]:
    """Return how scores grow to the image's size."""
    assert isinstance(contract.task, Segmentation)
    return {"map_resize": contract.task.resize}


PLUGIN = ScoredTask[Segmented](
    predictions=Segmented, agreement="miou", agree=segmentation_concordance, protocol=protocol
)
