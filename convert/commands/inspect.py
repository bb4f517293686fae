"""`detlite inspect`: what a model file is, and what can be done with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.convert.commands.options import detector_record, json_option, source_options
from detlite.convert.console import emit_facts, emit_json, progress
from detlite.convert.inspection import inspect_file
from detlite.convert.locate import locate

SHOWN = ("path", "format", "sha256", "is", "operators", "float_islands", "quantization", "anchors", "classes")


@click.command()
@click.argument("file")
@source_options
@json_option
def command(file: str, as_json: bool, **values: Any) -> None:
    """Say what FILE is: its format, input, heads, anchors, classes, post-processing, and what can be done with it.

    \b
    detlite inspect frozen_inference_graph.pb
    detlite inspect detect.tflite --json
    detlite inspect ssd_mobilenet_v2_coco_2018_03_29.tar.gz
    """
    options = detector_record(values)
    path = locate(file)
    with progress() as report:
        facts = inspect_file(path, options, progress=report)
    facts = {"given": file, **facts}
    if as_json:
        emit_json("inspect", facts)
        return
    emit_facts(_lines(facts))
    click.echo(f"{Path(file).name}: {facts['is']}; next: {facts['next'][0] if facts['next'] else 'nothing'}")


def _lines(facts: dict[str, Any]) -> dict[str, object]:
    lines: dict[str, object] = {key: facts[key] for key in SHOWN if facts.get(key) is not None}
    if image := facts.get("input"):
        lines["input"] = f"{image['dtype']} {image['height']}x{image['width']} {image['colour']}, {image['resize']}"
        lines["mean, std"] = f"{tuple(image['mean'])}, {tuple(image['std'])}"
    for head in facts.get("heads", ()):
        lines[f"output {head['index']}"] = f"{head['role']} {head['dtype']} {tuple(head['shape'])}"
    for key in ("box_coder", "nms", "repairs"):
        if facts.get(key):
            lines[key] = ", ".join(f"{name} {value}" for name, value in facts[key].items())
    lines |= {f"can {number}": text for number, text in enumerate(facts["next"], 1)}
    lines |= {f"missing {number}": text for number, text in enumerate(facts["missing"], 1)}
    return lines
