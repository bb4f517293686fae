"""The record of a measurement by TFLite's `benchmark_model`, which prints sums and no samples; and its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from detlite.devices.parsers.benchmark_model import BenchmarkRun
from detlite.runtime.errors import DetliteError

SCHEMA = {"schema": "detlite.benchmark_model", "schema_version": 1}
DRIFT = 0.1  # of the first process, by the last: a clock that falls, or another program that came
CAUTIONS = (
    "benchmark_model feeds noise of its own, and counts the inference alone: no image is read, nothing post-processed",
    "it prints sums, and no samples: there are no percentiles but those that it prints",
)
GPU_CAUTION = "benchmark_model lets the GPU compute in 16 bits"

Record = dict[str, Any]


def benchmark_record(
    runs: Sequence[BenchmarkRun], *, asked_runs: int, delegates: Sequence[str], failure: DetliteError | None = None
) -> Record:
    """Return what *runs*, one a process and all of them whole, say together; *failure* stopped further ones.

    `latency_mean_ms` is the mean of all inferences; `latency_mean_range_ms` the least and the greatest mean of a
    process: processes differ more than the inferences of one.
    """
    spreads = [run.inference for run in runs if run.inference is not None]
    means = [spread.mean_ms or 0.0 for spread in spreads]
    samples = sum(spread.count for spread in spreads)
    total_ms = sum(mean * spread.count for mean, spread in zip(means, spreads, strict=True))
    reasons = [f"failure: {failure}"] if failure else []
    reasons += _reasons(runs, asked_runs, means)
    return {
        **SCHEMA,
        "scenario": "single-stream",
        "validity": f"INVALID because {'; '.join(reasons)}" if reasons else "VALID",
        "reasons": reasons,
        "cautions": [*CAUTIONS, *((GPU_CAUTION,) if "gpu" in delegates else ())],
        "metric": "latency_mean_ms",
        "latency_mean_ms": total_ms / samples if samples else None,
        "latency_mean_range_ms": [min(means), max(means)] if means else None,
        "latency_min_ms": min((one.min_ms for one in spreads if one.min_ms is not None), default=None),
        "latency_max_ms": max((one.max_ms for one in spreads if one.max_ms is not None), default=None),
        "first_ms": runs[0].first_ms,
        "load_ms": runs[0].init_ms,
        "memory_peak_mb": max((run.memory_mb for run in runs if run.memory_mb is not None), default=None),
        "samples": samples,
        "duration_s": total_ms / 1000,
        "threads": runs[0].threads,
        "placements": [asdict(one) for one in runs[0].delegates],
        "processes": [asdict(run) for run in runs],
        "energy": None,
        "failure": None if failure is None else {"text": str(failure), "exit_status": failure.exit_status},
    }


def _reasons(runs: Sequence[BenchmarkRun], asked_runs: int, means: Sequence[float]) -> list[str]:
    fell_back = dict.fromkeys(name for run in runs for name in run.fell_back)
    reasons = [f"fall back: {name} took none of the model's operators; the CPU ran them" for name in fell_back]
    counts = [run.inference.count for run in runs if run.inference is not None]
    if counts and min(counts) < asked_runs:
        reasons.append(f"count: a process ran {min(counts)} inferences, and {asked_runs} are asked")
    if len(means) > 1 and means[0] and means[-1] > (1 + DRIFT) * means[0]:
        slower = f"{means[-1] / means[0]:.2f} times as slow as the first"
        reasons.append(f"throttling, or another program: the last process was {slower}")
    return reasons


def benchmark_text(record: Record, folder: str | None) -> str:
    """Return what a reader wants of *record*, the verdict last; *folder* is where everything is kept."""
    low, high = record["latency_mean_range_ms"]
    facts = {
        "mean": f"{record['latency_mean_ms']:.3f} ms, of the processes {low:.3f} to {high:.3f} ms",
        "least, most": f"{_ms(record['latency_min_ms'])}, {_ms(record['latency_max_ms'])}",
        "load, first": f"{_ms(record['load_ms'])}, {_ms(record['first_ms'])}",
        "samples": f"{record['samples']}, {len(record['processes'])} process(es)",
        "runtime": f"{record['runtime']}, {record['threads']} thread(s)",
        "device": f"{record['device']['identity']['model']}, {record['device']['identity']['chip']}",
    }
    for number, one in enumerate(record["placements"], 1):
        taken = "operators" if one["taken"] is None else f"{one['taken']} of {one['operators']} operators"
        facts[f"delegate {number}"] = f"{one['delegate']}: {taken}"
    facts |= {f"caution {number}": text for number, text in enumerate(record["cautions"], 1)}
    width = max(map(len, facts))
    lines = [f"{key.ljust(width)}  {value}" for key, value in facts.items()]
    place = f"; {folder}" if folder else ""
    verdict = f"{record['model']}: latency_mean_ms {record['latency_mean_ms']:.3f}, {record['validity']}{place}"
    return "\n".join([*lines, verdict]) + "\n"


def _ms(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f} ms"
