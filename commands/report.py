"""`detlite report`: one report on finished runs."""

from __future__ import annotations

from pathlib import Path

import click

from detlite.commands.command import WorkCommand
from detlite.commands.console import emit_json, say
from detlite.commands.options import json_option
from detlite.commands.study_report import report_study
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.studies.report.runs import report_of
from detlite.studies.report.write import HTML_NAME, write_report
from detlite.studies.store.store import is_store


@click.command(cls=WorkCommand)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    help="Folder for the report's three files; of a study, the HTML file.",
)
@click.option("--best", metavar="CONDITION", help='Of a study: the cell to take, such as "device=orin and map>=20".')
@click.option("--force", is_flag=True, help="Replace a report in the output folder.")
@json_option
def command(runs: tuple[Path, ...], out: Path | None, best: str | None, *, force: bool, as_json: bool) -> None:
    """Write one report on RUNS: report.html, report.md and report.json.

    \b
    detlite report detlite-run -o report
    detlite report runs/float runs/int8 float.json int8.json -o report
    detlite report study -o study.html
    detlite report study --best "device=orin and latency_p90_ms<30" --json

    A RUN is a folder that `detlite measure -o` or `detlite run` wrote, or a record of `detlite measure` or `detlite
    evaluate`. Nothing is run again. The models of later runs are compared with the first run's model.

    A RUN can also be the study of a sweep, alone: one page with the Pareto front of each device and what to take.
    """
    if is_store(runs[0]):
        if len(runs) > 1:
            raise InputError(f"{runs[0]} is a study: give it alone")
        report_study(runs[0], out, best, force=force, as_json=as_json)
        return
    if best is not None or out is None:
        raise InputError(f"--best needs a study, and {runs[0]} is none" if best else "give -o, a folder for the report")
    if (out / HTML_NAME).exists() and not force:
        raise InputError(f"{out} already contains a report; choose another folder, or pass --force to replace it")
    report = report_of(runs)
    html, markdown, record = write_report(report, out)
    if as_json:
        files = {"html": str(html), "markdown": str(markdown), "json": str(record)}
        emit_json("report_files", {"verdict": report.verdict, "status": report.status, **files})
        return
    say(f"{html}: {counted(len(report.models), 'model')}, {counted(len(runs), 'run')}. {report.verdict}")
