"""`detlite compare`: whether two runs, or two models, agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.commands.command import WorkCommand
from detlite.commands.comparing import compare_models
from detlite.commands.console import emit_json, emit_table, notice, say
from detlite.commands.options import FiniteRange, json_option, multiple_subgraphs_option
from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError, InputError
from detlite.studies.compare.comparison import RunComparison, compare_runs, said
from detlite.studies.compare.limits import parse_limits
from detlite.studies.compare.record import read_record, record_file
from detlite.studies.compare.show import COLUMNS, markdown, rows

MODEL_OPTIONS = {"images": None, "tolerance": None, "multiple_subgraphs": False}
RUN_OPTIONS = {"fail_on": (), "allow_different": (), "as_markdown": False}


@click.command(cls=WorkCommand)
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--fail-on",
    multiple=True,
    metavar="FIGURE=CHANGE",
    help="Runs: largest change of a figure that passes. Repeatable.",
)
@click.option(
    "--allow-different",
    multiple=True,
    metavar="WHAT",
    help="Runs: ignore differences in device, protocol, a field of these, or all. Repeatable.",
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Runs: write Markdown, for a pull request.")
@click.option(
    "--images", type=click.Path(path_type=Path), help="Models: images to run both on (default: generated from a seed)."
)
@click.option("--tolerance", type=FiniteRange(0), help="Models: largest difference of outputs that passes.")
@multiple_subgraphs_option
@json_option
def command(a: Path, b: Path, as_json: bool, **values: Any) -> None:
    """Compare B with A: exit status 1 on a finding.

    \b
    detlite compare before.json after.json --fail-on latency_p90=+5% --fail-on map=-0.3
    detlite compare out/float out/again --images photos/ --tolerance 0.001
    detlite compare detect.tflite detect_edgetpu.tflite
    detlite compare out/rcnn faster_rcnn_resnet50_coco_2018_01_28.tar.gz

    Two runs that `detlite measure` or `detlite evaluate` recorded: what changed, and is it more than noise? They must
    have the same device and protocol. Two models: do contracts, outputs on the same images, and operators agree? A CPU
    model and a compiled file: do they belong together? A model rebuilt from a checkpoint and the graph exported beside
    it: do they find the same, stage by stage?
    """
    for path in (a, b):
        if not path.exists():
            raise InputError(f"{path} does not exist: give a run or a model")
    first, second = record_file(a), record_file(b)
    if (first is None) != (second is None):
        raise InputError(
            f"{a if first else b} is the record of a run, but {b if first else a} is not: give two runs or two models"
        )
    _refuse(values, MODEL_OPTIONS if first else RUN_OPTIONS, "models" if first else "records of runs")
    if first is None or second is None:
        compare_models(a, b, **{name: values[name] for name in MODEL_OPTIONS}, as_json=as_json)
        return
    limits = parse_limits(values["fail_on"])
    found = compare_runs(read_record(first), read_record(second), limits, values["allow_different"])
    if as_json:
        emit_json("run_comparison", found.to_record())
    elif values["as_markdown"]:
        say(markdown(found))
    else:
        _show(found)
    if found.findings:
        raise FindingError(f"{b} against {a}: {'; '.join(said(change) for change in found.findings)}")


def _refuse(values: dict[str, Any], options: dict[str, Any], what: str) -> None:
    given = [name for name, default in options.items() if values[name] != default]
    if given:
        option = {"as_markdown": "markdown"}.get(given[0], given[0]).replace("_", "-")
        raise InputError(f"--{option} works only with {what}: leave it out")


def _show(found: RunComparison) -> None:
    for one in found.different:
        notice(f"not comparable: {one}")
    emit_table(COLUMNS, rows(found))
    count = len(found.findings)
    verdict = counted(count, "finding") if count else "no finding"
    say(f"{found.second.record} against {found.first.record}: {verdict}")
