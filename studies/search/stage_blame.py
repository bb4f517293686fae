"""Where an int8 two-stage detector loses accuracy against the float model: by stage, each left float in turn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from detlite.accuracy.region_error import LOGITS, RegionError, region_error
from detlite.calibration.stages import stages
from detlite.convert.model import Model
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import Record
from detlite.studies.search.bench import Bench
from detlite.studies.search.trials import Trials


@dataclass(frozen=True)
class StageBlame:
    """What a stage costs.

    Attributes:
        stage: its title.
        operators: how many of its operators are integers in the int8 model.
        fidelity: of the model with this stage left float, in percent.
        error: of that model's regions.
    """

    stage: str
    operators: int
    fidelity: float
    error: RegionError

    def to_record(self) -> Record:
        """Return the fields as JSON carries them."""
        facts = {"stage": self.stage, "operators": self.operators, "fidelity": round(self.fidelity, 3)}
        return {**facts, "error": self.error.to_record()}


@dataclass(frozen=True)
class StageExplanation:
    """Where a two-stage detector loses accuracy.

    Attributes:
        fidelity: of the int8 model, in percent.
        error: of its regions.
        stages: each left float in turn, in the order of the network.
    """

    fidelity: float
    error: RegionError
    stages: tuple[StageBlame, ...]

    @property
    def verdict(self) -> str:
        """The stage that costs most, in one sentence."""
        worst = max(self.stages, key=_weight)
        if _weight(worst) <= _weight(self):
            return "No stage costs anything alone: leaving any of them float gains nothing."
        costs = "cost" if worst.stage.endswith("s") else "costs"
        return (
            f"The {worst.stage} {costs} most: left float, fidelity would change by "
            f"{worst.fidelity - self.fidelity:+.2f} points, {100 * worst.error.matched:.1f} % of the regions would be "
            f"the float model's instead of {100 * self.error.matched:.1f} %, and the rms error of their logits "
            f"{_logits(worst):.3g} instead of {_logits(self):.3g}."
        )

    def to_record(self) -> dict[str, Any]:
        """Return the fields as JSON carries them."""
        record = {"fidelity": round(self.fidelity, 3), "error": self.error.to_record(), "verdict": self.verdict}
        return {**record, "stages": [one.to_record() for one in self.stages]}


def _weight(one: StageBlame | StageExplanation) -> tuple[float, float, float]:
    """Return what models are ranked by, best last: fidelity, whose small changes are chance, and their regions."""
    return round(one.fidelity), round(one.error.matched, 2), -_logits(one)


def _logits(one: StageBlame | StageExplanation) -> float:
    """Return the error of the logits: infinite where no region is the float model's."""
    return one.error.rms.get(LOGITS, math.inf)


def explain_stages(trials: Trials, source: Model, bench: Bench, *, progress: Progress = silent) -> StageExplanation:
    """Return where the int8 model of *trials* loses accuracy against *source*, on the images of *bench*."""
    wanted = list(bench.heads(source))

    def judged(model: Model) -> tuple[float, RegionError]:
        predictions, heads = bench.results(model)
        error = region_error(source.contract, zip(wanted, heads, strict=True))
        return bench.agreement(predictions).fidelity, error

    network = trials.calibrated.network
    parts = {
        stage: [one.name for one in network.operators if one.name in names and one.name not in trials.floating]
        for stage, names in stages(network).items()
    }
    parts = {stage: names for stage, names in parts.items() if names}
    fidelity, error = judged(trials.model())
    found = []
    for number, (stage, names) in enumerate(parts.items(), 1):
        found.append(StageBlame(stage, len(names), *judged(trials.model(names))))
        progress("stages left float", number, len(parts))
    return StageExplanation(fidelity, error, tuple(found))
