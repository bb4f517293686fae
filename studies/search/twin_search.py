"""Twin channels under a budget: the fewest multiply-adds, all in int8, that make a model good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detlite.calibration.models import QuantizedModel
from detlite.calibration.weights.twin_choice import by_cost, check_half_steps, known_units, twin_models, with_facts
from detlite.calibration.weights.twins import MultiplyAdds, TwinModels, TwinUnit
from detlite.convert.model import Model
from detlite.runtime.errors import FindingError
from detlite.runtime.progress import Progress, silent
from detlite.studies.search.budgeted import Budgeted
from detlite.studies.search.fewest import fewest
from detlite.studies.search.ruler import Budget, FigureReading
from detlite.studies.search.trials import Trials


@dataclass(frozen=True, eq=False)
class TwinResult:
    """The result of the search.

    Attributes:
        made: the int8 model.
        tensors: the names of the activations with twin channels; empty if plain int8 is good enough.
        macs_ratio: its multiply-adds, as a multiple of the plain model's.
        margin: by how much what is promised of the model is better than required.
        readings: the figure of each budget, in their order.
        trials: number of scored models.
    """

    made: QuantizedModel
    tensors: tuple[str, ...]
    macs_ratio: float
    margin: float
    readings: tuple[FigureReading, ...]
    trials: int


def fewest_twins(
    trials: Trials, budgets: Sequence[Budget], max_macs: float, *, progress: Progress = silent
) -> TwinResult:
    """Return the int8 model of *trials* with few twin channels that meets all *budgets*.

    Bisection finds how many are enough of those with most error for their multiply-adds.

    Raises:
        InputError: the method has no twin channels, or no tensor can have them.
        FindingError: those within *max_macs* are not enough; the text says how close it came.
    """
    check_half_steps(trials.method, trials.calibrated.source)
    search = _Search(trials)
    judged = Budgeted(search.model, budgets, progress)
    count = 0
    if judged.margin(0) < 0:
        search.rank(max_macs, progress)
        found = fewest(len(search.ranked), lambda number: judged.margin(number) >= 0)
        if found is None:
            best = judged.best()
            raise FindingError(
                f"{judged.wanted} is out of reach: the best is {judged.shown(best)}, with twin channels for "
                f"{search.ratio(best):.2f} times the multiply-adds, and at most {max_macs:g} times are tried; ask for "
                "less, allow more (--max-macs), or judge on more images (--validation)"
            )
        count = found
    names = trials.calibrated.network.names
    return TwinResult(
        made=search.made(count),
        tensors=tuple(names[index] for index in search.tensors(count)),
        macs_ratio=search.ratio(count),
        margin=judged.margin(count),
        readings=judged.readings(count),
        trials=judged.count,
    )


class _Search:
    """The models of a search, by the number of units with twin channels.

    Attributes:
        ranked: the units, the first ones first; none before `rank`.
    """

    def __init__(self, trials: Trials) -> None:
        self._trials = trials
        self.ranked: list[TwinUnit] = []
        self._models: TwinModels | None = None

    def rank(self, max_macs: float, progress: Progress) -> None:
        """Choose the units within *max_macs*; errors as `known_units`."""
        calibrated = self._trials.calibrated
        self.ranked = by_cost(calibrated, known_units(calibrated), max_macs, self._trials.noise_of, progress)
        self._models = twin_models(calibrated, self._trials.method, self.ranked)

    def made(self, count: int) -> QuantizedModel:
        """Return the int8 model with the first *count* units."""
        if not count:
            return self._trials.made()
        assert self._models is not None
        return with_facts(self._models, self.ranked[:count])

    def model(self, count: int) -> Model:
        """Return `made` with raw int8 heads and its contract."""
        return self._trials.as_model(self.made(count))

    def tensors(self, count: int) -> tuple[int, ...]:
        """Return the activations of the first *count* units."""
        return tuple(index for unit in self.ranked[:count] for index in unit)

    def ratio(self, count: int) -> float:
        """Return the multiply-adds of `made`, as a multiple of the plain model's."""
        return MultiplyAdds(self._trials.calibrated.network).ratio(set(self.tensors(count)))
