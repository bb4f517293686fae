"""Measurements recorded by detlite 0.1, converted to version 3 of `detlite.measurement`.

Version 2 records a scenario. Version 1 records models measured in turn: its latency is the interpreter
alone, and it has no times of whole queries.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from detlite.runtime.errors import InputError

OLDER_VERSIONS = (1, 2)
PERCENTS = (50, 90, 95, 99)
FIGURES = (
    *("streams", "interval_ms", "query_latency_p99_ms", "late_queries", "late_share", "samples_per_second"),
    *("scheduled_per_second", "target_per_second", "limit_ms"),
)
"""Figures of scenarios, which version 2 had at the top level."""

INVALID = "INVALID because "

Record = Dict[str, Any]


def current_record(record: Mapping[str, Any]) -> Record:
    """Return *record*, of any readable version, with the keys of version 3.

    Raises:
        InputError: its samples are not numbers.
    """
    version = record.get("schema_version")
    return dict(record) if version not in OLDER_VERSIONS else _in_turn(record) if version == 1 else _scenario(record)


def _scenario(record: Mapping[str, Any]) -> Record:
    """Return a version 2 record as version 3."""
    metric, derived = record.get("metric", "latency_p90_ms"), _object(record, "stands_for")
    figures = {key: record[key] for key in FIGURES if record.get(key) is not None}
    whole = {
        **record,
        "metric": {"name": metric, "value": record.get(metric) if isinstance(metric, str) else None},
        "latency": _latency(record, "latency", record.get("samples")),
        "invoke": _latency(record, "invoke", record.get("samples")),
        "figures": {**figures, **{f"equivalent_{key}": value for key, value in derived.items()}},
    }
    if "reasons" not in record:
        whole["reasons"] = _reasons(record)
    if isinstance(record.get("processes"), list):
        whole["processes"] = [_process(one) for one in record["processes"]]
    return whole


def _in_turn(record: Mapping[str, Any]) -> Record:
    """Return a version 1 record as version 3."""
    samples, samples_ns = record.get("samples"), _samples_ns(record)
    warm_up = record.get("warm_up_ms")
    process = {
        "first_ms": record.get("first_ms"),
        "warm_up_samples": len(warm_up) if isinstance(warm_up, list) else 0,
        "samples": samples,
        "invoke_p50_ms": record.get("latency_p50_ms"),
    }
    whole = {
        **record,
        "scenario": record.get("scenario", "single-stream"),
        "metric": {"name": "invoke_p50_ms", "value": record.get("latency_p50_ms")},
        "latency": {"count": 0},
        "invoke": _latency(record, "latency", samples),
        "reasons": _reasons(record),
        "processes": [process],
        "samples_ns": [{"latency": [], "invoke": samples_ns}] if samples_ns else [],
    }
    against = record.get("against")
    whole["preset"], whole["protocol"] = None, {"queries": samples, "models_in_turn": 2 if against else 1}
    if isinstance(against, Mapping):
        shared = {key: record.get(key) for key in ("runtime", "threads", "device")}
        whole["against"] = {
            "measurement": _in_turn({**shared, **against}),
            "invoke_p50_ratio": record.get("latency_p50_ratio"),
            "invoke_p50_ratio_interval": record.get("latency_p50_ratio_interval"),
        }
    return whole


def _latency(record: Mapping[str, Any], prefix: str, count: Any) -> Record:
    known = {key: record.get(f"{prefix}_{key}") for key in ("mean_ms", "min_ms", "max_ms")}
    for percent in PERCENTS:
        for key in (f"p{percent}_ms", f"p{percent}_interval_ms"):
            known[key] = record.get(f"{prefix}_{key}")
    return {"count": count or 0, **known}


def _process(process: Any) -> Any:
    """Return the record of a process; its drift was a list."""
    if not isinstance(process, Mapping) or not isinstance(process.get("drift"), list):
        return process
    return {**process, "drift": dict(zip(("ratio", "low", "high"), process["drift"]))}


def _reasons(record: Mapping[str, Any]) -> List[str]:
    validity = record.get("validity", "VALID")
    if validity == "VALID":
        return []
    return [validity[len(INVALID) :] if str(validity).startswith(INVALID) else str(validity)]


def _samples_ns(record: Mapping[str, Any]) -> List[int]:
    samples = record.get("samples_ms") or []
    if not isinstance(samples, list):
        raise InputError(f"samples_ms holds {str(samples)[:40]!r}, want a list of numbers")
    for sample in samples:
        if isinstance(sample, bool) or not isinstance(sample, (int, float)) or not 0 <= sample <= 1e12:
            raise InputError(f"samples_ms holds {str(sample)[:40]!r}, want a number")
    return [round(1e6 * sample) for sample in samples]


def _object(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = record.get(key)
    return value if isinstance(value, Mapping) else {}
