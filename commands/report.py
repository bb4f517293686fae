"""`detlite report`: one report on finished runs."""

from __future__ import annotations

from pathlib import Path

import click

from detlite.commands.command import WorkCommand
from detlite.commands.console import emit_json, say
from detlite.commands.options import json_option
from detlite.runtime.errors import InputError
from detlite.studies.report.runs import report_of
from detlite.studies.report.write import HTML_NAME, write_report


@click.command(cls=WorkCommand)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), required=True, help="Folder for the report's three files."
)
@click.option("--force", is_flag=True, help="Replace a report in the output folder.")
@json_option
def command(runs: tuple[Path, ...], out: Path, *, force: bool, as_json: bool) -> None:
    """Write one report on RUNS: report.html, report.md and report.json.

    \b
    detlite report detlite-run -o report
    detlite report runs/float runs/int8 float.json int8.json -o report

    A RUN is a folder that `detlite measure -o` or `detlite run` wrote, or a record of `detlite measure` or `detlite
    evaluate`. Nothing is run again. The models of later runs are compared with the first run's model.
    """
    if (out / HTML_NAME).exists() and not force:
        raise InputError(f"{out} already contains a report; choose another folder, or pass --force to replace it")
    report = report_of(runs)
    html, markdown, record = write_report(report, out)
    if as_json:
        files = {"html": str(html), "markdown": str(markdown), "json": str(record)}
        emit_json("report_files", {"verdict": report.verdict, "status": report.status, **files})
        return
    say(f"{html}: {len(report.models)} model(s), {len(runs)} run(s). {report.verdict}")
