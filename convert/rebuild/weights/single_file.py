"""Reader of V1 checkpoints: one file with a table of variables and of their pieces.

The format is described in `tensorflow/core/util/saved_tensor_slice.proto`; TensorFlow wrote it until version 0.12.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.rebuild.weights.pieces import Extent, assemble, bfloat16, dtype_of, extents_of, shape_of
from detlite.convert.rebuild.weights.stored import Checkpoint, Variable
from detlite.convert.rebuild.weights.table import name_of_piece, read_table
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError


def open_single_file(path: Path) -> Checkpoint:
    """Return the checkpoint in the file at *path*.

    Raises:
        InputError: it is damaged; the caller adds the name of the checkpoint to the message.
    """
    load_tensorflow()
    from tensorflow.core.util.saved_tensor_slice_pb2 import SavedTensorSlices

    variables: dict[str, Variable] = {}
    pieces: dict[str, list[memoryview]] = defaultdict(list)
    for key, value in read_table(path):
        if key:
            pieces[name_of_piece(key)[0]].append(value)
            continue
        for tensor in SavedTensorSlices.FromString(bytes(value)).meta.tensor:
            variables[tensor.name] = Variable(shape_of(tensor.shape), dtype_of(tensor.type))

    def piece(value: memoryview, dtype: str) -> tuple[tuple[Extent, ...], NDArray[Any]]:
        record = SavedTensorSlices.FromString(bytes(value)).data
        return extents_of(record.slice), _numbers(record.data, dtype)

    def read(key: str) -> NDArray[Any]:
        variable = variables[key]
        if not pieces[key]:
            raise InputError(f"{key} has no values")
        return assemble(variable.shape, [piece(value, variable.dtype) for value in pieces[key]])

    return Checkpoint(path, variables, read)


def _numbers(record: Any, dtype: str) -> NDArray[Any]:
    """Return the values of a `TensorProto`."""
    if dtype == "float32":
        return np.array(record.float_val, np.float32)
    if dtype == "float64":
        return np.array(record.double_val, np.float64)
    bits = np.array(record.half_val, np.uint32).astype(np.uint16)  # 16 bits each, stored in 32-bit fields
    return bfloat16(bits) if dtype == "bfloat16" else bits.view(np.float16)
