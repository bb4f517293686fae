"""TFLite metadata, as far as a contract needs it: the input's normalization.

The schema is tensorflow/lite/experimental/support `metadata_schema.fbs`; field numbers are the order of its tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detlite.convert.tflite.tables import Table, root_table
from detlite.convert.tflite.tensors import text_of
from detlite.runtime.errors import InputError

NAME = "TFLITE_METADATA"
SUBGRAPHS, INPUTS, PROCESS_UNITS = 3, 2, 4  # of ModelMetadata, SubGraphMetadata, TensorMetadata
OPTIONS_TYPE, OPTIONS, NORMALIZATION = 0, 1, 1  # of ProcessUnit, and the union's number
MEAN, STD = 0, 1  # of NormalizationOptions


Floats = tuple[float, ...]


def normalization_of(model: Any) -> tuple[Floats, Floats] | None:
    """Return (means, stds) of the first input's normalization in the model's metadata, None where there is none.

    Each has one value, or one for each channel.

    Raises:
        InputError: the metadata is damaged.
    """
    for item in model.metadata:
        if text_of(item.name) == NAME and (data := model.buffers[item.buffer].data) is not None:
            try:
                return _first_normalization(root_table(bytes(np.asarray(data, np.uint8))))
            except InputError as error:
                raise InputError(f"the model's TFLite metadata is damaged: {error}") from error
    return None


def _first_normalization(root: Table) -> tuple[Floats, Floats] | None:
    subgraphs = root.tables(SUBGRAPHS)
    inputs = subgraphs[0].tables(INPUTS) if subgraphs else []
    for unit in inputs[0].tables(PROCESS_UNITS) if inputs else ():
        options = unit.table(OPTIONS)
        if unit.byte(OPTIONS_TYPE) == NORMALIZATION and options is not None:
            return options.floats(MEAN), options.floats(STD)
    return None
