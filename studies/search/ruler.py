"""What budgets judge models by: a figure of a model, with its interval over the images that it was judged on.

A budget promises the end of the interval on the wrong side of the figure, not the figure itself. A further ruler is one
more function that returns a `Ruler`: budgets and the search know nothing else of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detlite.accuracy.bootstrap import SEED, interval_of
from detlite.convert.model import Model
from detlite.studies.search.bench import Bench

DRAWS = 200


@dataclass(frozen=True)
class FigureReading:
    """A figure of a model, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Ruler:
    """One way to judge a model.

    Attributes:
        name: the figure's: `fidelity`.
        unit: behind a number: ` %`.
        digits: of a number behind the point.
        higher_is_better: or lower.
        read: judges a model.
    """

    name: str
    unit: str
    higher_is_better: bool
    read: Callable[[Model], FigureReading]
    digits: int = 2


@dataclass(frozen=True)
class Budget:
    """A requirement: the figure of *ruler* must be at least *wanted*, or at most where lower is better."""

    ruler: Ruler
    wanted: float

    @property
    def text(self) -> str:
        """The requirement in words: `a fidelity of at least 97 %`."""
        way = "least" if self.ruler.higher_is_better else "most"
        return f"a {self.ruler.name} of at {way} {self.wanted:g}{self.ruler.unit}"

    def margin(self, reading: FigureReading) -> float:
        """Return by how much the promised end of the interval is better than required; negative if it is worse."""
        return reading.low - self.wanted if self.ruler.higher_is_better else self.wanted - reading.high

    def shown(self, reading: FigureReading) -> str:
        """Return the figure with its interval: `fidelity 97.31 % [96.50, 98.02]`."""
        value, low, high = (self._number(end) for end in (reading.value, reading.low, reading.high))
        return f"{self.ruler.name} {value}{self.ruler.unit} [{low}, {high}]"

    def promised(self, reading: FigureReading) -> str:
        """Return what holds on other images like these: `at least 96.50 %`."""
        if self.ruler.higher_is_better:
            return f"at least {self._number(reading.low)}{self.ruler.unit}"
        return f"at most {self._number(reading.high)}{self.ruler.unit}"

    def _number(self, value: float) -> str:
        return f"{value:.{self.ruler.digits}f}"


def fidelity_ruler(bench: Bench) -> Ruler:
    """Return the fidelity to the float model of *bench*, in percent, on its images."""
    weights = bench.draws(DRAWS)

    def read(model: Model) -> FigureReading:
        found = bench.fidelity(model)
        interval = interval_of(found.weighted(weights), SEED)
        return FigureReading(found.fidelity, interval.low, interval.high)

    return Ruler("fidelity", " %", higher_is_better=True, read=read)


def error_ruler(bench: Bench, head: str) -> Ruler:
    """Return the error of the raw outputs that records call *head*, `logits` or `boxes`, root mean square.

    Raises:
        InputError: the model has no such outputs.
    """
    weights = bench.draws(DRAWS)
    role = bench.role_called(head)

    def read(model: Model) -> FigureReading:
        found = bench.error(model).heads[role]
        interval = interval_of(found.rms_of_draws(weights), SEED)
        return FigureReading(found.rms, interval.low, interval.high)

    return Ruler(f"root mean square error of {head}", "", higher_is_better=False, read=read, digits=4)


def map_drop_ruler(bench: Bench) -> Ruler:
    """Return the loss of COCO mAP against the float model of *bench*, in points, both in the same draws."""
    weights = bench.draws(DRAWS)
    before = bench.map_of_draws(bench.reference, weights)

    def read(model: Model) -> FigureReading:
        found = bench.predicted(model)
        value = bench.map_drop(found)
        interval = interval_of(before - bench.map_of_draws(found, weights), SEED, value=value)
        return FigureReading(value, interval.low, interval.high)

    return Ruler("loss of mAP", " points", higher_is_better=False, read=read)
