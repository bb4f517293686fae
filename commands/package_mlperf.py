"""`detlite package --mlperf`: a folder for MLPerf's vision app, and its results read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.accuracy.dataset import DatasetFiles
from detlite.commands.command import option_group
from detlite.commands.console import emit_json, emit_table, notice, progress, say
from detlite.convert.artifact import open_artifact
from detlite.convert.onnx.mlperf import profile_of
from detlite.devices.packaging.mlperf.check import AppRun, SideBySide, maps_of, read_app_run, times_of
from detlite.devices.packaging.mlperf.pack import packed_for_mlperf
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.measure.results import Measurement
from detlite.runtime.measure.run_folder import MEASUREMENT, read_json
from detlite.runtime.records import to_record

Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
MLPERF_NAMES = ("read", "coco", "limit", "run")
"""The options that only `--mlperf` has."""

COLUMNS = ("figure", "MLPerf's app", "detlite", "difference")


MLPERF = (
    click.option("--mlperf", is_flag=True, help="Pack a folder with which MLPerf's vision app runs MODEL."),
    click.option(
        "--read", type=FOLDER, metavar="OUTPUT", help="Read what the app logged to OUTPUT; MODEL is the package."
    ),
    click.option(
        "--coco",
        type=(FOLDER, click.Path(exists=True, dir_okay=False, path_type=Path)),
        metavar="IMAGES ANNOTATIONS",
        help="With --read: score the app's detections, and run MODEL here on the same images.",
    ),
    click.option("--limit", type=click.IntRange(1), help="With --coco: only the first images, this many."),
    click.option("--run", type=FOLDER, help="With --read: a run of `measure` to compare times with."),
)
"""The options of `--mlperf`: that itself, and those that only it has."""


def mlperf_options(command: Command) -> Command:
    """Add the options of `--mlperf` to *command*."""
    return option_group("For MLPerf's vision app", *MLPERF)(command)


def package_for_mlperf(
    model: Path | None, out: Path | None, values: dict[str, Any], *, as_json: bool, force: bool
) -> None:
    """Pack *model* to the folder *out*, or read back what the app logged of it.

    Raises:
        InputError: an argument is missing or has no use, the app cannot run the model, or its logs cannot be read.
    """
    if model is None:
        raise InputError("no model: give the MODEL to pack, or with --read the folder that was packed")
    _refuse(out, values)
    if values["read"] is not None:
        _read(model, values, as_json=as_json)
        return
    if out is None:
        raise InputError("no output folder: give -o OUT")
    made = packed_for_mlperf(model, out, force=force)
    labels, profile = len(made.contract.labels) - 1, profile_of(made.contract)
    assert profile is not None  # what was packed has an interface of the app
    if labels != profile.classes:
        notice(
            f"the model has {counted(labels, 'class')}: with {profile.name}, the app scores COCO's {profile.classes}"
        )
    if as_json:
        facts = {"out": str(out), "onnx_sha256": made.sha256, "classes": labels, "profile": profile.name}
        emit_json("package_mlperf", facts)
        return
    say(f"{out}: the steps are in README.md; sh {out}/run.sh INFERENCE DATASET OUTPUT --accuracy")


def _refuse(out: Path | None, values: dict[str, Any]) -> None:
    """Raise `InputError` if an option would be ignored."""
    if values["images"] is not None:
        raise InputError("--mlperf packs no images, the app reads its own: leave out --images")
    for name in MLPERF_NAMES:
        if values[name] is not None and values["read"] is None:
            raise InputError(f"--{name} needs --read OUTPUT, what the app logged")
    if values["limit"] is not None and values["coco"] is None:
        raise InputError("--limit needs --coco IMAGES ANNOTATIONS")
    if values["read"] is not None and out is not None:
        raise InputError("--read writes nothing: leave out -o")


def _read(folder: Path, values: dict[str, Any], *, as_json: bool) -> None:
    run, artifact = read_app_run(values["read"]), open_artifact(folder)
    times = () if values["run"] is None else times_of(run, _measured(values["run"]))
    rows: list[SideBySide] = []
    if values["coco"] is not None:
        images, annotations = values["coco"]
        limit = {} if values["limit"] is None else {"limit": values["limit"]}
        files = DatasetFiles("coco", (images, annotations), **limit)
        with progress() as report:
            rows += maps_of(artifact, values["read"], files, progress=report)
    rows += times
    if as_json:
        record = {"app": to_record(run), "figures": [{**to_record(row), "difference": row.difference} for row in rows]}
        emit_json("mlperf_results", record)
        return
    if rows:
        emit_table(COLUMNS, [_cells(row) for row in rows])
    say(f"{values['read']}: {_verdict(run, rows)}")


def _measured(run: Path) -> Measurement:
    record = read_json(run / MEASUREMENT)
    if record is None:
        raise InputError(f"{run} holds no {MEASUREMENT}: give what `detlite measure -o RUN` wrote")
    return Measurement.from_record(record)


def _cells(row: SideBySide) -> tuple[str, ...]:
    values = (row.app, row.own, row.difference)
    shown = ["-" if value is None else f"{value:.3f}" if row.unit else f"{value:g}" for value in values]
    return (f"{row.figure}, {row.unit}" if row.unit else row.figure, *shown)


def _verdict(run: AppRun, rows: Sequence[SideBySide]) -> str:
    first = next((row for row in rows if row.difference is not None), None)
    said = f"MLPerf's app, {run.scenario}, {run.validity or run.mode}"
    if run.p90_ms is not None:
        said += f", p90 latency {run.p90_ms:.3f} ms"
    if first is None or first.difference is None:
        return said
    return f"{said}; {first.figure} {first.app:.3f}, detlite {first.own:.3f}: {first.difference:+.3f} {first.unit}"
