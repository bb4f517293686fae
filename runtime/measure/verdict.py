"""Whether a run may be quoted: VALID, or INVALID with its reasons."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import numpy as np

from detlite.runtime.counts import counted
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.scenario import Rows, Scenario, scenario_called
from detlite.runtime.measure.statistics import SLOWER, change_point, drift, fewest_samples, percentile_ns

FEWEST_HALF = 15  # samples: below this, the median of half a series depends on two or three
TAIL = 2.0  # p90 over the median: other programs, or changing clocks; 1.02 to 1.3 on quiet machines
STEP_S = 1.0  # how far the wall clock may drift from the monotonic one; more means that someone set it

Record = Dict[str, Any]


def reasons_of(setup: Setup, whole: Sequence[Rows], series: Sequence[Rows], facts: Sequence[Record]) -> List[str]:
    """Return the reasons why a run of *setup* is INVALID; none if it is VALID.

    Args:
        setup: what is measured, and how.
        whole: the samples of each process.
        series: the same without warm-up samples.
        facts: for each process, the facts of `opened.json` and `ended.json`, `warm_up_cut` and `samples_set_aside`.
    """
    return [
        *_count(setup, whole),
        *_enough(scenario_called(setup.scenario), series),
        *_clock(whole),
        *_model(facts),
        *_fallback(setup, facts),
        *_settled(series, facts),
        *_slowed(series),
        *_tail(series),
    ]


def reasons_in_turn(setup: Setup, rows: Rows, fact: Record, *, fewest: int) -> List[str]:
    """Return the reasons why a measurement in turn is INVALID; none if it is VALID.

    Args:
        setup: what is measured.
        rows: its samples.
        fact: what is known of it, as `reasons_of` takes it.
        fewest: the smallest number of samples.
    """
    slowed = _slowed([rows])
    return [
        *([] if len(rows) >= fewest else [f"{counted(len(rows), 'sample is', 'samples are')} under {fewest}"]),
        *_clock([rows]),
        *_model([fact]),
        *_fallback(setup, [fact]),
        *(slowed or _moved(rows)),
        *_tail([rows]),
    ]


def _moved(rows: Rows) -> List[str]:
    """Return whether the median moved by over a tenth, either way, between the halves of a series without warm-up."""
    times, middle = rows.latency_ns, len(rows) // 2
    if middle < FEWEST_HALF:
        return []
    before, after = (percentile_ns(half, 50) / 1e6 for half in (times[:middle], times[middle:]))
    if 1 / SLOWER <= after / max(before, 1e-6) <= SLOWER:
        return []
    return [f"drift: the median went from {before:.3f} to {after:.3f} ms during the measurement"]


def _tail(series: Sequence[Rows]) -> List[str]:
    """Return whether some answers took far longer than most: reading images, which may differ, is left out."""
    times = np.concatenate([rows.invoke_ns + rows.postprocess_ns for rows in series] or [np.zeros(0, np.int64)])
    if len(times) < fewest_samples(90):
        return []
    ratio = percentile_ns(times, 90) / max(1, percentile_ns(times, 50))
    if ratio <= TAIL:
        return []
    return [f"another program, or a changing clock: p90 is {ratio:.1f} times the median, over {TAIL:g}"]


def _count(setup: Setup, series: Sequence[Rows]) -> List[str]:
    found = []
    queries = sum(rows.queries for rows in series)
    wanted = setup.preset.queries[setup.scenario]
    if queries < wanted:
        found.append(f"count: {counted(queries, 'query')}, but {wanted} are required")
    span_s = sum(rows.duration_ns for rows in series) / 1e9
    if span_s < setup.preset.min_duration_s:
        found.append(f"duration: {span_s:.1f} s, but {setup.preset.min_duration_s:g} s are required")
    return found


def _enough(scenario: Scenario, series: Sequence[Rows]) -> List[str]:
    counted, fewest = sum(len(scenario.latency_ns(rows)) for rows in series), fewest_samples(scenario.percent)
    if counted >= fewest:
        return []
    return [f"too few samples for p{scenario.percent:g}: {counted}, but {fewest} are needed"]


def _clock(series: Sequence[Rows]) -> List[str]:
    for number, rows in enumerate(series, 1):
        stages = np.minimum(rows.input_ns, np.minimum(rows.invoke_ns, rows.postprocess_ns))
        back = (stages < 0) | (np.diff(rows.begin_ns, prepend=rows.begin_ns[:1]) < 0)
        if back.any():
            return [f"clock: it stepped back at sample {int(np.argmax(back)) + 1} of process {number}"]
    return []


def _model(facts: Sequence[Record]) -> List[str]:
    seen = {fact[key] for fact in facts for key in ("model_sha256", "model_sha256_after") if fact.get(key)}
    runtimes = {fact["runtime"] for fact in facts}
    found = []
    if len(seen) > 1:
        found.append(f"model: the file was replaced during the measurement; its sha256 were {', '.join(sorted(seen))}")
    if len(runtimes) > 1:
        found.append(f"runtime: it was replaced during the measurement: {', '.join(sorted(runtimes))}")
    if len({fact.get("machine") for fact in facts}) > 1:
        found.append("device: the processes did not all run on the same machine, or its system was changed")
    return found


def _fallback(setup: Setup, facts: Sequence[Record]) -> List[str]:
    wanted = list(setup.settings.delegates)
    if setup.backend == "edgetpu" and not wanted:
        wanted = ["edgetpu"]
    if setup.settings.xnnpack and not wanted:
        wanted = ["XNNPACK"]
    found: List[str] = []
    for fact in facts:
        taken = sum(placement["taken"] for placement in fact["placements"])
        if wanted and not taken:
            found.append(f"fall back: {', '.join(wanted)} took none of the model's operators; the CPU ran them")
        elif not wanted and any(placement["taken"] == 0 for placement in fact["placements"]):
            names = ", ".join(placement["delegate"] for placement in fact["placements"])
            found.append(f"fall back: {names} took none of the model's operators; the CPU ran them")
    return found[:1]


def _settled(series: Sequence[Rows], facts: Sequence[Record]) -> List[str]:
    for number, (rows, fact) in enumerate(zip(series, facts), 1):
        cut = fact["warm_up_cut"]
        if cut > len(rows):
            return [
                f"warm-up: process {number} was still getting faster after {cut} of "
                f"{counted(cut + len(rows), 'sample')}"
            ]
    return []


def _slowed(series: Sequence[Rows]) -> List[str]:
    services = [rows.end_ns - rows.begin_ns for rows in series if len(rows)]
    for number, times in enumerate(services, 1):
        found = drift(times)
        if found is not None and found.is_slower:
            return [
                f"throttling, or another program: process {number} became {found.ratio:.2f} times as slow "
                f"[{found.low:.2f}, {found.high:.2f}]"
            ]
    if len(services) > 1:
        ratio = percentile_ns(services[-1], 50) / max(1, percentile_ns(services[0], 50))
        if ratio > SLOWER:
            return [f"throttling, or another program: the last process was {ratio:.2f} times as slow as the first"]
    return []


def cautions_of(setup: Setup, facts: Sequence[Record]) -> List[str]:
    """Return the cautions for a reader of the numbers, one sentence each."""
    found = []
    if not setup.images:
        found.append("the input is noise, not images: times that depend on the image, such as NMS, will differ")
    if any(fact["load_ns"] is None for fact in facts):
        found.append(f"the times are from {facts[0]['runtime']}: they do not include images and post-processing")
    elif setup.contract is None:
        found.append("the file has no contract: its outputs are neither read nor post-processed")
    if setup.backend in ("null", "scripted"):
        found.append(f"the back end is {setup.backend}: no model was run")
    if setup.batch > 1:
        found.append(f"a query is one run of {counted(setup.batch, 'image')}: its time is that of all of them")
    partly = {
        f"{p['delegate']} took {p['taken']} of {counted(p['operators'], 'operator')} in "
        f"{counted(p['partitions'], 'part')}"
        for fact in facts
        for p in fact["placements"]
        if p["taken"] < p["operators"] and setup.settings.delegates
    }
    found += sorted(partly)
    found += [
        f"process {number} was interrupted and repeated: the "
        f"{counted(fact['samples_set_aside'], 'earlier sample is', 'earlier samples are')} kept in its folder, but not "
        "counted"
        for number, fact in enumerate(facts, 1)
        if fact["samples_set_aside"]
    ]
    if any(abs(fact.get("wall_clock_step_s") or 0) > STEP_S for fact in facts):
        found.append("the wall clock was set during the measurement; times are from the monotonic clock")
    if setup.settings.xnnpack is None and any(
        not fact["placements"] and fact["runtime"].startswith(("ai-edge-litert", "tflite-runtime")) for fact in facts
    ):
        found.append("this runtime chose not to use XNNPACK: its own, slower kernels ran")
    return found


def without_warm_up(rows: Rows, scenario: Scenario) -> Rows:
    """Return *rows* without the warm-up, which ends at the change point of their times."""
    if not scenario.has_warm_up:
        return rows
    return rows.after(change_point(rows.end_ns - rows.begin_ns))
