"""Checks of a model's indices and sizes, beyond the file's bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from detlite.convert.tflite.tensors import ITEM_BYTES, dtype_name, name_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

INLINE = 1  # an `offset` up to this means that the bytes are in the flatbuffer


def check_references(model: Any) -> None:
    """Check every index of a `ModelT`, and that its constants have the sizes of their shapes.

    Raises:
        InputError: one is wrong, or weights are kept outside the flatbuffer.
    """
    if not model.subgraphs:
        raise InputError("it has no subgraph")
    if model.externalBuffers or model.externalBufferGroups or any(b.offset > INLINE for b in model.buffers):
        raise InputError("its weights are outside the flatbuffer, which detlite does not support")
    for number, subgraph in enumerate(model.subgraphs):
        _check_subgraph(model, subgraph, f"subgraph {number}")
    if model.metadataBuffer is not None:
        _check_indices(model.metadataBuffer, len(model.buffers), "a metadata buffer")
    for entry in model.metadata:
        _check_indices([entry.buffer], len(model.buffers), "a metadata entry's buffer")
    for signature in model.signatureDefs:
        _check_indices([signature.subgraphIndex], len(model.subgraphs), "a signature's subgraph")
        tensors = len(model.subgraphs[signature.subgraphIndex].tensors)
        maps = [*signature.inputs, *signature.outputs]
        _check_indices([entry.tensorIndex for entry in maps], tensors, "a signature's tensor")


def _check_subgraph(model: Any, subgraph: Any, where: str) -> None:
    count = len(subgraph.tensors)
    for tensor in subgraph.tensors:
        _check_tensor(model, tensor, where)
    _check_indices(subgraph.inputs, count, f"an input of {where}")
    _check_indices(subgraph.outputs, count, f"an output of {where}")
    for number, operator in enumerate(subgraph.operators):
        place = f"operator {number} of {where}"
        _check_indices([operator.opcodeIndex], len(model.operatorCodes), f"the code of {place}")
        _check_indices((i for i in operator.inputs if i != -1), count, f"an input of {place}")  # -1: omitted
        _check_indices(operator.outputs, count, f"an output of {place}")
        if operator.largeCustomOptionsOffset > INLINE:
            raise InputError(f"the options of {place} are outside the flatbuffer, which detlite does not support")


def _check_indices(indices: Iterable[int], count: int, what: str) -> None:
    for index in indices:
        if not 0 <= index < count:
            raise InputError(f"{what} is number {index}, but there are {count}")


def _check_tensor(model: Any, tensor: Any, where: str) -> None:
    _check_indices([tensor.buffer], len(model.buffers), f"the buffer of tensor {name_of(tensor)} of {where}")
    dtype = dtype_name(tensor)
    shape = [] if tensor.shape is None else tensor.shape.tolist()
    if any(side < 0 for side in shape):
        raise InputError(f"tensor {name_of(tensor)} of {where} has the shape {shape}")
    _check_quantization(tensor, shape, where)
    data = model.buffers[tensor.buffer].data
    if data is None or not len(data) or dtype not in ITEM_BYTES or tensor.sparsity is not None:
        return
    want = math.prod(shape) * ITEM_BYTES[dtype]
    if len(data) != want:
        raise InputError(
            f"tensor {name_of(tensor)} of {where} is {dtype} {shape}, {want} bytes, but its constant has {len(data)}"
        )


def _check_quantization(tensor: Any, shape: list[int], where: str) -> None:
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return
    scales = len(quantization.scale)
    zero_points = 0 if quantization.zeroPoint is None else len(quantization.zeroPoint)
    if zero_points not in (0, scales):
        raise InputError(
            f"tensor {name_of(tensor)} of {where} has {counted(scales, 'scale')} and "
            f"{counted(zero_points, 'zero point')}"
        )
    axis = quantization.quantizedDimension
    if scales > 1 and shape and not (0 <= axis < len(shape) and shape[axis] in (scales, 1)):
        raise InputError(
            f"tensor {name_of(tensor)} of {where} has {counted(scales, 'scale')} on axis {axis} of {shape}"
        )
