"""A measurement as a few lines of text, the verdict last."""

from __future__ import annotations

from typing import Dict, List, Optional

from detlite.runtime.counts import counted
from detlite.runtime.measure.results import Against, Interval, Latency, Measurement
from detlite.runtime.measure.statistics import fewest_samples

MOST_OPERATORS = 10
PERCENTS = (50, 90, 95, 99)


def measurement_text(found: Measurement, folder: Optional[str]) -> str:
    """Return *found* as lines of text; *folder* is the run's folder."""
    facts = measurement_facts(found)
    width = max(map(len, facts))
    lines: List[str] = [f"{key.ljust(width)}  {value}" for key, value in facts.items()]
    return "\n".join([*lines, measurement_verdict(found, folder)]) + "\n"


def measurement_facts(found: Measurement) -> Dict[str, str]:
    """Return the facts of *found* that a reader needs, by name."""
    processes, device = len(found.processes), found.device
    facts = {
        "scenario": f"{found.scenario}, preset {found.preset}" if found.preset else f"{found.scenario}, in turn",
        **{f"p{percent}": _percentile(found.latency, percent) for percent in PERCENTS},
        "invoke p50": _percentile(found.invoke, 50),
        "stages": ", ".join(f"{name} {_ms(value)}" for name, value in vars(found.stages_p50_ms).items() if value),
        "load, first": f"{_ms(found.load_ms)}, {_ms(found.first_ms)}",
        **_batch_facts(found),
        "samples": f"{found.samples} in {found.duration_s:.1f} s, {counted(processes, 'process')}",
        "runtime": f"{found.runtime}, {counted(found.threads, 'thread')}",
        "device": f"{device.get('board', '')} {device.get('processor', '')}".strip(),
    }
    if "dropped_frames" in found.figures:
        facts["frames"] = (
            f"{found.figures['camera_frames_per_second']:g} a second, {found.figures['dropped_frames']:g} dropped, "
            f"{found.figures['late_frames']:g} late"
        )
    for number, one in enumerate(found.placements, 1):
        facts[f"delegate {number}"] = f"{one.delegate}: {one.taken} of {counted(one.operators, 'operator')}"
    if found.energy and found.energy.energy_per_sample_mj is not None:
        facts["energy"] = f"{found.energy.energy_per_sample_mj:.2f} mJ per sample ({found.energy.source})"
    facts.update(_profile_facts(found))
    if found.against is not None:
        facts.update(_against_facts(found.against))
    return {**facts, **{f"caution {number}": text for number, text in enumerate(found.cautions, 1)}}


def _batch_facts(found: Measurement) -> Dict[str, str]:
    if "images_per_query" not in found.figures:
        return {}
    rate = found.figures["images_per_second"]
    return {"images": f"{found.figures['images_per_query']:g} in a query, {rate:.1f} in a second"}


def measurement_verdict(found: Measurement, folder: Optional[str]) -> str:
    """Return the last line: the metric, the verdict, and the run's folder."""
    name, value = found.metric.name, found.metric.value
    quoted = _unknown(found) if value is None else f"{value:.3f}" if "_" in name else f"{value:g}"
    place = f"; {folder}" if folder else ""
    return f"{found.model}: {name} {quoted}, {found.validity}{place}"


def _unknown(found: Measurement) -> str:
    """Return why there is no figure to quote: a percentile of too few samples, or what the verdict says."""
    percent = next((one for one in PERCENTS if found.metric.name == f"latency_p{one}_ms"), None)
    if percent is None or found.samples >= fewest_samples(percent):
        return "unknown"
    needed = counted(fewest_samples(percent), "sample")
    return f"unknown: needs {needed}, and there {'is' if found.samples == 1 else 'are'} {found.samples}"


def _profile_facts(found: Measurement) -> Dict[str, str]:
    facts = {}
    for one in sorted(found.profile or (), key=lambda one: -one.mean_ms)[:MOST_OPERATORS]:
        size = _megabytes(one.size_bytes)
        facts[f"operator {one.number}"] = f"{one.mean_ms:.3f} ms, {one.share:.1%}, {size}, {one.operator}, {one.place}"
    for place, change in enumerate((found.profile_differences or ())[:MOST_OPERATORS], 1):
        times = f"{change.before_ms:.3f} to {change.after_ms:.3f} ms"
        facts[f"change {place}"] = f"{times}, {change.operator} no. {change.occurrence}, {change.place}"
    if found.profile_failure is not None:
        facts["profile"] = f"none: {found.profile_failure}"
    return facts


def _against_facts(beside: Against) -> Dict[str, str]:
    other = beside.measurement
    return {
        "against": f"{other.model}: p50 {_ms(other.latency.p50_ms)}, invoke p50 {_ms(other.invoke.p50_ms)}",
        "ratio": _ratio(beside.latency_p50_ratio, beside.latency_p50_ratio_interval),
        "invoke ratio": _ratio(beside.invoke_p50_ratio, beside.invoke_p50_ratio_interval),
    }


def _ratio(value: Optional[float], interval: Optional[Interval]) -> str:
    if value is None:
        return "unknown"
    return f"{value:.3f} times as long" + ("" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]")


def _percentile(latency: Latency, percent: int) -> str:
    value, interval = latency.percentile_ms(percent), latency.interval_ms(percent)
    if value is None:
        return f"unknown: needs {counted(fewest_samples(percent), 'sample')}"
    return f"{value:.3f} ms" + ("" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]")


def _megabytes(size_bytes: Optional[int]) -> str:
    return "size unknown" if size_bytes is None else f"{size_bytes / 1e6:.2f} MB"


def _ms(value: Optional[float]) -> str:
    return "unknown" if value is None else f"{value:.3f} ms"
