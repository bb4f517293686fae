"""Run records, written by hand."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Record = dict[str, Any]


def latency(processes: Sequence[Sequence[float]] | None = None, **changes: Any) -> Record:
    """A record of `detlite measure`; *processes* are their samples in ms: one with 200 about 5 ms where not given."""
    processes = processes or [(5 + np.random.default_rng(0).gamma(2, 0.05, 200)).tolist()]
    ordered = sorted(sample for samples in processes for sample in samples)
    record = {
        "scenario": "single-stream",
        "preset": "quick",
        "validity": "VALID",
        **{f"latency_p{p}_ms": ordered[-(-p * len(ordered) // 100) - 1] for p in (50, 90, 99)},
        "latency_mean_ms": sum(ordered) / len(ordered),
        "samples": len(ordered),
        "model_sha256": "a" * 64,
        "size_bytes": 1000,
        "memory_peak_bytes": None,
        "runtime": "ai-edge-litert 2.1.0",
        "threads": 1,
        "stages_p50_ms": {"decode": None, "invoke": 5.0, "preprocess": 1.0},
        "energy": {"source": "sensors", "energy_per_sample_mj": 14.2},
        "images": [{"name": "a.jpg", "sha256": "d" * 64, "decode_ns": 5}],
        "device": {"processor": "a board", "cores": 4, "fingerprint": "0123"},
        "state_before": {"at_s": 1.5, "power_mode": "MAXN", "governors": ["performance"], "load": 0.1},
        "protocol": {"scenario": "single-stream", "delegates": []},
        "samples_ns": [{"latency": [round(1e6 * sample) for sample in samples]} for samples in processes],
    }
    return {"schema": "detlite.measurement", "schema_version": 2, **record, **changes}


def accuracy(value: float = 30.0, draws: Iterable[Any] | None = None, **changes: Any) -> Record:
    """A record of `detlite evaluate`."""
    record = {
        "metric": "coco",
        "map": value,
        "map50": value + 10,
        "map_small": None,
        "images": 100,
        "model_sha256": "b" * 64,
        "map_interval": {"low": value - 3, "high": value + 3, "seed": 7} if draws is not None else None,
        "per_class": [{"class": "cat", "truths": 9, "ap": value}, {"class": "dog", "truths": 3, "ap": value + 1}],
        "protocol": {"metric": "coco", "annotations_sha256": "c" * 64, "max_detections": 100, "threads": 1},
    }
    record |= {"map_draws": list(draws)} if draws is not None else {}
    return {"schema": "detlite.accuracy", "schema_version": 1, **record, **changes}


def write(path: Path, record: Record) -> Path:
    """Write *record* to *path*; return it."""
    path.write_text(json.dumps(record))
    return path
