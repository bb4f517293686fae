"""From a run's samples to its `Measurement`: percentiles, stages, processes, the scenario's metric, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Type

import numpy as np

from detlite.runtime.errors import DetliteError, DeviceError, InputError, MissingToolError
from detlite.runtime.load import Load
from detlite.runtime.measure.machine import machine_facts
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.results import (
    Energy,
    Failure,
    Latency,
    MeasuredImage,
    Measurement,
    ProcessResult,
    ProcessSamples,
    QuotedMetric,
    Stages,
)
from detlite.runtime.measure.run_folder import (
    ENDED,
    ENDED_KEYS,
    OPENED,
    OPENED_KEYS,
    SAMPLES,
    WARM_UP,
    cut_samples,
    process_folder,
    read_json,
    read_rows,
)
from detlite.runtime.measure.scenario import Judged, Rows, scenario_called
from detlite.runtime.measure.state import States, cautions, energy_mj, throttling
from detlite.runtime.measure.statistics import PERCENTS, Times, bootstrap_ns, drift, fewest_samples, percentile_ns
from detlite.runtime.measure.verdict import cautions_of, reasons_of, without_warm_up
from detlite.runtime.records import from_record, to_record
from detlite.runtime.runners.placement import Placement
from detlite.runtime.version import __version__

IMAGE_STAGES = ("decode", "preprocess")


@dataclass(frozen=True)
class _Opened:
    """What a process writes before its first sample that counts, to check what is read back."""

    runtime: str
    model_sha256: str
    load_ns: Optional[int]
    first_ns: Optional[int]
    placements: Tuple[Placement, ...]
    images: Tuple[MeasuredImage, ...]
    machine: str


@dataclass(frozen=True)
class _Ended:
    """What a process writes at its end, to check what is read back."""

    model_sha256: str
    memory_peak_bytes: Optional[int]
    wall_clock_step_s: Optional[float]
    load: Optional[Load] = None


QUERY_STAGES = ("input", "invoke", "postprocess")

Record = Dict[str, Any]


def latency_of(series: Sequence[Times]) -> Latency:
    """Return the statistics of the times of all processes, with 95 % bootstrap intervals."""
    known = [times for times in series if len(times)]
    if not known:
        return Latency()
    total, intervals = np.concatenate(known), bootstrap_ns(known)
    values: Record = {}
    for percent in PERCENTS:
        if len(total) >= fewest_samples(percent):
            low, high = intervals[percent]
            values[f"p{percent:g}_ms"] = percentile_ns(total, percent) / 1e6
            values[f"p{percent:g}_interval_ms"] = (low / 1e6, high / 1e6)
    ends_ms = int(total.min()) / 1e6, int(total.max()) / 1e6
    return Latency(len(total), mean_ms=float(total.mean()) / 1e6, min_ms=ends_ms[0], max_ms=ends_ms[1], **values)


def stages_of(series: Sequence[Rows], facts: Sequence[Record]) -> Stages:
    """Return the median of each stage in ms: of reading images, and of running samples."""
    images = [image for fact in facts for image in fact["images"]]
    times = {stage: np.array([image[f"{stage}_ns"] for image in images], np.int64) for stage in IMAGE_STAGES}
    times |= {stage: np.concatenate([getattr(rows, f"{stage}_ns") for rows in series]) for stage in QUERY_STAGES}
    return Stages(**{stage: _median_ms(found) for stage, found in times.items()})


def process_result(rows: Rows, fact: Record) -> ProcessResult:
    """Return the result of one process."""
    return ProcessResult(
        load_ms=_ms(fact["load_ns"]),
        first_ms=_ms(fact["first_ns"]),
        warm_up_samples=fact["warm_up_samples"],
        warm_up_cut=fact["warm_up_cut"],
        samples_set_aside=fact["samples_set_aside"],
        samples=len(rows),
        duration_s=rows.duration_ns / 1e9,
        latency_p50_ms=_median_ms(rows.latency_ns),
        invoke_p50_ms=_median_ms(rows.invoke_ns),
        drift=drift(rows.end_ns - rows.begin_ns),
        memory_peak_bytes=fact.get("memory_peak_bytes"),
        completed="memory_peak_bytes" in fact,
    )


def measured(setup: Setup, series: Sequence[Rows], facts: Sequence[Record], judged: Optional[Judged]) -> Measurement:
    """Return the measurement from *series*, the samples of each process; *facts* say what ran them. No verdict yet."""
    scenario, first = scenario_called(setup.scenario), facts[0]
    latencies = [scenario.latency_ns(rows) for rows in series]
    latency = latency_of(latencies)
    return Measurement(
        model=str(setup.model),
        model_sha256=first["model_sha256"],
        scenario=setup.scenario,
        preset=setup.preset_name,
        metric=QuotedMetric(scenario.metric, None if judged is None else judged.value),
        latency=latency,
        invoke=latency_of([rows.invoke_ns for rows in series]),
        figures={**({} if judged is None else judged.figures), **_batch_figures(setup.batch, latency)},
        stages_p50_ms=stages_of(series, facts),
        samples=sum(map(len, series)),
        queries=sum(rows.queries for rows in series),
        duration_s=sum(rows.duration_ns for rows in series) / 1e9,
        size_bytes=setup.model.stat().st_size if setup.model.is_file() else None,
        backend=setup.backend,
        runtime=first["runtime"],
        threads=setup.settings.threads,
        placements=tuple(from_record(Placement, one) for one in first["placements"]),
        images=tuple(from_record(MeasuredImage, one) for one in first["images"]),
        load_ms=_ms(first["load_ns"]),
        first_ms=_ms(first["first_ns"]),
        memory_peak_bytes=max(fact.get("memory_peak_bytes") or 0 for fact in facts) or None,
        processes=tuple(process_result(rows, fact) for rows, fact in zip(series, facts)),
        device=machine_facts(),
        protocol=setup.protocol(),
        detlite=__version__,
        samples_ns=tuple(
            ProcessSamples(tuple(times.tolist()), tuple(rows.invoke_ns.tolist()))
            for times, rows in zip(latencies, series)
        ),
    )


def _batch_figures(batch: int, latency: Latency) -> Mapping[str, float]:
    """Return how many images a query runs, and how many that is in a second; nothing where it is one."""
    if batch == 1 or not latency.mean_ms:
        return {}
    return {"images_per_query": float(batch), "images_per_second": batch / latency.mean_ms * 1e3}


def summarize(setup: Setup, run: Path, sittings: Sequence[States], failure: Optional[Failure]) -> Measurement:
    """Return the measurement of the run in the folder *run*, with its verdict.

    *sittings* are the machine's states for each time that the run was started or resumed.

    Raises:
        DeviceError, MissingToolError: no process reached its first inference, because of *failure*.
    """
    whole, series, facts = series_of(setup, run)
    if not facts:
        raise _nothing(failure)
    judged = _judged(setup, series, facts)
    reasons = [f"failure: {failure.text}"] if failure else []
    reasons += reasons_of(setup, whole, series, facts)
    reasons += [*(() if judged is None else judged.missing), *throttling(sittings)]
    return replace(
        measured(setup, series, facts, judged),
        reasons=tuple(reasons),
        cautions=(*cautions(sittings[0][0]), *cautions_of(setup, facts)),
        energy=_energy(sittings, whole, facts),
        state_before=sittings[0][0],
        state_after=sittings[-1][-1],
        sittings=len(sittings),
        failure=failure,
    )


def series_of(setup: Setup, run: Path) -> Tuple[List[Rows], List[Rows], List[Record]]:
    """Return, for each process that was opened, its samples, its samples without the warm-up, and its facts."""
    scenario = scenario_called(setup.scenario)
    whole, series, facts = [], [], []
    for number in range(1, setup.preset.processes + 1):
        folder = process_folder(run, number)
        opened = _checked(_Opened, folder / OPENED, OPENED_KEYS)
        if not opened:
            continue
        ended = _checked(_Ended, folder / ENDED, ENDED_KEYS)
        rows = read_rows(folder / SAMPLES)
        whole.append(rows)
        series.append(without_warm_up(rows, scenario))
        ended["model_sha256_after"] = ended.pop("model_sha256", None)
        counts = {"warm_up_cut": len(rows) - len(series[-1]), "samples_set_aside": cut_samples(folder)}
        facts.append({**opened, **ended, "warm_up_samples": len(read_rows(folder / WARM_UP)), **counts})
    return whole, series, facts


def _checked(kind: Type[Any], path: Path, keys: Sequence[str]) -> Record:
    """Return the record in the file at *path*, in the types of *kind*; empty if there is no file."""
    record = read_json(path, keys)
    if record is None:
        return {}
    try:
        return {**record, **to_record(from_record(kind, record))}
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}; pass --force to measure again") from error


def failure_of(error: Exception, process: Optional[int] = None) -> Failure:
    """Return the failure that stopped a run, or its process of that number."""
    status = error.exit_status if isinstance(error, DetliteError) else MissingToolError.exit_status
    text = str(error) if isinstance(error, DetliteError) else f"cannot write: {error}"
    return Failure(" ".join(text.split()), status, process)


def _nothing(failure: Optional[Failure]) -> DetliteError:
    kind = MissingToolError if failure and failure.exit_status == MissingToolError.exit_status else DeviceError
    return kind(f"nothing was measured: {failure.text if failure else 'no process began'}")


def _judged(setup: Setup, series: Sequence[Rows], facts: Sequence[Record]) -> Optional[Judged]:
    """Return the scenario's judgement of the samples; None without any."""
    known = [rows for rows in series if len(rows)]
    load = Load(**facts[0]["load"]) if facts[0].get("load") else setup.load()
    return scenario_called(setup.scenario).judge(known, load) if known else None


def _energy(sittings: Sequence[States], whole: Sequence[Rows], facts: Sequence[Record]) -> Optional[Energy]:
    """Return the energy of the whole run, with loading and warm-up, and the energy per sample that was run."""
    used = energy_mj(sittings)
    samples = sum(map(len, whole)) + sum(fact["samples_set_aside"] for fact in facts)
    if used is None or not samples:
        return None
    return Energy(**used, energy_per_sample_mj=used["energy_mj"] / samples)


def _median_ms(times: Times) -> Optional[float]:
    return percentile_ns(times, 50) / 1e6 if len(times) else None


def _ms(time_ns: Optional[int]) -> Optional[float]:
    return None if time_ns is None else time_ns / 1e6
