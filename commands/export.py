"""`detlite export`: write a finished model in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.commands.box_codes import tell_rescaled_codes
from detlite.commands.command import WorkCommand
from detlite.commands.completion import names_of
from detlite.commands.console import emit_json, progress, say
from detlite.commands.exporting import exporter_options, take_exporter_options
from detlite.commands.exporting_whole import export_graph, take_whole_graph_options, whole_graph_options
from detlite.commands.options import force_option, json_option, out_option
from detlite.convert.apart import export
from detlite.convert.artifact import prepare_output
from detlite.convert.exporter import exporter_called, exporter_names
from detlite.convert.requests import EXPORT, READ, WRITE, ExportRequest
from detlite.convert.summary import model_line


@click.command(cls=WorkCommand)
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option(
    "--to",
    required=True,
    metavar="FORMAT",
    shell_complete=names_of(exporter_names),
    help=f"Format to write: {', '.join(exporter_names())}.",
)
@out_option
@exporter_options
@whole_graph_options
@force_option
@json_option
def command(artifact: Path, to: str, out: Path, *, force: bool, as_json: bool, **values: Any) -> None:
    """Write ARTIFACT, a folder that detlite wrote or a finished .tflite, in another format.

    \b
    detlite export out/float --to onnx -o out/onnx
    detlite export out/int8 --to onnx --opset 17 -o out/onnx_int8
    detlite export saved_model --to onnx --via tf2onnx --images photos -o out/graph

    The contract describes the new file, and the history records the export. To export a trained detector without a
    TFLite model in between, use `detlite convert --to`. With --via, ARTIFACT is any frozen TensorFlow graph or
    SavedModel; its .onnx has no contract.
    """
    exporter = exporter_called(to)
    whole = take_whole_graph_options(to, values)
    options = take_exporter_options(to, values)
    prepare_output(out, force=force)
    if whole is not None:
        export_graph(artifact, out, whole, force=force, as_json=as_json)
        return
    request = ExportRequest(artifact.absolute(), to, out.absolute(), force, options)
    with progress((READ, EXPORT, WRITE)) as report:
        answer = export(request, progress=report)
    if as_json:
        emit_json("export", answer)
        return
    tell_rescaled_codes(out)
    size_mb = Path(answer["model"]).stat().st_size / 1e6
    say(f"{out}: {exporter.title}, {model_line(answer)}, {size_mb:.2f} MB")
