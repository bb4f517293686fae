"""`detlite sweep`: every cell of a plan that is not in the store yet, on this machine or a dask cluster."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.commands.cluster_options import cluster_of, cluster_options
from detlite.commands.command import WorkCommand
from detlite.commands.console import emit_json, emit_table, notice, say
from detlite.commands.sweep_tools import tool_readers
from detlite.devices.inventory import read_inventory
from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError, InputError
from detlite.studies.pareto.expectations import Expectation, missed, read_expectations
from detlite.studies.pareto.rows import rows_of
from detlite.studies.store.store import is_store, make_store, open_store
from detlite.studies.sweep.cells import cell_called, cells_of
from detlite.studies.sweep.cluster import ClusterOptions
from detlite.studies.sweep.command_lines import command_lines
from detlite.studies.sweep.engine import SweepListener, SweepResult, run_sweep
from detlite.studies.sweep.forecast import Forecast, forecast
from detlite.studies.sweep.graph import SweepGraph, graph_of
from detlite.studies.sweep.plan_file import PlanError, PlanFile, read_plan
from detlite.studies.sweep.plan_schema import plan_schema
from detlite.studies.sweep.progress import SweepState
from detlite.studies.sweep.saved_cells import save_cells, saved_plans

T = TypeVar("T")
TELL_EVERY_S = 2.0
FILE = click.Path(path_type=Path)


@click.command(cls=WorkCommand)
@click.argument("plan", type=FILE, required=False)
@click.option("-o", "--output", "out", type=FILE, help="Folder of the study: its store, models and cells.")
@click.option("--dry-run", is_flag=True, help="List the cells, what is done and what the rest costs; run nothing.")
@click.option("--explain", metavar="CELL", help="Print the command lines that make this cell, by its key or label.")
@click.option(
    "--check", type=FILE, metavar="FILE", help="After the sweep, fail unless its figures are as FILE expects."
)
@click.option("--schema", is_flag=True, help="Print the JSON schema of a plan.")
@cluster_options
@click.option("--inventory", type=FILE, help="File that lists your devices (default: ~/.config/detlite/devices.toml).")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")
def command(plan: Path | None, out: Path | None, as_json: bool, **values: Any) -> int:
    """Run every cell of PLAN, a TOML file, that is not in the store of the study yet.

    \b
    detlite sweep plan.toml -o study --dry-run
    detlite sweep plan.toml -o study --workers 4
    detlite sweep plan.toml -o study --scheduler tcp://head:8786
    detlite sweep plan.toml -o study --check expected.toml

    Stages that several cells share run once. Finished stages are in the store at once: the same command resumes after
    an interruption, and after a change of the plan it runs what is new. A stage that fails ends only its own cells; the
    exit status is 1 then.
    """
    if values["schema"]:
        say(json.dumps(plan_schema(), indent=2))
        return 0
    if plan is None or out is None:
        raise InputError("give a plan and a study: detlite sweep plan.toml -o study")
    if values["check"] is not None and (values["dry_run"] or values["explain"] is not None):
        raise InputError("--check compares the figures of a sweep: leave out --dry-run and --explain")
    options = cluster_of(values)
    asked = _read(plan)
    graph = _told(lambda: graph_of(asked, cells_of(asked), read_inventory(values["inventory"])))
    if values["explain"] is not None:
        cell = cell_called(graph.cells, values["explain"])
        for line in command_lines(asked, graph, cell, inventory=values["inventory"]):
            say(line)
        return 0
    if values["dry_run"]:
        _show_forecast(forecast(graph, open_store(out) if is_store(out) else None), as_json=as_json)
        return 0
    expected = () if values["check"] is None else read_expectations(values["check"])
    _run(asked, graph, out, options, as_json=as_json)
    if expected:
        _check(expected, out, plan=asked)
    return 0


def _check(expected: tuple[Expectation, ...], out: Path, *, plan: PlanFile) -> None:
    plans = tuple(one for one in saved_plans(out) if one.name == plan.name)
    found = list(missed(expected, rows_of(open_store(out), plans)))
    for text in found:
        notice(f"detlite: {text}")
    if found:
        raise FindingError(f"{counted(len(found), 'figure is', 'figures are')} not as expected; the first: {found[0]}")
    notice(f"{counted(len(expected), 'expectation is', 'expectations are')} met")


def _run(plan: PlanFile, graph: SweepGraph, out: Path, options: ClusterOptions, *, as_json: bool) -> None:
    store = make_store(out)
    save_cells(out, plan, graph)
    result = run_sweep(graph, store, options, listener=SweepListener(_teller(), notice))
    failed = [cell for cell in graph.cells if any(key in result.failures for key in graph.of_cell[cell.key])]
    done = len(graph.cells) - len(failed)
    if as_json:
        emit_json("sweep", {"study": str(out), "cells": len(graph.cells), "done": done, **_failures(graph, result)})
    else:
        say(
            f"{out}: {done} of {counted(len(graph.cells), 'cell')} done, {counted(result.ran, 'stage')} run; report: "
            f"detlite report {out}"
        )
    if failed:
        raise FindingError(f"{len(failed)} of {counted(len(graph.cells), 'cell')} failed, the first: {failed[0].label}")


def _failures(graph: SweepGraph, result: SweepResult) -> dict[str, Any]:
    found = [
        {"key": key, "kind": graph.stages[key].kind, "status": one.status, "reason": one.text}
        for key, one in result.failures.items()
    ]
    return {"stages_run": result.ran, "failures": found}


def _read(path: Path) -> PlanFile:
    return _told(lambda: read_plan(path, tool_readers()))


def _told(make: Callable[[], T]) -> T:
    """Return what *make* returns; of a plan with several mistakes, each is told in its own line."""
    try:
        return make()
    except PlanError as error:
        if len(error.mistakes) > 1:
            for text in error.mistakes:
                notice(f"detlite: {text}")
        raise


def _teller() -> Callable[[SweepState], None]:
    """Return what writes the state of the sweep to stderr, at most every two seconds, and at the end."""
    told_s = 0.0

    def tell(state: SweepState) -> None:
        nonlocal told_s
        if state.stages_left and time.monotonic() - told_s < TELL_EVERY_S:
            return
        told_s = time.monotonic()
        left = "" if state.left_s is None or not state.stages_left else f", about {_duration(state.left_s)} left"
        notice(
            f"{state.done} of {counted(state.cells, 'cell')} done, {state.failed} failed; "
            f"{counted(state.running, 'stage')} running, {state.stages_left - state.running} to run{left}"
        )

    return tell


def _show_forecast(found: Forecast, *, as_json: bool) -> None:
    if as_json:
        emit_json("sweep_forecast", found.to_record())
        return
    emit_table(
        ("cell", "state", "label"),
        [(row.key, row.state, row.label) for row in found.cells],
    )
    rest = "unknown: nothing like it is in the store" if found.left_s is None else _duration(found.left_s)
    say(
        f"{counted(len(found.cells), 'cell')}, {found.done} done; {counted(found.stages_left, 'stage')} to run, one "
        f"after the other: {rest}"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
