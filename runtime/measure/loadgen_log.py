"""A run in LoadGen's files: `mlperf_log_summary.txt`, `mlperf_log_detail.txt`, `mlperf_log_accuracy.json`.

The keys are those that the v1.0 submission checker reads, and those that today's LoadGen writes for the same run.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, Iterable, List, Sequence, Tuple

import numpy as np

from detlite.runtime.measure.presets import QSL_SEED, SAMPLE_SEED, SCHEDULE_SEED
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.results import Measurement
from detlite.runtime.measure.scenario import Rows, scenario_called
from detlite.runtime.measure.statistics import percentile_ns
from detlite.runtime.version import __version__

SUMMARY, DETAIL, ACCURACY = "mlperf_log_summary.txt", "mlperf_log_detail.txt", "mlperf_log_accuracy.json"
PERCENTS = (50.0, 90.0, 95.0, 97.0, 99.0, 99.9)
RULE = "=" * 48

Record = Dict[str, Any]


def write_logs(folder: Path, setup: Setup, found: Measurement, series: Sequence[Rows]) -> None:
    """Write the summary, the detail, and an empty accuracy log to *folder*, as LoadGen does for a performance run."""
    results = _results(setup, found, [rows for rows in series if len(rows)])
    parameters = _parameters(setup)
    (folder / SUMMARY).write_text(_summary(setup, found, results, parameters), encoding="utf-8")
    (folder / DETAIL).write_text(_detail(setup, found, results, parameters), encoding="utf-8")
    if not setup.accuracy:
        write_accuracy(folder / ACCURACY, ())


def _results(setup: Setup, measurement: Measurement, series: Sequence[Rows]) -> Record:
    """Return LoadGen's results, ns as whole numbers."""
    if not series:
        return {}
    scenario, multi = scenario_called(setup.scenario), setup.scenario == "multi-stream"
    latencies = np.concatenate([scenario.latency_ns(rows) for rows in series])
    word = "percentile_per_query_latency_ns" if multi else "percentile_latency_ns"
    found: Record = {
        "result_query_count": sum(rows.queries for rows in series),
        "result_min_latency_ns": int(latencies.min()),
        "result_max_latency_ns": int(latencies.max()),
        "result_mean_latency_ns": int(latencies.mean()),
        **{f"result_{percent:.2f}_{word}": percentile_ns(latencies, percent) for percent in PERCENTS},
    }
    if setup.scenario == "offline":
        found["result_samples_per_second"] = measurement.figures["samples_per_second"]
    elif setup.scenario == "server":
        found["result_scheduled_samples_per_sec"] = measurement.figures["scheduled_per_second"]
    elif multi:
        found["result_samples_per_query"] = setup.streams
    else:
        found["result_qps_with_loadgen_overhead"] = len(latencies) / max(1e-9, measurement.duration_s)
    return found


def _parameters(setup: Setup) -> Record:
    load = setup.load()
    count = max(1, min(setup.preset.sample_count, len(setup.images) or setup.preset.sample_count))
    limits = {"multi-stream": load.interval_ns, "server": load.limit_ns}
    samples = {"multi-stream": setup.streams, "offline": setup.preset.offline_samples}
    return {
        "samples_per_query": samples.get(setup.scenario, 1),
        "target_qps": {"multi-stream": 1e9 / load.interval_ns, "server": setup.per_second}.get(setup.scenario, 0),
        "target_latency (ns)": limits.get(setup.scenario, 0),
        "max_async_queries": 0 if setup.scenario == "server" else 1,
        "min_duration (ms)": int(setup.preset.min_duration_s * 1000),
        "max_duration (ms)": load.max_duration_ns // 1_000_000,
        "min_query_count": setup.preset.queries[setup.scenario],
        "max_query_count": 0,
        "qsl_rng_seed": QSL_SEED,
        "sample_index_rng_seed": SAMPLE_SEED,
        "schedule_rng_seed": SCHEDULE_SEED,
        "accuracy_log_rng_seed": 0,
        "accuracy_log_probability": 0,
        "print_timestamps": False,
        "performance_issue_unique": False,
        "performance_issue_same": False,
        "performance_issue_same_index": 0,
        "performance_sample_count": count,
    }


def _quoted(setup: Setup, found: Measurement, results: Record) -> Iterable[Tuple[str, object]]:
    if not results:
        return
    if setup.scenario == "single-stream":
        yield "90th percentile latency (ns)", results["result_90.00_percentile_latency_ns"]
    elif setup.scenario == "multi-stream":
        yield "Samples per query", setup.streams
    elif setup.scenario == "server":
        yield "Scheduled samples per second", f"{found.figures['scheduled_per_second']:.2f}"
    elif setup.scenario == "offline":
        yield "Samples per second", f"{found.figures['samples_per_second']:g}"
    else:  # a scenario that LoadGen does not have
        yield found.metric.name, found.metric.value


