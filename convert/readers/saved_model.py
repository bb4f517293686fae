"""Reader of SavedModels of TensorFlow 1 and 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detlite.convert.graph.index import node_of
from detlite.convert.reader import FrozenGraph, Reader
from detlite.convert.tensorflow import REFUSALS, first_line, load_tensorflow
from detlite.convert.whole_graph.ends import WholeGraph
from detlite.runtime.errors import InputError

NAME = "saved_model.pb"
FORBIDDEN = ("WriteFile", "PyFunc", "EagerPyFunc", "PyFuncStateless")
"""Operators that no detector needs and that can access the machine when a SavedModel is loaded."""


def recognizes(path: Path) -> Path | None:
    """Return the folder of the SavedModel at or in *path* (a folder, or its `saved_model.pb`), or None."""
    if path.is_file():
        return path.parent if path.name == NAME else None
    return next((folder for folder in (path, path / "saved_model") if (folder / NAME).is_file()), None)


def files(path: Path) -> tuple[Path, ...]:
    """Return all files of the SavedModel in the folder *path*, sorted."""
    return tuple(sorted(file for file in path.rglob("*") if file.is_file()))


def read(path: Path) -> FrozenGraph:
    """Return the frozen graph of the serving signature of the SavedModel in the folder *path*.

    Raises:
        InputError: it is damaged, has no serving signature, or contains operators that can access the machine.
    """
    return FrozenGraph(_frozen(path, lower_control_flow=True).graph_def, path.parent)


def whole(path: Path) -> WholeGraph:
    """Return the frozen graph of the serving signature, with its inputs and outputs by their names in it.

    Raises:
        InputError: as `read`.
    """
    return _frozen(path, lower_control_flow=False)


def _frozen(path: Path, *, lower_control_flow: bool) -> WholeGraph:
    tf = load_tensorflow()
    meta = _meta_graph(path)
    try:
        if meta.object_graph_def.nodes:
            return _freeze_tf2(path, lower_control_flow)
        return _freeze_tf1(path, meta)
    except (tf.errors.OpError, OSError, *REFUSALS) as error:
        raise InputError(f"cannot load the SavedModel {path}: {first_line(error)[:300]}") from error


def _meta_graph(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    record = saved_model_pb2.SavedModel()
    try:
        record.ParseFromString((path / NAME).read_bytes())
    except DecodeError as error:
        raise InputError(f"{path / NAME} is not a SavedModel, or is cut short: {error}") from error
    metas = [meta for meta in record.meta_graphs if "serve" in meta.meta_info_def.tags]
    if not metas:
        raise InputError(f"{path / NAME} has no graph with the tag 'serve': it is not an exported model")
    for nodes in (metas[0].graph_def.node, *(f.node_def for f in metas[0].graph_def.library.function)):
        forbidden = next((node for node in nodes if node.op in FORBIDDEN), None)
        if forbidden is not None:
            raise InputError(
                f"{path / NAME} is not loaded: {forbidden.name} is a {forbidden.op}, which no detector needs"
            )
    return metas[0]


def _freeze_tf2(path: Path, lower_control_flow: bool) -> WholeGraph:
    tf = load_tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    loaded = tf.saved_model.load(str(path))
    signatures = loaded.signatures
    if "serving_default" not in signatures:
        raise InputError(f"{path} has the signatures {list(signatures)}; want serving_default")
    signature = signatures["serving_default"]
    frozen = convert_variables_to_constants_v2(signature, lower_control_flow=lower_control_flow)
    inputs = {tensor.name.split(":")[0]: tensor.name for tensor in frozen.inputs}
    outputs = dict(zip(sorted(signature.structured_outputs), (tensor.name for tensor in frozen.outputs), strict=True))
    return WholeGraph(frozen.graph.as_graph_def(), inputs, outputs)


def _freeze_tf1(path: Path, meta: Any) -> WholeGraph:
    tf = load_tensorflow()
    signatures = meta.signature_def
    if "serving_default" not in signatures:
        raise InputError(f"{path} has the signatures {list(signatures)}; want serving_default")
    inputs, outputs = (
        {name: infos[name].name for name in sorted(infos)}
        for infos in (signatures["serving_default"].inputs, signatures["serving_default"].outputs)
    )
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        nodes = [node_of(tensor) for tensor in outputs.values()]
        graph_def = tf.compat.v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), nodes)
    return WholeGraph(graph_def, inputs, outputs)


PLUGIN = Reader(title="TensorFlow SavedModel", recognizes=recognizes, files=files, read=read, whole=whole)
