"""Facts of any .onnx file, read without the packages that write or run it.

The numbers of the fields are those of ONNX's `onnx.proto3`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod

from detlite.convert.files.wire_format import Field, fields, varint
from detlite.runtime.errors import InputError

TYPES = {
    1: ("float32", 4),
    2: ("uint8", 1),
    3: ("int8", 1),
    4: ("uint16", 2),
    5: ("int16", 2),
    6: ("int32", 4),
    7: ("int64", 8),
    8: ("string", 0),
    9: ("bool", 1),
    10: ("float16", 2),
    11: ("float64", 8),
    12: ("uint32", 4),
    13: ("uint64", 8),
    14: ("complex64", 8),
    15: ("complex128", 16),
    16: ("bfloat16", 2),
    17: ("float8e4m3fn", 1),
    18: ("float8e4m3fnuz", 1),
    19: ("float8e5m2", 1),
    20: ("float8e5m2fnuz", 1),
}
"""Names of `TensorProto.DataType`, and the bytes of one value."""

MOST_DEPTH = 16  # of graphs inside operators
OPEN = -1
"""A side whose length the model leaves open."""

Tensor = tuple[str, str, tuple[int, ...]]
End = tuple[str, str, tuple[int, ...] | None]
Record = dict[str, object]


def describe_onnx(data: bytes, name: str) -> Record:
    """Return the facts of the .onnx file *data*; errors call it *name*.

    Returns:
        `inputs` and `outputs` (name, dtype and shape of each, None where the file tells none), `operators` (their
        number), `operator_names` (their number by type, those of If and Loop included), `parameter_bytes` (of
        initializers and Constants) and `opset`.

    Raises:
        InputError: it is no ONNX model, or is damaged.
    """
    what = f"{name}: the ONNX model"
    message = list(fields(data, what))
    graph = next((value for number, value in message if number == 7 and isinstance(value, bytes)), None)
    if graph is None:
        raise InputError(f"{name} is no ONNX model, or is damaged: it has no graph")
    parts = list(fields(graph, what))
    weights = [_tensor(one, what) for one in _messages(parts, 5)]
    written = [_tensor(one, what) for node in _messages(parts, 1) for one in _constants(node, what)]
    constants = {tensor[0] for tensor in weights}  # before IR version 4 they are listed as inputs too
    operators = Counter(_operators(graph, what, 0))
    return {
        "inputs": [one for one in (_value(each, what) for each in _messages(parts, 11)) if one[0] not in constants],
        "outputs": [_value(one, what) for one in _messages(parts, 12)],
        "operators": sum(operators.values()),
        "operator_names": dict(sorted(operators.items())),
        "parameter_bytes": sum(_bytes(tensor) for tensor in (*weights, *written)),
        "opset": _opset(message, what),
    }


def _messages(parts: list[Field], number: int) -> Iterator[bytes]:
    return (value for found, value in parts if found == number and isinstance(value, bytes))


def _text(parts: list[Field], number: int) -> str:
    return next((value.decode("utf-8", "replace") for value in _messages(parts, number)), "")


def _number(parts: list[Field], number: int) -> int:
    return next((value for found, value in parts if found == number and isinstance(value, int)), 0)


def _opset(message: list[Field], what: str) -> int | None:
    """Return the version of ONNX's own operators."""
    sets = [list(fields(one, what)) for one in _messages(message, 8)]
    return next((_number(one, 2) for one in sets if _text(one, 1) in ("", "ai.onnx")), None)


def _operators(graph: bytes, what: str, depth: int) -> Iterator[str]:
    if depth > MOST_DEPTH:
        raise InputError(f"{what} has graphs inside graphs, over {MOST_DEPTH} deep: it is damaged")
    for node in _messages(list(fields(graph, what)), 1):
        parts = list(fields(node, what))
        domain = _text(parts, 7)
        yield _text(parts, 4) if domain in ("", "ai.onnx") else f"{domain}.{_text(parts, 4)}"
        for attribute in _messages(parts, 5):
            inner = list(fields(attribute, what))
            for number in (6, 11):  # one graph, several graphs
                for one in _messages(inner, number):
                    yield from _operators(one, what, depth + 1)


def _tensor(data: bytes, what: str) -> Tensor:
    """Return an initializer: dims are field 1, packed or not, the type 2, the name 8."""
    parts = list(fields(data, what))
    return _text(parts, 8), _dtype(_number(parts, 2)), tuple(_numbers(parts, 1, what))


def _numbers(parts: list[Field], number: int, what: str) -> Iterator[int]:
    for found, value in parts:
        if found == number and isinstance(value, int):
            yield value
        elif found == number and isinstance(value, bytes):
            at = 0
            while at < len(value):
                one, at = varint(value, at, what)
                yield one


def _constants(node: bytes, what: str) -> Iterator[bytes]:
    """Yield the tensor of a Constant, in which some exporters keep all weights."""
    parts = list(fields(node, what))
    if _text(parts, 4) == "Constant":
        for attribute in _messages(parts, 5):
            yield from _messages(list(fields(attribute, what)), 5)


def _value(data: bytes, what: str) -> End:
    """Return an input or output: its name is field 1, its type 2, of which 1 is a tensor's: dtype 1, shape 2."""
    parts = list(fields(data, what))
    kind = list(fields(next(_messages(parts, 2), b""), what))
    tensor = list(fields(next(_messages(kind, 1), b""), what))
    shape = next(_messages(tensor, 2), None)
    sides = None if shape is None else tuple(_side(one, what) for one in _messages(list(fields(shape, what)), 1))
    return _text(parts, 1), _dtype(_number(tensor, 1)), sides


def _side(data: bytes, what: str) -> int:
    return next((value for number, value in fields(data, what) if number == 1 and isinstance(value, int)), OPEN)


def _dtype(number: int) -> str:
    return TYPES.get(number, ("unknown", 0))[0]


def _bytes(tensor: Tensor) -> int:
    sizes = dict(TYPES.values())
    return prod(tensor[2]) * sizes.get(tensor[1], 0)
