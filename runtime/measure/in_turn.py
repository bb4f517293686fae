"""Models measured in turn (A B A B ...) in one process, so that disturbances of the machine affect all alike."""

from __future__ import annotations

import gc
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from detlite.runtime.child import run_in_child
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.hashing import sha256_of
from detlite.runtime.measure.process import TELL_EVERY_NS, LoadedModel
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.results import Against, Measurement, QuotedMetric
from detlite.runtime.measure.run_folder import HEADER, read_rows
from detlite.runtime.measure.run_summary import measured
from detlite.runtime.measure.scenario import Rows
from detlite.runtime.measure.state import cautions, read_state, throttling
from detlite.runtime.measure.statistics import median_ratio_interval, percentile_ns
from detlite.runtime.measure.verdict import cautions_of, reasons_in_turn
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress, silent
from detlite.runtime.resident_memory import peak_bytes
from detlite.runtime.runners.backend import BACKENDS
from detlite.runtime.session import lost_class

WARM_UPS = 10
FEWEST_SAMPLES = 30  # below this, a p90 depends on two or three samples

Record = Dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How long to measure: at least *samples* per model and at least *min_seconds*."""

    samples: int = 200
    min_seconds: float = 1.0

    def __post_init__(self) -> None:
        if not (1 <= self.samples <= 1_000_000 and 0 <= self.min_seconds <= 86_400):
            raise InputError(
                f"{counted(self.samples, 'sample')} and {self.min_seconds} s: want 1 to 1000000, and at most a day"
            )


def measure_in_turn(setups: Sequence[Setup], plan: Plan, *, progress: Progress = silent) -> Tuple[Measurement, ...]:
    """Measure the models of *setups* in turn in a separate process; all use the first image, or noise.

    Only a setup's model, contract, back end, settings and images are used. The input is ready when
    a query begins; reading and preprocessing the image is timed separately.

    Raises:
        InputError: a model cannot be opened.
        DeviceError: the process failed.
    """
    before = read_state()
    facts, series = rows_in_turn(setups, plan, progress=progress)
    found = [
        _measurement(setup, rows, fact, plan, models=len(setups)) for setup, rows, fact in zip(setups, series, facts)
    ]
    after = read_state()
    return tuple(
        replace(
            one,
            state_before=before,
            state_after=after,
            reasons=(*one.reasons, *throttling([(before, after)])),
            cautions=(*cautions(before), *one.cautions),
        )
        for one in found
    )


def rows_in_turn(
    setups: Sequence[Setup], plan: Plan, *, progress: Progress = silent
) -> Tuple[List[Record], List[Rows]]:
    """Return the facts of each model and its samples, as `measure_in_turn` measures them; errors as there."""
    for setup in setups:
        if load_plugin(BACKENDS, setup.backend).open is None:
            raise InputError(f"{setup.backend} measures with another program: pass --scenario single-stream")
    with tempfile.TemporaryDirectory(prefix="detlite-") as folder:
        request = {
            "models": [{**setup.request(Path(folder)), "sample_count": 1} for setup in setups],
            "samples": plan.samples,
            "min_seconds": plan.min_seconds,
            "folder": folder,
        }
        answer = run_in_child("detlite.runtime.measure.in_turn:in_turn_process", request, progress=progress)
        return answer["models"], [read_rows(_rows_file(Path(folder), number)) for number in range(len(setups))]


def against(first: Measurement, second: Measurement) -> Measurement:
    """Return *first* with *second*, which was measured in turn with it, and the ratios of their medians.

    The result has the cautions of both.
    """
    pairs = {
        key: (getattr(first.samples_ns[0], key), getattr(second.samples_ns[0], key)) for key in ("invoke", "latency")
    }
    ratios = {key: _median_ns(ours) / max(1, _median_ns(theirs)) for key, (ours, theirs) in pairs.items()}
    intervals = {key: median_ratio_interval(*pair) for key, pair in pairs.items()}
    beside = Against(second, ratios["invoke"], intervals["invoke"], ratios["latency"], intervals["latency"])
    return replace(first, against=beside, cautions=tuple(dict.fromkeys((*first.cautions, *second.cautions))))


def in_turn_process(request: Record, progress: Progress) -> Record:
    """Measure the `models` of *request*, each a record of `Setup.request`, and write their samples to its `folder`.

    Returns:
        `models`: for each, the `LoadedModel.facts` known before its first sample, and its memory.
    """
    models = [LoadedModel(one) for one in request["models"]]
    gc.collect()
    gc.disable()  # a collection would sometimes interrupt an inference; nothing here creates cycles
    facts = [model.facts() for model in models]
    tables = take_turns(models, Plan(request["samples"], request["min_seconds"]), progress=progress)
    for number, table in enumerate(tables):
        _rows_file(Path(request["folder"]), number).write_bytes(HEADER.encode() + b"".join(table))
    known = {"warm_up_samples": WARM_UPS, "warm_up_cut": 0, "samples_set_aside": 0, "memory_peak_bytes": peak_bytes()}
    after = [{"model_sha256_after": sha256_of(model.model)} for model in models]
    return {"models": [{**fact, **known, **one} for fact, one in zip(facts, after)]}


def take_turns(models: Sequence[LoadedModel], plan: Plan, *, progress: Progress = silent) -> Tuple[List[bytes], ...]:
    """Return the lines of each model's samples; see `scenario.COLUMNS`."""
    for model in models:
        _serve(model, [], WARM_UPS)
    tables: Tuple[List[bytes], ...] = tuple([] for _ in models)
    serves = [model.server(table.append, lambda _now: None) for model, table in zip(models, tables)]
    clock = models[0].clock
    begin = now = told = clock.now_ns()
    query = 0
    while query < plan.samples or now - begin < plan.min_seconds * 1e9:
        for model, serve in zip(models, serves):
            now = serve(query, 0, model.clock.now_ns())
        query += 1
        if now - told >= TELL_EVERY_NS:
            told = now
            progress("latency", min(query, plan.samples), plan.samples)
    progress("latency", plan.samples, plan.samples)
    return tables


def _serve(model: LoadedModel, table: List[bytes], count: int) -> None:
    serve = model.server(table.append, lambda _now: None)
    for query in range(count):
        serve(query, 0, model.clock.now_ns())


def _rows_file(folder: Path, number: int) -> Path:
    return folder / f"model-{number}.tsv"


def _measurement(setup: Setup, rows: Rows, fact: Record, plan: Plan, *, models: int) -> Measurement:
    """Return the measurement of one model, with its verdict."""
    found = measured(setup, [rows], [fact], None)
    protocol = replace(
        setup.protocol(),
        preset=None,
        processes=1,
        sample_count=1,
        queries=plan.samples,
        min_duration_s=plan.min_seconds,
        warm_up_s=0.0,
        models_in_turn=models,
    )
    lost = None if setup.contract is None else lost_class(setup.model, setup.contract, setup.settings.threads)
    return replace(
        found,
        preset=None,
        metric=QuotedMetric("latency_p50_ms", found.latency.p50_ms),
        reasons=tuple(reasons_in_turn(setup, rows, fact, fewest=FEWEST_SAMPLES)),
        cautions=(*(() if lost is None else (lost,)), *cautions_of(setup, [fact])),
        protocol=protocol,
    )


def _median_ns(times: Sequence[int]) -> int:
    return percentile_ns(np.array(times, np.int64), 50)
