"""Reader of frozen TensorFlow graphs, whose weights are constants: `frozen_inference_graph.pb`, `tflite_graph.pb`."""

from __future__ import annotations

from pathlib import Path

from detlite.convert.reader import FrozenGraph, Reader
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError

NAMES = ("frozen_inference_graph.pb", "tflite_graph.pb")
"""The OD API's file names, best first: the first graph includes preprocessing and decoder, which can be measured."""

SAVED_MODEL_FILES = ("saved_model.pb", "fingerprint.pb", "keras_metadata.pb")
"""What TensorFlow writes into the folder of a SavedModel: none of them is a graph by itself."""

MAX_BYTES = 2**31 - 1  # protobuf's limit for one message


def recognizes(path: Path) -> Path | None:
    """Return the graph file at or in *path*, or None."""
    if path.is_dir():
        named = [path / name for name in NAMES if (path / name).is_file()]
        others = [file for file in path.glob("*.pb") if file.name not in SAVED_MODEL_FILES]
        return named[0] if named else others[0] if len(others) == 1 else None
    return path if path.suffix == ".pb" and path.name not in SAVED_MODEL_FILES else None


def read(path: Path) -> FrozenGraph:
    """Return the graph in the file at *path*.

    Raises:
        InputError: it is damaged or empty, or its weights are variables.
    """
    tf = load_tensorflow()
    from google.protobuf.message import DecodeError

    graph_def = tf.compat.v1.GraphDef()
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} has {path.stat().st_size} bytes; the limit for a graph is {MAX_BYTES}")
    try:
        graph_def.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise InputError(f"{path} is not a TensorFlow graph, or is cut short: {error}") from error
    if not graph_def.node:
        raise InputError(f"{path} has no nodes: it is not a TensorFlow graph, or it is empty")
    variable = next((node.name for node in graph_def.node if node.op.startswith(("Variable", "VarHandle"))), None)
    if variable is not None:
        raise InputError(f"{path} is not frozen: {variable} is a variable; give the frozen graph or the SavedModel")
    return FrozenGraph(graph_def, path.parent)


PLUGIN = Reader(title="TensorFlow frozen graph", recognizes=recognizes, files=lambda path: (path,), read=read)
