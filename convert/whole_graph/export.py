"""A whole TensorFlow graph to a folder with its .onnx, once both compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from detlite.convert.artifact import history_json, step, write_folder
from detlite.convert.model import digest
from detlite.convert.onnx.describe import describe_onnx
from detlite.convert.requests import CHECK, EXPORT
from detlite.convert.source import Source
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.whole_graph.ends import WholeGraph, inputs_of, with_ends
from detlite.convert.whole_graph.options import WholeGraphOptions
from detlite.convert.whole_graph.parity import OutputParity, check_parity, parity_of
from detlite.convert.whole_graph.write import load_tf2onnx, write
from detlite.runtime.artifact import HISTORY
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, begin
from detlite.runtime.records import Record, to_record

NAME = "graph.onnx"
"""The file's name: no artifact's, for it has no contract."""


def export_whole(
    source: Source, whole: WholeGraph, options: WholeGraphOptions, out: Path, *, force: bool, progress: Progress
) -> Record:
    """Write the folder *out* with the .onnx of *whole*, and return the facts of the file, its parity and its history.

    Raises:
        InputError: as `with_ends`, `write` and `parity_of`, or there are images and no input for them; nothing is
            written.
        FindingError: an output differs by more than the tolerance; nothing is written.
    """
    load_tf2onnx()  # before any work
    ended = with_ends(whole, options.outputs, options.size)
    if options.images and not any(one.is_image for one in inputs_of(ended)):
        raise InputError("no input has the shape (1, height, width, 3) of an image, or 1 for the 3: leave out --images")
    begin(progress, EXPORT)
    data = write(ended, options.opset)
    begin(progress, CHECK)
    parity = parity_of(data, ended, options.images)
    check_parity(parity, options.tolerance)
    done = {**_step(source, options, parity), "output_sha256": digest(data)}
    write_folder(out, {NAME: data, HISTORY: history_json([done], [NAME]).encode()}, force=force)
    return {"model": str(out / NAME), "history": [done], "parity": to_record(parity), **describe_onnx(data, NAME)}


def _step(source: Source, options: WholeGraphOptions, parity: Sequence[OutputParity]) -> Record:
    return step(
        "export",
        input_sha256=source.sha256,
        source=source.title,
        to="onnx",
        via="tf2onnx",
        tf2onnx=metadata.version("tf2onnx"),
        tensorflow=str(load_tensorflow().__version__),
        opset=options.opset,
        images=len(options.images),
        tolerance=options.tolerance,
        parity=to_record(parity),
    )
