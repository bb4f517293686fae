"""The cells of a study with their figures: what was measured and scored, and what failed and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detlite.accuracy.metric import load_metric
from detlite.runtime.arrays import Doubles
from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import parse_json
from detlite.studies.store.entry import ResultRecord
from detlite.studies.store.store import Store
from detlite.studies.sweep.graph import EVALUATE, MEASURE
from detlite.studies.sweep.saved_cells import SavedCell, SavedPlan

LATENCIES = ("latency_p90", "latency_p50", "invoke_p50")
"""What is plotted, the first that a measurement has."""


@dataclass(frozen=True)
class BarredFigure:
    """A number with its 95 % interval; the interval is None where it is not known."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class CellRow:
    """One cell.

    Attributes:
        key: of the cell.
        label: what it chooses.
        facts: every fact of its stages, for conditions.
        measured: the names of the facts that only its measurement found.
        device: what it was measured on; "" if it was not.
        conditions: how it was measured and scored: only rows with the same are compared.
        metric: the name of the accuracy's number; "" where there is none.
        accuracy: in percent; None where it is not known.
        latency_name: which latency it is.
        latency: in ms; None where it is not known.
        size_bytes: of the model.
        energy_mj: for each sample.
        draws: the accuracy in each draw of the images, float64, nan where a draw has no object; empty without.
        reasons: why the measurement is INVALID.
        mark: simulated or emulated; "" for a real device.
        failure: why the cell has not all its results; "" if it has.
    """

    key: str
    label: str
    facts: Mapping[str, Any]
    measured: frozenset[str] = frozenset()
    device: str = ""
    conditions: tuple[str, ...] = ()
    metric: str = ""
    accuracy: BarredFigure | None = None
    latency_name: str = ""
    latency: BarredFigure | None = None
    size_bytes: int | None = None
    energy_mj: float | None = None
    draws: Doubles = field(default_factory=lambda: np.zeros(0))
    reasons: tuple[str, ...] = ()
    mark: str = ""
    failure: str = ""

    @property
    def counts(self) -> bool:
        """Whether it may be recommended, and may dominate others: it is valid, and its device is a real one."""
        return not (self.reasons or self.mark or self.failure)

    @property
    def is_placed(self) -> bool:
        """Whether it has both an accuracy and a latency."""
        return self.accuracy is not None and self.latency is not None


def rows_of(store: Store, plans: tuple[SavedPlan, ...]) -> tuple[CellRow, ...]:
    """Return a row for each cell of *plans*, each once."""
    cells = {cell.key: cell for plan in plans for cell in plan.cells}
    keys = {key for cell in cells.values() for key in cell.stages.values()}
    entries = {entry.key: entry for entry in store.entries(keys)}
    failures = store.failures()
    scores = {}
    for key, entry in entries.items():
        if entry.kind == EVALUATE:
            try:
                scores[key] = _draws(store, entry)
            except InputError as error:
                failures[key] = str(error)
    entries = {key: entry for key, entry in entries.items() if key not in failures}
    return tuple(_row(cell, entries, failures, scores) for cell in cells.values())


def _row(
    cell: SavedCell, entries: Mapping[str, ResultRecord], failures: Mapping[str, str], scores: Mapping[str, Doubles]
) -> CellRow:
    found = [entries[key] for key in cell.stages.values() if key in entries]
    facts: dict[str, Any] = {**cell.choices, "cell": cell.key}
    for entry in found:
        facts |= {name: value for name, value in entry.facts.items() if name not in ("wall_s", "source")}
    measured, scored = (_of_kind(found, kind) for kind in (MEASURE, EVALUATE))
    name, latency = _latency(facts) if measured else ("", None)
    device = str(cell.choices.get("device", "")) if MEASURE in cell.stages else ""
    metric = "" if scored is None else load_metric(str(scored.facts["metric"])).numbers[0]
    return CellRow(
        key=cell.key,
        label=cell.label,
        facts=facts,
        measured=_only_measured(cell, found),
        device=device,
        conditions=tuple(_conditions(cell, measured, scored)),
        metric=metric,
        accuracy=_figure(facts, metric, "") if metric else None,
        latency_name=name,
        latency=latency,
        size_bytes=facts.get("size_bytes"),
        energy_mj=facts.get("energy_mj"),
        draws=scores.get(cell.stages.get(EVALUATE, ""), np.zeros(0)),
        reasons=() if measured is None else tuple(map(str, measured.result.get("reasons", ()))),
        mark=next((word for word in ("simulated", "emulated") if facts.get(word)), ""),
        failure=_failure(cell, entries, failures),
    )


def _only_measured(cell: SavedCell, found: list[ResultRecord]) -> frozenset[str]:
    known = {name for entry in found if entry.kind != MEASURE for name in entry.facts}
    measured = {name for entry in found if entry.kind == MEASURE for name in entry.facts}
    return frozenset(measured - known - cell.choices.keys())


def _of_kind(found: list[ResultRecord], kind: str) -> ResultRecord | None:
    return next((entry for entry in found if entry.kind == kind), None)


def _conditions(cell: SavedCell, measured: ResultRecord | None, scored: ResultRecord | None) -> Iterator[str]:
    """Yield what two rows must share to be compared, in words: the protocol of speed, and that of accuracy."""
    if measured is not None:
        parts = ("scenario", "preset", "threads")
        yield ", ".join(f"{name} {cell.choices[name]}" for name in parts if name in cell.choices)
    if scored is not None:
        unit = "videos" if "views" in scored.result.get("protocol", {}) else "images"
        yield f"{scored.facts['metric']} on {scored.facts.get('images')} {unit} of {cell.choices['dataset']}"


def _latency(facts: Mapping[str, Any]) -> tuple[str, BarredFigure | None]:
    name = next((one for one in LATENCIES if f"{one}_ms" in facts), "")
    return (f"{name}_ms", _figure(facts, name, "_ms")) if name else ("", None)


def _figure(facts: Mapping[str, Any], name: str, unit: str) -> BarredFigure | None:
    if f"{name}{unit}" not in facts:
        return None
    return BarredFigure(float(facts[f"{name}{unit}"]), facts.get(f"{name}_low{unit}"), facts.get(f"{name}_high{unit}"))


def _draws(store: Store, entry: ResultRecord) -> Doubles:
    name = load_metric(str(entry.facts["metric"])).numbers[0]
    draws = parse_json(store.get(entry.blobs["scores"])).get(f"{name}_draws", [])
    return np.array([np.nan if one is None else one for one in draws], np.float64)


def _failure(cell: SavedCell, entries: Mapping[str, ResultRecord], failures: Mapping[str, str]) -> str:
    missing = [(kind, key) for kind, key in cell.stages.items() if key not in entries]
    if not missing:
        return ""
    told = next((f"{kind}: {failures[key]}" for kind, key in missing if key in failures), None)
    return told or f"not run yet: {', '.join(kind for kind, _key in missing)}"
