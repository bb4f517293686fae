"""Trained graphs, read with TensorFlow as a conversion reads them: contract, anchors and heads are worked out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builders.onnx_ssd import pytorch_ssd
from builders.tiny_ssd import tiny_graph_def
from fuzz.mutations import blind, json_value, protobuf
from fuzz.target import Target

from detlite.convert.load import load_graph
from detlite.convert.options import DetectorOptions, StatedFacts
from detlite.convert.source import recognize


def frozen(folder: Path) -> None:
    (folder / "frozen_inference_graph.pb").write_bytes(tiny_graph_def().SerializeToString())


def saved_model(folder: Path) -> None:
    from detlite.convert.tensorflow import load_tensorflow

    tf = load_tensorflow()
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.import_graph_def(tiny_graph_def(), name="")
        tensor = session.graph.get_tensor_by_name
        outputs = {"boxes": "Postprocessor/Decode/transpose_1:0", "scores": "Postprocessor/Slice:0"}
        found = {name: tensor(place) for name, place in outputs.items()}
        v1.saved_model.simple_save(session, str(folder / "saved_model"), {"inputs": tensor("image_tensor:0")}, found)


def tfjs(folder: Path) -> None:
    from google.protobuf.json_format import MessageToDict
    from tensorflow import make_ndarray

    graph_def = tiny_graph_def()
    weights: list[Any] = []
    data = b""
    for node in graph_def.node:
        if node.op == "Const":
            tensor = node.attr["value"].tensor
            value = make_ndarray(tensor)
            name = {"f": "float32", "i": "int32"}[value.dtype.kind]
            data += value.astype(name).tobytes()
            weights.append({"name": node.name, "shape": list(value.shape), "dtype": name})
            for field in ("tensor_content", "float_val", "int_val"):
                tensor.ClearField(field)
    record = {"modelTopology": MessageToDict(graph_def), "weightsManifest": [{"paths": ["w"], "weights": weights}]}
    (folder / "w").write_bytes(data)
    (folder / "model.json").write_text(json.dumps(record))


def read(folder: Path) -> object:
    (folder / "labels.txt").write_text("cat\ndog\nkite\n")
    return load_graph(recognize(folder), DetectorOptions()).contract


def graph(name: str, seed: Callable[[Path], object]) -> Target:
    changes = {"*.pb": (protobuf, protobuf, protobuf, blind), "*.json": (json_value, json_value, blind), "w": (blind,)}
    return Target(f"convert.readers.{name}", seed, read, changes, heavy=True, may_abort=True)


def onnx(folder: Path) -> object:
    asked = DetectorOptions(stated=StatedFacts(mean=(127.5,), std=(127.5,)))
    return load_graph(recognize(folder / "a.onnx"), asked).contract


TARGETS = (
    Target(
        "convert.readers.onnx",
        lambda folder: pytorch_ssd(folder / "a.onnx"),
        onnx,
        {"*": (protobuf, protobuf, protobuf, blind)},
        heavy=True,
        may_abort=True,
    ),
    graph("frozen_graph", frozen),
    graph("saved_model", saved_model),
    graph("tfjs_graph_model", tfjs),
)
