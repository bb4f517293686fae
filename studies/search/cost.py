"""The cost of leaving each operator float: latency on this machine, and partitions on an Edge TPU."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from detlite.convert.model import Model
from detlite.convert.targets.edgetpu.latency import estimate
from detlite.convert.targets.edgetpu.predict import predict
from detlite.convert.tflite.describe import describe
from detlite.runtime.measure.in_turn import Plan, measure_in_turn
from detlite.runtime.measure.options import MeasureOptions, setup_of
from detlite.runtime.progress import Progress, silent
from detlite.studies.search.order import Unit, units
from detlite.studies.search.trials import Trials

Record = dict[str, Any]

SAMPLES = Plan(40, 0.5)
TOGETHER = 7  # steps that are measured in turn: all at once would fill the memory
HOST = "desktop_usb3"


def cost_record(trials: Trials, floating: Sequence[str], *, progress: Progress = silent) -> Record:
    """Return the cost of the *floating* operators over the pure int8 model, in total and by operator.

    Returns:
        `int8_latency_ms` and `mixed_latency_ms`, the medians of both, measured in turn; `edgetpu`, the prediction
        for both; and `left`, the cost that each adds to those before it, in execution order: operators that share
        one scale together.
    """
    chain = _chain(trials, floating)
    models = [trials.model(names) for _unit, names in chain]
    facts = describe(models[-1].data, "the mixed model")
    predicted = [_edgetpu(model) for model in models]
    int8_ms, mixed_ms = _medians_ms([models[0], models[-1]]) if floating else (None, None)
    added_ms = _added_ms(models, progress)
    return {
        "operators": facts.operator_count,
        "float_islands": facts.float_islands,
        "int8_latency_ms": int8_ms,
        "mixed_latency_ms": mixed_ms,
        "edgetpu": {
            "int8": predicted[0],
            "mixed": predicted[-1],
            "is_prediction": True,
        },
        "left": [
            _cost(trials, unit, added_ms[number], before=predicted[number], after=predicted[number + 1])
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


def _cost(trials: Trials, unit: Unit, latency_ms: float, *, before: Record, after: Record) -> Record:
    kind_of = {operator.name: operator.kind for operator in trials.calibrated.network.operators}
    return {
        "operators": list(unit),
        "kinds": [kind_of[name] for name in unit],
        "latency_ms": latency_ms,
        "edgetpu_partitions": after["partitions"] - before["partitions"],
        "edgetpu_unmapped": after["unmapped"] - before["unmapped"],
    }


def _edgetpu(model: Model) -> Record:
    """Return the prediction for Google's compiler on *model*: partitions, and operators left on the CPU.

    `partitions` are with `--enable_multiple_subgraphs`; `unmapped` is what stays on the CPU without it, when only the
    first is mapped, and `latency_ms` an estimate for that on a desktop without the operators on the CPU, with its error
    if there are none.
    """
    first = predict(model.data, "the model")
    cost = estimate(first)
    return {
        "partitions": predict(model.data, "the model", multiple_subgraphs=True).subgraphs,
        "unmapped": first.unmapped_count,
        "latency_ms": None if cost is None else cost.latency_ms[HOST],
        "latency_error_percent": None if cost is None else cost.error_percent,
    }


def _added_ms(models: Sequence[Model], progress: Progress) -> list[float]:
    """Return how much longer each of *models* takes than the one before it, measured in turn."""
    added: list[float] = []
    for begin in range(0, len(models) - 1, TOGETHER):
        found = _medians_ms(models[begin : begin + TOGETHER + 1])
        added += [after - before for before, after in pairwise(found)]
        progress("float operators measured", len(added), len(models) - 1)
    return added


def _medians_ms(models: Sequence[Model]) -> list[float]:
    """Return the median interpreter time of each model, measured in turn on noise."""
    with tempfile.TemporaryDirectory() as folder:
        setups = []
        for number, model in enumerate(models):
            path = Path(folder) / f"{number}.{model.format}"
            path.write_bytes(model.data)
            setups.append(setup_of(path, model.contract, MeasureOptions()))
        medians = [found.invoke.p50_ms for found in measure_in_turn(setups, SAMPLES)]
        return [median for median in medians if median is not None]
