"""Runs of TFLite's benchmark_model, which prints no samples: the means of its processes are drawn again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from detlite.devices.benchmark_result import READ_VERSIONS, BenchmarkResult
from detlite.runtime.arrays import Doubles
from detlite.studies.compare.run_kind import Figure, RunKind, RunRecord, Span, flat

DRAWS, SEED = 2000, 7
FEWEST = 3  # processes: the means of two say next to nothing of how processes differ
MEAN = "invoke_mean"
CONDITIONS = (
    *("scenario", "runtime", "threads", "protocol", "affinity", "device"),
    *("standing_before.power_mode",),
)


def figures(record: RunRecord) -> Mapping[str, Figure]:
    """Return the mean of the interpreter's times, loading, the first inference, and energy."""
    found = _result(record)
    energy = found.energy
    known: dict[str, tuple[float | None, str]] = {
        MEAN: (found.invoke.mean_ms, "ms"),
        "first": (found.first_ms, "ms"),
        "load": (found.load_ms, "ms"),
        "size": (found.size_bytes, "bytes"),
        "energy.energy": (None if energy is None else energy.energy_mj, "mJ"),
        "energy.mean_power": (None if energy is None else energy.mean_power_mw, "mW"),
        "energy.energy_per_sample": (None if energy is None else energy.energy_per_sample_mj, "mJ"),
    }
    return {
        name: Figure(value, unit, is_exact=name == "size") for name, (value, unit) in known.items() if value is not None
    }


def conditions(record: RunRecord) -> Mapping[str, Any]:
    """Return the program and what it was asked, the device, its power mode, and the cores."""
    return {place: value for where in CONDITIONS for place, value in flat(record, where).items()}


def noise(first: RunRecord, second: RunRecord) -> Mapping[str, Span]:
    """Return the interval of the mean, from the processes of both runs drawn with replacement."""
    before, after = _means(first), _means(second)
    if min(len(before), len(after)) < FEWEST:
        return {}
    generator = np.random.default_rng(SEED)
    drawn = [one[generator.integers(0, len(one), (DRAWS, len(one)))].mean(axis=1) for one in (before, after)]
    low, high = np.percentile(drawn[1] - drawn[0], (2.5, 97.5))
    return {MEAN: (float(low), float(high))}


def _result(record: RunRecord) -> BenchmarkResult:
    assert isinstance(record.result, BenchmarkResult)
    return record.result


def _means(record: RunRecord) -> Doubles:
    spreads = [process.inference for process in _result(record).processes]
    return np.array([one.mean_ms for one in spreads if one is not None and one.mean_ms is not None])


PLUGIN = RunKind(figures, lambda _name: True, conditions, noise, READ_VERSIONS, BenchmarkResult.from_record)
