"""The record of a run: everything but the samples' files, with the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from detlite.runtime.errors import DetliteError, DeviceError, MissingToolError
from detlite.runtime.load import Load
from detlite.runtime.measure.machine import machine_facts
from detlite.runtime.measure.protocol import Setup
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
from detlite.runtime.measure.summary import latency_record, process_records, stages_record
from detlite.runtime.measure.verdict import cautions_of, reasons_of, without_warm_up
from detlite.runtime.version import __version__

SCHEMA = {"schema": "detlite.measurement", "schema_version": 2}

Record = Dict[str, Any]


def series_of(setup: Setup, run: Path) -> Tuple[List[Rows], List[Rows], List[Record]]:
    """Return of each process that was opened: its samples, those without warming up, and its facts."""
    scenario = scenario_called(setup.scenario)
    whole, series, facts = [], [], []
    for number in range(1, setup.preset.processes + 1):
        folder = process_folder(run, number)
        opened = read_json(folder / OPENED, OPENED_KEYS)
        if opened is None:
            continue
        ended = read_json(folder / ENDED, ENDED_KEYS) or {}
        rows = read_rows(folder / SAMPLES)
        whole.append(rows)
        series.append(without_warm_up(rows, scenario))
        ended["model_sha256_after"] = ended.pop("model_sha256", None)
        counts = {"warm_up_cut": len(rows) - len(series[-1]), "samples_set_aside": cut_samples(folder)}
        facts.append({**opened, **ended, "warm_up_samples": len(read_rows(folder / WARM_UP)), **counts})
    return whole, series, facts


def failure_of(error: Exception) -> Record:
    """Return what stopped a run: `text`, and the `exit_status` that it has on the command line."""
    status = error.exit_status if isinstance(error, DetliteError) else 3
    text = str(error) if isinstance(error, DetliteError) else f"no room to write, or no right to: {error}"
    return {"text": " ".join(text.split()), "exit_status": status}


def with_failure(record: Record, failure: Optional[Record]) -> Record:
    """Return *record* with what stopped the run, where anything did."""
    if failure is None:
        return record
    reasons = [*record["reasons"], f"failure: {failure['text']}"]
    return {**record, "failure": record["failure"] or failure, "reasons": reasons, "validity": _validity(reasons)}


def _validity(reasons: Sequence[str]) -> str:
    return f"INVALID because {'; '.join(reasons)}" if reasons else "VALID"


def _nothing(failure: Optional[Record]) -> DetliteError:
    kind = MissingToolError if failure and failure["exit_status"] == MissingToolError.exit_status else DeviceError
    return kind(f"nothing was measured: {failure['text'] if failure else 'no process began'}")


def summarize(setup: Setup, run: Path, sittings: Sequence[States], failure: Optional[Record]) -> Record:
    """Return the record of the run in the folder *run*: everything but the samples' files.

    *sittings* are the states of each time that the run was begun or gone on with.

    Raises:
        DeviceError, MissingToolError: no process got as far as its first inference, for what *failure* says.
    """
    scenario = scenario_called(setup.scenario)
    whole, series, facts = series_of(setup, run)
    if not facts:
        raise _nothing(failure)
    metric, missing = _judged(setup, series, facts)
    reasons = [f"failure: {failure['text']}"] if failure else []
    reasons += [*reasons_of(setup, whole, series, facts), *missing, *throttling(sittings)]
    return {
        **SCHEMA,
        "scenario": setup.scenario,
        "preset": setup.preset_name,
        "validity": _validity(reasons),
        "reasons": reasons,
        "cautions": [*cautions(sittings[0][0]), *cautions_of(setup, facts)],
        "metric": scenario.metric,
        **latency_record("latency", [scenario.latency_ns(rows) for rows in series]),
        **latency_record("invoke", [rows.invoke_ns for rows in series]),
        **metric,
        "stages_p50_ms": stages_record(series, facts),
        "samples": sum(map(len, series)),
        "queries": sum(rows.queries for rows in series),
        "duration_s": sum(rows.duration_ns for rows in series) / 1e9,
        **_opened(setup, facts),
        "energy": _energy(sittings, whole, facts),
        "processes": process_records(series, facts),
        "device": machine_facts(),
        "state_before": sittings[0][0],
        "state_after": sittings[-1][-1],
        "sittings": len(sittings),
        "protocol": setup.protocol(),
        "detlite": __version__,
        "failure": failure,
        "samples_ns": [
            {"latency": scenario.latency_ns(rows).tolist(), "invoke": rows.invoke_ns.tolist()} for rows in series
        ],
    }


def _judged(setup: Setup, series: Sequence[Rows], facts: Sequence[Record]) -> Judged:
    """Return the scenario's metric, and what it misses; nothing of no samples."""
    known = [rows for rows in series if len(rows)]
    load = Load(**facts[0]["load"]) if "load" in facts[0] else setup.load()
    return scenario_called(setup.scenario).judge(known, load) if known else ({}, ())


def _opened(setup: Setup, facts: Sequence[Record]) -> Record:
    """Return what was run: the model as it was read, by what, on which images."""
    first = facts[0]
    return {
        "model": str(setup.model),
        "model_sha256": first["model_sha256"],
        "size_bytes": setup.model.stat().st_size if setup.model.is_file() else None,
        "backend": setup.backend,
        "runtime": first["runtime"],
        "threads": setup.settings.threads,
        "placements": first["placements"],
        "images": first["images"],
        "load_ms": None if first["load_ns"] is None else first["load_ns"] / 1e6,
        "first_ms": first["first_ns"] / 1e6,
        "memory_peak_bytes": max(fact.get("memory_peak_bytes") or 0 for fact in facts) or None,
    }


def _energy(sittings: Sequence[States], whole: Sequence[Rows], facts: Sequence[Record]) -> Optional[Record]:
    """Return the energy of the whole run, loading and warming up too, and its share for each sample that was run."""
    used = energy_mj(sittings)
    samples = sum(map(len, whole)) + sum(fact["samples_set_aside"] for fact in facts)
    if used is None or not samples:
        return None
    return {**used, "energy_per_sample_mj": used["energy_mj"] / samples}
