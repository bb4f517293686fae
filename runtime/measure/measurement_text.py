"""A measurement's record for people: a few lines, the verdict last."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

MOST_OPERATORS = 10

Record = Dict[str, Any]


def measurement_text(record: Record, folder: Optional[str]) -> str:
    """Return what a reader wants of *record*; *folder* is where everything is kept."""
    facts = measurement_facts(record)
    width = max(map(len, facts))
    lines: List[str] = [f"{key.ljust(width)}  {value}" for key, value in facts.items()]
    return "\n".join([*lines, measurement_verdict(record, folder)]) + "\n"


def measurement_facts(record: Record) -> Dict[str, str]:
    """Return what a reader wants of *record*, by its name."""
    facts = {
        "scenario": f"{record['scenario']}, preset {record['preset']}",
        **{f"p{percent}": _percentile(record, percent) for percent in (50, 90, 95, 99)},
        "invoke p50": _ms(record["invoke_p50_ms"]),
        "stages": ", ".join(f"{name} {_ms(value)}" for name, value in record["stages_p50_ms"].items() if value),
        "load, first": f"{_ms(record['load_ms'])}, {_ms(record['first_ms'])}",
        "samples": f"{record['samples']} in {record['duration_s']:.1f} s, {len(record['processes'])} process(es)",
        "runtime": f"{record['runtime']}, {record['threads']} thread(s)",
        "device": f"{record['device'].get('board', '')} {record['device']['processor']}".strip(),
    }
    for number, one in enumerate(record["placements"], 1):
        facts[f"delegate {number}"] = f"{one['delegate']}: {one['taken']} of {one['operators']} operators"
    if record["energy"]:
        facts["energy"] = f"{record['energy']['energy_per_sample_mj']:.2f} mJ a sample ({record['energy']['source']})"
    slowest = sorted(record.get("profile") or (), key=lambda one: -one["mean_ms"])[:MOST_OPERATORS]
    for one in slowest:
        facts[f"operator {one['number']}"] = (
            f"{one['mean_ms']:.3f} ms, {one['share']:.1%}, {_megabytes(one.get('size_bytes'))}, {one['operator']}, "
            f"{one['place']}"
        )
    for place, one in enumerate(record.get("profile_differences", ())[:MOST_OPERATORS], 1):
        change = f"{one['before_ms']:.3f} to {one['after_ms']:.3f} ms"
        facts[f"change {place}"] = f"{change}, {one['operator']} no. {one['occurrence']}, {one['place']}"
    if "profile_failure" in record:
        facts["profile"] = f"none: {record['profile_failure']}"
    return {**facts, **{f"caution {number}": text for number, text in enumerate(record["cautions"], 1)}}


def measurement_verdict(record: Record, folder: Optional[str]) -> str:
    """Return the last line: the metric, the verdict, and where everything is."""
    value = record.get(record["metric"])
    quoted = "nothing" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
    place = f"; {folder}" if folder else ""
    return f"{record['model']}: {record['metric']} {quoted}, {record['validity']}{place}"


def _percentile(record: Record, percent: int) -> str:
    value, interval = record[f"latency_p{percent}_ms"], record[f"latency_p{percent}_interval_ms"]
    if value is None:
        return "too few samples"
    return f"{value:.3f} ms" + ("" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]")


def _megabytes(size_bytes: Optional[int]) -> str:
    return "bytes not known" if size_bytes is None else f"{size_bytes / 1e6:.2f} MB"


def _ms(value: Optional[float]) -> str:
    return "not known" if value is None else f"{value:.3f} ms"
