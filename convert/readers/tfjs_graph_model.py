"""Reader of TensorFlow.js graph models: `model.json` with a GraphDef as JSON, and weights in binary shards.

Format: `tensorflowjs_converter`'s weight manifest (github.com/tensorflow/tfjs, tfjs-converter).
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.reader import FrozenGraph, Reader
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import load_json

NAME = "model.json"
MOST_DIMENSIONS = 8  # of a weight; convolutions have 4
DTYPES = {"float32": "<f4", "int32": "<i4", "float16": "<f2", "uint8": "u1", "uint16": "<u2", "bool": "?"}


def recognizes(path: Path) -> Path | None:
    """Return the `model.json` at or in *path*, or None."""
    file = path / NAME if path.is_dir() else path
    if file.suffix != ".json" or not file.is_file():
        return None
    with file.open("rb") as stream:
        head = stream.read(1 << 16)
    return file if b"modelTopology" in head or b"weightsManifest" in head or b'"node"' in head else None


def read(path: Path) -> FrozenGraph:
    """Return the graph in the `model.json` at *path* and its shards.

    Raises:
        InputError: it is damaged or not a graph model, or a shard is missing or has the wrong length.
    """
    tf = load_tensorflow()
    from google.protobuf.json_format import ParseDict, ParseError

    record = _record(path)
    graph_def = tf.compat.v1.GraphDef()
    try:
        ParseDict(_with_strings(record["modelTopology"]), graph_def, ignore_unknown_fields=True)
    except (ParseError, TypeError, ValueError) as error:
        raise InputError(f"{path}: modelTopology is not a TensorFlow graph: {error}") from error
    weights = dict(_weights(path, _groups(path, record)))
    for node in graph_def.node:
        if node.name in weights:
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(_as_declared(node, weights[node.name])))
        elif node.op == "Const" and not node.attr["value"].tensor.ByteSize():
            raise InputError(f"{path}: the constant {node.name} has no value among the weights")
    return FrozenGraph(graph_def, path.parent)


def _as_declared(node: Any, value: NDArray[Any]) -> NDArray[Any]:
    """Return *value* in the type of the constant *node*: a manifest says int32 for int64, and float32 for float64."""
    tf = load_tensorflow()
    wide = {tf.int64.as_datatype_enum: np.int64, tf.float64.as_datatype_enum: np.float64}
    return value.astype(wide.get(node.attr["dtype"].type, value.dtype), copy=False)


def files(path: Path) -> tuple[Path, ...]:
    """Return the `model.json` at *path* and its shards."""
    names = [name for group in _groups(path, _record(path)) for name in group["paths"]]
    return (path, *(_shard(path, name) for name in names))


def _with_strings(value: Any, key: str = "") -> Any:
    """Return the JSON *value* with every byte string in base64; some converters write lists of numbers."""
    if isinstance(value, dict):
        return {name: _with_strings(inner, f"{key}.{name}") for name, inner in value.items()}
    if not isinstance(value, list):
        return value
    if key.endswith(".list.s"):
        return [_base64(item) for item in value]
    return _base64(value) if key.endswith(".s") else [_with_strings(item, key) for item in value]


def _base64(value: Any) -> Any:
    return base64.b64encode(bytes(value)).decode("ascii") if isinstance(value, list) else value


def _record(path: Path) -> dict[str, Any]:
    record = load_json(path)
    if not isinstance(record, dict) or not {"modelTopology", "weightsManifest"} <= record.keys():
        raise InputError(f"{path} is not a TensorFlow.js model: it lacks modelTopology or weightsManifest")
    if not isinstance(record["modelTopology"], dict) or "node" not in record["modelTopology"]:
        raise InputError(f"{path} is a TensorFlow.js layers model; want a graph model (tfjs_graph_model)")
    return record


def _groups(path: Path, record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the groups of weights, each with `paths` and `weights`."""
    groups = record["weightsManifest"]
    whole = isinstance(groups, list) and all(
        isinstance(group, dict)
        and all(isinstance(group.get(key), list) for key in ("paths", "weights"))
        and all(isinstance(name, str) for name in group["paths"])
        for group in groups
    )
    if not whole:
        raise InputError(f"{path}: the weights manifest is damaged: want a list of groups with paths and weights")
    return list(groups)


def _weights(path: Path, groups: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield (name, value) of each weight, in the order of the *groups*."""
    try:
        for group in groups:
            data = memoryview(b"".join(_shard(path, name).read_bytes() for name in group["paths"]))
            at = 0
            for weight in group["weights"]:
                value, size = _weight(weight, data[at:])
                yield str(weight["name"]), value
                at += size
            if at != len(data):
                raise InputError(f"{path}: the shards {group['paths']} hold {len(data)} bytes, the weights {at}")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: the weights manifest is damaged: {type(error).__name__}: {error}") from error


def _shard(path: Path, name: str) -> Path:
    shard = path.parent / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise InputError(f"{path}: the shard {name!r} is outside the model's folder")
    if not shard.is_file():
        raise InputError(f"{shard} is missing: {path.name} lists it as a shard of its weights")
    return shard


def _weight(weight: Mapping[str, Any], data: memoryview) -> tuple[NDArray[Any], int]:
    """Return the value at the start of *data* and its size in bytes."""
    shape = tuple(weight["shape"])
    if len(shape) > MOST_DIMENSIONS or not all(type(side) is int and side >= 0 for side in shape):
        raise InputError(f"the weight {weight['name']} has the shape {str(weight['shape'])[:60]}; want sizes from 0")
    quantization = weight.get("quantization")
    stored = quantization["dtype"] if quantization else weight["dtype"]
    if stored not in DTYPES or weight["dtype"] not in DTYPES:
        raise InputError(f"the weight {weight['name']} is {weight['dtype']}; want one of {', '.join(DTYPES)}")
    dtype = np.dtype(DTYPES[stored])
    size = math.prod(shape) * dtype.itemsize
    if size > len(data):
        raise InputError(f"the weight {weight['name']} of shape {shape} needs {size} bytes, but {len(data)} are left")
    value: NDArray[Any] = np.frombuffer(data[:size], dtype).reshape(shape)
    if quantization and "scale" in quantization:
        value = value.astype(np.float32) * np.float32(quantization["scale"]) + np.float32(quantization["min"])
    return value.astype(np.dtype(DTYPES[weight["dtype"]])), size


PLUGIN = Reader(title="TensorFlow.js graph model", recognizes=recognizes, files=files, read=read)
