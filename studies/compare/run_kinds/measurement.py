"""Latency runs: two series of samples for each process, drawn again by processes and in blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from detlite.runtime.arrays import Doubles
from detlite.runtime.measure.results import READ_VERSIONS, Latency, Measurement
from detlite.studies.compare.run_kind import Figure, RunKind, RunRecord, Span, flat

DRAWS, FEWEST_DRAWS = 1000, 100
MOST_WORK = 20_000_000  # samples drawn in all: about a second
SEED = 7
SERIES = ("latency", "invoke")
PERCENTS = (50, 90, 95, 99)
FIGURES = ("mean", *(f"p{percent}" for percent in PERCENTS))
UNITS = {"_ms": "ms", "_bytes": "bytes", "_per_second": "/s", "_mj": "mJ", "_mw": "mW"}
HIGHER = ("samples_per_second", "scheduled_per_second", "streams")
NO_FIGURES = (
    *("target_per_second", "limit_ms", "interval_ms", "late_queries", "late_share"),
    *("camera_frames_per_second", "late_frames", "dropped_frames", "dropped_share"),
)
DERIVED = "equivalent_"  # figures of other scenarios, reckoned from this one
CONDITIONS = (
    *("scenario", "preset", "backend", "runtime", "threads", "protocol", "device", "affinity"),
    *("state_before.power_mode", "state_before.governors", "standing_before.power_mode"),
)
HARMLESS = ("device.fingerprint",)  # a digest of what is compared place by place


def figures(record: RunRecord) -> Mapping[str, Figure]:
    """Return every figure without its unit: `latency_p90` for the p90 of `latency`; stages as `stages_p50.invoke`."""
    found = _measurement(record)
    known: dict[str, float | None] = {}
    for what in SERIES:
        latency: Latency = getattr(found, what)
        known |= {f"{what}_{name}": getattr(latency, f"{name}_ms") for name in (*FIGURES[1:], FIGURES[0])}
    figures = {name: Figure(value, "ms") for name, value in known.items() if value is not None}
    for name, value in found.figures.items():
        if name not in NO_FIGURES and not name.startswith(DERIVED):
            figures |= _figure(name, value)
    stages = {f"stages_p50.{stage}": value for stage, value in vars(found.stages_p50_ms).items()}
    figures |= {name: Figure(value, "ms") for name, value in stages.items() if value is not None}
    for name in ("load_ms", "first_ms", "size_bytes", "memory_peak_bytes"):
        figures |= _figure(name, getattr(found, name))
    if found.energy is not None:
        for name in ("energy_mj", "mean_power_mw", "energy_per_sample_mj"):
            figures |= _figure(name, getattr(found.energy, name), "energy.")
    return figures


def _figure(name: str, value: float | None, prefix: str = "") -> dict[str, Figure]:
    """Return the figure *name* without its unit, which its ending says; nothing if it is not known."""
    if value is None:
        return {}
    if name == "streams":
        return {name: Figure(value, name, higher_is_better=True)}
    ending = next(ending for ending in UNITS if name.endswith(ending))
    short = name if ending == "_per_second" else name.removesuffix(ending)
    return {f"{prefix}{short}": Figure(value, UNITS[ending], name in HIGHER, is_exact=name == "size_bytes")}


def conditions(record: RunRecord) -> Mapping[str, Any]:
    """Return the protocol, the device with its power mode and governors, the runtime, and the images' digests."""
    found: dict[str, Any] = {}
    for where in CONDITIONS:
        found |= flat(record, where)
    found["images"] = [image.sha256 for image in _measurement(record).images]
    return {place: value for place, value in found.items() if place not in HARMLESS}


def noise(first: RunRecord, second: RunRecord) -> Mapping[str, Span]:
    """Return the intervals of the latencies, from both runs' samples; other figures have one value a run, or a process.

    Each run is drawn apart, in two steps: its processes, for they differ more than the samples of one; then, within
    each, blocks of neighbours, sqrt(n) long (the moving block bootstrap of Künsch, 1989), for what disturbs a machine
    lasts longer than one sample. A run of one process says nothing of the next process.
    """
    found: dict[str, Span] = {}
    for what in SERIES:
        series = [_series(run, what) for run in (first, second)]
        if not all(series):
            continue
        generator = np.random.default_rng(SEED)
        work = max(sum(map(len, one)) for one in series)
        draws = max(FEWEST_DRAWS, min(DRAWS, MOST_WORK // work))
        before, after = (_drawn(one, draws, generator) for one in series)
        ends = np.percentile(after - before, (2.5, 97.5), axis=0).T.tolist()
        found |= {f"{what}_{figure}": (low, high) for figure, (low, high) in zip(FIGURES, ends, strict=True)}
    if "invoke_p50" in found:
        found["stages_p50.invoke"] = found["invoke_p50"]  # the same median
    return found


def _measurement(record: RunRecord) -> Measurement:
    assert isinstance(record.result, Measurement)
    return record.result


def _series(record: RunRecord, what: str) -> list[Doubles]:
    """Return the times of each process in ms."""
    times = [getattr(process, what) for process in _measurement(record).samples_ns]
    return [np.array(one) / 1e6 for one in times if one]


def _drawn(series: Sequence[Doubles], draws: int, generator: np.random.Generator) -> Doubles:
    """Return `FIGURES` of each of the *draws* of all processes, float64 (draws, figures)."""
    found = np.empty((draws, len(FIGURES)))
    for number in range(draws):
        chosen = generator.integers(0, len(series), len(series))
        drawn = np.concatenate([_blocks(series[place], generator) for place in chosen])
        # nearest rank, as the figures themselves
        ranks = [max(0, math.ceil(percent / 100 * len(drawn)) - 1) for percent in PERCENTS]
        found[number] = (drawn.mean(), *np.partition(drawn, ranks)[ranks])
    return found


def _blocks(times: Doubles, generator: np.random.Generator) -> Doubles:
    length = max(1, round(len(times) ** 0.5))
    starts = generator.integers(0, len(times) - length + 1, -(-len(times) // length))
    drawn: Doubles = times[(starts[:, None] + np.arange(length)).ravel()[: len(times)]]
    return drawn


PLUGIN = RunKind(figures, lambda _name: True, conditions, noise, READ_VERSIONS, Measurement.from_record)
