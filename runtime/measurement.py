"""A measurement, from what was asked to what may be quoted: processes one after the other, then the verdict."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from detlite.runtime.artifact import sha256_of
from detlite.runtime.backend import BACKENDS, Backend
from detlite.runtime.child import run_in_child
from detlite.runtime.errors import DetliteError, DeviceError, InputError
from detlite.runtime.imported import import_process
from detlite.runtime.loadgen_log import write_logs
from detlite.runtime.machine import machine_facts
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress, silent
from detlite.runtime.protocol import Setup
from detlite.runtime.run_folder import (
    ENDED,
    MEASUREMENT,
    OPENED,
    PROTOCOL,
    SAMPLES,
    STATE,
    WARM_UP,
    process_folder,
    read_json,
    read_rows,
    write_json,
)
from detlite.runtime.scenario import Load, Rows, scenario_called
from detlite.runtime.state import StateLog, cautions, energy_mj, throttling
from detlite.runtime.summary import latency_record, process_records, stages_record
from detlite.runtime.verdict import cautions_of, reasons_of, without_warm_up
from detlite.runtime.version import __version__

SCHEMA = {"schema": "detlite.measurement", "schema_version": 2}
PROFILE_TIMEOUT_S = 600.0

Record = Dict[str, Any]


def measure_model(
    setup: Setup, *, run: Optional[Path] = None, force: bool = False, progress: Progress = silent
) -> Record:
    """Measure as *setup* says and return the record; with *run*, everything is kept in that folder.

    A run that was cut short is gone on with: finished processes are kept. The record's `failure` says what stopped a
    run; what was finished before is in it.

    Raises:
        InputError: *run* holds another run, or something of *setup* is not right; nothing is left behind.
        DetliteError: nothing could be measured at all.
    """
    if run is None:
        with tempfile.TemporaryDirectory(prefix="detlite-") as folder:
            return _measure(setup, Path(folder), progress)
    made = prepare_run(run, setup, force=force)
    try:
        return _measure(setup, run, progress)
    except DetliteError:
        if made and not any(len(read_rows(path)) for path in run.glob(f"process-*/{SAMPLES}")):
            shutil.rmtree(run)
        raise


def prepare_run(run: Path, setup: Setup, *, force: bool) -> bool:
    """Make the folder *run*, or accept one that was begun with the same protocol; return whether it is new."""
    asked = {**setup.protocol(), "model_sha256": sha256_of(setup.model), "detlite": __version__}
    if run.is_dir() and any(run.iterdir()):
        begun = read_json(run / PROTOCOL)
        if begun is None:
            raise InputError(f"{run} holds something that is no run: choose another folder")
        if begun == asked and not (run / MEASUREMENT).exists():
            return False
        if not force:
            raise InputError(f"{run} already holds a run: choose another folder, or pass --force to replace it")
        for item in run.iterdir():
            shutil.rmtree(item) if item.is_dir() else item.unlink()
    elif run.exists() and not run.is_dir():
        raise InputError(f"{run} is a file; give a folder to write")
    try:
        run.mkdir(parents=True, exist_ok=True)
        write_json(run / PROTOCOL, asked)
    except OSError as error:
        raise InputError(f"{run} cannot be written: {error.strerror}; choose another folder") from error
    return True


def _measure(setup: Setup, run: Path, progress: Progress) -> Record:
    failure: Optional[Record] = None
    with StateLog(run / STATE) as log:
        for number in range(1, setup.preset.processes + 1):
            failure = _process(setup, run, number, progress)
            if failure is not None:
                break
    record = summarize(setup, run, log.states, failure)
    if setup.profile and failure is None:
        record |= _profiled(setup, run)
    try:
        write_logs(run, setup, record, _series(setup, run)[0])
        if setup.accuracy and failure is None:
            run_in_child("detlite.runtime.accuracy_run:accuracy_process", setup.request(run), progress=progress)
        write_json(run / MEASUREMENT, record)
    except (DetliteError, OSError) as error:
        record["failure"] = record["failure"] or _failure(error)
    return record


def _process(setup: Setup, run: Path, number: int, progress: Progress) -> Optional[Record]:
    """Run process *number*, unless an earlier run finished it; return what stopped it."""
    folder = process_folder(run, number)
    if (folder / ENDED).is_file():
        return None
    try:
        folder.mkdir(exist_ok=True)
        backend: Backend = load_plugin(BACKENDS, setup.backend)
        if backend.results is not None:
            import_process(backend.results, backend.title, setup.model, folder)
            return None
        run_in_child("detlite.runtime.measuring:measure_process", setup.request(folder), progress=progress)
    except (DetliteError, OSError) as error:
        if not isinstance(error, (DeviceError, OSError)) and not (folder / OPENED).is_file() and number == 1:
            raise
        return {**_failure(error), "process": number}
    return None


def _profiled(setup: Setup, run: Path) -> Record:
    """Return the `profile`, or in `profile_failure` why there is none: the samples are as good without it."""
    try:
        answer = run_in_child(
            "detlite.runtime.profile:profile_process", setup.request(run), timeout_s=PROFILE_TIMEOUT_S
        )
    except DetliteError as error:
        return {"profile": None, "profile_failure": str(error)}
    return {"profile": answer["operators"]}


def _failure(error: Exception) -> Record:
    status = error.exit_status if isinstance(error, DetliteError) else 3
    text = str(error) if isinstance(error, DetliteError) else f"no room to write, or no right to: {error}"
    return {"text": " ".join(text.split()), "exit_status": status}


def _series(setup: Setup, run: Path) -> Tuple[List[Rows], List[Rows], List[Record]]:
    """Return of each process that was opened: its samples, those without warming up, and its facts."""
    scenario = scenario_called(setup.scenario)
    whole, series, facts = [], [], []
    for number in range(1, setup.preset.processes + 1):
        folder = process_folder(run, number)
        opened = read_json(folder / OPENED)
        if opened is None:
            continue
        ended = read_json(folder / ENDED) or {}
        rows = read_rows(folder / SAMPLES)
        whole.append(rows)
        series.append(without_warm_up(rows, scenario))
        ended["model_sha256_after"] = ended.pop("model_sha256", None)
        cut = len(rows) - len(series[-1])
        facts.append({**opened, **ended, "warm_up_samples": len(read_rows(folder / WARM_UP)), "warm_up_cut": cut})
    return whole, series, facts


def summarize(setup: Setup, run: Path, states: List[Record], failure: Optional[Record]) -> Record:
    """Return the record of the run in the folder *run*: everything but the samples' files.

    Raises:
        DeviceError: no process got as far as its first inference.
    """
    scenario = scenario_called(setup.scenario)
    whole, series, facts = _series(setup, run)
    if not facts:
        raise DeviceError(f"nothing was measured: {failure['text'] if failure else 'no process began'}")
    load = Load(**facts[0]["load"]) if "load" in facts[0] else setup.load()
    reasons = [f"failure: {failure['text']}"] if failure else []
    reasons += reasons_of(setup, whole, series, facts)
    metric: Record = {}
    if any(map(len, series)):
        metric, more = scenario.judge([rows for rows in series if len(rows)], load)
        reasons += more
    reasons += throttling(states)
    return {
        **SCHEMA,
        "scenario": setup.scenario,
        "preset": setup.preset_name,
        "validity": "VALID" if not reasons else f"INVALID because {'; '.join(reasons)}",
        "reasons": reasons,
        "cautions": [*cautions(states[0]), *cautions_of(setup, facts)],
        "metric": scenario.metric,
        **latency_record("latency", [scenario.latency_ns(rows) for rows in series]),
        **latency_record("invoke", [rows.invoke_ns for rows in series]),
        **metric,
        "stages_p50_ms": stages_record(series, facts),
        "samples": sum(map(len, series)),
        "queries": sum(rows.queries for rows in series),
        "duration_s": sum(rows.duration_ns for rows in series) / 1e9,
        "model": str(setup.model),
        "model_sha256": facts[0]["model_sha256"],
        "size_bytes": setup.model.stat().st_size if setup.model.is_file() else None,
        "backend": setup.backend,
        "runtime": facts[0]["runtime"],
        "threads": setup.settings.threads,
        "placements": facts[0]["placements"],
        "load_ms": facts[0]["load_ns"] / 1e6,
        "first_ms": facts[0]["first_ns"] / 1e6,
        "memory_peak_bytes": max(fact.get("memory_peak_bytes") or 0 for fact in facts) or None,
        "energy": _energy(states, whole),
        "processes": process_records(series, facts),
        "images": facts[0]["images"],
        "device": machine_facts(),
        "state_before": states[0],
        "state_after": states[-1],
        "protocol": setup.protocol(),
        "detlite": __version__,
        "failure": failure,
        "samples_ns": [
            {"latency": scenario.latency_ns(rows).tolist(), "invoke": rows.invoke_ns.tolist()} for rows in series
        ],
    }


def _energy(states: List[Record], whole: List[Rows]) -> Optional[Record]:
    """Return the energy of the whole run, loading and warming up too, and its share for each sample."""
    used, samples = energy_mj(states), sum(map(len, whole))
    if used is None or not samples:
        return None
    return {**used, "energy_per_sample_mj": used["energy_mj"] / samples}
