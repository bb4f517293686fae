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


def normalization_of(model: Any) -> tuple[float, float] | None:
    """Return (mean, std) of the first input's normalization in the model's metadata, None where there is none."""
    for item in model.metadata:
        if text_of(item.name) == NAME:
            raw = bytes(np.asarray(model.buffers[item.buffer].data, np.uint8))
            try:
                return _first_normalization(root_table(raw))
            except (InputError, IndexError):
                return None
    return None


def _first_normalization(root: Table) -> tuple[float, float] | None:
    for unit in root.tables(SUBGRAPHS)[0].tables(INPUTS)[0].tables(PROCESS_UNITS):
        options = unit.table(OPTIONS)
        if unit.byte(OPTIONS_TYPE) == NORMALIZATION and options is not None:
            mean, std = options.floats(MEAN), options.floats(STD)
            if mean and std and std[0] > 0:
                return float(mean[0]), float(std[0])
    return None
