"""`detlite inspect`: show what a model file is, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from detlite.commands.completion import model_or_file
from detlite.commands.console import emit_facts, emit_json, notice, progress, say
from detlite.commands.options import json_option, source_options, take_detector_options
from detlite.commands.target import check_suffix, inspect_choices, show_answer
from detlite.convert.options import DetectorOptions
from detlite.convert.target import TargetRequest
from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.progress import Progress

SHOWN = ("path", "format", "sha256", "is", "quantization", "opset", "graphs", "float_islands", "anchors", "classes")
COMPILED = {
    "subgraphs": "Edge TPU subgraphs",
    "cached_bytes": "cached weights, bytes, loaded once",
    "streamed_bytes": "streamed weights, bytes at every inference",
    "instruction_bytes_per_inference": "instructions, bytes at every inference",
    "dma_input_bytes": "activations in, bytes at every inference",
    "dma_output_bytes": "activations out, bytes at every inference",
    "min_runtime_version": "oldest Edge TPU runtime",
    "estimated_compute_ms": "compiler's own estimate, ms at 500 MHz, compute only",
}
"""Facts of a compiled file, and their names in text."""

CHOICES = inspect_choices()


@click.command()
@click.argument("file", shell_complete=model_or_file)
@click.option(
    "--video",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Video to run a stream over, to see what its states do.",
)
@click.option("--target", type=click.Choice(CHOICES.chips), help="Predict what this accelerator will run of FILE.")
@CHOICES.add
@source_options
@json_option
def command(file: str, video: Path | None, target: str | None, as_json: bool, **values: Any) -> None:
    """Show what FILE is: its format, input, heads, anchors, classes, post-processing, and what can be done with it.

    \b
    detlite inspect frozen_inference_graph.pb --json
    detlite inspect movinet_stream.tflite --video clip.mp4
    detlite inspect detect.tflite --target edgetpu --fail-on "unmapped>1"
    detlite inspect model.onnx --target tensorrt --tensorrt 8.5
    """
    options = take_detector_options(values)
    if target is not None:
        if options != DetectorOptions():
            raise InputError(
                f"--target {target} predicts of a finished model: leave out the options for a source, such as --input"
            )
        if video is not None:
            raise InputError("--video is for the states of a stream: leave out --target")
        _predict(Path(file), target, values, as_json=as_json)
        return
    _refuse_strangers(None)
    from detlite.convert.find_source import locate
    from detlite.convert.inspection import inspect_file  # here: a prediction does not need the readers

    path = locate(file, notice=notice)
    with progress() as report:
        facts = inspect_file(path, options, progress=report)
        if video is not None:
            facts |= _seen(path, video, facts, report)
    facts = {"given": file, **facts}
    if as_json:
        emit_json("inspect", facts)
    else:
        emit_facts(_lines(facts))
        say(f"{Path(file).name}: {facts['is']}" + (f"; next: {facts['next'][0]}" if facts["next"] else ""))
    if facts.get("findings"):
        raise FindingError(f"{file} is not a valid Edge TPU package: {'; '.join(facts['findings'])}")


def _seen(path: Path, video: Path, facts: dict[str, Any], report: Progress) -> dict[str, Any]:
    """Return what the states of the stream at *path* do over *video*, and all that is wrong with them."""
    from detlite.accuracy.state_audit import audit_states
    from detlite.convert.artifact import open_artifact
    from detlite.runtime.records import to_record

    seen = audit_states(open_artifact(path), video, progress=report)
    return {"seen_states": to_record(seen), "stream_findings": [*facts["stream_findings"], *seen.findings]}


def _predict(path: Path, chip: str, values: dict[str, Any], *, as_json: bool) -> None:
    name, target = CHOICES.named(chip)
    assert target.predict is not None
    _refuse_strangers(name)
    check_suffix(path, target, chip)
    answer = target.predict(TargetRequest((path,), chip, CHOICES.values(name, values), warn=notice))
    show_answer(answer, as_json=as_json)


def _refuse_strangers(name: str | None) -> None:
    """Raise `InputError` if options of a target are given without the target."""
    for _option, other in CHOICES.strangers(name):
        chips = " or ".join(CHOICES.targets[other].chips)
        needs = "need" if len(CHOICES.own(other)) > 1 else "needs"
        raise InputError(f"{CHOICES.flags(other)} {needs} --target {chips}")


def _lines(facts: dict[str, Any]) -> dict[str, object]:
    lines: dict[str, object] = {key: facts[key] for key in SHOWN if facts.get(key) is not None}
    lines |= _size_lines(facts)
    if engine := facts.get("engine"):
        lines |= {name.replace("_", " "): value for name, value in engine.items() if value}
    if image := facts.get("input"):
        lines["input"] = f"{image['dtype']} {image['height']}x{image['width']} {image['colour']}, {image['resize']}"
        if image["batch"] > 1:
            lines["batch"] = f"{counted(image['batch'], 'image')} in one run"
        lines["mean, std"] = f"{tuple(image['mean'])}, {tuple(image['std'])}"
    lines |= _tensor_lines(facts)
    lines |= _state_lines(facts)
    for head in facts.get("heads", ()):
        lines[f"output {head['index']}"] = f"{head['role']} {head['dtype']} {_shape(head['shape'])}"
    if "tflite_metadata_error" in facts:
        lines["metadata"] = facts["tflite_metadata_error"]
    if found := facts.get("tflite_metadata"):
        lines |= _metadata_lines(found, facts["appended_files"])
    for key in ("box_coder", "nms", "repairs"):
        if facts.get(key):
            lines[key] = ", ".join(f"{name} {value}" for name, value in facts[key].items())
    if "cached_bytes" in facts:
        lines |= {title: facts[key] for key, title in COMPILED.items() if facts[key] is not None}
        lines |= {f"finding {number}": text for number, text in enumerate(facts["findings"], 1)}
    lines |= {f"can {number}": text for number, text in enumerate(facts["next"], 1)}
    lines |= {f"missing {number}": text for number, text in enumerate(facts["missing"], 1)}
    return lines


def _size_lines(facts: dict[str, Any]) -> dict[str, object]:
    """Return the size of the file and of its weights, and the operators, the most frequent first."""
    lines: dict[str, object] = {}
    if "size_bytes" in facts:
        of_weights = f", {facts['parameter_bytes']:,} of weights" if "parameter_bytes" in facts else ""
        lines["size"] = f"{facts['size_bytes']:,} bytes{of_weights}"
    if "operator_names" in facts:
        most_first = sorted(facts["operator_names"].items(), key=lambda one: (-one[1], one[0]))
        named = ", ".join(f"{count} {name}" for name, count in most_first)
        lines["operators"] = f"{facts['operators']}: {named}" if named else "none"
    return lines


def _tensor_lines(facts: dict[str, Any]) -> dict[str, object]:
    """Return the inputs and outputs of a file that has no contract, which would say more of them."""
    return {
        f"{what} {name}": f"{dtype} {_shape(shape)}"
        for what in ("input", "output")
        for name, dtype, shape in facts.get(f"{what}s", ())
        if "heads" not in facts
    }


def _state_lines(facts: dict[str, Any]) -> dict[str, object]:
    """Return each state of a stream with its scales inside the model, and what is wrong with them."""
    lines: dict[str, object] = {}
    for state in facts.get("states", ()):
        scales = [f"{end} scale {state[end]['scale']:.4g}" for end in ("in", "out") if end in state]
        lines[f"state {state['name']}"] = ", ".join([state["kind"], state["dtype"], *scales])
    lines |= {f"finding {number}": text for number, text in enumerate(facts.get("stream_findings", ()), 1)}
    return lines


def _shape(sides: Sequence[int] | None) -> str:
    """Return the shape as text; a side that the model leaves open is ?."""
    if sides is None:
        return "of unknown shape"
    return f"[{', '.join('?' if side < 0 else str(side) for side in sides)}]"


def _metadata_lines(found: dict[str, Any], files: list[str]) -> dict[str, object]:
    version = found["min_parser_version"]
    title = found["name"] or "without a name"
    lines: dict[str, object] = {"metadata": f"{title}, for parsers from {version} on" if version else title}
    for tensor in found["inputs"]:
        lines["metadata input"] = f"{tensor['name']}, mean {tuple(tensor['mean'])}, std {tuple(tensor['std'])}"
    lines["metadata outputs"] = ", ".join(tensor["name"] for tensor in found["outputs"])
    return lines | {"appended": ", ".join(files) or "no files"}
