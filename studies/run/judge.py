"""The verdict on a run: what was asked of the int8 model, what it reached, and what makes the figures less sure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from detlite.accuracy.gates import few_images
from detlite.runtime.counts import counted, plural
from detlite.runtime.measure.in_turn import against
from detlite.studies.report.headline import number_text
from detlite.studies.report.report import GateRow, Speed
from detlite.studies.run.parity import differences_text
from detlite.studies.run.run import Results

MIN_FIDELITY, MIN_MAP_RATIO = 90.0, 90.0
"""Percent. All working int8 variants measured are over 85 in fidelity; broken ones are under 50, most at 0."""

FEWEST_CALIBRATED = 8  # one image of COCO gives a fidelity of 93.7 to 97.3, eight give 96.0 to 97.3

Record = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What is asked of the int8 model, in percent.

    Attributes:
        min_fidelity: of its fidelity to the float model.
        min_map_ratio: of its COCO mAP, as a share of the float model's; it is not asked without labels.
    """

    min_fidelity: float = MIN_FIDELITY
    min_map_ratio: float = MIN_MAP_RATIO


@dataclass(frozen=True)
class JudgedGate:
    """A figure in percent that had to be at least *wanted*.

    Attributes:
        gate: the option's name.
        name: the figure's.
        wanted: what was asked.
        came: what was reached; None if there is no such figure.
        interval: the 95 % interval of *came*; None if it is not known.
    """

    gate: str
    name: str
    wanted: float
    came: float | None
    interval: tuple[float, float] | None

    @property
    def passed(self) -> bool:
        """Whether it was reached."""
        return self.came is not None and self.came >= self.wanted

    @property
    def is_sure(self) -> bool:
        """Whether the whole interval is on the side of the verdict."""
        if self.interval is None:
            return False
        low, high = self.interval
        return low >= self.wanted if self.passed else high < self.wanted

    @property
    def reached(self) -> str:
        """The figure with its interval."""
        if self.came is None:
            return "unknown: the float model's own is 0"
        return number_text(self.came, *(self.interval or (None, None)), unit=" %")

    def to_record(self) -> Record:
        """Return it as JSON can carry it."""
        interval = None if self.interval is None else list(self.interval)
        names = ("gate", "wanted", "came", "passed")
        return {**{name: getattr(self, name) for name in names}, "interval": interval}


@dataclass(frozen=True)
class Judgement:
    """The verdict on a run.

    Attributes:
        gates: what was asked.
        parity: whether the float model computes the same as the graph, as a row for the page; None without a graph.
        name: of the quantized model.
        cautions: one sentence each.
        speed: of int8 against float32; None if it cannot be judged.
    """

    gates: tuple[JudgedGate, ...]
    parity: GateRow | None
    cautions: tuple[str, ...]
    speed: Speed | None
    name: str = "int8"

    @property
    def passed(self) -> bool:
        """Whether everything that was asked was reached."""
        return (self.parity is None or self.parity.passed) and all(gate.passed for gate in self.gates)

    @property
    def status(self) -> str:
        """The status of the report."""
        return "fail" if not self.passed else "caution" if self.cautions else "pass"

    @property
    def rows(self) -> tuple[GateRow, ...]:
        """The gates for the page."""
        texts = ((gate.name, f"at least {gate.wanted:g} %", gate.reached, gate.passed) for gate in self.gates)
        return (*(() if self.parity is None else (self.parity,)), *(GateRow(*text) for text in texts))

    @property
    def verdict(self) -> str:
        """The result in one sentence or two."""
        if self.parity is not None and not self.parity.passed:
            return f"The float model does not match the graph: it differs in {self.parity.reached}. Do not use it."
        figures = "; ".join(f"{gate.name} is {gate.reached}, asked is at least {gate.wanted:g}" for gate in self.gates)
        verdict = "reaches what was asked" if self.passed else "does not reach what was asked"
        return f"The {self.name} model {verdict}: {figures}. {self._speed}"

    @property
    def _speed(self) -> str:
        if self.speed is None:
            return "Its speed is not judged."
        low, high = self.speed.low, self.speed.high
        return f"It takes {self.speed.ratio:.2f} [{low:.2f}, {high:.2f}] of the float model's time."


def judge(results: Results, wanted: Wanted) -> Judgement:
    """Return the verdict on *results*."""
    gates = tuple(_gates(results, wanted))
    return Judgement(gates, _parity(results), tuple(_cautions(results, gates)), _speed(results), results.name)


def _gates(results: Results, wanted: Wanted) -> Iterator[JudgedGate]:
    fidelity = results.scores["fidelity"]
    yield JudgedGate("min_fidelity", "fidelity", wanted.min_fidelity, fidelity["value"], _ends(fidelity["interval"]))
    if coco := results.scores["coco"]:
        name = "COCO mAP over the float model's"
        ratio, interval = coco["ratio_percent"], _ends(coco["ratio_percent_interval"])
        yield JudgedGate("min_map_ratio", name, wanted.min_map_ratio, ratio, interval)


def _ends(interval: Record | None) -> tuple[float, float] | None:
    return None if interval is None else (interval["low"], interval["high"])


def _parity(results: Results) -> GateRow | None:
    found = results.parity
    if found is None:
        return None
    differences, asked = differences_text(found), f"at most {found['tolerance']:g}"
    return GateRow("float32, against the graph", asked, differences, bool(found["passed"]))


def _cautions(results: Results, gates: tuple[JudgedGate, ...]) -> Iterator[str]:
    yield from results.images.cautions
    yield from few_images(results.scores["fidelity"]["images"], results.images.unit)
    left_out = (*results.scores.get("unread", ()), *results.quantized.history[-1].get("unread_videos", ()))
    yield from (f"left out: {reason}" for reason in dict.fromkeys(left_out))
    for gate in gates:
        if gate.came is not None and not gate.is_sure:
            verdict = "reached" if gate.passed else "missed"
            others = plural(results.images.unit)
            yield f"{gate.name} {gate.reached}: on other {others} {gate.wanted:g} % may not be {verdict}"
    yield from _few_calibrated(results)
    for name, found in zip(results.names, results.measurements, strict=True):
        yield from (f"latency of {name} is INVALID: {reason}" for reason in found.reasons)
    yield from dict.fromkeys(caution for found in results.measurements for caution in found.cautions)


def _few_calibrated(results: Results) -> Iterator[str]:
    if results.images.footage is not None:
        return
    count = len(results.images.calibration.paths)
    if 0 < count < FEWEST_CALIBRATED:
        yield f"calibrated with {counted(count, 'image')}: fewer than {FEWEST_CALIBRATED} leave the ranges to chance"


def _speed(results: Results) -> Speed | None:
    """Return the ratio of the medians; None if a measurement may not be quoted, or the two were not taken in turn."""
    float32, int8 = results.measurements
    if float32.reasons or int8.reasons or int8.protocol is None or int8.protocol.models_in_turn < len(results.names):
        return None
    found = against(int8, float32).against
    assert found is not None
    assert found.invoke_p50_ratio is not None
    assert found.invoke_p50_ratio_interval is not None
    return Speed(found.invoke_p50_ratio, *found.invoke_p50_ratio_interval)
