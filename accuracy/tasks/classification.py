"""Classification: agreement is how often the best class is the reference's."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.accuracy.classification import Ranked, logit_snr, ranking_concordance
from detlite.accuracy.predictions import ScoredTask
from detlite.runtime.contract import Contract
from detlite.runtime.tasks.classification import Classification


def protocol(contract: Contract) -> Mapping[str, object]:
    """Return the settings that decide which class a score belongs to."""
    assert isinstance(contract.task, Classification)
    return {"label_offset": contract.task.label_offset}


PLUGIN = ScoredTask[Ranked](
    predictions=Ranked, agreement="top1", agree=ranking_concordance, protocol=protocol, snr=logit_snr
)
