"""Run records, written by hand."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Record = dict[str, Any]
DEVICE = {"processor": "a board", "cores": 4, "fingerprint": "0123"}


def times(samples: Sequence[float]) -> Record:
    """What *samples* in ms say, as a record has it."""
    ordered = sorted(samples)
    known = {f"p{p}_ms": ordered[-(-p * len(ordered) // 100) - 1] for p in (50, 90, 99)}
    return {"count": len(ordered), "mean_ms": sum(ordered) / len(ordered), **known}


def latency(processes: Sequence[Sequence[float]] | None = None, **changes: Any) -> Record:
    """A record of `detlite measure`; *processes* are their samples in ms: one with 200 about 5 ms where not given."""
    processes = processes or [(5 + np.random.default_rng(0).gamma(2, 0.05, 200)).tolist()]
    samples = [sample for samples in processes for sample in samples]
    record = {
        "validity": "VALID",
        "reasons": [],
        "model": "model.tflite",
        "model_sha256": "a" * 64,
        "scenario": "single-stream",
        "preset": "quick",
        "metric": {"name": "latency_p90_ms", "value": times(samples)["p90_ms"]},
        "latency": times(samples),
        "invoke": {"count": 0},
        "samples": len(samples),
        "size_bytes": 1000,
        "memory_peak_bytes": None,
        "runtime": "ai-edge-litert 2.1.0",
        "threads": 1,
        "stages_p50_ms": {"decode": None, "invoke": 5.0, "preprocess": 1.0},
        "energy": {"source": "sensors", "energy_per_sample_mj": 14.2},
        "images": [{"index": 0, "name": "a.jpg", "sha256": "d" * 64, "decode_ns": 5}],
        "device": DEVICE,
        "state_before": {"at_s": 1.5, "power_mode": "MAXN", "governors": ["performance"], "load": 0.1},
        "protocol": {"scenario": "single-stream", "delegates": []},
        "samples_ns": [{"latency": [round(1e6 * sample) for sample in samples]} for samples in processes],
    }
    return {"schema": "detlite.measurement", "schema_version": 3, **record, **changes}


def scenario_of_version_2(**changes: Any) -> Record:
    """A record of a scenario as detlite 0.1 wrote it."""
    record = {
        "scenario": "single-stream",
        "preset": "quick",
        "validity": "VALID",
        "reasons": [],
        "cautions": [],
        "metric": "latency_p90_ms",
        "latency_p50_ms": 6.0,
        "latency_p50_interval_ms": [5.9, 6.1],
        "latency_p90_ms": 7.0,
        "latency_mean_ms": 6.2,
        "invoke_p50_ms": 5.0,
        "invoke_mean_ms": 5.1,
        "stands_for": {"offline_samples_per_second": 160.0, "multi_stream_streams": 8},
        "stages_p50_ms": {"decode": None, "preprocess": None, "input": 0.1, "invoke": 5.0, "postprocess": 0.9},
        "samples": 2,
        "queries": 2,
        "duration_s": 0.012,
        "model": "model.tflite",
        "model_sha256": "a" * 64,
        "size_bytes": 1000,
        "backend": "litert",
        "runtime": "ai-edge-litert 2.1.0",
        "threads": 1,
        "placements": [],
        "images": [],
        "load_ms": 3.0,
        "first_ms": 9.0,
        "memory_peak_bytes": None,
        "energy": None,
        "processes": [{"samples": 2, "duration_s": 0.012, "drift": [1.01, 0.9, 1.1], "completed": True}],
        "device": DEVICE,
        "state_before": {"at_s": 1.5},
        "state_after": {"at_s": 2.5},
        "sittings": 1,
        "protocol": {"scenario": "single-stream", "preset": "quick", "delegates": []},
        "detlite": "0.1.0",
        "failure": None,
        "samples_ns": [{"latency": [6_000_000, 7_000_000], "invoke": [5_000_000, 5_200_000]}],
    }
    return {"schema": "detlite.measurement", "schema_version": 2, **record, **changes}


def in_turn_of_version_1(samples: Sequence[float] = (5.0, 5.5), **changes: Any) -> Record:
    """A record of two models in turn as detlite 0.1 wrote it: its latency is the interpreter alone."""
    known = times(samples)
    model = {
        "model": "model.tflite",
        "model_sha256": "a" * 64,
        "size_bytes": 1000,
        **{f"latency_{key}": value for key, value in known.items() if key != "count"},
        "latency_p50_interval_ms": [min(samples), max(samples)],
        "samples": len(samples),
        "samples_ms": list(samples),
        "first_ms": 9.0,
        "warm_up_ms": [5.0] * 10,
        "stages_p50_ms": {"preprocess": 1.0, "invoke": known["p50_ms"], "postprocess": 0.5},
    }
    record = {
        **model,
        "scenario": "single-stream",
        "runtime": "ai-edge-litert 2.1.0",
        "threads": 1,
        "validity": "VALID",
        "cautions": [],
        "device": {"processor": "a board", "cores": "4"},
        "against": {**model, "model": "float.tflite", "latency_p50_ms": 10.0, "samples_ms": [10.0, 11.0]},
        "latency_p50_ratio": 0.5,
        "latency_p50_ratio_interval": [0.5, 0.5],
    }
    return {"schema": "detlite.measurement", "schema_version": 1, **record, **changes}


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
