"""Facts of any .tflite file: its operators, its float parts, its quantization, its kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.tensors import (
    EDGETPU,
    POSTPROCESS,
    dtype_name,
    is_constant,
    operator_name,
    shape_of,
    text_of,
)
from detlite.runtime.errors import InputError

CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
INTEGERS = ("int8", "uint8", "int16")
COMPILED, WITH_POSTPROCESS, OTHER = "Edge TPU compiled", "detector with post-processing", "TFLite model"
FLOATS = ("float32", "float16")
EXPLICIT = "explicit"


@dataclass(frozen=True)
class Description:
    """The contents of a .tflite file.

    Attributes:
        operator_count: number of operators.
        operators: number of operators by name.
        float_operators: number that compute in floating point, without conversions and the post-processing op.
        float_islands: connected groups of these in a model that is otherwise integer: each costs two conversions, and
            ends an accelerator's mapping.
        quantization: `float32`, `float16`, `dynamic range`, `int8`, `uint8`, `int16`, `explicit int8` (a float graph in
            which conversions mark what is rounded), or `mixed`.
        parameter_bytes: size of the constant tensors.
        signatures: names of the signatures.
        metadata: names of the metadata entries.
        kind: `detector with post-processing`, `TFLite model`, `Edge TPU compiled`.
        inputs, outputs: name, dtype and shape of each.
        graphs: number of subgraphs: over 1 for control flow or several signatures.
    """

    operator_count: int
    operators: dict[str, int]
    float_operators: int
    float_islands: int
    quantization: str
    parameter_bytes: int
    signatures: tuple[str, ...]
    metadata: tuple[str, ...]
    kind: str
    inputs: tuple[tuple[str, str, tuple[int, ...]], ...]
    outputs: tuple[tuple[str, str, tuple[int, ...]], ...]
    graphs: int = 1


def describe(data: bytes, name: str) -> Description:
    """Return the facts of the .tflite file *data*; errors call it *name*.

    Raises:
        InputError: it is damaged.
    """
    return description_of(load(data, name))


def description_of(model: Any) -> Description:
    """Return the facts of a loaded model; errors as `describe`."""
    if not model.subgraphs:
        raise InputError("the model has no subgraph: it is damaged")
    subgraph, graphs = model.subgraphs[0], model.subgraphs
    names = Counter(operator_name(model, operator) for graph in graphs for operator in graph.operators)
    floating = [_float_operators(model, graph) for graph in graphs]
    quantization = _quantization(model, subgraph, any(floating))
    return Description(
        operator_count=sum(names.values()),
        operators=dict(sorted(names.items())),
        float_operators=sum(map(len, floating)),
        float_islands=sum(map(_groups, floating)) if quantization in ("int8", "uint8", "mixed") else 0,
        quantization=quantization,
        parameter_bytes=_parameter_bytes(model),
        signatures=tuple(text_of(signature.signatureKey) for signature in model.signatureDefs),
        metadata=tuple(sorted(text_of(item.name) for item in model.metadata)),
        kind=COMPILED if EDGETPU in names else WITH_POSTPROCESS if POSTPROCESS in names else OTHER,
        inputs=tuple(_tensor(subgraph.tensors[i]) for i in subgraph.inputs),
        outputs=tuple(_tensor(subgraph.tensors[i]) for i in subgraph.outputs),
        graphs=len(graphs),
    )


def _tensor(tensor: Any) -> tuple[str, str, tuple[int, ...]]:
    """Return name, dtype and shape; a side that the model leaves open is -1."""
    signature = tensor.shapeSignature
    sides = shape_of(tensor) if signature is None else tuple(int(side) for side in signature)
    return text_of(tensor.name), dtype_name(tensor), sides


def _float_operators(model: Any, subgraph: Any) -> list[Any]:
    """Return the operators that return float tensors and are neither conversions nor the post-processing op."""
    skipped = (*CONVERSIONS, POSTPROCESS, EDGETPU)
    return [
        operator
        for operator in subgraph.operators
        if operator_name(model, operator) not in skipped
        and any(dtype_name(subgraph.tensors[i]) in FLOATS for i in operator.outputs)
    ]


def _groups(operators: list[Any]) -> int:
    """Return the number of connected groups that the *operators* form through their tensors."""
    leader = list(range(len(operators)))

    def find(i: int) -> int:
        while leader[i] != i:
            i = leader[i]
        return i

    maker = {tensor: i for i, operator in enumerate(operators) for tensor in operator.outputs}
    for i, operator in enumerate(operators):
        for tensor in operator.inputs:
            if tensor in maker:
                leader[find(i)] = find(maker[tensor])
    return len({find(i) for i in range(len(operators))})


def _quantization(model: Any, subgraph: Any, has_float: bool) -> str:
    constants = {dtype_name(t) for t in subgraph.tensors if is_constant(model, t)}
    activations = Counter(dtype_name(t) for t in subgraph.tensors if not is_constant(model, t))
    # a float model may take or return integers; that alone does not make it an integer model
    ends = Counter(dtype_name(subgraph.tensors[index]) for index in (*subgraph.inputs, *subgraph.outputs))
    integer = max(INTEGERS, key=lambda dtype: activations[dtype])
    if activations[integer] > (ends[integer] if has_float else 0):
        if not has_float:
            return integer
        return "mixed" if computes_in_integers(model, subgraph) else f"{EXPLICIT} {integer}"
    if "float16" in constants:
        return "float16"
    return "dynamic range" if "int8" in constants and has_float else "float32"


def computes_in_integers(model: Any, subgraph: Any) -> bool:
    """Return whether an operator computes quantized integers from others and is not a conversion."""
    return any(
        dtype_name(subgraph.tensors[index]) in INTEGERS
        for operator in subgraph.operators
        if operator_name(model, operator) not in CONVERSIONS
        for index in operator.outputs
    )


def _parameter_bytes(model: Any) -> int:
    used = {tensor.buffer for subgraph in model.subgraphs for tensor in subgraph.tensors}
    return sum(len(model.buffers[i].data) for i in used if model.buffers[i].data is not None)
