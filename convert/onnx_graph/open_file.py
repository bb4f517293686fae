"""Open an .onnx file that may be damaged or hostile; the package `onnx` is enough."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from detlite.convert.onnx.inner_graphs import inner_graphs
from detlite.convert.onnx.package import load_onnx
from detlite.runtime.errors import InputError

SUFFIX = ".onnx"
MAX_BYTES = 2**31 - 1  # protobuf's limit for one message
OLDEST_OPSET = 7
"""From here on operators broadcast as numpy does."""

MAX_NESTING = 20
"""Of graphs in Loops and Ifs."""

MOST_DIGITS = 40  # of a number of bytes: more than any file has; int() refuses over 4300
DOMAINS = ("", "ai.onnx")


def open_onnx(path: Path, *, is_standard: bool = True) -> Any:
    """Return the `ModelProto` in the file at *path*, with the values of external data inside.

    It is checked if it *is_standard*: the checker does not know the plug-ins of a runtime.

    Raises:
        InputError: it is no ONNX model, damaged or too large, of an unsupported operator set, or its external data is
            missing, too short, or outside its folder.
        MissingToolError: the package `onnx` is not installed.
    """
    onnx = load_onnx()
    model = _parsed(onnx, path)
    _check_opset(onnx, model, path)
    _read_external_data(onnx, model, path)
    if not is_standard:
        return model
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        text = " ".join(str(error).split())[:300]
        raise InputError(f"{path} is a damaged ONNX model: {text}") from error
    return model


def _parsed(onnx: Any, path: Path) -> Any:
    """Return the `ModelProto` in the file at *path*, without its external data."""
    from google.protobuf.message import DecodeError

    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InputError(
            f"{path} has {size} bytes; the limit for an ONNX model is {MAX_BYTES}: store its weights apart"
        )
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except (DecodeError, RuntimeError, ValueError) as error:
        raise InputError(f"{path} is not an ONNX model, or is cut short: {str(error)[:200]}") from error
    if not model.graph.node or not model.opset_import:
        raise InputError(f"{path} is not an ONNX model: it has no nodes or no operator set")
    return model


def external_files(path: Path) -> tuple[Path, ...]:
    """Return the files with external data of the model at *path*, sorted; errors as `open_onnx`."""
    onnx = load_onnx()
    outside = onnx.TensorProto.EXTERNAL
    tensors = [one for one in _tensors(_parsed(onnx, path).graph) if one.data_location == outside]
    return tuple(sorted({_external_file(tensor, path) for tensor in tensors}))


def _check_opset(onnx: Any, model: Any, path: Path) -> None:
    newest = onnx.defs.onnx_opset_version()
    versions = [imported.version for imported in model.opset_import if imported.domain in DOMAINS]
    if len(versions) != 1 or not OLDEST_OPSET <= versions[0] <= newest:
        found = ", ".join(map(str, versions)) or "none"
        raise InputError(f"{path} has the opset {found}; want one from {OLDEST_OPSET} to {newest}")


def _tensors(graph: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the constants of *graph* and of the graphs in its nodes."""
    if depth > MAX_NESTING:
        raise InputError(f"graphs are nested more than {MAX_NESTING} times in the model's nodes")
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
        for inner in inner_graphs(node):
            yield from _tensors(inner, depth + 1)


def _read_external_data(onnx: Any, model: Any, path: Path) -> None:
    total = model.ByteSize()
    for tensor in _tensors(model.graph):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        data = _external_data(onnx, tensor, path)
        total += len(data)
        if total > MAX_BYTES:
            raise InputError(f"{path} has over {MAX_BYTES} bytes with its external data; the limit is {MAX_BYTES}")
        tensor.raw_data = data
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _external_file(tensor: Any, path: Path) -> Path:
    """Return the file with the values of *tensor*; raise `InputError` if it is missing or outside the folder."""
    name = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
    parts = PurePosixPath(name)
    file = path.parent / parts
    what = f"{path}: the external data of {tensor.name[:80]}"
    outside = not name or parts.is_absolute() or ".." in parts.parts or "\\" in name or "\0" in name
    if outside or not file.resolve().is_relative_to(path.parent.resolve()):
        raise InputError(f"{what} is at {name[:80]!r}, outside the model's folder")
    if not file.is_file():
        raise InputError(f"{what} is missing: {file} is not there; copy it from where the model came from")
    return file


def _external_data(onnx: Any, tensor: Any, path: Path) -> bytes:
    """Return the bytes of *tensor*, which are in a file beside *path*."""
    file, what = _external_file(tensor, path), f"{path}: the external data of {tensor.name[:80]}"
    entries = {entry.key: entry.value for entry in tensor.external_data}
    offset, length = entries.get("offset", "0"), entries.get("length", "")
    try:
        width = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    except (KeyError, TypeError) as error:
        raise InputError(f"{what} has the unknown type {tensor.data_type}") from error
    wanted = math.prod(tensor.dims) * width
    if not _is_place(offset) or (length and not _is_place(length)) or not 0 <= wanted <= MAX_BYTES:
        raise InputError(f"{what} has the offset {offset[:20]!r} and the length {length[:20]!r}; want numbers of bytes")
    with file.open("rb") as stream:
        stream.seek(min(int(offset), file.stat().st_size))
        data = stream.read(wanted)
    if len(data) != wanted or (length and int(length) != wanted):
        raise InputError(f"{what} has {len(data)} bytes at {offset} of {file.name}; its shape needs {wanted}")
    return data


def _is_place(text: str) -> bool:
    """Return whether *text* is a number of bytes, and not an absurdly long one."""
    return text.isdecimal() and len(text) <= MOST_DIGITS
