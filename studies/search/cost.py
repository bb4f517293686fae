"""What leaving each operator float brings, and costs: error, latency on this machine, partitions on an Edge TPU."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.bootstrap import DRAWS, SEED, draw_images, interval_of
from detlite.accuracy.output_error import OutputError
from detlite.convert.model import Model
from detlite.convert.targets.edgetpu.graph import graph_of
from detlite.convert.targets.edgetpu.latency import estimate
from detlite.convert.targets.edgetpu.predict import predict_graph
from detlite.convert.tflite.describe import description_of
from detlite.runtime.arrays import Doubles
from detlite.runtime.measure.in_turn import Plan, rows_in_turn
from detlite.runtime.measure.options import MeasureOptions, setup_of
from detlite.runtime.measure.statistics import median_draws, percentile_ns
from detlite.runtime.progress import Progress, silent
from detlite.studies.search.bench import Bench
from detlite.studies.search.order import Unit, remaining, units
from detlite.studies.search.shares import Shares
from detlite.studies.search.trials import Trials

Record = dict[str, Any]

SAMPLES = Plan(24, 0.2)
TOGETHER = 7  # steps that are measured in turn: all at once would fill the memory
HOST = "desktop_usb3"


@dataclass(frozen=True)
class AddedLatency:
    """How much longer a model takes than another one: the difference of their medians, with its 95 % interval."""

    value_ms: float
    low_ms: float
    high_ms: float


def cost_record(
    trials: Trials, bench: Bench, floating: Sequence[str], shares: Shares | None, *, progress: Progress = silent
) -> Record:
    """Return what the *floating* operators bring and cost over the pure int8 model, in total and by operator.

    Args:
        trials: the calibrated model.
        bench: the images on which all of them together are judged.
        floating: the names of the operators.
        shares: what each rounding costs, by which each operator is judged; None of a model with regions.
        progress: is told of each step.

    Returns:
        `gain_db`, by how many dB all of them lower the error on the images of *bench*, or None without *shares*;
        `int8_latency_ms` and `mixed_latency_ms`, the medians of both, measured in turn; `edgetpu`, the prediction for
        both; and `left`, what each adds to those before it, in execution order: operators that share one scale
        together.
    """
    chain = _chain(trials, floating)
    models = [trials.model(names) for _unit, names in chain]
    facts = description_of(models[-1].file.model)
    predicted = [_edgetpu(model) for model in models]
    int8_ms, mixed_ms = _medians_ms(_samples_ns([models[0], models[-1]])) if floating else (None, None)
    added = _added(models, progress)
    units_of = [[unit for unit, _names in chain[1 : place + 1]] for place in range(len(chain))]
    gains = None if shares is None else _gains(remaining(trials, shares, units_of))
    return {
        "operators": facts.operator_count,
        "float_islands": facts.float_islands,
        "int8_latency_ms": int8_ms,
        "mixed_latency_ms": mixed_ms,
        "gain_db": None if shares is None else _gain(bench.error(models[0]), bench.error(models[-1])),
        "edgetpu": {
            "int8": predicted[0],
            "mixed": predicted[-1],
            "is_prediction": True,
        },
        "left": [
            {
                **_named(trials, unit),
                "gain_db": None if gains is None else gains[number],
                **_latency(added[number]),
                **_partitions(predicted[number], predicted[number + 1]),
            }
            for number, (unit, _names) in enumerate(chain[1:])
        ],
    }


def _chain(trials: Trials, floating: Sequence[str]) -> list[tuple[Unit, list[str]]]:
    """Return the units of *floating* in execution order, each with all float operators up to it."""
    chain: list[tuple[Unit, list[str]]] = [((), [])]
    for unit in units(trials.calibrated.network):
        if set(unit) & set(floating):
            chain.append((unit, [*chain[-1][1], *unit]))
    return chain


def _named(trials: Trials, unit: Unit) -> Record:
    kind_of = {operator.name: operator.kind for operator in trials.calibrated.network.operators}
    return {"operators": list(unit), "kinds": [kind_of[name] for name in unit]}


def _latency(added: AddedLatency) -> Record:
    return {"latency_ms": added.value_ms, "latency_low_ms": added.low_ms, "latency_high_ms": added.high_ms}


def _partitions(before: Record, after: Record) -> Record:
    return {
        "edgetpu_partitions": after["partitions"] - before["partitions"],
        "edgetpu_unmapped": after["unmapped"] - before["unmapped"],
    }


def _gain(before: OutputError, after: OutputError) -> Record:
    """Return by how many dB the error falls, averaged over images, with its 95 % interval."""
    interval = after.gain_db(before)
    return {"value": after.mean_gain_db(before), "low": interval.low, "high": interval.high}


def _gains(noises: Sequence[Doubles]) -> list[Record]:
    """Return by how many dB each of *noises* (images,) is less than the one before it, with the 95 % interval.

    Sums of errors of single roundings: between two models, what each rounds otherwise hides what one operator brings.
    """
    weights = draw_images(len(noises[0]), DRAWS, SEED)
    gains: list[Record] = []
    for before, after in pairwise(noises):
        drawn = 10 * np.log10((weights @ before) / (weights @ after))
        interval = interval_of(drawn, SEED)
        value = 10 * math.log10(before.sum() / after.sum())
        gains.append({"value": value, "low": interval.low, "high": interval.high})
    return gains


def _edgetpu(model: Model) -> Record:
    """Return the prediction for Google's compiler on *model*: partitions, and operators left on the CPU.

    `partitions` are with `--enable_multiple_subgraphs`; `unmapped` is what stays on the CPU without it, when only the
    first is mapped, and `latency_ms` an estimate for that on a desktop without the operators on the CPU, with its error
    if there are none.
    """
    graph = graph_of(model.file.model)
    first = predict_graph(graph)
    cost = estimate(first)
    return {
        "partitions": predict_graph(graph, multiple_subgraphs=True).subgraphs,
        "unmapped": first.unmapped_count,
        "latency_ms": None if cost is None else cost.latency_ms[HOST],
        "latency_error_percent": None if cost is None else cost.error_percent,
    }


def _added(models: Sequence[Model], progress: Progress) -> list[AddedLatency]:
    """Return how much longer each of *models* takes than the one before it, measured in turn."""
    added: list[AddedLatency] = []
    for begin in range(0, len(models) - 1, TOGETHER):
        found = _samples_ns(models[begin : begin + TOGETHER + 1])
        added += [_difference(before, after) for before, after in pairwise(found)]
        progress("float operators measured", len(added), len(models) - 1)
    return added


def _difference(before: Sequence[int], after: Sequence[int]) -> AddedLatency:
    drawn = median_draws(after, before) / 1e6
    low, high = np.percentile(drawn[:, 0] - drawn[:, 1], (2.5, 97.5))
    old_ms, new_ms = _medians_ms([before, after])
    return AddedLatency(new_ms - old_ms, float(low), float(high))


def _medians_ms(series: Sequence[Sequence[int]]) -> list[float]:
    return [percentile_ns(np.array(times, np.int64), 50) / 1e6 for times in series]


def _samples_ns(models: Sequence[Model]) -> list[Sequence[int]]:
    """Return the interpreter times of each model, measured in turn on noise."""
    with tempfile.TemporaryDirectory() as folder:
        setups = []
        for number, model in enumerate(models):
            path = Path(folder) / f"{number}.{model.format}"
            path.write_bytes(model.data)
            setups.append(setup_of(path, model.contract, MeasureOptions()))
        return [rows.invoke_ns.tolist() for rows in rows_in_turn(setups, SAMPLES)[1]]