def _met(found: Measurement, *words: str) -> bool:
    return not any(reason.startswith(words) for reason in found.reasons)


def _checks(found: Measurement) -> Record:
    return {
        "result_perf_constraints_met": _met(found, "tail"),
        "result_min_duration_met": _met(found, "duration"),
        "result_min_queries_met": _met(found, "count", "too few"),
    }


def _summary(setup: Setup, found: Measurement, results: Record, parameters: Record) -> str:
    valid = not found.reasons
    checks = _checks(found)
    lines: List[str] = [RULE, "MLPerf Results Summary", RULE, f"SUT name : detlite {found.runtime}"]
    lines += [f"Scenario : {scenario_called(setup.scenario).title}", "Mode     : PerformanceOnly"]
    lines += [f"{key} : {value}" for key, value in _quoted(setup, found, results)]
    lines += [f"Result is : {'VALID' if valid else 'INVALID'}"]
    lines += [
        f"  {text} : {'Yes' if checks[key] else 'NO'}"
        for text, key in (
            ("Performance constraints satisfied", "result_perf_constraints_met"),
            ("Min duration satisfied", "result_min_duration_met"),
            ("Min queries satisfied", "result_min_queries_met"),
        )
    ]
    lines += [f" * {reason}" for reason in found.reasons]
    lines += ["", RULE, "Additional Stats", RULE]
    lines += [f"{_stat(key):<32}: {value}" for key, value in results.items() if key.endswith("latency_ns")]
    lines += ["", RULE, "Test Parameters Used", RULE]
    lines += [
        f"{key} : {value:d}" if isinstance(value, bool) else f"{key} : {value}" for key, value in parameters.items()
    ]
    return "\n".join([*lines, "", "No warnings encountered during test.", "", "No errors encountered during test.", ""])


def _stat(key: str) -> str:
    name = key[len("result_") : -len("_ns")].replace("_", " ")
    return f"{name[0].upper()}{name[1:]} (ns)"


def _detail(setup: Setup, found: Measurement, results: Record, parameters: Record) -> str:
    entries: Record = {
        "loadgen_version": f"detlite {__version__}, scenarios of v1.0",
        "sut_name": f"detlite {found.runtime}",
        "qsl_name": "images" if setup.images else "noise",
        "qsl_reported_total_count": len(setup.images),
        "qsl_reported_performance_count": parameters["performance_sample_count"],
        "requested_scenario": scenario_called(setup.scenario).title,
        "requested_test_mode": "PerformanceOnly",
        "effective_scenario": scenario_called(setup.scenario).title,
        "effective_test_mode": "PerformanceOnly",
    }
    named = {key.replace(" (ns)", "_ns").replace(" (ms)", "_ms"): value for key, value in parameters.items()}
    entries.update({f"effective_{key}": value for key, value in named.items()})
    entries["effective_min_sample_count"] = setup.preset.offline_samples
    entries["result_validity"] = "INVALID" if found.reasons else "VALID"
    entries.update(_checks(found))
    entries["result_invalid_reason"] = "; ".join(found.reasons)
    entries.update(results)
    entries.update({"num_warnings": 0, "num_errors": 0})
    return "".join(_line(key, value) for key, value in entries.items())


def _line(key: str, value: object) -> str:
    process = os.getpid()
    known = {"is_error": False, "is_warning": False, "file": "loadgen_log.py", "line_no": 0}
    entry = {
        "key": key,
        "value": value,
        "time_ms": 0.0,
        "namespace": "mlperf::logging",
        "event_type": "POINT_IN_TIME",
        "metadata": {**known, "pid": process, "tid": process},
    }
    return f":::MLLOG {json.dumps(entry)}\n"


def accuracy_entry(number: int, index: int, data: bytes) -> Record:
    """Return the entry of the image *index*, the *number*-th answered, with its `Result.loadgen_data`."""
    return {"seq_id": number, "qsl_idx": index, "data": data.hex().upper()}


def write_accuracy(path: Path, entries: Iterable[Record]) -> None:
    """Write *entries* as LoadGen does: one per line."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            before = "[\n"
            for entry in entries:
                file.write(before + json.dumps(entry))
                before = ",\n"
            file.write("\n]\n" if before == ",\n" else "[\n]\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
