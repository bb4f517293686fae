"""What a run's samples say: percentiles with their intervals, stages, processes, the scenario's metric."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import numpy as np

from detlite.runtime.measure.scenario import Rows
from detlite.runtime.measure.statistics import PERCENTS, Times, bootstrap_ns, drift, fewest_samples, percentile_ns

STAGES = ("input", "invoke", "postprocess")

Record = Dict[str, Any]


def latency_record(prefix: str, series: Sequence[Times]) -> Record:
    """Return `<prefix>_pNN_ms` and its bootstrap interval for p50, p90, p95, p99; None where samples are too few."""
    known = [times for times in series if len(times)]
    total = np.concatenate(known) if known else np.zeros(0, np.int64)
    intervals = bootstrap_ns(known) if known else {}
    record: Record = {}
    for percent in PERCENTS:
        enough = len(total) >= fewest_samples(percent)
        name = f"{prefix}_p{percent:g}"
        record[f"{name}_ms"] = percentile_ns(total, percent) / 1e6 if enough else None
        record[f"{name}_interval_ms"] = [end / 1e6 for end in intervals[percent]] if enough else None
    record[f"{prefix}_mean_ms"] = float(total.mean()) / 1e6 if len(total) else None
    record[f"{prefix}_min_ms"] = int(total.min()) / 1e6 if len(total) else None
    record[f"{prefix}_max_ms"] = int(total.max()) / 1e6 if len(total) else None
    return record


def stages_record(series: Sequence[Rows], facts: Sequence[Record]) -> Record:
    """Return the p50 of each stage in ms: of images as they were read, and of samples as they were run."""
    images = [image for fact in facts for image in fact["images"]]
    record: Record = {}
    for stage in ("decode", "preprocess"):
        times = np.array([image[f"{stage}_ns"] for image in images], np.int64)
        record[stage] = percentile_ns(times, 50) / 1e6 if len(times) else None
    for stage in STAGES:
        times = np.concatenate([getattr(rows, f"{stage}_ns") for rows in series])
        record[stage] = percentile_ns(times, 50) / 1e6 if len(times) else None
    return record


def process_records(series: Sequence[Rows], facts: Sequence[Record]) -> List[Record]:
    """Return for each process what is its own: load, first inference, warm-up, medians, drift, memory."""
    return [_process(rows, fact) for rows, fact in zip(series, facts)]


def _process(rows: Rows, fact: Record) -> Record:
    slower = drift(rows.end_ns - rows.begin_ns)
    return {
        "load_ms": None if fact["load_ns"] is None else fact["load_ns"] / 1e6,
        "first_ms": fact["first_ns"] / 1e6,
        "warm_up_samples": fact["warm_up_samples"],
        "warm_up_cut": fact["warm_up_cut"],
        "samples_set_aside": fact["samples_set_aside"],
        "samples": len(rows),
        "duration_s": rows.duration_ns / 1e9,
        "latency_p50_ms": percentile_ns(rows.latency_ns, 50) / 1e6 if len(rows) else None,
        "invoke_p50_ms": percentile_ns(rows.invoke_ns, 50) / 1e6 if len(rows) else None,
        "drift": None if slower is None else [slower.ratio, slower.low, slower.high],
        "memory_peak_bytes": fact.get("memory_peak_bytes"),
        "completed": "memory_peak_bytes" in fact,
    }
