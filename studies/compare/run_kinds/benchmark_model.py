"""Runs of TFLite's benchmark_model, which prints no samples: the means of its processes are drawn again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from detlite.runtime.arrays import Doubles
from detlite.studies.compare.record import RunRecord
from detlite.studies.compare.run_kind import Kind, Span, flat
from detlite.studies.compare.run_kinds.measurement import figures

DRAWS, SEED = 2000, 7
FEWEST = 3  # processes: the means of two say next to nothing of how processes differ
MEAN = "latency_mean"
CONDITIONS = (
    *("schema_version", "scenario", "runtime", "threads", "protocol", "affinity", "device"),
    *("standing_before.power_mode",),
)


def conditions(record: RunRecord) -> Mapping[str, Any]:
    """Return the program and what it was asked, the device, its power mode, and the cores."""
    return {place: value for where in CONDITIONS for place, value in flat(record, where).items()}


def noise(first: RunRecord, second: RunRecord) -> Mapping[str, Span]:
    """Return the interval of the mean latency, from the processes of both runs drawn with replacement."""
    before, after = _means(first), _means(second)
    if min(len(before), len(after)) < FEWEST:
        return {}
    generator = np.random.default_rng(SEED)
    drawn = [one[generator.integers(0, len(one), (DRAWS, len(one)))].mean(axis=1) for one in (before, after)]
    low, high = np.percentile(drawn[1] - drawn[0], (2.5, 97.5))
    return {MEAN: (float(low), float(high))}


def _means(record: RunRecord) -> Doubles:
    processes = record.at("processes")
    if not isinstance(processes, list) or not all(isinstance(one, Mapping) for one in processes):
        raise record.wrong("processes is no list of processes")
    found = [RunRecord(record.path, record.kind, one).number("inference.mean_ms") for one in processes]
    return np.array([mean for mean in found if mean is not None])


PLUGIN = Kind(figures, lambda _name: True, conditions, noise)
