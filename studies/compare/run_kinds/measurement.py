"""Latency runs: two series of samples for each process, drawn again by processes and in blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from detlite.runtime.arrays import Doubles
from detlite.studies.compare.record import RunRecord
from detlite.studies.compare.run_kind import Figure, Kind, Span, flat

DRAWS, FEWEST_DRAWS = 1000, 100
MOST_WORK = 20_000_000  # samples drawn in all: about a second
SEED = 7
SERIES = ("latency", "invoke")
PERCENTS = (50, 90, 95, 99)
FIGURES = ("mean", *(f"p{percent}" for percent in PERCENTS))
UNITS = {"_ms": "ms", "_bytes": "bytes", "_per_second": "/s", "_mj": "mJ", "_mw": "mW"}
HIGHER = ("samples_per_second", "scheduled_per_second", "streams")
NESTED = ("stages_p50_ms", "energy")
NO_FIGURES = ("target_per_second", "limit_ms", "interval_ms", "latency_min_ms", "latency_max_ms")
CONDITIONS = (
    *("schema_version", "scenario", "preset", "backend", "runtime", "threads", "protocol", "device"),
    *("state_before.power_mode", "state_before.governors", "standing_before.power_mode"),
)
HARMLESS = ("device.fingerprint",)  # a digest of what is compared place by place
IMAGES = "images"


def figures(record: RunRecord) -> Mapping[str, Figure]:
    """Return every figure without its unit: `latency_p90` for `latency_p90_ms`; stages as `stages_p50.invoke`."""
    found: dict[str, Figure] = {}
    for key in record.data:
        if key in NESTED and isinstance(record.data[key], Mapping):
            for part in record.data[key]:
                _add(found, record, f"{key}.{part}", key if key.endswith("_ms") else part)
        elif key not in NO_FIGURES and not isinstance(record.data[key], list):
            _add(found, record, key, key)
    return found


def _add(found: dict[str, Figure], record: RunRecord, where: str, named: str) -> None:
    """Add the number at *where*, whose unit the ending of *named* says."""
    ending = next((one for one in UNITS if named.endswith(one)), None)
    unit = "streams" if where == "streams" else UNITS[ending] if ending else None
    value = record.number(where) if unit is not None else None
    if value is None or unit is None:
        return
    name = where.replace(named, named.removesuffix(ending)) if ending and ending != "_per_second" else where
    found[name] = Figure(value, unit, higher_is_better=where in HIGHER)


def conditions(record: RunRecord) -> Mapping[str, Any]:
    """Return the protocol, the device with its power mode and governors, the runtime, and the images' digests."""
    found: dict[str, Any] = {}
    for where in CONDITIONS:
        found |= flat(record, where)
    images = record.at(IMAGES)
    if isinstance(images, list):
        found[IMAGES] = [one.get("sha256") if isinstance(one, Mapping) else one for one in images]
    return {place: value for place, value in found.items() if place not in HARMLESS}


def noise(first: RunRecord, second: RunRecord) -> Mapping[str, Span]:
    """Return the intervals of the latencies, from both runs' samples.

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
    return found


def _series(record: RunRecord, what: str) -> list[Doubles]:
    """Return the times of each process in ms; without a scenario there is one process, and invoking is the latency."""
    samples_ms = record.numbers("samples_ms")
    if samples_ms is not None:
        return [np.array(samples_ms)] if samples_ms and what == "latency" else []
    processes = record.at("samples_ns")
    if processes is None:
        return []
    if not isinstance(processes, list) or not all(isinstance(one, Mapping) for one in processes):
        raise record.wrong("samples_ns is no list of processes")
    times = [RunRecord(record.path, record.kind, one).numbers(what) or () for one in processes]
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


PLUGIN = Kind(figures, lambda _name: True, conditions, noise)
